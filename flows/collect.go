package flows

import (
	"dispatcher/engine"
	"dispatcher/internal/source"
)

// collect compiles the filling of one slot, short or long.
func (l *loader) collect(s *stateSrc, p *source.Pair) *engine.Collect {
	n := p.Value
	if n.Kind != source.Map {
		if n.Kind == source.Null {
			l.err("E110", p.Key.Words(), "collect needs a slot")
		}
		return nil
	}
	c := &engine.Collect{At: l.place(p.Key.Range)}
	if shortCollect(l.grammar["collect"], n) {
		c.Slot = n.Pairs[0].Key.Text
		c.Ask = l.said(n.Pairs[0].Value, scope{}, false)
		l.needsAsk(c, n, p)
		return c
	}
	slot, ok := scalar(n.Get("slot"))
	if !ok {
		l.missing(n, "collect", "slot", p.Key.Words(), "collect needs a slot")
	}
	c.Slot = slot
	var def *engine.Slot
	if src := l.slots[slot]; src != nil {
		def = src.def
	}
	c.Ask = l.said(n.Get("ask"), scope{}, n.Get("options") != nil)
	if ok {
		l.needsAsk(c, n, p)
	}
	c.Invalid = l.invalid(n.Get("invalid"))
	c.MaxTries = l.count(n, "collect", "max_tries", 0)
	if e := n.Pair("give_up"); e != nil {
		c.GiveUp = l.exit(e.Value, e.Key.Words(), "give_up", "give_up")
	}
	if e := n.Pair("missing"); e != nil {
		c.Missing = l.exit(e.Value, e.Key.Words(), "missing", "missing")
	}
	c.Skip = l.text(n.Get("skip"), scope{})
	if o := n.Get("options"); o != nil {
		c.Options = l.options(s, o, "collect")
		l.skipTwice(s, n.Get("skip"), c.Skip)
	}
	l.confirm(c, n.Get("confirm"), def)
	c.Always = l.boolean(n.Get("always"), false)
	l.accept(c, n, def)
	return c
}

// skipTwice finds an option that has the label or the id of the skip button (E114).
func (l *loader) skipTwice(s *stateSrc, skip *source.Node, label *engine.Text) {
	words, _ := literal(label, l.set.Languages[0])
	if words == "" {
		return
	}
	for _, o := range s.opts {
		own, _ := literal(o.def.Label, l.set.Languages[0])
		switch {
		case l.normal(own) == l.normal(words):
			d := l.err("E114", skip.Words(), "two options have the label %q", words)
			d.Related = []source.Related{{Range: o.at, Message: "the first one is here"}}
		case o.def.ID == "skip":
			d := l.err("E114", o.at, "two options have the id %q", o.def.ID)
			d.Related = []source.Related{{Range: skip.Words(), Message: "the other one is here"}}
		}
	}
}

// needsAsk wants a question from the state or from the slot (E110).
func (l *loader) needsAsk(c *engine.Collect, n *source.Node, p *source.Pair) {
	slot := l.slots[c.Slot]
	if c.Ask != nil || slot == nil || slot.def.Ask != nil || shortCollect(l.grammar["collect"], n) && l.miskind(n.Get(c.Slot)) {
		return
	}
	l.missing(n, "collect", "ask", p.Key.Words(), "collect needs ask: slot %s has no question of its own", c.Slot)
}

// invalid is a ladder: 1st, 2nd, … the last repeats.
func (l *loader) invalid(n *source.Node) []*engine.Text {
	if n == nil {
		return nil
	}
	items := []*source.Node{n}
	if n.Kind == source.List {
		items = n.Items
	}
	var out []*engine.Text
	for _, item := range items {
		if t := l.said(item, scope{}, false); t != nil {
			out = append(out, t)
		}
	}
	return out
}

func (l *loader) confirm(c *engine.Collect, n *source.Node, def *engine.Slot) {
	s, ok := scalar(n)
	switch {
	case n == nil || n.Kind == source.Null || ok && s == "false":
	case ok && s == "true":
		c.Confirm = true
	default:
		c.Confirm = true
		if def == nil {
			def = &engine.Slot{Type: engine.SlotText}
		}
		c.ConfirmText = l.said(n, scope{value: def}, true)
	}
}

func (l *loader) accept(c *engine.Collect, n *source.Node, def *engine.Slot) {
	a := n.Pair("accept")
	if a == nil {
		return
	}
	if def != nil && def.Type != engine.SlotMedia && !l.slots[def.Name].vague {
		l.err("E110", a.Key.Words(), "accept is for slots of type media, %s is %s", c.Slot, def.Type)
	}
	for _, w := range words(a.Value) {
		if v := l.oneOf(w, "", l.words("collect", "accept")...); v != "" {
			c.Accept = append(c.Accept, v)
		}
	}
}
