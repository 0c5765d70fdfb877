package flows

import (
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/parser"

	"dispatcher/engine"
)

// unknown is the value of what cannot be told without a conversation.
type unknown struct{}

// knownCondition decides a condition from slots whose values are known. sure
// is false when more would have to be known.
func knownCondition(src string, slots map[string]any) (holds, sure bool) {
	if engine.Measure(src) != nil {
		return false, false
	}
	tree, err := parser.Parse(src)
	if err != nil {
		return false, false
	}
	holds, sure = knownValue(tree.Node, slots).(bool)
	return holds, sure
}

func knownValue(n ast.Node, slots map[string]any) any {
	switch n := n.(type) {
	case *ast.NilNode:
		return nil
	case *ast.BoolNode:
		return n.Value
	case *ast.StringNode:
		return n.Value
	case *ast.IntegerNode:
		return float64(n.Value)
	case *ast.FloatNode:
		return n.Value
	case *ast.ArrayNode:
		list := make([]any, len(n.Nodes))
		for i, item := range n.Nodes {
			list[i] = knownValue(item, slots)
		}
		return list
	case *ast.ConstantNode:
		return n.Value
	case *ast.MemberNode:
		return knownSlot(n, slots)
	case *ast.UnaryNode:
		if v, ok := knownValue(n.Node, slots).(bool); ok && (n.Operator == "not" || n.Operator == "!") {
			return !v
		}
	case *ast.BinaryNode:
		return knownPair(n.Operator, knownValue(n.Left, slots), knownValue(n.Right, slots))
	}
	return unknown{}
}

func knownSlot(n *ast.MemberNode, slots map[string]any) any {
	root, ok := n.Node.(*ast.IdentifierNode)
	field, named := n.Property.(*ast.StringNode)
	if !ok || !named || root.Value != "slots" {
		return unknown{}
	}
	v, ok := slots[field.Value]
	if !ok {
		return unknown{}
	}
	switch v := v.(type) {
	case int:
		return float64(v)
	case nil, bool, string, float64:
		return v
	}
	return unknown{}
}

// knownPair is the outcome of an operator on two values that may be unknown.
func knownPair(op string, a, b any) any {
	_, leftOpen := a.(unknown)
	_, rightOpen := b.(unknown)
	switch op {
	case "and", "&&", "or", "||":
		decides := op == "or" || op == "||" // true decides an or, false an and
		if a == decides || b == decides {
			return decides
		}
		if leftOpen || rightOpen {
			return unknown{}
		}
		return !decides
	case "??":
		if a == nil {
			return b
		}
		return a
	}
	if leftOpen || rightOpen {
		return unknown{}
	}
	switch op {
	case "==":
		return equalScalars(a, b)
	case "!=":
		return !equalScalars(a, b)
	case "in":
		return knownMember(a, b)
	}
	return ordered(op, a, b)
}

// equalScalars compares scalars; lists are not told apart here.
func equalScalars(a, b any) bool {
	_, list := a.([]any)
	_, other := b.([]any)
	return !list && !other && a == b
}

func knownMember(a, b any) any {
	list, ok := b.([]any)
	if !ok {
		return unknown{}
	}
	for _, item := range list {
		if _, open := item.(unknown); open {
			return unknown{}
		}
		if equalScalars(a, item) {
			return true
		}
	}
	return false
}

func ordered(op string, a, b any) any {
	x, isNumber := a.(float64)
	y, both := b.(float64)
	if !isNumber || !both {
		return unknown{}
	}
	switch op {
	case "<":
		return x < y
	case "<=":
		return x <= y
	case ">":
		return x > y
	case ">=":
		return x >= y
	}
	return unknown{}
}
