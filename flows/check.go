package flows

import (
	"slices"
	"strings"

	"dispatcher/engine"
	"dispatcher/internal/source"
)

// check finds what only the whole project shows: paths, escapes, limits, use.
func (l *loader) check() {
	l.flow, l.state = "", ""
	g := l.graph()
	l.checkCalls(g)
	l.checkDelegates(g)
	l.checkLoops(g)
	l.checkEnds(g)
	l.checkReach(g)
	l.checkTries(g)
	l.checkSpins(g)
	l.checkEscapes(g)
	l.checkPublic(g)
	l.checkAssigned(g)
	l.checkEffort(g)
	l.checkAlone()
	l.checkTranslations(g)
	l.checkLimits()
	l.checkUnused()
	l.measure(g)
}

// checkAlone finds what one flow shows beside what all of them share; of a flow
// that is taken as it was, what was found in it comes back.
func (l *loader) checkAlone() {
	taken := l.escapePhrases()
	same := slices.Equal(l.limits, l.now.shared.limits)
	l.now.shared.limits = l.limits
	for _, f := range l.flows {
		if f.part != nil && same {
			l.replay(f.alone)
			continue
		}
		f.part = nil
		f.alone = l.record(func() {
			l.checkPhrases(f, taken)
			l.flowLimits(f)
		})
	}
}

// withhold drops findings that another error only made look so (language.md 6.1).
func (l *loader) withhold() {
	blind, anywhere, names := map[string]bool{}, l.unreadable, l.unreadable
	unusable := map[source.Range]bool{} // names that nothing can lead to
	again := map[string]bool{}          // files of a flow that is in another one: what its names mean is not known
	for _, d := range l.diags {
		if d.Severity != source.Error {
			continue
		}
		unusable[d.Range] = unusable[d.Range] || d.Code == "E102"
		again[d.Range.File] = again[d.Range.File] || d.Code == "E109"
		if blinds(d) || d.Code < "E100" || d.Code == "E115" {
			blind[d.Flow], anywhere = true, true
		}
		if blinds(d) || d.Code == "E217" || d.Code == "E105" || d.Code == "E107" {
			names = true
		}
	}
	kept := l.diags[:0]
	for _, d := range l.diags {
		switch {
		case again[d.Range.File] && (d.Code[1] == '3' || d.Severity == source.Warning):
		case d.Code == "W215" && (blind[d.Flow] || l.unreadable):
		case d.Code == "W311" && (blind[d.Flow] || l.unreadable || d.State == "" && anywhere || unusable[d.Range]):
		case (d.Code == "W430" || d.Code == "W432") && (names || unusable[d.Range]):
		case d.Code == "W308" && anywhere:
		default:
			kept = append(kept, d)
		}
	}
	l.diags = kept
}

// checkCalls: a flow that can call itself (E305), results that never come
// (E306), calls that nothing follows (E307).
func (l *loader) checkCalls(g *graph) {
	returned, blind := l.returned(g)
	for _, r := range l.results {
		f := l.byName[r.flow]
		if f == nil || blind[r.flow] || returned[r.flow][r.name.Text] {
			continue
		}
		l.in(r.in, r.state, func() {
			l.suggest(l.err("E306", r.name.Words(), "%s never returns %q", r.flow, r.name.Text), r.name.Text, keysOf(returned[r.flow]))
		})
	}
	for _, s := range g.states {
		l.in(s.flow.name, s.name, func() {
			for _, w := range s.ways {
				everyExit(w.exit, func(e *engine.Exit) { l.followed(e, w, returned, blind) })
			}
		})
	}
	l.checkRecursion(g)
}

func (l *loader) returned(g *graph) (names map[string]map[string]bool, blind map[string]bool) {
	names, blind = map[string]map[string]bool{}, map[string]bool{}
	for _, s := range g.states {
		if names[s.flow.name] == nil {
			names[s.flow.name] = map[string]bool{}
		}
		blind[s.flow.name] = blind[s.flow.name] || s.bad
		for _, f := range s.out {
			if f.exit != nil && f.exit.Kind == engine.ExitReturn {
				names[s.flow.name][f.exit.Result] = true
			}
		}
	}
	return names, blind
}

