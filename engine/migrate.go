package engine

import (
	"slices"
	"time"

	"dispatcher/dm"
)

// maxRenames bounds chains of renamed.
const maxRenames = 8

// renamed follows renamed of a flow from a state that is gone.
func (t *turn) renamed(flow, name string) (string, string) {
	f := t.flow(flow)
	for i := 0; f != nil && i < maxRenames && f.States[name] == nil; i++ {
		to, ok := f.Renamed[name]
		if !ok {
			break
		}
		name = to
	}
	return flow, name
}

// place brings the position up to the live set (language.md 9.6) and says
// whether the open question is still there to be answered.
func (t *turn) place() bool {
	flow, name := t.renamed(t.st.Flow, t.st.Name)
	if name != t.st.Name {
		t.note(TraceStep{What: "migrate", State: flow + "." + name, Edge: "migrate"})
		t.step0("migrate")
		t.st.Name = name
	}
	st := t.state()
	if st == nil {
		t.vanished()
		return false
	}
	if t.st.Question != nil && !st.Asks() {
		// The question is gone from its state: do the state anew.
		t.note(TraceStep{What: "migrate", State: st.full, Edge: "migrate"})
		t.st.Question = nil
		t.next = target{flow, name}
		return false
	}
	if q := t.st.Question; q != nil && q.Field != "" && st.Form != nil {
		q.Field, q.ID = "", "" // the field is asked no longer: the form is opened anew
	}
	if q := t.st.Question; q != nil && q.Kind != st.kind() {
		q.Kind, q.Sub, q.Choices, q.Value = st.kind(), "", nil, nil
	}
	return true
}

// vanished finds a way on from a state that no longer exists: a caller that
// still does, else what its flow declares, else a person.
func (t *turn) vanished() {
	t.note(TraceStep{What: "migrate", State: t.st.Position(), Edge: "migrate"})
	gone := t.flowDef()
	t.refresh()
	t.st.Question = nil
	t.shown = nil
	for n := len(t.st.Stack) - 1; n >= 0; n-- {
		fr := t.st.Stack[n]
		flow, name := t.renamed(fr.Flow, fr.Name)
		if f := t.flow(flow); f != nil && f.States[name] != nil {
			t.step0("migrate")
			t.st.Stack = t.st.Stack[:n:n]
			t.next = target{flow, name}
			return
		}
	}
	t.st.Stack = nil
	t.cause = dm.CauseVanishedState
	if gone != nil && gone.Vanished != nil {
		t.follow(gone.Vanished, atAny)
		return
	}
	t.personExit("call:none", dm.CauseVanishedState)
}

// rereadSlots reads values by the rules of the live set; one that no longer
// fits is emptied and recorded.
func (t *turn) rereadSlots() {
	for _, name := range append([]string(nil), t.st.Order...) {
		have, sl := t.st.Slots[name], t.slotDef(name)
		if sl == nil || have.Rules == sl.rules {
			continue
		}
		switch v := t.reread(sl, &have); {
		case v == nil:
			t.note(TraceStep{What: "migrate", Option: name, Value: "no longer fits"})
			t.dropSlot(name)
		case v != &have:
			t.setSlot(name, *v)
		}
	}
}

// reread is a value under a slot's rules: as it is, or read again from what
// was typed; nil when it is none any more. What a flow has set need not keep
// the rules, but must be of the slot's type: expressions rely on that.
func (t *turn) reread(sl *Slot, have *SlotValue) *SlotValue {
	if have.Raw == "" {
		if !sl.holds(have.Value) {
			v, ok := ReadLiteral(sl, t.formatValue(have.Value))
			if !ok {
				return nil
			}
			again := *have
			again.Value = v
			return &again
		}
		return have
	}
	if t.fits(sl, have.Value) {
		return have
	}
	found := t.findValues(sl, have.Raw, true)
	if len(found) != 1 {
		return nil
	}
	v := found[0]
	v.How, v.State, v.Tries, v.Raw = have.How, have.State, have.Tries, have.Raw
	return &v
}

// holds says whether a value is of the slot's type.
func (sl *Slot) holds(v any) bool {
	switch x := v.(type) {
	case string:
		return sl.Type == SlotText || sl.Type == "" || sl.Type == SlotChoice && slices.ContainsFunc(sl.Values, func(o SlotValueName) bool { return o.ID == x })
	case float64:
		return sl.Type == SlotNumber
	case bool:
		return sl.Type == SlotYesNo
	case []string:
		return sl.Type == SlotList
	case map[string]any:
		return sl.Type == SlotMedia
	case time.Time:
		return sl.Type == SlotDate
	}
	return false
}

// fits says whether a stored value is still one of the slot's.
func (t *turn) fits(sl *Slot, v any) bool {
	if !sl.holds(v) {
		return false
	}
	if text, ok := v.(string); ok && sl.Type != SlotChoice {
		again, ok := t.reader().value(sl, text)
		return ok && sameValue(again, v)
	}
	return within(sl, v) && t.reader().check(sl, v)
}
