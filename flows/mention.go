package flows

import (
	"slices"
	"strings"
	"unicode/utf8"

	"dispatcher/internal/source"

	"github.com/expr-lang/expr/ast"
)

// finder collects the mentions of one file by walking it along the table.
type finder struct {
	atlas *Atlas
	kind  string // of file
	flow  string // the flow that bare names belong to
	tables
	out []Mention
}

// tables are what expressions may name.
type tables struct {
	objects   map[string]typ
	functions map[string]function
}

// mentions are those of one file, in its order.
func (x *Index) mentions(kind string, root *source.Node) []Mention {
	f := &finder{atlas: x.atlas, kind: kind, tables: tables{objects(), functions()}}
	if kind == "flow" {
		f.flow, _ = scalar(root.Get("flow"))
	}
	if kind == "locale" {
		f.locale(root)
	}
	f.walk(root, Place{spots: x.atlas.root(kind)})
	return byPlace(f.out)
}

func (f *finder) add(kind, flow, name string, at source.Range) *Mention {
	if kind != NameChannel && !namePattern.MatchString(name) {
		return &Mention{}
	}
	f.out = append(f.out, Mention{Kind: kind, Flow: flow, Name: name, At: at})
	return &f.out[len(f.out)-1]
}

// walk finds the mentions at a node and below it.
func (f *finder) walk(n *source.Node, p Place) {
	switch n.Kind {
	case source.Scalar:
		f.scalar(n, p)
	case source.List:
		for _, item := range n.Items {
			f.walk(item, f.atlas.next(p, Step{Item: true}))
		}
	case source.Map:
		f.pairs(n, p)
	}
}

func (f *finder) pairs(n *source.Node, p Place) {
	what, declared := p.Holds()
	short := len(n.Pairs) == 1 && p.hasForm("collect") && shortCollect(f.atlas.grammar["collect"], n)
	for _, pair := range n.Pairs {
		switch {
		case what == NameState:
			f.add(what, f.flow, pair.Key.Text, pair.Key.Words()).declare(declared, pair.Value)
		case what == NameSlot && (pair.Key.Text == "language" || strings.Contains(pair.Key.Text, ".")):
			f.contact(pair.Key)
		case what != "":
			f.add(what, "", pair.Key.Text, pair.Key.Words()).declare(declared, pair.Value)
		case short:
			f.add(NameSlot, "", pair.Key.Text, pair.Key.Words()).Fills = true
		case p.key.Name == "expect":
			f.expected(pair)
		}
		below := f.atlas.next(p, Step{Key: pair.Key.Text})
		names := below.Names()
		if pair.Value.Kind == source.Scalar && (names == NameLookup || names == NameFlow && below.key.Of == "a flow") {
			f.add(names, "", pair.Value.Text, pair.Value.Words()).declare(true, n)
			continue
		}
		f.walk(pair.Value, below)
	}
}

func (m *Mention) declare(declared bool, n *source.Node) {
	if declared {
		m.Declares, m.Node = true, n
	}
}

func (p Place) hasForm(form string) bool {
	return slices.ContainsFunc(p.spots, func(s spot) bool { return s.form == form })
}

// contact is a key of set in a test: contact.FIELD names no slot, slots.NAME does.
func (f *finder) contact(key *source.Node) {
	if name, ok := strings.CutPrefix(key.Text, "slots."); ok {
		f.add(NameSlot, "", name, key.At(len("slots."), len(key.Text)))
	}
}

// expected is one line of expect: state, or an expression, and what it is.
func (f *finder) expected(p source.Pair) {
	switch p.Key.Text {
	case "state":
		f.state(p.Value)
	case "owner", "language", "tags":
	default:
		f.expression(where{p.Key, 0, p.Key.Text})
	}
}

// scalar finds what one text names.
func (f *finder) scalar(n *source.Node, p Place) {
	switch names := p.Names(); {
	case p.Expression():
		f.expression(where{n, 0, n.Text})
	case p.key.Name == "fallback" && (n.Text == "chat" || n.Text == "none"): // words of a form's own
	case names == NameState:
		f.state(n)
	case names != "" && !strings.Contains(n.Text, "{{"):
		f.add(names, "", n.Text, n.Words()).Fills = p.fills()
	default:
		f.template(n)
	}
}

// fills says that the slot named here is filled: by its question, or by save.
func (p Place) fills() bool {
	return slices.Contains([]string{"slot", "save", "fields"}, p.key.Name) && slices.Contains([]string{"collect", "a state", "form", "a field"}, p.key.Of)
}