func (l *loader) followed(e *engine.Exit, w way, returned map[string]map[string]bool, blind map[string]bool) {
	if e.Kind != engine.ExitCall || e.Then != nil || e.OnElse != nil || blind[e.Flow] || l.byName[e.Flow] == nil {
		return
	}
	open := e.On == nil
	for result := range returned[e.Flow] {
		_, known := e.On[result]
		open = open || !known
	}
	if open {
		l.err("E307", w.at, "nothing says where to go when %s returns", e.Flow)
		if s := l.stateAt(l.flow, l.state); s != nil {
			s.bad = true
		}
	}
}

// checkRecursion finds flows that call themselves, directly or through others.
func (l *loader) checkRecursion(g *graph) {
	type call struct {
		to string
		at *stateSrc
	}
	calls := map[string][]call{}
	for _, s := range g.states {
		for _, w := range s.ways {
			everyExit(w.exit, func(e *engine.Exit) {
				if e.Kind == engine.ExitCall {
					calls[s.flow.name] = append(calls[s.flow.name], call{e.Flow, s})
				}
			})
		}
	}
	done := map[string]int{} // 1 = on the path, 2 = finished
	var path []call
	var visit func(flow string)
	visit = func(flow string) {
		done[flow] = 1
		for _, c := range calls[flow] {
			path = append(path, c)
			switch done[c.to] {
			case 0:
				visit(c.to)
			case 1:
				first := 0
				for i := range path {
					if path[i].at.flow.name == c.to {
						first = i
						break
					}
				}
				l.recursive[c.to], l.recursive[flow] = true, true
				names := []string{c.to}
				for _, p := range path[first:] {
					names = append(names, p.to)
				}
				l.in(flow, c.at.name, func() {
					l.err("E305", c.at.key.Words(), "%s can call itself: %s", c.to, strings.Join(names, " → "))
				})
			}
			path = path[:len(path)-1]
		}
		done[flow] = 2
	}
	for _, f := range l.flows {
		if done[f.name] == 0 {
			visit(f.name)
		}
	}
}

// checkDelegates: a flow that agents may run is private and comes back (E314).
func (l *loader) checkDelegates(g *graph) {
	for _, f := range l.flows {
		p := f.root.Pair("delegate")
		start := f.states["start"]
		if p == nil || p.Value.Kind == source.Null || start == nil {
			continue
		}
		returns, blind := false, false
		for s := range g.closure([]*stateSrc{start}, false) {
			blind = blind || s.bad
			for _, leaf := range s.out {
				returns = returns || s.flow == f && leaf.exit != nil && leaf.exit.Kind == engine.ExitReturn
			}
		}
		l.in(f.name, "", func() {
			switch {
			case f.public:
				l.err("E314", p.Key.Words(), "a delegate flow must be private")
			case !returns && !blind:
				l.err("E314", p.Key.Words(), "a delegate flow must be able to return")
			}
		})
	}
}

// checkLoops: states that go round without waiting (E304).
func (l *loader) checkLoops(g *graph) {
	color := map[*stateSrc]int{}
	inLoop := map[*stateSrc]bool{}
	var path []*stateSrc
	var visit func(s *stateSrc)
	visit = func(s *stateSrc) {
		color[s] = 1
		path = append(path, s)
		if !s.def.Asks() {
			for _, n := range g.silent[s.n] {
				if color[n] == 0 {
					visit(n)
				} else if color[n] == 1 {
					g.loop(path, n, inLoop)
				}
			}
		}
		path = path[:len(path)-1]
		color[s] = 2
	}
	for _, s := range g.states {
		if color[s] == 0 {
			visit(s)
		}
	}
	g.l.loops = inLoop
}

// shortName is a state's name beside another: with its flow where they differ.
func (g *graph) shortName(s, beside *stateSrc) string {
	if s.flow == beside.flow {
		return s.name
	}
	return s.flow.name + "." + s.name
}

