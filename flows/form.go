package flows

import (
	"time"

	"dispatcher/engine"
	"dispatcher/internal/source"
)

const maxFormOpen = 24 * time.Hour

// compileForm compiles a page that fills several slots (language.md 2.19).
func (l *loader) compileForm(p *source.Pair) *engine.Form {
	n := p.Value
	if n.Kind != source.Map {
		if n.Kind == source.Null {
			l.err("E110", p.Key.Words(), "form needs ask and fields")
		}
		return nil
	}
	f := &engine.Form{At: l.place(p.Key.Range), Expires: 30 * time.Minute, Fallback: "chat"}
	f.Ask = l.linkText(n, p, "form", scope{form: true}, true)
	f.Title, f.Intro = l.text(n.Get("title"), scope{}), l.text(n.Get("intro"), scope{})
	l.formFields(f, n, p)
	f.Expires = l.duration(n.Get("expires"), f.Expires)
	if f.Expires > maxFormOpen {
		l.err("E105", n.Get("expires").Words(), "a form is open for at most 24h")
	}
	fallback := n.Pair("fallback")
	if fallback == nil {
		return f
	}
	if s, ok := scalar(fallback.Value); ok && (s == "chat" || s == "none") {
		f.Fallback = s
		return f
	}
	f.Fallback = ""
	f.FallbackExit = l.exit(fallback.Value, fallback.Key.Words(), "form:fallback", "form:fallback")
	return f
}

// linkText compiles the ask of a form or a verification by link, which must
// hold its address in every wording (E124).
func (l *loader) linkText(n *source.Node, p *source.Pair, construct string, sc scope, needed bool) *engine.Text {
	ask := n.Get("ask")
	if ask == nil || ask.Kind == source.Null {
		l.missing(n, construct, "ask", p.Key.Words(), "%s needs ask", construct)
		return nil
	}
	before := len(l.diags)
	t := l.said(ask, sc, true)
	if t == nil || len(l.diags) > before || !needed {
		return t
	}
	if !l.holdsLink(t, construct) {
		l.err("E124", ask.Words(), "the text of a %s must contain {{ %s.url }}", construct, construct)
	}
	return t
}

// holdsLink says that every variant and language of a text shows the address.
func (l *loader) holdsLink(t *engine.Text, root string) bool {
	for _, v := range t.Any {
		if !l.holdsLink(v, root) {
			return false
		}
	}
	for _, tpl := range t.Lang {
		holds := false
		for _, p := range tpl.Parts {
			u := l.useOf[p.Expr]
			holds = holds || p.Expr != nil && u != nil && rootOf(u.tree) == root
		}
		if !holds {
			return false
		}
	}
	return true
}

// formFields reads the list of slots: a name, or {slot, label, required, help}.
func (l *loader) formFields(f *engine.Form, n *source.Node, p *source.Pair) {
	fields := n.Pair("fields")
	if nothingIn(fields) {
		if fields == nil {
			l.missing(n, "form", "fields", p.Key.Words(), "form needs fields")
		} else {
			l.err("E110", fields.Key.Words(), "form needs fields")
		}
		return
	}
	seen := map[string]bool{}
	for _, item := range fields.Value.Items {
		slot := item
		if item.Kind == source.Map {
			slot = item.Get("slot")
		}
		name, ok := scalar(slot)
		if !ok {
			if item.Kind == source.Map && (slot == nil || slot.Kind == source.Null) {
				l.missing(item, "form_field", "slot", item.Words(), "a field needs a slot")
			}
			continue
		}
		if seen[name] {
			l.err("E108", slot.Words(), "slot %q is written twice", name)
			continue
		}
		seen[name] = true
		field := engine.FormField{Slot: name}
		if item.Kind == source.Map {
			field.Label, field.Help = l.text(item.Get("label"), scope{}), l.text(item.Get("help"), scope{})
			field.Optional = !l.boolean(item.Get("required"), true)
		}
		f.Fields = append(f.Fields, field)
	}
}

// formSlots are the nodes of the slots that a form fills.
func formSlots(n *source.Node) []*source.Node {
	fields := n.Get("form").Get("fields")
	if fields == nil || fields.Kind != source.List {
		return nil
	}
	var out []*source.Node
	for _, item := range fields.Items {
		if item.Kind == source.Map {
			item = item.Get("slot")
		}
		if item != nil && item.Kind == source.Scalar {
			out = append(out, item)
		}
	}
	return out
}

// formWays are the ways out of a form: sent, known already, or its fallback.
func formWays(s *stateSrc) []way {
	f, at := s.def.Form, s.key.Words()
	var needed, all []string
	for _, field := range f.Fields {
		all = append(all, field.Slot)
		if !field.Optional {
			needed = append(needed, field.Slot)
		}
	}
	out := []way{{by: byAnswer, exit: s.def.Exit, at: at, gain: needed}, {by: byKnown, exit: s.def.Exit, at: at, gain: all}}
	switch {
	case f.FallbackExit != nil:
		out = append(out, way{by: byGivingUp, exit: f.FallbackExit, name: "fallback", at: at})
	case f.Fallback == "none" || f.Fallback == "":
		out = append(out, way{by: byGivingUp, exit: nil, at: at})
	default:
		out = append(out, way{by: byAnswer, exit: s.def.Exit, at: at, gain: needed}, way{by: byGivingUp, exit: nil, at: at})
	}
	return out
}
