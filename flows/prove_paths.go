package flows

import (
	"slices"
	"strings"

	"dispatcher/engine"
)

// distances holds the fewest answers from a state to an end of its own
// (handoff, resolve) and to a return.
type distances struct {
	g         *graph
	hard, ret map[*stateSrc]int
}

// distances follows the answers a question wants; only where those never end,
// also giving up, skipping and what is known already.
func (g *graph) distances() *distances {
	d := &distances{g: g, hard: map[*stateSrc]int{}, ret: map[*stateSrc]int{}}
	for _, s := range g.states {
		d.hard[s], d.ret[s] = far, far
	}
	d.settle(wanted)
	d.settle(func(s *stateSrc, f leaf) bool {
		return d.end(s) >= 0 && wanted(s, f) || d.end(s) < 0 && f.by != byLater && (f.by != bySilence || s.def.NoReply != nil)
	})
	return d
}

// wanted says that a leaf is what happens when a question is answered.
func wanted(s *stateSrc, f leaf) bool {
	if !s.def.Asks() {
		return f.by == byEnd
	}
	return f.by == byAnswer && (s.def.Collect == nil || f.name == "")
}

func (d *distances) settle(take func(*stateSrc, leaf) bool) {
	for changed := true; changed; {
		changed = false
		for _, s := range d.g.states {
			for _, f := range s.out {
				if !take(s, f) {
					continue
				}
				hard, ret := d.exit(s, f.exit, 0)
				if s.def.Asks() && f.by != bySkip && f.by != byKnown && f.by != byFailing {
					hard, ret = hard+1, ret+1
				}
				if hard < d.hard[s] || ret < d.ret[s] {
					d.hard[s], d.ret[s], changed = min(hard, d.hard[s]), min(ret, d.ret[s]), true
				}
			}
		}
	}
}

// end is the fewest answers to any end; -1 = none is reached.
func (d *distances) end(s *stateSrc) int {
	if n := min(d.hard[s], d.ret[s]); n < far {
		return n
	}
	return -1
}

func (d *distances) exit(s *stateSrc, e *engine.Exit, depth int) (hard, ret int) {
	if e == nil {
		return 0, far // a person
	}
	switch e.Kind {
	case engine.ExitHandoff, engine.ExitResolve, engine.ExitResume:
		return 0, far
	case engine.ExitReturn:
		return far, 0
	case engine.ExitGoto:
		to := d.g.l.stateAt(e.Flow, e.State)
		switch {
		case to == nil:
			return far, far
		case to.flow != s.flow: // the stack is emptied: a return there closes
			return min(d.hard[to], d.ret[to]), far
		}
		return d.hard[to], d.ret[to]
	case engine.ExitCall:
		return d.call(s, e, depth)
	}
	return far, far
}

func (d *distances) call(s *stateSrc, e *engine.Exit, depth int) (hard, ret int) {
	to := d.g.l.stateAt(e.Flow, "start")
	if to == nil || depth > 8 {
		return far, far
	}
	hard, ret = d.hard[to], far
	if back := d.ret[to]; back < far {
		for _, b := range backs(e) {
			for _, f := range leaves(way{exit: b}) {
				h, r := d.exit(s, f.exit, depth+1)
				hard, ret = min(hard, back+h), min(ret, back+r)
			}
		}
	}
	return hard, ret
}

// endlessTries are the questions that giving up leads back to, with the loop
// by name: wrong answers would go on for ever (W318).
func (g *graph) endlessTries() map[*stateSrc][]string {
	next := map[*stateSrc][]*stateSrc{}
	for _, s := range g.states {
		for _, f := range s.out {
			if f.by == byGivingUp && !f.bounded && f.exit != nil {
				next[s] = append(next[s], g.asked(f.exit)...)
			}
		}
	}
	out := map[*stateSrc][]string{}
	rings := cyclic(next)
	for _, s := range g.states {
		if !rings[s] {
			continue
		}
		if path := loopThrough(s, next); path != nil {
			for _, p := range append(path, s) {
				out[s] = append(out[s], g.shortName(p, s))
			}
		}
	}
	return out
}