func (g *graph) loop(path []*stateSrc, back *stateSrc, inLoop map[*stateSrc]bool) {
	at := len(path) - 1
	for path[at] != back {
		at--
	}
	loop := path[at:]
	var names []string
	first, again := loop[0], false
	for _, s := range loop {
		names = append(names, g.shortName(s, first))
		again = again || inLoop[s] || g.l.recursive[s.flow.name]
		inLoop[s] = true
	}
	if again {
		return
	}
	names = append(names, g.shortName(back, first))
	g.l.in(first.flow.name, first.name, func() {
		g.l.err("E304", first.key.Words(), "these states go round for ever without waiting: %s", strings.Join(names, " → "))
	})
}

// checkEnds: from every state a written path ends (E312, ruling 50). What the
// state itself says of silence counts, what every state inherits does not.
func (l *loader) checkEnds(g *graph) {
	ends := map[*stateSrc]bool{}
	for changed := true; changed; {
		changed = false
		for _, s := range g.states {
			if !ends[s] && (s.bad || g.endsFrom(s, ends)) {
				ends[s], changed = true, true
			}
		}
	}
	reported := map[string]bool{}
	for _, s := range g.states {
		if ends[s] || reported[s.flow.name] || l.loops[s] || g.entersLoop(s) {
			continue
		}
		reported[s.flow.name] = true
		l.in(s.flow.name, s.name, func() {
			l.err("E312", s.key.Words(), "from %q no path ends: no handoff, resolve or return can be reached", s.name)
		})
	}
}

// entersLoop says that a state only runs into states that were reported already.
func (g *graph) entersLoop(s *stateSrc) bool {
	for _, n := range g.silent[s.n] {
		if g.l.loops[n] {
			return true
		}
	}
	return false
}

func (g *graph) endsFrom(s *stateSrc, ends map[*stateSrc]bool) bool {
	for _, f := range s.out {
		if f.exit != nil && (f.by != bySilence || s.def.NoReply != nil) && g.endsAt(f.exit, ends, 0) {
			return true
		}
	}
	return false
}

func (g *graph) endsAt(e *engine.Exit, ends map[*stateSrc]bool, depth int) bool {
	if g.l.lost[e] || depth > 8 {
		return true
	}
	switch e.Kind {
	case engine.ExitHandoff, engine.ExitResolve, engine.ExitReturn, engine.ExitResume:
		return true
	case engine.ExitGoto:
		return ends[g.l.stateAt(e.Flow, e.State)]
	case engine.ExitCall:
		if g.handsOff(e.Flow) {
			return true
		}
		for _, back := range backs(e) {
			for _, f := range leaves(way{exit: back}) {
				if f.exit != nil && g.endsAt(f.exit, ends, depth+1) {
					return true
				}
			}
		}
	}
	return false
}

// handsOff says that a called flow has an end of its own.
func (g *graph) handsOff(flow string) bool {
	f := g.l.byName[flow]
	if f == nil {
		return true
	}
	for _, s := range f.states {
		for _, lf := range s.out {
			if lf.exit != nil && (lf.exit.Kind == engine.ExitHandoff || lf.exit.Kind == engine.ExitResolve || lf.exit.Kind == engine.ExitGoto && lf.exit.Flow != flow) {
				return true
			}
		}
	}
	return false
}

// checkUnused: slots, queues and schedules that nothing names (W430, W432).
func (l *loader) checkUnused() {
	for _, name := range l.slotOrder {
		s := l.slots[name]
		if s.declared && !l.used["slot "+name] {
			l.in(s.def.Flow, "", func() { l.warn("W430", s.at, "slot %q is never used", name) })
		}
	}
	for name, at := range l.queues {
		if !l.used["queue "+name] {
			l.warn("W432", at, "queue %q is never used", name)
		}
	}
	for name, at := range l.schedules {
		if !l.used["schedule "+name] {
			l.warn("W432", at, "schedule %q is never used", name)
		}
	}
}
