package flows

import (
	"dispatcher/engine"
)

// entries are the states that something outside of states leads to.
func (l *loader) entries() (all, bare []*stateSrc) {
	add := func(s *stateSrc, empty bool) {
		if s == nil {
			return
		}
		all = append(all, s)
		if empty {
			bare = append(bare, s)
		}
	}
	for _, r := range l.set.Start {
		add(l.stateAt(r.Flow, "start"), true)
	}
	add(l.stateAt(l.set.AfterResolve, "start"), false)
	for _, e := range l.escapes {
		everyExit(e.def.Exit, func(x *engine.Exit) {
			switch x.Kind {
			case engine.ExitGoto:
				add(l.stateAt(x.Flow, x.State), true)
			case engine.ExitCall:
				add(l.stateAt(x.Flow, "start"), false)
			}
		})
	}
	for _, f := range l.flows {
		if f.def.Delegate != nil {
			add(f.states["start"], false)
		}
		everyExit(f.def.Vanished, func(x *engine.Exit) { add(l.stateAt(x.Flow, x.State), true) })
		for _, to := range f.def.Renamed {
			add(f.states[to], false)
		}
		for _, s := range f.states {
			if s.def.Resume != nil {
				add(s, false)
			}
		}
	}
	return all, bare
}

// checkReach: states and flows that no path leads to (W311), returns with
// nobody waiting (W308).
func (l *loader) checkReach(g *graph) {
	if len(l.set.Start) == 0 {
		return
	}
	all, bare := l.entries()
	reached := g.closure(all, true)
	flowReached := map[string]bool{}
	for s := range reached {
		flowReached[s.flow.name] = true
	}
	for _, f := range l.flows {
		if !flowReached[f.name] && f.key != nil {
			l.in(f.name, "", func() { l.warn("W311", f.key.Words(), "no path leads to flow %q", f.name) })
		}
	}
	for _, s := range g.states {
		if !reached[s] && flowReached[s.flow.name] {
			l.in(s.flow.name, s.name, func() { l.warn("W311", s.key.Words(), "no path leads to state %q", s.name) })
		}
	}
	l.checkReturns(g, g.closure(bare, false))
}

func (l *loader) checkReturns(g *graph, bare map[*stateSrc]bool) {
	for _, s := range g.states {
		if !bare[s] || s.flow.public {
			continue
		}
		for _, f := range s.out {
			if f.exit != nil && f.exit.Kind == engine.ExitReturn {
				l.in(s.flow.name, s.name, func() {
					l.warn("W308", f.at, "%s can return here with nobody waiting; the conversation would close", s.flow.name)
				})
				break
			}
		}
	}
}

// closure follows every way from some states; calls into flows only if asked.
func (g *graph) closure(from []*stateSrc, calls bool) map[*stateSrc]bool {
	seen := map[*stateSrc]bool{}
	todo := append([]*stateSrc(nil), from...)
	for len(todo) > 0 {
		s := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if seen[s] {
			continue
		}
		seen[s] = true
		for _, f := range s.out {
			everyExit(f.exit, func(e *engine.Exit) {
				target := ""
				switch {
				case e.Kind == engine.ExitGoto:
					target = e.State
				case e.Kind == engine.ExitCall && calls:
					target = "start"
				}
				if n := g.l.stateAt(e.Flow, target); target != "" && n != nil {
					todo = append(todo, n)
				}
			})
		}
	}
	return seen
}

// builtInEscapes are the entries of everywhere that are always there.
func builtInEscapes() []string { return []string{"talk_to_person", "start_over", "stop"} }

// checkEscapes: stop must resolve (E325), talk_to_person must reach a handoff
// without asking (E329).
func (l *loader) checkEscapes(g *graph) {
	for _, e := range l.escapes {
		if e.def.Exit == nil {
			continue
		}
		l.in(e.flow, "", func() {
			switch e.def.Name {
			case "stop":
				if !g.always(e.def.Exit, engine.ExitResolve, map[*stateSrc]bool{}) {
					l.err("E325", e.pair.Key.Words(), "stop must resolve")
				}
			case "talk_to_person":
				if !g.always(e.def.Exit, engine.ExitHandoff, map[*stateSrc]bool{}) {
					l.err("E329", e.pair.Key.Words(), "talk_to_person must lead to a handoff without another question")
				}
			}
		})
	}
}

// always says that an exit ends in one kind of end on every path, without waiting.
func (g *graph) always(e *engine.Exit, kind string, seen map[*stateSrc]bool) bool {
	for _, f := range leaves(way{exit: e}) {
		switch {
		case f.exit == nil:
			if kind != engine.ExitHandoff {
				return false
			}
		case g.l.lost[f.exit], f.exit.Kind == kind:
		case f.exit.Kind == engine.ExitGoto:
			s := g.l.stateAt(f.exit.Flow, f.exit.State)
			if s == nil || seen[s] || s.bad {
				continue
			}
			if s.def.Asks() {
				return false
			}
			seen[s] = true
			for _, w := range s.ways {
				if w.by <= byFailing && !g.always(w.exit, kind, seen) {
					return false
				}
			}
		default:
			return false
		}
	}
	return true
}
