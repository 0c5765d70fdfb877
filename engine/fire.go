package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/looplab/fsm"
)

// Pseudo states: where the target is known only at run time, or is no state.
const (
	atAny    = "@any"
	atQueue  = "@queue"
	atClosed = "@closed"
	atReturn = "@return"
	atResume = "@resume"
	atError  = "@error"
)

// machines is the fsm table of one flow and the machines built from it. It
// dies with its set. Rules of looplab/fsm that it keeps (language.md 5): no
// callbacks, no metadata, a context that is never cancelled, one owner between
// take and put, and a machine that returned an error is dropped.
type machines struct {
	events fsm.Events
	known  map[[2]string]string // edge and source → target
	pool   sync.Pool
}

func newMachines(t *table) *machines {
	m := &machines{events: t.events, known: t.seen}
	m.pool.New = func() any { return fsm.NewFSM(atAny, m.events, nil) }
	return m
}

// has says whether an edge leaves a source.
func (m *machines) has(from, edge string) bool {
	_, ok := m.known[[2]string{edge, from}]
	return ok
}

// fire moves from a source along an edge and says where it ends. An edge that
// the table does not have is an error, never ignored; a source that is also
// the destination is a success that looplab reports as NoTransitionError.
func (m *machines) fire(from, edge string) (string, error) {
	machine := m.pool.Get().(*fsm.FSM)
	machine.SetState(from)
	err := machine.Event(context.Background(), edge)
	if same, ok := err.(fsm.NoTransitionError); err != nil && !(ok && same.Err == nil) { // looplab wraps nothing
		return "", fmt.Errorf("no edge %q from %s: %w", edge, from, err)
	}
	to := machine.Current()
	m.pool.Put(machine)
	return to, nil
}

// table collects the edges of one flow and refuses a second target for one.
type table struct {
	events fsm.Events
	seen   map[[2]string]string
}

func (t *table) add(edge, from, to string) error {
	key := [2]string{edge, from}
	if have, ok := t.seen[key]; ok {
		if have != to {
			return fmt.Errorf("edge %q of %s leads to %s and to %s", edge, from, have, to)
		}
		return nil
	}
	t.seen[key] = to
	t.events = append(t.events, fsm.EventDesc{Name: edge, Src: []string{from}, Dst: to})
	return nil
}

// linkFlow builds the fsm table of a flow and the words that work in it.
func (s *Set) linkFlow(f *Flow) error {
	t := &table{seen: map[[2]string]string{}}
	for _, name := range f.StateOrder {
		if err := s.stateEdges(t, f.States[name]); err != nil {
			return err
		}
	}
	var err error
	if f.escapes, err = s.indexEscapes(f); err != nil {
		return err
	}
	if err := s.anyEdges(t, f); err != nil {
		return err
	}
	f.machines = newMachines(t)
	return nil
}

// stateEdges adds every edge that leaves a state, the built-in ones too.
func (s *Set) stateEdges(t *table, st *StateDef) error {
	if st.clash != "" {
		return fmt.Errorf("two exits of %s are called %s", st.full, st.clash)
	}
	for key, x := range st.exits {
		if to := s.destination(x); to != "" {
			if err := t.add(key, st.full, to); err != nil {
				return err
			}
		}
	}
	if err := s.resultEdges(t, st, st.exits); err != nil {
		return err
	}
	// The state's own exit under the names of what chooses it.
	if to := s.ownDestination(st); to != "" {
		for _, edge := range st.choosers() {
			if err := t.add(edge, st.full, to); err != nil {
				return err
			}
		}
	}
	if err := s.pageEdges(t, st); err != nil {
		return err
	}
	// The person exit under the names of what leads to it.
	for _, edge := range [...]string{"branch:none", "options:none", "resume:none", "call:none"} {
		if err := t.add(edge, st.full, atResume); err != nil {
			return err
		}
	}
	if !st.Asks() {
		return nil
	}
	for _, edge := range [...]string{"give_up", "missing", "no_match", "help"} {
		if _, written := st.exits[edge]; written {
			continue
		}
		if err := t.add(edge, st.full, atResume); err != nil {
			return err
		}
	}
	return s.defaultEdges(t, st)
}

// pageEdges adds the edges of look-ups, forms and verifications that are no
// exits of their own: those that stay in the state, and those to the person exit.
func (s *Set) pageEdges(t *table, st *StateDef) error {
	edges := map[string]string{}
	if h := st.HTTP; h != nil {
		edges[edgeFound] = st.full
		if h.OnElse == nil {
			edges[edgeFailed] = atResume
		}
	}
	if f := st.Form; f != nil {
		edges[edgeExpired], edges[edgeField] = st.full, st.full
		switch {
		case f.FallbackExit != nil:
		case f.Fallback == fallbackNone:
			edges[edgeFallback] = atResume
		default:
			edges[edgeFallback] = st.full
		}
	}
	if v := st.Verify; v != nil {
		to := atResume
		if v.Failed != nil {
			to = s.destination(v.Failed)
		} else {
			edges[edgeUnverified] = to
		}
		if to != "" {
			edges[edgeVerifyExpired] = to
		}
	}
	for edge, to := range edges {
		if err := t.add(edge, st.full, to); err != nil {
			return err
		}
	}
	return nil
}

