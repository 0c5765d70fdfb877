package flows

import (
	"strings"

	"github.com/expr-lang/expr/ast"
)

func (v *visitor) binary(n *ast.BinaryNode) typ {
	if from, to, chained := chain(n); chained {
		v.chained(n, from, to)
		return boolType
	}
	switch n.Operator {
	case "matches":
		return v.matches(n)
	case "..", "**", "^":
		v.err("E205", v.word(n), "%s is not available in flows", n.Operator)
		return anyType
	}
	a, b := v.typeOf(n.Left), v.typeOf(n.Right)
	switch n.Operator {
	case "and", "or", "&&", "||":
		v.wantBool(n.Left, a)
		v.wantBool(n.Right, b)
		return boolType
	case "==", "!=":
		v.compare(n, a, b)
		return boolType
	case "<", "<=", ">", ">=":
		if !orderable(a, b) {
			v.err("E212", v.word(n), "%s cannot compare %s with %s", n.Operator, a, b)
		}
		return boolType
	case "in":
		return v.in(n, a, b)
	case "contains", "startsWith", "endsWith":
		return v.textual(n, a, b)
	case "??":
		return unify(a, b)
	case "+", "-", "*", "/", "%":
		return v.arithmetic(n, a, b)
	}
	v.err("E205", v.word(n), "%s is not available in flows", n.Operator)
	return anyType
}

// chain recognises a < b < c by the operand that both halves share.
func chain(n *ast.BinaryNode) (left, right *ast.BinaryNode, ok bool) {
	if n.Operator != "&&" {
		return nil, nil, false
	}
	left, ok1 := n.Left.(*ast.BinaryNode)
	right, ok2 := n.Right.(*ast.BinaryNode)
	if !ok1 || !ok2 {
		return nil, nil, false
	}
	shared := left.Right
	if left.Operator == "&&" {
		if inner, ok := left.Right.(*ast.BinaryNode); ok {
			shared = inner.Right
		}
	}
	return left, right, shared == right.Left
}

// turnedOver is a comparison with its sides exchanged.
var turnedOver = map[string]string{"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}

func (v *visitor) chained(n *ast.BinaryNode, left, right *ast.BinaryNode) {
	text := func(x ast.Node) string {
		from, to := extent(x)
		return strings.TrimSpace(string([]rune(v.src)[from:to]))
	}
	turned := text(left)
	if op, ok := turnedOver[left.Operator]; ok { // 1 < x is x > 1: the tested name first
		turned = text(left.Right) + " " + op + " " + text(left.Left)
	}
	v.err("E204", v.all(n), "%s does not test a range; write %s and %s", text(n), turned, text(right))
}

func orderable(a, b typ) bool {
	if a.kind == kAny || b.kind == kAny {
		return true
	}
	return a.kind == b.kind && (a.kind == kNumber || a.kind == kDate || a.kind == kText)
}

func (v *visitor) compare(n *ast.BinaryNode, a, b typ) {
	switch {
	case a.kind == kAny || b.kind == kAny || a.kind == kNil || b.kind == kNil:
	case a.kind != b.kind:
		v.err("E212", v.word(n), "%s cannot compare %s with %s", n.Operator, a, b)
	case a.kind == kObject || a.kind == kMedia:
		v.err("E212", v.word(n), "%s cannot compare %s", n.Operator, a)
	}
	v.choice(a, n.Right)
	v.choice(b, n.Left)
}

// choice checks a literal that is compared with a choice (E216).
func (v *visitor) choice(t typ, literal ast.Node) {
	s, ok := literal.(*ast.StringNode)
	if !ok || len(t.values) == 0 {
		return
	}
	for _, known := range t.values {
		if known == s.Value {
			return
		}
	}
	v.l.suggest(v.err("E216", v.word(literal), "%q is not one of %s", s.Value, strings.Join(t.values, ", ")), s.Value, t.values)
}

func (v *visitor) in(n *ast.BinaryNode, a, b typ) typ {
	if b.kind != kList && b.kind != kAny {
		v.err("E212", v.word(n), "in needs a list on its right, this is %s", b)
		return boolType
	}
	if list, ok := n.Right.(*ast.ArrayNode); ok {
		for _, item := range list.Nodes {
			v.choice(a, item)
		}
	}
	if b.elem != nil && a.kind != kAny && a.kind != kNil && b.elem.kind != kAny && b.elem.kind != kNil && a.kind != b.elem.kind {
		v.err("E212", v.word(n), "in cannot look for %s in a list of %s", a, *b.elem)
	}
	return boolType
}

func (v *visitor) textual(n *ast.BinaryNode, a, b typ) typ {
	for _, side := range []struct {
		n ast.Node
		t typ
	}{{n.Left, a}, {n.Right, b}} {
		if side.t.kind != kText && side.t.kind != kAny && side.t.kind != kNil {
			d := v.err("E212", v.word(n), "%s needs text on both sides, this is %s", n.Operator, side.t)
			if side.t.kind == kList && n.Operator == "contains" {
				d.Hint = `write "x" in list`
			}
			break
		}
	}
	return boolType
}

func (v *visitor) matches(n *ast.BinaryNode) typ {
	if t := v.typeOf(n.Left); t.kind != kText && t.kind != kAny && t.kind != kNil {
		v.err("E212", v.word(n), "matches needs text on its left, this is %s", t)
	}
	v.nodes++
	s, ok := n.Right.(*ast.StringNode)
	if !ok {
		v.err("E205", v.all(n.Right), "matches needs a fixed pattern in quotes")
		return boolType
	}
	v.l.regex(s.Value, v.word(s))
	return boolType
}

func (v *visitor) arithmetic(n *ast.BinaryNode, a, b typ) typ {
	switch {
	case a.kind == kAny || b.kind == kAny:
		return anyType
	case a.kind == kNumber && b.kind == kNumber:
		return numberType
	case n.Operator == "+" && a.kind == kText && b.kind == kText:
		return textType
	}
	v.err("E212", v.word(n), "%s cannot be used with %s and %s", n.Operator, a, b)
	return anyType
}
