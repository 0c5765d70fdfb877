package engine

import (
	"slices"
	"time"
)

// pinned is how long a flow keeps the set it was entered with.
const pinned = 7 * 24 * time.Hour

// holds says whether a flow is kept on the pin's set.
func (p *Pin) holds(flow string) bool {
	return p != nil && (p.Flow == flow || slices.Contains(p.More, flow))
}

// usePin takes up the set that the conversation's flow is kept on. A pin that
// is too old, or whose set nobody has any more, is given up: then the rules of
// language.md 9.6 for edited flows apply.
func (t *turn) usePin(sets Sets) {
	p := t.st.Pin
	if p == nil {
		return
	}
	switch {
	case t.now.Sub(time.UnixMilli(p.At)) >= pinned:
		t.st.Pin, t.newSet = nil, true
	case p.Set == t.set.ID:
	case sets.Pinned != nil && sets.Pinned.ID == p.Set:
		t.pinned = sets.Pinned
	default:
		t.st.Pin, t.newSet = nil, true
	}
}

// unpin lets the conversation go on with what is live.
func (t *turn) unpin() {
	older := t.pinned != nil
	t.st.Pin, t.pinned, t.def, t.shown = nil, nil, nil, nil
	if older {
		t.rereadSlots() // its slots were kept with it
	}
}

// flow is a flow as this conversation runs it: a pinned one as it was entered,
// every other as it is live.
func (t *turn) flow(name string) *Flow {
	if t.pinned != nil && t.st.Pin.holds(name) {
		return t.pinned.Flows[name]
	}
	return t.set.Flows[name]
}

// slotDef is the definition of a slot; those of a pinned flow stay with it.
func (t *turn) slotDef(name string) *Slot {
	sl := t.set.Slots[name]
	if t.pinned != nil {
		if old := t.pinned.Slots[name]; old != nil && (sl == nil || t.st.Pin.holds(old.Flow)) {
			return old
		}
	}
	return sl
}

// escapes are the entries of everywhere that work where the conversation is:
// the flow's own as it runs, the project's as they are live.
func (t *turn) escapes() *escapeIndex {
	f := t.flowDef()
	switch {
	case f == nil:
		return t.set.linked.lobby.escapes
	case t.pinned != nil && t.st.Pin.holds(f.Name):
		return t.set.escapesOf(f)
	}
	return f.escapes
}

// escapesOf are the entries for a flow of another set, made once for each.
func (s *Set) escapesOf(f *Flow) *escapeIndex {
	if ix, ok := s.linked.foreign.Load(f); ok {
		return ix.(*escapeIndex)
	}
	ix, err := s.indexEscapes(f)
	if err != nil { // both sets were linked: what does not compile is in neither
		ix = s.linked.lobby.escapes
	}
	s.linked.foreign.Store(f, ix)
	return ix
}

// pin keeps the flow that is entered on its set where it asks for that, and
// ends a pin whose flow has been left.
func (t *turn) pin(flow string) {
	p := t.st.Pin
	f := t.set.Flows[flow]
	wants := f != nil && f.Pin
	if p == nil && !wants {
		return
	}
	if p != nil && p.Flow != flow && !t.calls(p.Flow) {
		t.unpin()
		p = nil
	}
	switch {
	case p == nil:
		if wants {
			t.st.Pin = &Pin{Set: t.set.ID, Flow: flow, At: t.now.UnixMilli()}
		}
	case p.holds(flow):
	case t.pinnedToo(flow): // called from the pinned one: as that knows it, whatever was edited since
		kept := *p
		kept.More = append(slices.Clone(p.More), flow)
		t.st.Pin = &kept
	}
}

// pinnedToo says that the set of the pin keeps a flow as well.
func (t *turn) pinnedToo(flow string) bool {
	set := t.pinned
	if set == nil {
		set = t.set // no edit since
	}
	f := set.Flows[flow]
	return f != nil && f.Pin
}

// calls says whether a flow waits on the stack for a call to return.
func (t *turn) calls(flow string) bool {
	return slices.ContainsFunc(t.st.Stack, func(fr Frame) bool { return fr.Flow == flow })
}

// dropPin ends a pin that outlived its flow when the turn is over.
func (t *turn) dropPin() {
	p := t.st.Pin
	if p == nil || t.st.Flow == p.Flow || t.calls(p.Flow) {
		return
	}
	if h := t.st.Hand; h != nil {
		if h.Flow == p.Flow || h.AskFlow == p.Flow || slices.ContainsFunc(h.Stack, func(fr Frame) bool { return fr.Flow == p.Flow }) {
			return
		}
	}
	t.unpin()
}

// edge fires an edge of the flow the conversation is in. What the live project
// gives to a pinned flow, its entries of everywhere and its defaults, leaves
// from the lobby.
func (t *turn) edge(from, key string) error {
	m := t.machines()
	if t.pinned != nil && !m.has(from, key) && t.set.linked.lobby.machines.has(atAny, key) {
		m, from = t.set.linked.lobby.machines, atAny
	}
	_, err := m.fire(from, key)
	return err
}

// Holds says whether a flow is kept on the set of a pin at a moment; nil holds
// none.
func (p *Pin) Holds(flow string, at time.Time) bool {
	return p.holds(flow) && at.Sub(time.UnixMilli(p.At)) < pinned
}
