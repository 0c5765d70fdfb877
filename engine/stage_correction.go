package engine

import "strings"

// correctionWords is the longest message that is taken for a correction.
const correctionWords = 12

// correctionStage: the message names a slot that was filled and says that it
// is wrong. A new value in it is taken; else that slot alone is asked. Then
// the open question is asked again.
func (t *turn) correctionStage(st *StateDef) bool {
	if t.st.Question.Sub != "" || len(t.st.Slots) == 0 {
		return false
	}
	return t.each(func(m *spoken) bool {
		if m.wordCount() > correctionWords || !t.correcting(m) {
			return false
		}
		names := t.named(m, t.asking(st))
		if len(names) == 0 {
			return false
		}
		q := t.st.Question
		t.shown = nil
		if len(names) > 1 {
			q.Sub, q.Choices = subWhichSlot, names
			t.sayQuestion(st, "")
			t.over = true
			return true
		}
		t.correct(st, names[0], m.raw)
		return true
	})
}

// asking is the slot the open question collects.
func (t *turn) asking(st *StateDef) string {
	if st.Collect != nil {
		return st.Collect.Slot
	}
	return ""
}

func (t *turn) correcting(m *spoken) bool {
	for _, w := range t.set.linked.correct {
		if PhraseIn(m.norm(), w) {
			return true
		}
	}
	return false
}

// named are the filled slots with the longest name in the message.
func (t *turn) named(m *spoken, open string) []string {
	var names []string
	longest := 0
	for _, name := range t.st.Order {
		sl := t.slotDef(name)
		if sl == nil || name == open {
			continue
		}
		for _, called := range sl.called {
			if n := runeLen(called); n >= longest && n > 0 && PhraseIn(m.norm(), called) {
				if n > longest {
					names, longest = nil, n
				}
				names = append(names, name)
				break
			}
		}
	}
	return names
}

// correct takes the new value in text, or asks for it.
func (t *turn) correct(st *StateDef, name, text string) {
	sl := t.slotDef(name)
	t.note(TraceStep{What: "edge", State: st.full, Edge: "correct:" + name, At: st.place})
	t.step0("correct")
	if found := t.newValues(sl, text); len(found) == 1 {
		t.corrected(st, found[0], name)
		return
	}
	q := t.st.Question
	q.Sub, q.Choices, q.Tries = subCorrect, []string{name}, 0
	t.shown = nil
	t.sayQuestion(st, "")
	t.over = true
}

// corrected stores the new value and asks the open question again.
func (t *turn) corrected(st *StateDef, v SlotValue, name ...string) {
	q := t.st.Question
	slot := ""
	if len(name) > 0 {
		slot = name[0]
	} else {
		slot = q.Choices[0]
	}
	t.setSlot(slot, v)
	q.Sub, q.Choices, q.Tries = "", nil, 0
	t.repeat(st)
}

// newValues are rules 1 and 3 of finding a value, less the value it has now.
func (t *turn) newValues(sl *Slot, text string) []SlotValue {
	var out []SlotValue
	for _, v := range t.findValues(sl, text, false) {
		if have, ok := t.st.Slots[sl.Name]; !ok || !sameValue(have.Value, v.Value) {
			out = append(out, v)
		}
	}
	return out
}

// correctionText asks for the slot in the words of its own question.
func (t *turn) correctionText() string {
	name := t.st.Question.Choices[0]
	for i := len(t.st.Path) - 1; i >= 0; i-- {
		p := t.st.Path[i]
		if p.Slot != name {
			continue
		}
		f := t.flow(p.Flow)
		if f == nil || f.States[p.Name] == nil || f.States[p.Name].Collect == nil {
			continue
		}
		if ask := f.States[p.Name].Collect.Ask; ask != nil {
			return t.text(ask)
		}
	}
	if sl := t.slotDef(name); sl != nil && sl.Ask != nil {
		return t.text(sl.Ask)
	}
	return t.sentence("correct_ask")
}

// edited is the customer's own edit of an earlier message: a correction of the
// slots that message filled.
func (t *turn) edited() {
	changed := false
	for _, name := range append([]string(nil), t.st.Order...) {
		sl, have := t.slotDef(name), t.st.Slots[name]
		if sl == nil || have.Seq != t.ev.Seq || have.How != "asked" && have.How != "found" {
			continue
		}
		found := t.findValues(sl, t.joined.raw, have.How == "asked")
		if len(found) == 1 && !sameValue(found[0].Value, have.Value) && t.roomFor(name, found[0].Value) {
			v := found[0]
			v.How, v.State, v.Tries = have.How, have.State, have.Tries
			t.setSlot(name, v)
			changed = true
		}
	}
	if st := t.state(); changed && st != nil && st.Asks() && t.st.Question != nil {
		t.step0("correct")
		t.repeat(st)
	}
}

// trimmed is a candidate without the punctuation of the sentence around it.
func trimmed(s string) string { return strings.Trim(s, ".,;:!?()[]\"'“”„«»…") }
