package flows

import (
	"sort"

	"dispatcher/engine"
	"dispatcher/internal/source"
)

// How a state is left, for the checks that care.
const (
	bySkip     = iota // when is false: nothing of the state is done
	byEnd             // no question: in the same turn
	byFailing         // the look-up failed: nothing after it is done
	byAnswer          // the customer answered
	byKnown           // the slot was filled: nothing is asked
	byGivingUp        // give_up, missing, no_match
	bySilence         // no_reply
	byLater           // returns, resolved, unanswered
)

// way is one way out of a state. exit nil is the person exit.
type way struct {
	by   int
	exit *engine.Exit
	name string // of the option or key, for positions
	at   source.Range
	gain []string     // slots that are filled on this way
	when *engine.Expr // of an option: it is on offer only where this holds; nil: always
}

// leaf is one place a way can end in, branches and at_most opened.
type leaf struct {
	way
	exit    *engine.Exit // never a branch; nil: person exit
	bounded bool         // counted by at_most
	arms    *armTaken    // the conditions decided on the way, the last one first
}

// armTaken is one condition of a branch and how it came out. What came before
// it is shared by all arms below: a branch of thousands stays small.
type armTaken struct {
	before *armTaken
	cond   *engine.Expr
	held   bool
}

// ways lists every way out of a state that is written or follows from what is.
func (l *loader) ways(s *stateSrc) []way {
	d := s.def
	var out []way
	if d.When != nil || d.Else != nil { // a when with an error leads somewhere too
		e := d.Else
		if e == nil {
			e = d.Exit
		}
		out = append(out, way{by: bySkip, exit: e, at: s.key.Words()})
	}
	out = append(out, l.lookupWays(s)...)
	switch {
	case d.Collect != nil:
		out = append(out, l.collectWays(s)...)
	case d.Form != nil:
		out = append(out, formWays(s)...)
	case d.Verify != nil:
		out = append(out, verifyWays(s)...)
	case len(d.Options) > 0:
	default:
		return append(append(out, way{by: byEnd, exit: d.Exit, at: s.key.Words()}), l.laterWays(s)...)
	}
	for _, o := range s.opts {
		w := way{by: byAnswer, exit: o.def.Exit, name: o.def.ID, at: o.at, gain: setNames(o.def.Set), when: o.def.When}
		if d.Save != "" && d.Collect == nil {
			w.gain = append(w.gain, d.Save)
		}
		if w.exit == nil {
			w.exit, w.at = d.Exit, s.key.Words()
		}
		out = append(out, w)
	}
	noMatch, noReply := l.ladders(d)
	for _, a := range noMatch {
		if a.Exit != nil {
			out = append(out, way{by: byGivingUp, exit: a.Exit, name: "no_match", at: s.key.Words()})
		}
	}
	for _, w := range noReply {
		if w.Exit != nil {
			out = append(out, way{by: bySilence, exit: w.Exit, at: s.key.Words()})
		}
	}
	return append(out, l.laterWays(s)...)
}

// ladders are a question's steps for what fits nothing and for silence: its
// own, else the project's.
func (l *loader) ladders(d *engine.StateDef) ([]engine.Answer, []engine.Wait) {
	noMatch, noReply := d.NoMatch, d.NoReply
	if noMatch == nil && len(d.Options) > 0 {
		noMatch = l.set.Defaults.NoMatch
	}
	if noReply == nil && d.Asks() {
		noReply = l.set.Defaults.NoReply
	}
	return noMatch, noReply
}

// lookupWays are the written answers to a failing look-up, and the person exit
// where one has no answer.
func (l *loader) lookupWays(s *stateSrc) []way {
	h := s.def.HTTP
	if h == nil {
		return nil
	}
	at := s.key.Words()
	var out []way
	names := keysOf(h.On)
	sort.Strings(names)
	for _, name := range names {
		if h.On[name] != nil {
			out = append(out, way{by: byFailing, exit: h.On[name], at: at})
		}
	}
	return append(out, way{by: byFailing, exit: h.OnElse, at: at})
}

func (l *loader) collectWays(s *stateSrc) []way {
	d, c, at := s.def, s.def.Collect, s.key.Words()
	out := []way{{by: byAnswer, exit: d.Exit, at: at, gain: []string{c.Slot}}, {by: byGivingUp, exit: c.GiveUp, name: "give_up", at: at}}
	if !c.Always {
		out = append(out, way{by: byKnown, exit: d.Exit, at: at, gain: []string{c.Slot}})
	}
	switch {
	case c.Missing != nil:
		out = append(out, way{by: byGivingUp, exit: c.Missing, name: "missing", at: at})
	case c.Skip != nil:
		out = append(out, way{by: byAnswer, exit: d.Exit, at: at})
	}
	if c.Skip != nil && c.Missing != nil {
		out = append(out, way{by: byAnswer, exit: d.Exit, at: at})
	}
	return out
}

func (l *loader) laterWays(s *stateSrc) []way {
	if s.def.Exit == nil || s.def.Exit.Hand == nil {
		return nil
	}
	h, at := s.def.Exit.Hand, s.key.Words()
	var out []way
	if h.Returns != nil && h.Returns.Exit != nil {
		out = append(out, way{by: byLater, exit: h.Returns.Exit, at: at})
	}
	if h.Resolved != nil {
		out = append(out, way{by: byLater, exit: h.Resolved, at: at})
	}
	for _, w := range h.Unanswered {
		if w.Exit != nil {
			out = append(out, way{by: byLater, exit: w.Exit, at: at})
		}
	}
	return out
}

