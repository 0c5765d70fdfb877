package flows

import (
	"sort"
	"strings"

	"dispatcher/engine"
	"dispatcher/internal/source"
)

// projectSection is what stands under project: in a locale file.
func (l *loader) projectSection(flows map[string]*section) *section {
	s := &section{name: "project", entries: map[string]*entry{}, unsure: map[string]bool{}}
	m := &keyMaker{l: l, s: s}
	if l.root != nil {
		m.canned(l.root.Get("canned"))
		m.queues(l.root.Get("queues"))
		if d := l.root.Get("defaults"); d != nil {
			m.steps("defaults.no_match", d.Get("no_match"))
			m.steps("defaults.no_reply", d.Get("no_reply"))
		}
	}
	m.everywhere("")
	m.builtIns()
	for _, f := range l.flows { // slots are one namespace
		if of := flows["flow."+f.name]; of != nil {
			for key, e := range of.entries {
				if strings.HasPrefix(key, "slots.") {
					s.entries[key] = e
				}
			}
		}
	}
	return s
}

func (m *keyMaker) canned(n *source.Node) {
	if n == nil || n.Kind != source.Map {
		return
	}
	for _, p := range n.Pairs {
		key := "canned." + p.Key.Text
		if text := cannedText(p.Value); text != nil {
			if e := m.text(key, text); e != nil {
				e.optional = strings.HasPrefix(p.Key.Text, "builtin_")
			}
		} else if m.l.inlineLanguages(p.Value) {
			m.text(key, p.Value)
		}
	}
}

// queues adds the shown names; a queue without one is called by its alias.
func (m *keyMaker) queues(n *source.Node) {
	for _, alias := range m.l.set.QueueOrder {
		q := m.l.set.Queues[alias]
		name := m.queueName(n, alias)
		e := m.add(&entry{key: "queues." + alias, node: name, source: q.Name, optional: name == nil})
		e.scope = &scope{}
		e.set = func(lang string, _ *engine.Template, n *source.Node) { m.l.queueName(q, lang, n) }
	}
}

// queueNames reads the name of a queue: a text, or one per language.
func (l *loader) queueNames(q *engine.Queue, n *source.Node) {
	switch {
	case n == nil || n.Kind == source.Null:
	case n.Kind == source.Scalar:
		l.queueName(q, l.set.Languages[0], n)
	case n.Kind == source.Map && n.Get("any") == nil:
		l.inline(n, scope{})
		for _, p := range n.Pairs {
			if p.Value.Kind == source.Scalar && l.isLanguage(p.Key.Text) {
				l.queueName(q, p.Key.Text, p.Value)
			}
		}
	}
}

// queueName is the name of a queue in one language.
func (l *loader) queueName(q *engine.Queue, lang string, n *source.Node) {
	name := strings.TrimSpace(n.Text)
	switch {
	case strings.Contains(name, "{{"):
		l.err("E105", n.Words(), "the name of a queue is the same for everybody; it cannot hold {{ }}")
	case lang == l.set.Languages[0]:
		q.Name = name
	default:
		if q.Names == nil {
			q.Names = map[string]string{}
		}
		q.Names[lang] = name
	}
}

func (m *keyMaker) queueName(n *source.Node, alias string) *source.Node {
	if n == nil || n.Get(alias) == nil {
		return nil
	}
	return n.Get(alias).Get("name")
}

// slot adds ask, called and the labels of the values.
func (m *keyMaker) slot(s *slotSrc) {
	p, d := "slots."+s.def.Name+".", s.def
	if s.node != nil && s.node.Kind == source.Map {
		m.text(p+"ask", s.node.Get("ask"))
	}
	m.add(&entry{key: p + "called", words: func(_ string, list []string, _ []*source.Node) {
		if d.Called == nil {
			d.Called = []string{strings.ReplaceAll(d.Name, "_", " ")}
		}
		d.Called = append(d.Called, list...)
	}})
	for i := range d.Values {
		m.value(p+"values."+d.Values[i].ID, s, i)
	}
}

