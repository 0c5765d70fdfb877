package flows

import (
	"errors"
	"strings"
	"unicode/utf8"

	"dispatcher/engine"
	"dispatcher/internal/source"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
)

const (
	maxExpr      = 2000 // characters
	maxExprDepth = 64   // brackets and prefix operators
	maxExprNodes = 500
)

// scope is what an expression may see beside the names that always exist.
type scope struct {
	start  bool         // start rules: nothing of a running conversation
	value  *engine.Slot // slot check and confirm: value
	queue  bool         // handoff.say and unanswered
	text   bool         // inside {{ }}
	secret bool         // secret slots may be read
	whole  bool         // any value is taken as it is: the body of a look-up
	form   bool         // ask of a form: form.url
	verify bool         // ask of a verification: verify.url
	want   kind         // what it must come out as; 0 = a text shows it
	later  string       // a name that the engine fills in afterwards: of built-in sentences
}

// use is one expression as compiled, kept for the checks over paths.
type use struct {
	of     *engine.Expr
	at     where
	tree   ast.Node
	scope  scope
	flow   string
	state  string
	slots  []ref // slots it reads
	canned []ref // canned texts it shows
	other  []ref // personal things it reads that are not slots
}

type ref struct {
	name string
	at   source.Range
}

// where maps a place in an expression to its file.
type where struct {
	node *source.Node
	base int // byte of node.Text where the expression starts
	src  string
}

// span is the range of characters from to to of the expression.
func (w where) span(from, to int) source.Range {
	a := w.base + runeByte(w.src, from)
	return w.node.At(a, max(w.base+runeByte(w.src, to), a))
}

func (w where) whole() source.Range { return w.node.At(w.base, w.base+len(w.src)) }

func runeByte(s string, n int) int {
	for i := range s {
		if n == 0 {
			return i
		}
		n--
	}
	return len(s)
}

type parsedExpr struct {
	tree ast.Node
	err  error
}

// condition compiles a bare expression that must be true or false (E203).
func (l *loader) condition(n *source.Node, sc scope) *engine.Expr {
	src, ok := scalar(n)
	if !ok {
		return nil
	}
	return l.expression(where{n, 0, src}, sc, true)
}

// expression parses, types and compiles one expression; nil when it has an error.
func (l *loader) expression(w where, sc scope, cond bool) *engine.Expr {
	l.p.Counts.Expressions++
	before := len(l.diags)
	tree := l.tree(w)
	if tree == nil {
		return nil
	}
	v := &visitor{l: l, where: w, scope: sc, use: &use{at: w, tree: tree, scope: sc, flow: l.flow, state: l.state}}
	t := v.typeOf(tree)
	if cond && t.kind != kBool && t.kind != kAny {
		l.err("E203", w.whole(), "a condition must come out as true or false, this comes out as %s", t)
	}
	switch {
	case cond || sc.whole:
	case sc.want != 0:
		if t.kind != sc.want && t.kind != kAny && t.kind != kNil {
			l.err("E212", w.whole(), "this needs %s, it comes out as %s", typ{kind: sc.want}, t)
		}
	default:
		v.wantText(tree, t)
	}
	if v.nodes > maxExprNodes {
		l.err("E207", w.whole(), "this expression is too large (%d parts, limit %d)", v.nodes, maxExprNodes)
	}
	if cond && alwaysTrue(tree) {
		l.warn("W214", w.whole(), "this condition is always true")
	}
	for _, d := range l.diags[before:] {
		if d.Severity == source.Error {
			return nil
		}
	}
	return l.compileExpr(w, v.use)
}

// compileExpr hands the source to the engine; a panic in there is our fault and stays here.
func (l *loader) compileExpr(w where, u *use) (e *engine.Expr) {
	defer func() {
		if recover() != nil {
			l.err("E299", w.whole(), "internal problem in this expression; please report it")
			e = nil
		}
	}()
	e, err := l.program(w.src, l.rule(w.node.Range))
	if err != nil {
		l.err("E299", w.whole(), "internal problem in this expression; please report it")
		return nil
	}
	u.of = e
	l.uses = append(l.uses, u)
	l.useOf[e] = u
	return e
}

// tree parses within the sandbox's limits and words what is wrong.
func (l *loader) tree(w where) ast.Node {
	if n := utf8.RuneCountInString(w.src); n > maxExpr {
		l.err("E207", w.whole(), "this expression is too long (%s characters, limit 2,000)", thousands(n))
		return nil
	}
	if !l.lex(w) {
		return nil
	}
	p := l.treeOf(w.src)
	if p.err != nil {
		l.syntax(w, p.err)
		return nil
	}
	return p.tree
}

var errParser = errors.New("the parser gave up")

func parseExpr(src string) (p parsedExpr) {
	defer func() {
		if recover() != nil {
			p = parsedExpr{err: errParser}
		}
	}()
	tree, err := parser.Parse(src)
	if err != nil {
		return parsedExpr{err: err}
	}
	return parsedExpr{tree: tree.Node}
}

