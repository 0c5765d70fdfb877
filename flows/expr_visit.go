package flows

import (
	"strings"

	"dispatcher/internal/source"

	"github.com/expr-lang/expr/ast"
)

// visitor types one expression and reports everything wrong in it in one
// pass, each at its exact word (language.md ruling 30). It is the allow-list
// of the sandbox: a node it does not know is E205.
type visitor struct {
	where
	l     *loader
	scope scope
	use   *use
	nodes int
	elems []typ // of the lists that closures run over, innermost last
}

func (v *visitor) err(code string, r source.Range, format string, args ...any) *source.Diagnostic {
	return v.l.err(code, r, format, args...)
}

// word is where a node's own token stands; of a text in quotes, its words.
func (v *visitor) word(n ast.Node) source.Range {
	loc := n.Location()
	from, to := loc.From, loc.To
	src := []rune(v.src)
	if _, text := n.(*ast.StringNode); text && from >= 0 && from+2 < to && to <= len(src) && strings.ContainsRune("\"'`", src[from]) && src[to-1] == src[from] {
		from, to = from+1, to-1
	}
	return v.span(from, to)
}

// all is where a node with everything below it stands.
func (v *visitor) all(n ast.Node) source.Range {
	from, to := extent(n)
	src := []rune(v.src)
	depth := 0
	for i := from; i < len(src); i++ {
		switch src[i] {
		case '"', '\'', '`':
			i = closing(src, i)
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			depth--
		}
		if i >= to-1 && depth <= 0 {
			to = max(to, i+1)
			break
		}
	}
	return v.span(from, to)
}

func extent(n ast.Node) (from, to int) {
	loc := n.Location()
	e := &extents{loc.From, loc.To}
	ast.Walk(&n, e)
	return e.from, e.to
}

type extents struct{ from, to int }

// Visit widens the extent to one node.
func (e *extents) Visit(n *ast.Node) {
	loc := (*n).Location()
	if loc.To == 0 {
		return
	}
	e.from, e.to = min(e.from, loc.From), max(e.to, loc.To)
}

func (v *visitor) typeOf(n ast.Node) typ {
	v.nodes++
	switch n := n.(type) {
	case *ast.NilNode:
		return typ{kind: kNil}
	case *ast.BoolNode:
		return boolType
	case *ast.IntegerNode, *ast.FloatNode:
		return numberType
	case *ast.StringNode:
		return textType
	case *ast.ArrayNode:
		return v.array(n)
	case *ast.IdentifierNode:
		return v.identifier(n)
	case *ast.ChainNode:
		return v.typeOf(n.Node)
	case *ast.MemberNode:
		return v.member(n)
	case *ast.UnaryNode:
		return v.unary(n)
	case *ast.BinaryNode:
		return v.binary(n)
	case *ast.ConditionalNode:
		return v.conditional(n)
	case *ast.CallNode:
		return v.call(n)
	case *ast.BuiltinNode:
		return v.function(n.Name, n, n.Arguments)
	case *ast.PredicateNode:
		return v.typeOf(n.Node)
	case *ast.PointerNode:
		return v.pointer(n)
	}
	return v.outside(n)
}

// outside is E205: everything that is not in language.md 3.3.
func (v *visitor) outside(n ast.Node) typ {
	name := "this"
	switch n.(type) {
	case *ast.VariableDeclaratorNode:
		name = "let"
	case *ast.SequenceNode:
		name = ";"
	case *ast.MapNode, *ast.PairNode:
		name = "a map"
	case *ast.SliceNode:
		name = "a slice"
	}
	v.err("E205", v.word(n), "%s is not available in flows", name)
	return anyType
}

func (v *visitor) array(n *ast.ArrayNode) typ {
	elem := typ{}
	for i, item := range n.Nodes {
		t := v.typeOf(item)
		if i == 0 {
			elem = t
		} else {
			elem = unify(elem, t)
		}
	}
	return typ{kind: kList, elem: &elem}
}

func unify(a, b typ) typ {
	switch {
	case a.kind == kNil:
		return b
	case b.kind == kNil:
		return a
	case a.kind == b.kind:
		a.values = nil
		return a
	}
	return anyType
}

func (v *visitor) identifier(n *ast.IdentifierNode) typ {
	if strings.HasPrefix(n.Value, "__") || strings.HasPrefix(n.Value, "$") {
		v.err("E205", v.word(n), "%s is not available in flows", n.Value)
		return anyType
	}
	if t, ok := v.name(n.Value); ok {
		return t
	}
	if have := v.l.lookups[n.Value]; have != nil && !v.scope.start {
		v.use.other = append(v.use.other, ref{n.Value, v.word(n)})
		return have.typ
	}
	d := v.err("E211", v.word(n), "nothing is called %q here", n.Value)
	if n.Value == "customer" {
		d.Hint = "did you mean contact?"
		return anyType
	}
	names := v.names()
	if !v.scope.start {
		names = append(names, keysOf(v.l.lookups)...)
	}
	v.l.suggest(d, n.Value, names)
	return anyType
}