// state is the name of a state: state, flow.state or, where states have no
// flow of their own, a flow for its start.
func (f *finder) state(n *source.Node) {
	if n.Kind == source.List {
		for _, item := range n.Items {
			f.state(item)
		}
		return
	}
	if n.Kind != source.Scalar {
		return
	}
	flow, state, dotted := strings.Cut(n.Text, ".")
	switch {
	case n.Text == "resume" || n.Text == "all" && f.kind == "test":
	case dotted:
		f.add(NameFlow, "", flow, n.At(0, len(flow)))
		f.add(NameState, flow, state, n.At(len(flow)+1, len(n.Text)))
	case f.kind != "flow":
		f.add(NameFlow, "", n.Text, n.Words())
	default:
		f.add(NameState, f.flow, n.Text, n.Words())
	}
}

// template finds what the {{ }} of a text name.
func (f *finder) template(n *source.Node) {
	rest, at := n.Text, 0
	for {
		i := strings.Index(rest, "{{")
		if i < 0 {
			return
		}
		end := closeBraces(rest[i+2:])
		if end < 0 {
			return
		}
		inner := rest[i+2 : i+2+end]
		src := strings.TrimSpace(inner)
		f.expression(where{n, at + i + 2 + strings.Index(inner, src), src})
		at += i + 2 + end + 2
		rest = rest[i+2+end+2:]
	}
}

// expression finds what an expression names.
func (f *finder) expression(w where) {
	if utf8.RuneCountInString(w.src) > maxExpr {
		return
	}
	p := parseExpr(w.src)
	if p.err != nil {
		return
	}
	ast.Walk(&p.tree, &exprFinder{f, w})
}

// exprFinder visits the nodes of one expression.
type exprFinder struct {
	*finder
	where
}

// Visit adds what one node names.
func (v *exprFinder) Visit(n *ast.Node) {
	switch n := (*n).(type) {
	case *ast.MemberNode:
		v.member(n)
	case *ast.CallNode:
		if callee, ok := n.Callee.(*ast.IdentifierNode); ok {
			v.call(callee.Value, n.Arguments)
		}
	case *ast.BuiltinNode:
		v.call(n.Name, n.Arguments)
	}
}

func (v *exprFinder) member(n *ast.MemberNode) {
	base, ok := n.Node.(*ast.IdentifierNode)
	name, fixed := n.Property.(*ast.StringNode)
	if !ok || !fixed {
		return
	}
	switch _, object := v.objects[base.Value]; {
	case base.Value == "slots":
		v.add(NameSlot, "", name.Value, v.at(name))
	case base.Value == "canned":
		v.add(NameCanned, "", name.Value, v.at(name))
	case !object && base.Value != "form" && base.Value != "verify":
		v.add(NameLookup, "", base.Value, v.at(base))
	}
}

// at is where a name stands, without quotes.
func (v *exprFinder) at(n ast.Node) source.Range {
	visitor := visitor{where: v.where}
	return visitor.word(n)
}

// call finds the names that functions take in quotes.
func (v *exprFinder) call(name string, args []ast.Node) {
	f, ok := v.functions[name]
	if !ok || len(f.params) == 0 || len(args) == 0 {
		return
	}
	s, ok := args[0].(*ast.StringNode)
	if !ok {
		return
	}
	switch f.params[0] {
	case pSchedule:
		v.add(NameSchedule, "", s.Value, v.at(s)).either = true
	case pQueue:
		v.add(NameQueue, "", s.Value, v.at(s))
	case pSlot:
		v.add(NameSlot, "", s.Value, v.at(s))
	}
}

// locale finds what the keys of a file of translations name.
func (f *finder) locale(root *source.Node) {
	for _, section := range root.Pairs {
		flow, ofFlow := strings.CutPrefix(section.Key.Text, "flow.")
		if ofFlow {
			f.add(NameFlow, "", flow, section.Key.At(len("flow."), len(section.Key.Text)))
		}
		if ofFlow || section.Key.Text == "project" {
			for _, p := range section.Value.Pairs {
				f.translated(p.Key, flow)
			}
		}
	}
}

// translated is one key of a locale file: STATE.ask, slots.NAME.ask,
// canned.NAME, queues.NAME.
func (f *finder) translated(key *source.Node, flow string) {
	head, rest, dotted := strings.Cut(key.Text, ".")
	name, _, _ := strings.Cut(rest, ".")
	at := key.At(len(head)+1, len(head)+1+len(name))
	switch {
	case !dotted:
	case head == "slots":
		f.add(NameSlot, "", name, at)
	case head == "canned" && flow == "":
		f.add(NameCanned, "", name, at)
	case head == "queues" && flow == "":
		f.add(NameQueue, "", name, at)
	case flow != "" && head != "everywhere":
		f.add(NameState, flow, head, key.At(0, len(head)))
	}
}