// value is the label of one id; an id without a label shows itself.
func (m *keyMaker) value(key string, s *slotSrc, i int) {
	v := &s.def.Values[i]
	var label *source.Node
	if s.node != nil && s.node.Get("values") != nil && s.node.Get("values").Kind == source.Map {
		label = s.node.Get("values").Get(v.ID)
	}
	if label != nil && label.Kind != source.Null {
		m.text(key, label)
		return
	}
	e := m.add(&entry{key: key, source: v.ID, optional: true})
	e.scope = &scope{}
	e.set = func(lang string, tpl *engine.Template, n *source.Node) {
		if v.Label == nil {
			id := &engine.Template{Source: v.ID, Parts: []engine.Part{{Lit: v.ID}}}
			v.Label = &engine.Text{At: m.l.place(n.Range), Lang: map[string]*engine.Template{m.l.set.Languages[0]: id}}
		}
		v.Label.Lang[lang] = tpl
	}
}

// everywhere adds the entries of the project ("") or of a flow, and for the
// project the built-in ones that it does not declare.
func (m *keyMaker) everywhere(flow string) {
	declared := map[string]bool{}
	for _, src := range m.l.escapes {
		if src.flow != flow {
			continue
		}
		declared[src.def.Name] = true
		m.text("everywhere."+src.def.Name+".say", src.pair.Value.Get("say"))
		m.phrases(src.def)
	}
	if flow != "" {
		return
	}
	for _, name := range builtInEscapes() {
		if !declared[name] {
			m.phrases(&engine.Escape{Name: name})
		}
	}
}

// phrases adds match of an entry; one that was not declared is, by being given words.
func (m *keyMaker) phrases(e *engine.Escape) {
	m.add(&entry{key: "everywhere." + e.Name + ".match", words: func(lang string, list []string, _ []*source.Node) {
		if e.Match == nil {
			e.Match = map[string][]string{}
		}
		e.Match[lang] = append(e.Match[lang], list...)
		if e.At.File == "" { // built in
			e.At = engine.Place{File: projectFile, Line: 1}
			m.l.set.Everywhere = append(m.l.set.Everywhere, e)
			m.l.escapes = append(m.l.escapes, escapeSrc{def: e})
		}
	}})
}

// builtIns adds every sentence of language.md 4.6 as builtin.NAME.
func (m *keyMaker) builtIns() {
	names := keysOf(engine.PackOf("en").Sentences)
	sort.Strings(names)
	first := engine.PackOf(m.l.set.Languages[0])
	if first == nil {
		first = engine.PackOf("en")
	}
	for _, name := range names {
		e := m.add(&entry{key: "builtin." + name, source: first.Sentences[name], builtIn: true, optional: true, sentence: true})
		if own := m.l.set.Canned["builtin_"+name]; own != nil && own.Text != nil && own.Text.Lang[m.l.set.Languages[0]] != nil {
			e.source, e.builtIn = own.Text.Lang[m.l.set.Languages[0]].Source, false
		}
		e.scope = builtInScope(name)
		e.set = func(lang string, tpl *engine.Template, n *source.Node) { m.l.ownSentence(name, lang, tpl, n) }
	}
}

// builtInScope is what the project's own form of a built-in sentence may read.
// Where the pack's form holds a name that the engine fills in, so may the project's.
func builtInScope(name string) *scope {
	sc := &scope{queue: strings.HasPrefix(name, "handoff_")}
	switch name {
	case "confirm":
		sc.value, sc.secret = &engine.Slot{Type: engine.SlotText}, true
	case "handoff_closed":
		sc.later = "opens"
	case "wait_now":
		sc.later = "minutes"
	}
	return sc
}

// ownSentence gives the set a built-in sentence in the project's own words.
func (l *loader) ownSentence(name, lang string, tpl *engine.Template, n *source.Node) {
	if l.set.Sentences == nil {
		l.set.Sentences = map[string]*engine.Text{}
	}
	t := l.set.Sentences[name]
	if t == nil || t.Lang == nil { // one in variants is found beside it, as a canned response
		t = &engine.Text{At: l.place(n.Range), Lang: map[string]*engine.Template{}}
		l.set.Sentences[name] = t
	}
	t.Lang[lang] = tpl
}