func (v *visitor) names() []string {
	names := []string{"slots", "contact", "conversation", "message", "entry", "channel", "canned", "result"}
	if v.scope.start {
		names = []string{"contact", "conversation", "message", "entry", "channel"}
	}
	if v.scope.queue {
		names = append(names, "queue")
	}
	if v.scope.value != nil {
		names = append(names, "value")
	}
	if v.scope.form {
		names = append(names, "form")
	}
	if v.scope.verify {
		names = append(names, "verify")
	}
	return names
}

func (v *visitor) name(name string) (typ, bool) {
	for _, known := range v.names() {
		if known != name {
			continue
		}
		switch name {
		case "slots", "canned":
			return typ{kind: kObject, name: name}, true
		case "result":
			return textType, true
		case "value":
			return v.valueType(), true
		case "form", "verify":
			return object(name, map[string]typ{"url": textType}), true
		}
		return v.l.objects[name], true
	}
	return anyType, false
}

// member is a.b, a?.b, a["b"] and list[0].
func (v *visitor) member(n *ast.MemberNode) typ {
	base := v.typeOf(n.Node)
	v.nodes++
	var name string
	switch p := n.Property.(type) {
	case *ast.StringNode:
		name = p.Value
	case *ast.IntegerNode:
		if base.kind == kList && base.elem != nil {
			return *base.elem
		}
		if base.kind != kAny {
			v.err("E212", v.word(n.Property), "only a list has numbered parts, this is %s", base)
		}
		return anyType
	default:
		v.err("E205", v.all(n.Property), "only a fixed name or number can stand here")
		return anyType
	}
	return v.field(base, name, v.word(n.Property))
}

func (v *visitor) field(base typ, name string, at source.Range) typ {
	switch {
	case base.kind == kAny:
		return anyType
	case base.name == "slots":
		return v.slot(name, at)
	case base.name == "canned":
		return v.canned(name, at)
	}
	if t, ok := base.fields[name]; ok {
		if base.name == "contact" && (name == "name") {
			v.use.other = append(v.use.other, ref{"contact.name", at})
		}
		return t
	}
	what := base.name
	if what == "" {
		what = base.String()
	}
	v.l.suggest(v.err("E210", at, "%s has no %q", what, name), name, keysOf(base.fields))
	return anyType
}

// valueType is what a candidate of the slot is.
func (v *visitor) valueType() typ {
	if s := v.l.slots[v.scope.value.Name]; s != nil && s.vague {
		return anyType
	}
	return slotType(v.scope.value)
}

func (v *visitor) slot(name string, at source.Range) typ {
	s, ok := v.l.slots[name]
	if !ok {
		if !v.l.unreadable {
			v.l.suggest(v.err("E103", at, "there is no slot called %q", name), name, v.l.slotOrder)
		}
		return anyType
	}
	v.l.used["slot "+name] = true
	v.use.slots = append(v.use.slots, ref{name, at})
	if s.def.Secret && v.scope.text && !v.scope.secret {
		v.err("E219", at, "slots.%s is secret and cannot be put in a text", name)
	}
	if s.vague {
		return anyType
	}
	return slotType(s.def)
}

func (v *visitor) canned(name string, at source.Range) typ {
	c, ok := v.l.set.Canned[name]
	v.use.canned = append(v.use.canned, ref{name, at})
	switch {
	case !ok && !v.l.projectUnread():
		v.l.suggest(v.err("E210", at, "canned has no %q", name), name, keysOf(v.l.set.Canned))
		return anyType
	case ok && c.Blanks:
		v.err("E128", at, "canned.%s has blanks for agents and cannot be used in a flow", name)
	}
	return textType
}

func (v *visitor) pointer(n *ast.PointerNode) typ {
	if n.Name != "" {
		v.err("E205", v.word(n), "#%s is not available in flows", n.Name)
		return anyType
	}
	if len(v.elems) == 0 {
		v.err("E205", v.word(n), "# stands for an item of a list and has no list here")
		return anyType
	}
	return v.elems[len(v.elems)-1]
}

func (v *visitor) unary(n *ast.UnaryNode) typ {
	t := v.typeOf(n.Node)
	switch n.Operator {
	case "not", "!":
		v.wantBool(n.Node, t)
		return boolType
	case "-", "+":
		if t.kind != kNumber && t.kind != kAny {
			v.err("E212", v.all(n.Node), "%s needs a number, this is %s", n.Operator, t)
		}
		return numberType
	}
	v.err("E205", v.word(n), "%s is not available in flows", n.Operator)
	return anyType
}