// lex finds before parsing what the parser would word badly or could not
// survive: nesting, a lone =, statements, comments.
func (l *loader) lex(w where) bool {
	src := []rune(w.src)
	if rest, found := strings.CutPrefix(strings.TrimSpace(w.src), "let "); found && strings.Contains(rest, "=") {
		l.err("E205", w.span(0, 3), "let is not available in flows")
		return false
	}
	depth, prefix, ok := 0, 0, true
	for i := 0; i < len(src); i++ {
		switch c := src[i]; {
		case c == '"' || c == '\'' || c == '`':
			i = closing(src, i)
			prefix = 0
		case c == '(' || c == '[' || c == '{':
			depth++
			prefix = 0
		case c == ')' || c == ']' || c == '}':
			depth--
			prefix = 0
		case c == '!' || c == '-' || c == '+':
			prefix++
		case strings.HasPrefix(string(src[i:min(i+4, len(src))]), "not "):
			prefix++
			i += 2
		case c == ';' || c == '/' && i+1 < len(src) && (src[i+1] == '/' || src[i+1] == '*'):
			l.err("E205", w.span(i, i+1), "%s is not available in flows", string(c))
			return false
		case c == '=':
			i, ok = l.equals(w, src, i, ok)
			prefix = 0
		case c != ' ' && c != '\n' && c != '\t':
			prefix = 0
		}
		if depth+prefix > maxExprDepth {
			l.err("E207", w.whole(), "this expression is too deep (limit %d)", maxExprDepth)
			return false
		}
	}
	return ok
}

// equals handles an = : part of ==, != and the like, or E202.
func (l *loader) equals(w where, src []rune, i int, ok bool) (int, bool) {
	if i+1 < len(src) && src[i+1] == '=' {
		return i + 1, ok
	}
	if i > 0 && strings.ContainsRune("!<>", src[i-1]) {
		return i, ok
	}
	d := l.err("E202", w.span(i, i+1), "= does not compare; use ==")
	d.Hint = "write =="
	d.Fix = &source.Fix{Safe: true, Edits: []source.Edit{{Range: d.Range, Text: "=="}}}
	return i, false
}

// closing is the index of the quote that ends the text starting at i.
func closing(src []rune, i int) int {
	quote := src[i]
	for j := i + 1; j < len(src); j++ {
		if src[j] == '\\' && quote != '`' {
			j++
			continue
		}
		if src[j] == quote {
			return j
		}
	}
	return len(src) - 1
}

// syntax words an error of the parser.
func (l *loader) syntax(w where, err error) {
	var fe *file.Error
	if !errors.As(err, &fe) {
		l.err("E299", w.whole(), "internal problem in this expression; please report it")
		return
	}
	at := w.span(fe.From, max(fe.To, fe.From+1))
	word := strings.TrimSpace(string([]rune(w.src)[min(fe.From, utf8.RuneCountInString(w.src)):min(fe.To, utf8.RuneCountInString(w.src))]))
	switch {
	case strings.Contains(fe.Message, "EOF"), strings.Contains(fe.Message, "not terminated"):
		l.err("E201", w.whole(), "this expression is not finished")
	case strings.Contains(fe.Message, "arguments"):
		l.err("E208", w.whole(), "a function here got the wrong number of values")
	case word == "":
		l.err("E201", w.whole(), "this expression is not finished")
	default:
		l.err("E205", at, "%s is not available in flows at this place", word)
	}
}

// alwaysTrue folds literals only: what depends on anything is not known here.
func alwaysTrue(n ast.Node) bool {
	if pair, ok := n.(*ast.BinaryNode); ok && holds(pair) {
		return true
	}
	v, ok := constant(n)
	b, isBool := v.(bool)
	return ok && isBool && b
}

// holds says that two numbers stand as the comparison between them says.
func holds(n *ast.BinaryNode) bool {
	a, _ := constant(n.Left)
	b, _ := constant(n.Right)
	x, okA := a.(float64)
	y, okB := b.(float64)
	if !okA || !okB {
		return false
	}
	switch n.Operator {
	case "<":
		return x < y
	case "<=":
		return x <= y
	case ">":
		return x > y
	case ">=":
		return x >= y
	}
	return false
}

func constant(n ast.Node) (any, bool) {
	switch n := n.(type) {
	case *ast.BoolNode:
		return n.Value, true
	case *ast.StringNode:
		return n.Value, true
	case *ast.IntegerNode:
		return float64(n.Value), true
	case *ast.FloatNode:
		return n.Value, true
	case *ast.UnaryNode:
		v, ok := constant(n.Node)
		b, isBool := v.(bool)
		return !b, ok && isBool && (n.Operator == "not" || n.Operator == "!")
	case *ast.BinaryNode:
		return constantPair(n)
	}
	return nil, false
}

func constantPair(n *ast.BinaryNode) (any, bool) {
	a, okA := constant(n.Left)
	b, okB := constant(n.Right)
	x, _ := a.(bool)
	y, _ := b.(bool)
	switch n.Operator {
	case "or", "||":
		if okA && x || okB && y {
			return true, true
		}
		return false, okA && okB
	case "and", "&&":
		return x && y, okA && okB
	case "==":
		return a == b, okA && okB
	case "!=":
		return a != b, okA && okB
	}
	return nil, false
}