// ownDestination is where the state's own exit leads, "" when it chooses others.
func (s *Set) ownDestination(st *StateDef) string {
	if st.Exit == nil {
		return ""
	}
	return s.destination(st.Exit)
}

// choosers are the edges that take a state's own exit because something was
// answered, known, skipped or left out.
func (s *StateDef) choosers() []string {
	var edges []string
	if s.When != nil && s.Else == nil {
		edges = append(edges, "skip_state")
	}
	if s.Collect != nil {
		edges = append(edges, "collected", "known", idSkip)
	}
	if s.Form != nil {
		edges = append(edges, "known", "collected", edgeSubmitted)
	}
	if s.Verify != nil {
		edges = append(edges, "known", edgeVerified)
	}
	for _, o := range s.allOptions() {
		if o.Exit == nil {
			edges = append(edges, o.index.edge)
		}
	}
	return edges
}

// defaultEdges adds the exits of the project's defaults that a state inherits.
func (s *Set) defaultEdges(t *table, st *StateDef) error {
	if st.NoMatch == nil {
		for i := range s.Defaults.NoMatch {
			if err := s.inherited(t, st, s.Defaults.NoMatch[i].Exit, numbered("no_match:", i)); err != nil {
				return err
			}
		}
	}
	if st.NoReply == nil {
		for i := range s.Defaults.NoReply {
			if err := s.inherited(t, st, s.Defaults.NoReply[i].Exit, numbered("no_reply:", i)); err != nil {
				return err
			}
		}
	}
	return t.add("idle", st.full, atClosed)
}

func (s *Set) inherited(t *table, st *StateDef, x *Exit, edge string) error {
	if x == nil {
		return nil
	}
	(edgeNamer{st}).exit(x, edge, edge)
	found := reach(x)
	for key, x := range found {
		if to := s.destination(x); to != "" {
			if err := t.add(key, st.full, to); err != nil {
				return err
			}
		}
	}
	return s.resultEdges(t, st, found)
}

// reach is an exit and everything that hangs on it, by key.
func reach(x *Exit) map[string]*Exit {
	found := map[string]*Exit{}
	eachExit(x, func(x *Exit) { found[x.Key] = x })
	return found
}

// eachExit visits an exit and everything that hangs on it.
func eachExit(x *Exit, visit func(*Exit)) {
	if x == nil {
		return
	}
	visit(x)
	eachExit(x.Else, visit)
	eachExit(x.OnElse, visit)
	eachExit(x.Then, visit)
	for _, a := range x.Arms {
		eachExit(a.Exit, visit)
	}
	for _, on := range x.On {
		eachExit(on, visit)
	}
	if x.Hand == nil {
		return
	}
	if x.Hand.Returns != nil {
		eachExit(x.Hand.Returns.Exit, visit)
	}
	eachExit(x.Hand.Resolved, visit)
	for _, w := range x.Hand.Unanswered {
		eachExit(w.Exit, visit)
	}
}

// destination is where an exit leads, "" for one that only chooses others.
func (s *Set) destination(x *Exit) string {
	switch x.Kind {
	case ExitGoto:
		return x.Flow + "." + x.State
	case ExitCall:
		return x.Flow + ".start"
	case ExitReturn:
		return atReturn
	case ExitHandoff:
		return atQueue
	case ExitResolve:
		return atClosed
	case ExitResume:
		return atResume
	}
	return ""
}

// anyEdges adds the edges that may start anywhere; they leave one pseudo
// source so that a table stays small.
func (s *Set) anyEdges(t *table, f *Flow) error {
	pseudo := [...][2]string{{"migrate", atResume}, {"tap:jump", atResume}, {"error", atError}, {"correct", atResume}, {"start", atResume}, {"idle", atClosed}, {"handoff", atQueue}, {"resolve", atClosed}}
	for _, p := range pseudo {
		if err := t.add(p[0], atAny, p[1]); err != nil {
			return err
		}
	}
	holder := &StateDef{exits: map[string]*Exit{}}
	f.any = holder.exits
	roots := map[string]*Exit{"vanished": f.Vanished}
	for _, e := range f.escapes.entries {
		roots[EscapeKey(e.Name, slices.Contains(f.Everywhere, e))] = e.Exit
	}
	if f == s.linked.lobby { // for a flow that is pinned to another set
		for i := range s.Defaults.NoMatch {
			roots[numbered("no_match:", i)] = s.Defaults.NoMatch[i].Exit
		}
		for i := range s.Defaults.NoReply {
			roots[numbered("no_reply:", i)] = s.Defaults.NoReply[i].Exit
		}
	}
	for edge, x := range roots {
		if x == nil {
			continue
		}
		name, _, _ := strings.Cut(edge, "/")
		(edgeNamer{holder}).exit(x, name, edge)
		for key, x := range reach(x) {
			if to := s.destination(x); to != "" {
				if err := t.add(key, atAny, to); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