// endlessWay names the key that asks a question again without a bound.
func (g *graph) endlessWay(s *stateSrc) string {
	for _, f := range s.out {
		if f.by == byGivingUp && !f.bounded && f.exit != nil && slices.Contains(g.asked(f.exit), s) {
			return f.name
		}
	}
	return "give_up"
}

// cyclic is what may be on a ring: it neither leads to nothing but ends nor
// comes from nothing but beginnings.
func cyclic(next map[*stateSrc][]*stateSrc) map[*stateSrc]bool {
	back := map[*stateSrc][]*stateSrc{}
	for s, to := range next {
		for _, n := range to {
			back[n] = append(back[n], s)
		}
	}
	on, from := endless(next, back), endless(back, next)
	for s := range on {
		if !from[s] {
			delete(on, s)
		}
	}
	return on
}

// endless drops what leads nowhere, again and again; back is next the other way round.
func endless(next, back map[*stateSrc][]*stateSrc) map[*stateSrc]bool {
	left := map[*stateSrc]int{}
	var ends []*stateSrc
	for s, to := range next {
		left[s] = len(to)
	}
	for s := range back {
		if left[s] == 0 {
			ends = append(ends, s)
		}
	}
	for len(ends) > 0 {
		s := ends[len(ends)-1]
		ends = ends[:len(ends)-1]
		for _, from := range back[s] {
			if left[from]--; left[from] == 0 {
				ends = append(ends, from)
			}
		}
	}
	on := map[*stateSrc]bool{}
	for s, n := range left {
		if n > 0 {
			on[s] = true
		}
	}
	return on
}

// asked are the questions that an exit comes to in the same turn.
func (g *graph) asked(e *engine.Exit) []*stateSrc {
	var out []*stateSrc
	seen := map[*stateSrc]bool{}
	todo := g.next(e)
	for len(todo) > 0 {
		s := todo[0]
		todo = todo[1:]
		if seen[s] {
			continue
		}
		seen[s] = true
		if s.def.Asks() {
			out = append(out, s)
			continue
		}
		todo = append(todo, g.silent[s.n]...)
	}
	return out
}

// loopThrough is the shortest way from a state back to itself, without its end.
func loopThrough(s *stateSrc, next map[*stateSrc][]*stateSrc) []*stateSrc {
	came := map[*stateSrc]*stateSrc{}
	todo := []*stateSrc{s}
	for len(todo) > 0 {
		at := todo[0]
		todo = todo[1:]
		for _, n := range next[at] {
			if n == s {
				var path []*stateSrc
				for p := at; p != s; p = came[p] {
					path = append([]*stateSrc{p}, path...)
				}
				return append([]*stateSrc{s}, path...)
			}
			if came[n] == nil {
				came[n] = at
				todo = append(todo, n)
			}
		}
	}
	return nil
}

// checkTries: giving up that comes to the same question again (W318), said once of a loop.
func (l *loader) checkTries(g *graph) {
	said := map[string]bool{}
	endless := g.endlessTries()
	for _, s := range g.states {
		loop := endless[s]
		if loop == nil || said[s.flow.name+"."+s.name] {
			continue
		}
		for _, name := range loop {
			if !strings.Contains(name, ".") {
				name = s.flow.name + "." + name
			}
			said[name] = true
		}
		l.in(s.flow.name, s.name, func() {
			if len(loop) > 2 {
				l.warn("W318", s.key.Words(), "tries are not bounded: giving up goes round for ever: %s", strings.Join(loop, " → "))
				return
			}
			l.warn("W318", s.key.Words(), "tries are not bounded: this %s asks the same question again", g.endlessWay(s))
		})
	}
}