func setNames(sets []engine.SetSlot) []string {
	var out []string
	for _, s := range sets {
		if s.Slot != "language" && (s.Value != nil || s.Expr != nil || s.Text != nil) {
			out = append(out, s.Slot)
		}
	}
	return out
}

// leaves opens the branches of a way.
func leaves(w way) []leaf { return open(nil, leaf{way: w, exit: w.exit}) }

func open(out []leaf, f leaf) []leaf {
	e := f.exit
	if e == nil {
		return append(out, f)
	}
	if e.Kind == engine.ExitBranch {
		closed := false
		taken := f.arms
		for _, a := range e.Arms {
			arms := taken
			if a.If != nil {
				arms = &armTaken{taken, a.If, true}
				taken = &armTaken{taken, a.If, false}
			} else {
				closed = true
			}
			if a.Exit != nil {
				out = open(out, leaf{way: f.way, exit: a.Exit, bounded: f.bounded, arms: arms})
			}
		}
		if !closed {
			out = append(out, leaf{way: f.way, bounded: f.bounded, arms: taken})
		}
		return out
	}
	if e.AtMost > 0 {
		out = append(out, leaf{way: f.way, exit: e, bounded: true, arms: f.arms})
		if e.Else != nil {
			out = open(out, leaf{way: f.way, exit: e.Else, bounded: f.bounded, arms: f.arms})
		}
		return out
	}
	return append(out, f)
}

// graph is the whole project as states and leaves.
type graph struct {
	l      *loader
	states []*stateSrc   // flows by path, states as written
	silent [][]*stateSrc // by number of a state: entered in the same turn, not counted by at_most
}

func (l *loader) graph() *graph {
	g := &graph{l: l}
	for _, f := range l.flows {
		for _, name := range f.def.StateOrder {
			s := f.states[name]
			s.n = len(g.states)
			g.states = append(g.states, s)
			if s.ways != nil { // the flow is taken from the last set
				continue
			}
			s.ways = l.ways(s)
			for _, w := range s.ways {
				s.out = append(s.out, leaves(w)...)
			}
		}
	}
	g.silent = make([][]*stateSrc, len(g.states))
	for _, s := range g.states {
		for _, f := range s.out {
			inTurn := f.by == byEnd || f.by == byFailing || f.by == bySkip && !s.def.Asks()
			if inTurn && !f.bounded {
				g.silent[s.n] = append(g.silent[s.n], g.next(f.exit)...)
			}
		}
	}
	return g
}

// state finds flow.state.
func (l *loader) stateAt(flow, state string) *stateSrc {
	if f := l.byName[flow]; f != nil {
		return f.states[state]
	}
	return nil
}

// next is where a leaf goes at once: its target, a called flow's start, and
// what follows a call whose flow can come back without waiting.
func (g *graph) next(e *engine.Exit) []*stateSrc {
	if e == nil {
		return nil
	}
	switch e.Kind {
	case engine.ExitGoto:
		if s := g.l.stateAt(e.Flow, e.State); s != nil {
			return []*stateSrc{s}
		}
	case engine.ExitCall:
		var out []*stateSrc
		if s := g.l.stateAt(e.Flow, "start"); s != nil {
			out = append(out, s)
		}
		if g.quick(e.Flow) {
			for _, back := range backs(e) {
				for _, f := range leaves(way{exit: back}) {
					if !f.bounded && f.exit != nil && f.exit.Kind == engine.ExitGoto {
						out = append(out, g.next(f.exit)...)
					}
				}
			}
		}
		return out
	}
	return nil
}

// backs are the exits that a call may take on its return.
func backs(e *engine.Exit) []*engine.Exit {
	var out []*engine.Exit
	names := keysOf(e.On)
	sort.Strings(names)
	for _, name := range names {
		if e.On[name] != nil {
			out = append(out, e.On[name])
		}
	}
	if e.OnElse != nil {
		out = append(out, e.OnElse)
	}
	if e.Then != nil {
		out = append(out, e.Then)
	}
	return out
}

// quick says that a flow can return without waiting, calls not followed.
func (g *graph) quick(flow string) bool {
	seen := map[*stateSrc]bool{}
	var visit func(s *stateSrc) bool
	visit = func(s *stateSrc) bool {
		if s == nil || seen[s] || s.def.Asks() {
			return false
		}
		seen[s] = true
		for _, f := range s.out {
			if f.exit == nil || f.by > byFailing {
				continue
			}
			if f.exit.Kind == engine.ExitReturn || f.exit.Kind == engine.ExitGoto && f.exit.Flow == flow && visit(g.l.stateAt(flow, f.exit.State)) {
				return true
			}
		}
		return false
	}
	return visit(g.l.stateAt(flow, "start"))
}

// everyExit walks an exit and everything that hangs on it.
func everyExit(e *engine.Exit, f func(*engine.Exit)) {
	if e == nil {
		return
	}
	f(e)
	everyExit(e.Else, f)
	for _, a := range e.Arms {
		everyExit(a.Exit, f)
	}
	for _, back := range backs(e) {
		everyExit(back, f)
	}
}
