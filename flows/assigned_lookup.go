package flows

import (
	"strings"

	"dispatcher/engine"

	"github.com/expr-lang/expr/ast"
)

// A look-up counts as assigned after its http:ok; a field whose type ends with
// ? only where a condition has guarded it (language.md 3.4).

// lookupKey is a result, or one of its fields, in the index of what is assigned.
func lookupKey(root string, path []string) string {
	return "@" + strings.Join(append([]string{root}, path...), ".")
}

// indexLookups gives every result and every field that may be missing a bit.
func (a *assignment) indexLookups() {
	add := func(key string) {
		if _, have := a.index[key]; !have {
			a.index[key] = len(a.index)
		}
	}
	var fields func(root string, path []string, t typ)
	fields = func(root string, path []string, t typ) {
		if t.maybe {
			add(lookupKey(root, path))
		}
		for name, f := range t.fields {
			fields(root, append(path[:len(path):len(path)], name), f)
		}
	}
	for name, l := range a.l.lookups {
		add(lookupKey(name, nil))
		fields(name, nil, l.typ)
	}
}

// found is the state's look-up having come back: its result is there, its
// fields are new.
func (a *assignment) found(b bits, s *stateSrc) {
	h := s.def.HTTP
	if h == nil || h.Save == "" {
		return
	}
	a.eachField(h.Save, func(i int) { b.drop(i) })
	a.put(b, lookupKey(h.Save, nil))
}

// forgetFields: a flow that runs a look-up may lose what was known of its fields.
func (a *assignment) forgetFields(s *stateSrc) {
	if h := s.def.HTTP; h != nil && h.Save != "" {
		a.eachField(h.Save, func(i int) { a.forgets[s.flow.name].put(i) })
	}
}

func (a *assignment) eachField(save string, f func(int)) {
	prefix := lookupKey(save, nil) + "."
	for key, i := range a.index {
		if strings.HasPrefix(key, prefix) {
			f(i)
		}
	}
}

// lookup looks at the expressions of a request: an empty value of the query is
// left out, one of the body is null.
func (a *assignment) lookup(b bits, h *engine.Lookup) {
	if h == nil {
		return
	}
	a.text(b, h.Path)
	for _, q := range h.Query {
		for _, tpl := range q.Text.Lang {
			if len(tpl.Parts) == 1 {
				a.safe(b, tpl.Parts[0].Expr)
			} else {
				a.text(b, q.Text)
			}
		}
	}
	a.body(b, h.JSON)
}

func (a *assignment) body(b bits, v *engine.JSONValue) {
	if v == nil {
		return
	}
	a.safe(b, v.Expr)
	a.text(b, v.Text)
	for _, item := range v.List {
		a.body(b, item)
	}
	for _, e := range v.Map {
		a.body(b, e.Value)
	}
}

// lookupPath recognises ROOT.field.field of a look-up; root is empty otherwise.
func (a *assignment) lookupPath(n ast.Node) (root string, path []string) {
	for {
		switch m := n.(type) {
		case *ast.ChainNode:
			n = m.Node
		case *ast.MemberNode:
			p, ok := m.Property.(*ast.StringNode)
			if !ok {
				return "", nil
			}
			path = append([]string{p.Value}, path...)
			n = m.Node
		case *ast.IdentifierNode:
			if a.l.lookups[m.Value] == nil {
				return "", nil
			}
			return m.Value, path
		default:
			return "", nil
		}
	}
}

// lookup reports a field of a look-up that can be nil; it says whether the
// node is one.
func (c *nilCheck) lookup(n ast.Node, b bits, needs need) bool {
	root, path := c.a.lookupPath(n)
	if root == "" {
		return false
	}
	if needs == guarded || len(path) == 0 {
		return true
	}
	// From the last field to the first: each needs what it is a field of.
	for at := len(path); at > 0; at-- {
		if ch, ok := n.(*ast.ChainNode); ok {
			n = ch.Node
		}
		m, ok := n.(*ast.MemberNode)
		if !ok {
			break
		}
		base := needed
		if m.Optional {
			base = nilSafe
		}
		if c.empty(root, path[:at], b) && needs == needed || at == 1 && base == needed && c.empty(root, nil, b) {
			c.a.l.warn("W215", (&visitor{where: c.use.at}).word(m.Property), "%s can still be empty here", strings.Join(append([]string{root}, path[:at]...), "."))
			return true
		}
		n, needs = m.Node, base
	}
	return true
}

func (c *nilCheck) empty(root string, path []string, b bits) bool {
	i, known := c.a.index[lookupKey(root, path)]
	return known && !b.has(i)
}
