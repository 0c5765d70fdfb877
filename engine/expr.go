package engine

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/vm"
)

// Limits of one expression, language.md 3.3 and runtime.md 5.8.
const (
	MaxExprRunes   = 2000 // source
	MaxExprNesting = 64   // brackets and prefix operators
	MaxExprNodes   = 500
	MaxPattern     = 256 // bytes of a pattern
	maxFuel        = 100_000
	maxBuilt       = 1 << 20 // bytes of text built in one event
	maxRendered    = 10_000  // characters of one text
)

// Expr is one compiled expression. It is immutable and safe to share.
type Expr struct {
	Source string // as written
	Rule   string // where it stands, for traces: file:line

	program *vm.Program
	reads   []read   // what it needs from the environment
	canned  []string // canned responses it renders
}

// read is one root of the environment and the field an expression takes from it.
type read struct{ root, field string }

// CompileExpr compiles one expression into its sandbox. It expects an
// expression that the checker of package flows has passed but does not rely on
// it: length and nesting are measured before the parser sees the source, names
// and nodes outside the language are refused, and a panic becomes an error.
func CompileExpr(src, rule string) (x *Expr, err error) {
	defer func() {
		if r := recover(); r != nil {
			x, err = nil, fmt.Errorf("expression %s: internal problem: %v", rule, r)
		}
	}()
	if err := Measure(src); err != nil {
		return nil, fmt.Errorf("expression %s: %w", rule, err)
	}
	sandbox := &sandbox{}
	program, err := expr.Compile(src, exprOptions(sandbox)...)
	if sandbox.err != nil {
		err = sandbox.err
	}
	if err != nil {
		return nil, fmt.Errorf("expression %s: %w", rule, err)
	}
	return &Expr{Source: src, Rule: rule, program: program, reads: sandbox.reads, canned: sandbox.canned}, nil
}

// At is the same expression standing in another place; it shares the program.
func (x *Expr) At(rule string) *Expr {
	out := *x
	out.Rule = rule
	return &out
}

// Measure checks length and nesting without parsing: deeper input would
// exhaust the parser's stack, which no recover can catch.
func Measure(src string) error {
	if n := utf8.RuneCountInString(src); n > MaxExprRunes {
		return fmt.Errorf("too long (%d characters, limit %d)", n, MaxExprRunes)
	}
	if d := nesting(src); d > MaxExprNesting {
		return fmt.Errorf("too deep (%d levels, limit %d)", d, MaxExprNesting)
	}
	return nil
}

// nesting is the deepest run of open brackets plus prefix operators, text in
// quotes left out.
func nesting(src string) int {
	depth, prefix, deepest := 0, 0, 0
	for i := 0; i < len(src); i++ {
		switch c := src[i]; {
		case c == '"' || c == '\'' || c == '`':
			i = skipQuoted(src, i)
			prefix = 0
		case c == '(' || c == '[' || c == '{':
			depth++
		case c == ')' || c == ']' || c == '}':
			depth--
			prefix = 0
		case c == '!' || c == '-' || c == '+':
			prefix++
		case strings.HasPrefix(src[i:], "not") && wordEnds(src, i+3):
			prefix++
			i += 2
		case c == ' ' || c == '\t' || c == '\n':
		default:
			prefix = 0
		}
		deepest = max(deepest, depth+prefix)
	}
	return deepest
}

func wordEnds(src string, i int) bool {
	return i >= len(src) || !isWordByte(src[i])
}

func isWordByte(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c >= 0x80
}

// skipQuoted is the index of the quote that ends the text begun at i.
func skipQuoted(src string, i int) int {
	quote := src[i]
	for i++; i < len(src); i++ {
		if src[i] == '\\' && quote != '`' {
			i++
			continue
		}
		if src[i] == quote {
			return i
		}
	}
	return i
}

// exprOptions are the switches of the library. Leaves stay untyped (a typed
// comparison fails on nil), the optimiser stays off (it takes nil for "").
func exprOptions(s *sandbox) []expr.Option {
	opts := make([]expr.Option, 0, len(exprFunctions)+8)
	opts = append(opts,
		expr.Env(map[string]any{}),
		expr.AllowUndefinedVariables(),
		expr.Optimize(false),
		expr.MaxNodes(MaxExprNodes),
		expr.DisableIfOperator(),
		expr.Patch(s),
	)
	for name, fn := range exprFunctions {
		opts = append(opts, expr.Function(name, wrapped(name, fn)))
	}
	return opts
}

// exprFunc is a function of the language; e holds the counters and the event.
type exprFunc func(e *evaluator, args []any) (any, error)

func wrapped(name string, fn exprFunc) func(...any) (any, error) {
	told := worldly(name)
	return func(params ...any) (any, error) {
		if len(params) == 0 {
			return nil, errNoEvaluator
		}
		e, ok := params[0].(*evaluator)
		if !ok {
			return nil, errNoEvaluator
		}
		out, err := fn(e, params[1:])
		if told && err == nil {
			e.asks(name, params[1:], out)
		}
		return out, err
	}
}

// hidden is the environment entry that carries the evaluator; the sandbox
// refuses every name that starts with two underscores.
const hidden = "__event"

// sandbox walks the parsed tree: it refuses what is not in the language, notes
// what is read and puts the checked and metered forms in place.
type sandbox struct {
	err    error
	reads  []read
	canned []string
	nodes  int
}

func (s *sandbox) refuse(what string) {
	if s.err == nil {
		s.err = fmt.Errorf("%s is not available in flows", what)
	}
}

