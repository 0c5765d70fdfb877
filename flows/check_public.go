package flows

import (
	"dispatcher/engine"
	"dispatcher/internal/source"
)

// checkPublic guards every state that can run for a public post: those of
// public flows and of every flow they reach (language.md 2.18).
func (l *loader) checkPublic(g *graph) {
	var from []*stateSrc
	for _, f := range l.flows {
		if f.public {
			for _, name := range f.def.StateOrder {
				from = append(from, f.states[name])
			}
		}
	}
	if len(from) == 0 {
		return
	}
	public := g.closure(from, true)
	for _, s := range g.states {
		if public[s] {
			l.in(s.flow.name, s.name, func() { l.publicState(s) })
		}
	}
	for _, u := range l.uses {
		if s := l.stateAt(u.flow, u.state); s != nil && public[s] {
			l.in(u.flow, u.state, func() { l.publicUse(u) })
		}
	}
	for _, f := range l.flows {
		if f.public && f.states["start"] != nil {
			g.publicSays(f.states["start"], 0, map[*stateSrc]int{})
		}
	}
}

func (l *loader) publicState(s *stateSrc) {
	for _, name := range []string{"options", "collect", "form", "verify"} {
		if p := s.node.Pair(name); p != nil {
			l.err("E122", p.Key.Words(), "a public flow cannot ask questions")
			return
		}
	}
	if h := s.def.HTTP; h != nil && h.Method != "" && h.Method != "get" {
		if p := s.node.Get("http").Pair(h.Method); p != nil {
			l.err("E122", p.Key.Words(), "a public flow can only look things up: use get, not %s", h.Method)
		}
	}
}

func (l *loader) publicUse(u *use) {
	for _, c := range u.canned {
		if name := l.personalIn(c.name, map[string]bool{}); name != "" {
			l.err("E220", c.at, "canned.%s shows %s, which is personal, and this flow can run in public", c.name, name)
		}
	}
	for _, r := range u.slots {
		if s := l.slots[r.name]; s != nil && s.def.PII {
			l.err("E220", r.at, "slots.%s is personal and this flow can run in public", r.name)
		}
	}
	for _, r := range u.other {
		if l.lookups[r.name] != nil {
			l.err("E220", r.at, "%s comes from a look-up and this flow can run in public", r.name)
			continue
		}
		l.err("E220", r.at, "%s is personal and this flow can run in public", r.name)
	}
}

// personalIn is the first personal thing that a canned text shows, "" when
// there is none.
func (l *loader) personalIn(name string, seen map[string]bool) string {
	c := l.set.Canned[name]
	if c == nil || seen[name] {
		return ""
	}
	seen[name] = true
	for _, u := range l.usesIn(c.Text) {
		for _, r := range u.slots {
			if s := l.slots[r.name]; s != nil && s.def.PII {
				return "slots." + r.name
			}
		}
		for _, r := range u.other {
			return r.name
		}
		for _, r := range u.canned {
			if found := l.personalIn(r.name, seen); found != "" {
				return found
			}
		}
	}
	return ""
}

// publicSays follows the paths of a public flow and counts what is said (E123).
func (g *graph) publicSays(s *stateSrc, said int, best map[*stateSrc]int) {
	total := said + messages(s.def)
	if e := s.def.Exit; e != nil && e.Hand != nil && len(e.Hand.Say) > 0 {
		total++
	}
	if old, seen := best[s]; seen && old >= total || len(best) > maxProjectStates {
		return
	}
	best[s] = total
	if total > 1 && said < 2 {
		g.l.in(s.flow.name, s.name, func() {
			g.l.err("E123", sayAt(s), "a public flow says at most one message; this path says %d", total)
		})
	}
	if total > 2 {
		return
	}
	for _, f := range s.out {
		if f.by > byFailing {
			continue
		}
		for _, n := range g.next(f.exit) {
			g.publicSays(n, total, best)
		}
	}
}

// sayAt is the text that is one too many: the second of a list, else the only one.
func sayAt(s *stateSrc) source.Range {
	say := s.node.Get("say")
	switch {
	case say == nil:
		return s.key.Words()
	case say.Kind == source.List && len(say.Items) > 1:
		return say.Items[1].Words()
	}
	return say.Words()
}

// messages counts the messages a state's say sends.
func messages(d *engine.StateDef) int {
	n := 0
	for _, item := range d.Say {
		if item.Text != nil || len(item.Group) > 0 || item.Media != nil {
			n++
		}
	}
	if d.Media != nil {
		n++
	}
	return n
}
