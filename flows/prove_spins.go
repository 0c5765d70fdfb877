package flows

import (
	"slices"
	"strings"

	"dispatcher/engine"
)

// spins are the rounds that a look-up leads into with nobody asked, because
// the questions on the way have their answers by then. By state, each with the
// whole round by name; a round counts only where it is certain: nothing on it
// empties or works out a slot, and nothing counts it.
func (g *graph) spins() map[*stateSrc][]*stateSrc {
	next := map[*stateSrc][]*stateSrc{}
	sites := g.callSites()
	for _, s := range g.states {
		if to := g.unasked(s, sites); len(to) > 0 && !s.bad && !worksOut(s) {
			next[s] = to
		}
	}
	rings := cyclic(next)
	out := map[*stateSrc][]*stateSrc{}
	for _, s := range g.states {
		if s.def.HTTP == nil || !rings[s] || out[s] != nil {
			continue
		}
		round := spin(s, next)
		if !g.belongs(round) {
			continue
		}
		for _, p := range round {
			if out[p] == nil {
				out[p] = round
			}
		}
	}
	return out
}

// worksOut says that a state computes a slot, so that the next round may be
// another one.
func worksOut(s *stateSrc) bool {
	return slices.ContainsFunc(s.def.Set, func(set engine.SetSlot) bool { return set.Expr != nil || set.Text != nil })
}

// spin is a round from a look-up back to itself by way of known answers, nil
// when every one it finds asks again.
func spin(s *stateSrc, next map[*stateSrc][]*stateSrc) []*stateSrc {
	for range 4 { // each time without what emptied a slot the last time
		round := loopThrough(s, next)
		known := knownOn(round)
		if len(known) == 0 {
			return nil
		}
		emptying := func(p *stateSrc) bool { return empties(p, known) }
		switch {
		case emptying(s):
			return nil
		case !slices.ContainsFunc(round, emptying):
			return round
		}
		kept := map[*stateSrc][]*stateSrc{}
		for from, to := range next {
			if !emptying(from) {
				kept[from] = to
			}
		}
		next = kept
	}
	return nil
}

// knownOn are the slots of the questions of a round; "" is that of a
// verification.
func knownOn(round []*stateSrc) []string {
	var out []string
	for _, s := range round {
		for _, f := range s.out {
			if f.by != byKnown {
				continue
			}
			if out = append(out, f.gain...); len(f.gain) == 0 {
				out = append(out, "")
			}
		}
	}
	return out
}

// empties says that a state takes the value of one of these slots away.
func empties(s *stateSrc, slots []string) bool {
	return slices.ContainsFunc(slots, func(name string) bool {
		return slices.Contains(s.def.Forget, name) || slices.ContainsFunc(s.def.Set, func(set engine.SetSlot) bool { return set.Slot == name })
	})
}

// roundNames writes a round as it is read: a → b → a.
func (g *graph) roundNames(round []*stateSrc, s *stateSrc) string {
	at := max(0, slices.Index(round, s))
	var names []string
	for i := range len(round) + 1 {
		names = append(names, g.shortName(round[(at+i)%len(round)], s))
	}
	return strings.Join(names, " → ")
}

// checkSpins: a look-up that is made again and again with nobody asked (W318),
// said once of a round.
func (l *loader) checkSpins(g *graph) {
	spins := g.spins()
	said := map[*stateSrc]bool{}
	for _, s := range g.states {
		round := spins[s]
		if s.def.HTTP == nil || round == nil || said[s] || l.loops[s] {
			continue
		}
		for _, p := range round {
			said[p] = true
		}
		l.in(s.flow.name, s.name, func() {
			l.warn("W318", s.key.Words(), "tries are not bounded: the answer is known by then, so the look-up is made again with nobody asked: %s", g.roundNames(round, s))
		})
	}
}