// Visit sees children before their parents.
func (s *sandbox) Visit(node *ast.Node) {
	if s.nodes++; s.nodes > MaxExprNodes {
		s.refuse("an expression of this size")
		return
	}
	switch n := (*node).(type) {
	case *ast.IntegerNode:
		ast.Patch(node, &ast.FloatNode{Value: float64(n.Value)})
	case *ast.IdentifierNode:
		s.identifier(n)
	case *ast.MemberNode:
		s.member(node, n)
	case *ast.CallNode:
		s.call(n)
	case *ast.BuiltinNode:
		s.builtin(n)
	case *ast.BinaryNode:
		s.binary(node, n)
	case *ast.PointerNode:
		if n.Name != "" {
			s.refuse("#" + n.Name)
		}
	case *ast.NilNode, *ast.FloatNode, *ast.BoolNode, *ast.StringNode, *ast.ArrayNode,
		*ast.UnaryNode, *ast.ConditionalNode, *ast.ChainNode, *ast.PredicateNode, *ast.ConstantNode:
	default:
		s.refuse("this")
	}
}

func (s *sandbox) identifier(n *ast.IdentifierNode) {
	if strings.HasPrefix(n.Value, "$") || strings.HasPrefix(n.Value, "__") {
		s.refuse(n.Value)
		return
	}
	if _, isFunc := exprFunctions[n.Value]; !isFunc {
		s.reads = append(s.reads, read{root: n.Value})
	}
}

// member allows .name and [constant], and notes root.name.
func (s *sandbox) member(node *ast.Node, n *ast.MemberNode) {
	switch p := n.Property.(type) {
	case *ast.FloatNode:
		n.Property = &ast.IntegerNode{Value: int(p.Value)}
	case *ast.StringNode:
		if strings.HasPrefix(p.Value, "__") {
			s.refuse(p.Value)
		}
		root, ok := n.Node.(*ast.IdentifierNode)
		if !ok {
			return
		}
		if root.Value == "canned" {
			s.drop("canned")
			s.canned = append(s.canned, p.Value)
			patchCall(node, "__canned", p)
			return
		}
		s.noteField(root.Value, p.Value)
	default:
		s.refuse("[ ] with anything but a constant")
	}
}

func (s *sandbox) drop(root string) {
	for i := len(s.reads) - 1; i >= 0; i-- {
		if s.reads[i] == (read{root: root}) {
			s.reads = append(s.reads[:i], s.reads[i+1:]...)
			return
		}
	}
}

func (s *sandbox) noteField(root, field string) {
	s.drop(root)
	r := read{root, field}
	for _, have := range s.reads {
		if have == r {
			return
		}
	}
	s.reads = append(s.reads, r)
}

func (s *sandbox) call(n *ast.CallNode) {
	callee, ok := n.Callee.(*ast.IdentifierNode)
	if !ok {
		s.refuse("a method call")
		return
	}
	if strings.HasPrefix(callee.Value, "__") {
		return // put there by this visitor; written ones are refused as identifiers
	}
	if _, ok := exprFunctions[callee.Value]; !ok {
		s.refuse(callee.Value)
		return
	}
	n.Arguments = append([]ast.Node{&ast.IdentifierNode{Value: hidden}}, n.Arguments...)
}

// predicates are the only built-ins of the library that are in the language.
var predicates = map[string]bool{"any": true, "all": true, "none": true, "one": true, "filter": true, "map": true, "count": true}

func (s *sandbox) builtin(n *ast.BuiltinNode) {
	if !predicates[n.Name] {
		s.refuse(n.Name)
		return
	}
	for _, arg := range n.Arguments {
		if p, ok := arg.(*ast.PredicateNode); ok {
			p.Node = &ast.ConditionalNode{Cond: callOf("__tick"), Exp1: p.Node, Exp2: &ast.NilNode{}}
		}
	}
}

// checkedOperators maps operators to the functions that take their place.
var checkedOperators = map[string]string{"+": "__add", "-": "__sub", "*": "__mul", "/": "__div", "%": "__mod", "in": "__in"}

func (s *sandbox) binary(node *ast.Node, n *ast.BinaryNode) {
	if fn, ok := checkedOperators[n.Operator]; ok {
		patchCall(node, fn, n.Left, n.Right)
		return
	}
	switch n.Operator {
	case "??":
		n.Left = guarded(n.Left)
	case "matches":
		if p, ok := n.Right.(*ast.StringNode); !ok || len(p.Value) > MaxPattern {
			s.refuse("matches without a short literal pattern")
		}
		n.Left = callOf("__meter", n.Left)
	case "contains", "startsWith", "endsWith":
		n.Left, n.Right = callOf("__meter", n.Left), callOf("__meter", n.Right)
	case "==", "!=", "<", "<=", ">", ">=", "and", "or", "&&", "||":
	default:
		s.refuse(n.Operator)
	}
}

// guarded is the left side of ??: a field of nothing is nothing there, as if
// every point were written ?.
func guarded(left ast.Node) ast.Node {
	chain, isChain := left.(*ast.ChainNode)
	node := left
	if isChain {
		node = chain.Node
	}
	found := false
	for m, ok := node.(*ast.MemberNode); ok; m, ok = m.Node.(*ast.MemberNode) {
		m.Optional, found = true, true
	}
	if !found || isChain {
		return left
	}
	return &ast.ChainNode{Node: left}
}

func callOf(name string, args ...ast.Node) ast.Node {
	all := append([]ast.Node{&ast.IdentifierNode{Value: hidden}}, args...)
	return &ast.CallNode{Callee: &ast.IdentifierNode{Value: name}, Arguments: all}
}

func patchCall(node *ast.Node, name string, args ...ast.Node) { ast.Patch(node, callOf(name, args...)) }