func (v *visitor) wantBool(n ast.Node, t typ) {
	if t.kind != kBool && t.kind != kAny {
		v.err("E203", v.all(n), "a condition must come out as true or false, this comes out as %s", t)
	}
}

// wantText refuses a whole group of values where a text is written.
func (v *visitor) wantText(n ast.Node, t typ) {
	if t.kind == kList && t.elem != nil {
		t = *t.elem
	}
	if t.kind == kObject {
		v.err("E212", v.all(n), "%s is %s; a text can show only one of them", t.name, t)
	}
}

func (v *visitor) conditional(n *ast.ConditionalNode) typ {
	if !n.Ternary {
		v.err("E205", v.whole(), "if { } else { } is not available in flows; write a ? b : c")
		return anyType
	}
	v.wantBool(n.Cond, v.typeOf(n.Cond))
	return unify(v.typeOf(n.Exp1), v.typeOf(n.Exp2))
}

func (v *visitor) call(n *ast.CallNode) typ {
	switch callee := n.Callee.(type) {
	case *ast.IdentifierNode:
		return v.function(callee.Value, n, n.Arguments)
	case *ast.MemberNode:
		v.err("E205", v.word(callee), "a value has nothing that can be called; write f(x) or x | f()")
	default:
		v.err("E205", v.word(n), "this cannot be called")
	}
	return anyType
}

// function checks one call by the table of language.md 3.2.
func (v *visitor) function(name string, n ast.Node, args []ast.Node) typ {
	f, ok := v.l.functions[name]
	if v.scope.start && name != "now" && ok && (name == "example") {
		ok = false
	}
	if !ok {
		_, builtin := n.(*ast.BuiltinNode)
		if builtin {
			v.err("E205", v.word(n), "%s is not available in flows", name)
		} else {
			v.l.suggest(v.err("E211", v.word(n), "nothing is called %q here", name), name, keysOf(v.l.functions))
		}
		for _, a := range args {
			v.typeOf(a)
		}
		return anyType
	}
	if len(args) < len(f.params)-f.opt || len(args) > len(f.params) && !f.more {
		v.err("E208", v.word(n), "%s takes %s, got %s", name, f.takes(), some(len(args), "value"))
		return f.result
	}
	var first typ
	for i, a := range args {
		switch p := f.params; {
		case len(p) == 0:
			v.typeOf(a)
		case i == 0:
			first = v.argument(name, p[0], a)
		case p[min(i, len(p)-1)] == kClosure:
			v.closure(name, a, itemOf(first))
		default:
			v.argument(name, p[min(i, len(p)-1)], a)
		}
	}
	if name == "filter" {
		return first
	}
	return f.result
}

// closure types a rule over the items of a list.
func (v *visitor) closure(name string, a ast.Node, item typ) {
	v.elems = append(v.elems, item)
	t := v.typeOf(a)
	v.elems = v.elems[:len(v.elems)-1]
	if name != "map" {
		v.wantBool(a, t)
	}
}

// argument checks one value given to a function.
func (v *visitor) argument(name string, want kind, a ast.Node) typ {
	if want >= pSchedule && want <= pDuration {
		v.fixed(name, want, a)
		return textType
	}
	t := v.typeOf(a)
	fits := t.kind == kAny || want == kAny || t.kind == want || t.kind == kNil || want == pTextOrList && (t.kind == kText || t.kind == kList) ||
		(name == "max" || name == "min") && t.kind == kList
	if !fits {
		need := typ{kind: want}
		if want == pTextOrList {
			need = textType
		}
		v.err("E212", v.all(a), "%s needs %s, this is %s", name, need, t)
	}
	return t
}

// itemOf is the type of a list's items.
func itemOf(t typ) typ {
	if t.kind == kList && t.elem != nil {
		return *t.elem
	}
	return anyType
}

// fixed checks an argument that must be a name in quotes.
func (v *visitor) fixed(name string, want kind, a ast.Node) {
	s, ok := a.(*ast.StringNode)
	if !ok {
		v.typeOf(a)
		v.err("E221", v.all(a), "%s needs a fixed name in quotes", name)
		return
	}
	v.nodes++
	at := v.word(a)
	switch want {
	case pSchedule:
		if _, queue := v.l.queues[s.Value]; queue {
			v.l.used["queue "+s.Value] = true
		} else {
			v.l.wantSchedule(s.Value, at)
		}
	case pQueue:
		v.l.wantQueue(s.Value, at)
	case pSlot:
		v.slot(s.Value, at)
		if n := len(v.use.slots); n > 0 && v.use.slots[n-1].name == s.Value {
			v.use.slots = v.use.slots[:n-1] // its example, not its value
		}
	case pDuration:
		if _, ok := parseDuration(s.Value); !ok {
			v.err("E105", at, "%q is not a duration; write 30d", s.Value)
		}
	}
}
