package flows

import (
	"strconv"
	"strings"

	"dispatcher/engine"
	"dispatcher/internal/source"
)

// section is one map of a locale file: flow.NAME, or project.
type section struct {
	name    string
	flow    string
	entries map[string]*entry
	order   []*entry        // each once, as written
	unsure  map[string]bool // states with errors: their keys are not judged
}

// entry is one thing that a locale file may translate.
type entry struct {
	key         string
	flow, state string
	node        *source.Node // the text as written; nil where there is none
	texts       []origin     // compiled; none where it has an error
	scope       *scope       // where there is no compiled text
	source      string       // in the first language
	builtIn     bool         // a built-in sentence, whose {{ }} is ours
	optional    bool         // not missed where it is not translated
	option      *optionSrc   // whose label, short or description it is
	part        string
	set         func(lang string, tpl *engine.Template, n *source.Node) // more than merging
	words       func(lang string, list []string, nodes []*source.Node)  // match and called
	sentence    bool                                                    // a built-in sentence, overridden or not
	have        map[string]bool
	stale       map[string]bool
	place       map[string]source.Range
}

// twice says where a translation stands already (E127).
func (e *entry) twice(l *loader, lang string) (source.Range, bool) {
	if at, ok := e.place[lang]; ok {
		return at, true
	}
	if e.node != nil && e.node.Kind == source.Map {
		if p := e.node.Pair(lang); p != nil {
			return p.Key.Words(), true
		}
	}
	return source.Range{}, false
}

// blind says that a key belongs to a state whose parts are not all known.
func (s *section) blind(key string) bool {
	state, _, _ := strings.Cut(key, ".")
	return s.unsure[state]
}

// keyMaker lists the keys of language.md 4.4 by walking what was written.
type keyMaker struct {
	l     *loader
	s     *section
	state string
}

// sections are the maps that a locale file may have.
func (l *loader) sections() map[string]*section {
	out := map[string]*section{}
	for _, f := range l.flows {
		if l.byName[f.name] != f {
			continue
		}
		s := &section{name: "flow." + f.name, flow: f.name, entries: map[string]*entry{}, unsure: map[string]bool{}}
		out["flow."+f.name] = s
		for _, name := range f.def.StateOrder {
			m := &keyMaker{l, s, name}
			m.ofState(f.states[name])
		}
		m := &keyMaker{l: l, s: s}
		for _, name := range l.slotOrder {
			if slot := l.slots[name]; slot.declared && slot.def.Flow == f.name {
				m.slot(slot)
			}
		}
		m.everywhere(f.name)
	}
	for _, d := range l.diags {
		if s := out["flow."+d.Flow]; s != nil && contains([]string{"E101", "E104", "E108", "E110"}, d.Code) {
			s.unsure[d.State] = true
		}
	}
	out["project"] = l.projectSection(out)
	return out
}

// add makes an entry; aliases are other spellings of the same key.
func (m *keyMaker) add(e *entry, aliases ...string) *entry {
	e.flow, e.state = m.s.flow, m.state
	e.have, e.stale, e.place = map[string]bool{}, map[string]bool{}, map[string]source.Range{}
	m.s.entries[e.key] = e
	for _, a := range aliases {
		if m.s.entries[a] == nil {
			m.s.entries[a] = e
		}
	}
	m.s.order = append(m.s.order, e)
	return e
}

// text adds a text: as it is, or each of its variants as KEY.any.N.
func (m *keyMaker) text(key string, n *source.Node, aliases ...string) *entry {
	if n == nil || n.Kind != source.Scalar && n.Kind != source.Map {
		return nil
	}
	if any := n.Get("any"); any != nil {
		for i, item := range any.Items {
			m.text(key+".any."+strconv.Itoa(i+1), item)
		}
		return nil
	}
	e := &entry{key: key, node: n, texts: m.l.locale.origins[n], source: n.Text}
	if n.Kind == source.Map {
		e.source, _ = scalar(n.Get(m.l.set.Languages[0]))
	}
	return m.add(e, aliases...)
}

// list adds KEY.N of a list, or KEY itself where one text stands alone.
func (m *keyMaker) list(key string, n *source.Node) {
	if n == nil {
		return
	}
	if n.Kind != source.List {
		m.text(key, n, key+".1")
		return
	}
	for i, item := range n.Items {
		m.item(key+"."+strconv.Itoa(i+1), item)
	}
}

