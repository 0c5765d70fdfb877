package flows

import (
	"slices"

	"dispatcher/engine"
)

// Rounds that go through a called flow: what leads in, what leads back, and
// whether the two belong together.

// callSite is one exit that calls a flow.
type callSite struct {
	from *stateSrc
	exit *engine.Exit
}

// inTurn says that a way is taken with nobody asked: at once, after a look-up,
// or because the answer is known.
func inTurn(f leaf, s *stateSrc) bool {
	return f.exit != nil && !f.bounded && (f.by == byEnd || f.by == byFailing || f.by == byKnown || f.by == bySkip && !s.def.Asks())
}

// callSites are the calls that are made with nobody asked, by the called flow.
func (g *graph) callSites() map[string][]callSite {
	out := map[string][]callSite{}
	for _, s := range g.states {
		for _, f := range s.out {
			if inTurn(f, s) && f.exit.Kind == engine.ExitCall {
				out[f.exit.Flow] = append(out[f.exit.Flow], callSite{s, f.exit})
			}
		}
	}
	return out
}

// after is where a call goes on when its flow came back with a result.
func (g *graph) after(e *engine.Exit, result string) []*stateSrc {
	to := e.On[result]
	if to == nil {
		to = e.OnElse
	}
	if to == nil {
		to = e.Then
	}
	var out []*stateSrc
	for _, f := range leaves(way{exit: to}) {
		if f.exit != nil && !f.bounded && f.exit.Kind == engine.ExitGoto {
			if s := g.l.stateAt(f.exit.Flow, f.exit.State); s != nil {
				out = append(out, s)
			}
		}
	}
	return out
}

// unasked is where a state leads to when its question is answered already.
func (g *graph) unasked(s *stateSrc, sites map[string][]callSite) []*stateSrc {
	var out []*stateSrc
	for _, f := range s.out {
		if !inTurn(f, s) {
			continue
		}
		switch f.exit.Kind {
		case engine.ExitGoto:
			out = append(out, g.next(f.exit)...)
		case engine.ExitCall:
			if to := g.l.stateAt(f.exit.Flow, "start"); to != nil {
				out = append(out, to)
			}
		case engine.ExitReturn:
			if len(sites[s.flow.name]) > maxSites {
				continue
			}
			for _, site := range sites[s.flow.name] {
				out = append(out, g.after(site.exit, f.exit.Result)...)
			}
		}
	}
	return out
}

// maxSites is how many calls of one flow are looked at: with more of them it is
// not certain enough which one a round goes through.
const maxSites = 100

// belongs says that every return of a round goes back to the call it came from.
func (g *graph) belongs(round []*stateSrc) bool {
	w := walker{g: g, steps: 10_000}
	for i := range round {
		if w.through(append(slices.Clone(round[i:]), round[:i+1]...), nil) {
			return true
		}
	}
	return false
}

// walker follows paths; steps are those it may still take.
type walker struct {
	g     *graph
	steps int
}

// through follows a path of states with the calls that are open on it; at its
// end there must be none.
func (w *walker) through(path []*stateSrc, open []*engine.Exit) bool {
	if len(path) < 2 {
		return len(open) == 0
	}
	s, to := path[0], path[1]
	for _, f := range s.out {
		if !inTurn(f, s) {
			continue
		}
		if w.steps--; w.steps < 0 {
			return false
		}
		if then, goes := w.step(f.exit, s, to, open); goes && w.through(path[1:], then) {
			return true
		}
	}
	return false
}

// step says whether an exit leads from one state to another, and which calls
// are open then.
func (w *walker) step(e *engine.Exit, s, to *stateSrc, open []*engine.Exit) ([]*engine.Exit, bool) {
	switch e.Kind {
	case engine.ExitGoto:
		if to.flow != s.flow {
			open = nil // leaving the flow for good empties the stack
		}
		return open, slices.Contains(w.g.next(e), to)
	case engine.ExitCall:
		return append(slices.Clone(open), e), w.g.l.stateAt(e.Flow, "start") == to
	case engine.ExitReturn:
		if last := len(open) - 1; last >= 0 {
			return open[:last], slices.Contains(w.g.after(open[last], e.Result), to)
		}
	}
	return nil, false
}