// item is one item of a say list.
func (m *keyMaker) item(key string, n *source.Node) {
	switch {
	case n.Kind != source.Map || m.l.inlineLanguages(n):
		m.text(key, n)
	case n.Get("any") != nil:
		m.text(key, n)
	case n.Get("text") != nil:
		m.text(key, n.Get("text"))
	case n.Get("else") != nil:
		m.text(key, n.Get("else"))
	case n.Get("alt") != nil:
		m.text(key+".alt", n.Get("alt"))
	}
}

// steps adds the say of each step of a ladder.
func (m *keyMaker) steps(key string, n *source.Node) {
	if n == nil || n.Kind != source.List {
		return
	}
	for i, item := range n.Items {
		m.text(key+"."+strconv.Itoa(i+1), item.Get("say"))
	}
}

func (m *keyMaker) ofState(s *stateSrc) {
	n, p := s.node, s.name+"."
	if n == nil || n.Kind != source.Map {
		return
	}
	m.list(p+"say", n.Get("say"))
	m.text(p+"media.alt", n.Get("media").Get("alt"))
	m.text(p+"ask", n.Get("ask"))
	m.options(p, s, n.Get("options"))
	m.collect(p+"collect", s, n.Get("collect"))
	m.form(p+"form.", n.Get("form"))
	m.text(p+"verify.ask", n.Get("verify").Get("ask"))
	m.text(p+"help", n.Get("help"))
	m.steps(p+"no_match", n.Get("no_match"))
	m.steps(p+"no_reply", n.Get("no_reply"))
	m.list(p+"handoff.say", n.Get("handoff").Get("say"))
	m.text(p+"returns", n.Get("returns").Get("say"))
	m.steps(p+"unanswered", n.Get("unanswered"))
}

func (m *keyMaker) form(p string, n *source.Node) {
	if n == nil || n.Kind != source.Map {
		return
	}
	for _, name := range []string{"ask", "title", "intro"} {
		m.text(p+name, n.Get(name))
	}
	fields := n.Get("fields")
	if fields == nil {
		return
	}
	for _, f := range fields.Items {
		if slot, ok := scalar(f.Get("slot")); ok {
			m.text(p+slot+".label", f.Get("label"))
			m.text(p+slot+".help", f.Get("help"))
		}
	}
}

func (m *keyMaker) collect(key string, s *stateSrc, n *source.Node) {
	if n == nil || n.Kind != source.Map {
		return
	}
	if shortCollect(m.l.grammar["collect"], n) {
		m.text(key+".ask", n.Pairs[0].Value)
		return
	}
	m.text(key+".ask", n.Get("ask"))
	if invalid := n.Get("invalid"); invalid != nil && invalid.Kind == source.List {
		m.list(key+".invalid", invalid)
	} else {
		m.text(key+".invalid.1", invalid, key+".invalid")
	}
	m.text(key+".skip", n.Get("skip"))
	if c, ok := scalar(n.Get("confirm")); !ok || c != "true" && c != "false" {
		m.text(key+".confirm", n.Get("confirm"))
	}
	m.options(key+".", s, n.Get("options"))
}

// options adds the keys of each option, found by where its label stands.
func (m *keyMaker) options(p string, s *stateSrc, n *source.Node) {
	if n == nil {
		return
	}
	at := map[source.Range]*optionSrc{}
	for _, o := range s.opts {
		at[o.at] = o
	}
	for _, item := range n.Items {
		m.option(p, at, item.Get("label"), item)
	}
	for _, pair := range n.Pairs {
		label := pair.Key
		if own := pair.Value.Get("label"); own != nil {
			label = own
		}
		m.option(p, at, label, pair.Value)
	}
}

func (m *keyMaker) option(p string, at map[source.Range]*optionSrc, label, v *source.Node) {
	if label == nil {
		return
	}
	o := at[label.Words()]
	if o == nil {
		return
	}
	p += o.def.ID + "."
	for _, part := range []struct {
		name string
		node *source.Node
	}{{"label", label}, {"short", v.Get("short")}, {"description", v.Get("description")}} {
		if e := m.text(p+part.name, part.node); e != nil {
			e.option, e.part = o, part.name
		}
	}
	m.add(&entry{key: p + "match", words: func(lang string, list []string, nodes []*source.Node) {
		if o.def.Match == nil {
			o.def.Match = map[string][]string{}
		}
		o.def.Match[lang] = append(o.def.Match[lang], list...)
		o.words = append(o.words, nodes...)
	}})
}
