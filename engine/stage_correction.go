package engine

import (
	"slices"
	"strings"
)

// correctionWords is the longest message that is taken for a correction.
const correctionWords = 12

// correctionStage: the message names a slot that was filled and says that it
// is wrong. A new value in it is taken; else the conversation goes back to the
// question that filled it. Then the way since is walked again.
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
		if len(names) > 1 {
			q := t.st.Question
			q.Sub, q.Choices, q.Value = subWhichSlot, names, &SlotValue{Raw: m.raw}
			t.shown = nil
			t.sayQuestion(st, "")
			t.over = true
			return true
		}
		t.correct(st, names[0], m.raw)
		return true
	})
}

// asking is the slot the open question fills.
func (t *turn) asking(st *StateDef) string {
	if st.Collect != nil {
		return st.Collect.Slot
	}
	return st.Save
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
	t.note(TraceStep{What: "edge", State: st.full, Edge: "correct:" + name, At: st.place})
	t.st.Question.restart()
	t.shown = nil
	way := t.walk()
	at := collectedAt(way, name)
	if v, ok := t.newValue(way, at, name, text); ok {
		t.corrected(v, name)
		return
	}
	if t.wantedLater(name) {
		t.dropSlot(name) // its question comes again on the way that waits
		t.repeat(st)
		return
	}
	if at >= 0 && t.goBack(way, at, name) {
		return
	}
	t.step0("correct")
	q := t.st.Question
	q.Sub, q.Choices = subCorrect, []string{name}
	t.sayQuestion(st, "")
	t.over = true
}

// goBack asks again the question that filled a slot, with the stack as it was;
// no, when that question or the way to it is not there any more.
func (t *turn) goBack(way []walked, at int, name string) bool {
	p := way[at]
	if !t.stands(p) {
		return false
	}
	st := t.flow(p.Flow).States[p.Name]
	if st.Form != nil || t.asking(st) != name {
		return false
	}
	stack, ok := t.stackAt(way, at)
	if !ok {
		return false
	}
	re := t.suspended(way[at:], []string{name})
	if first := t.st.Replay; first != nil {
		t.dropSlot(first.Slot) // it was to be asked, and comes on the way
	}
	t.markBack(name, p.at)
	t.st.Flow, t.st.Name, t.st.Stack, t.st.Replay = p.Flow, p.Name, stack, re
	t.st.Visit++
	t.st.Question = &Question{Number: t.st.Visit, Kind: st.kind(), Hash: st.hash, Asked: t.now.UnixMilli(), Again: true}
	t.shown = nil
	t.sayQuestion(st, "")
	t.over, t.waits = true, true
	return true
}

// wantedLater says that the way which waits for another correction comes by
// the question of a slot.
func (t *turn) wantedLater(name string) bool {
	if t.st.Replay == nil {
		return false
	}
	for i := range t.st.Replay.Steps {
		if t.st.Replay.Steps[i].Slot == name {
			return true
		}
	}
	return false
}

// corrected stores new values and walks the way since the first of them again.
// Where that way is not kept any more, the open question is asked again.
func (t *turn) corrected(v SlotValue, names ...string) {
	t.replaceSlots([]SlotValue{v}, names)
}

func (t *turn) replaceSlots(values []SlotValue, names []string) {
	way := t.walk()
	from, anew := len(way), false
	for i, name := range names {
		at, first := collectedAt(way, name), false
		if at < 0 {
			at, first = t.sinceFilled(way, name)
		}
		values[i].State = t.st.Slots[name].State
		if at < from && !t.wantedLater(name) {
			from, anew = at, first
		}
	}
	again := from >= 0 && from < len(way) && t.stands(way[from])
	var stack []Frame
	if again {
		stack, again = t.stackAt(way, from)
	}
	if r := t.st.Replay; again && r != nil && !slices.Contains(names, r.Slot) {
		t.dropSlot(r.Slot) // it was to be asked, and comes on the way
	}
	for i, name := range names {
		t.setSlot(name, values[i])
	}
	if !again {
		t.settleSlots(names)
		return
	}
	t.replay(way, from, stack, names, anew)
}

// stands says that the state of a step is still there: an edit may have taken
// it, and then its way is not to be walked.
func (t *turn) stands(p walked) bool {
	f := t.flow(p.Flow)
	return f != nil && f.States[p.Name] != nil
}

// sinceFilled is the first step after a slot was filled without a question of
// its own, and whether that state had not begun yet; -1 when it is not kept.
func (t *turn) sinceFilled(way []walked, name string) (at int, anew bool) {
	v, ok := t.st.Slots[name]
	if !ok || v.Step < t.st.Fresh || len(way) > 0 && v.Step < way[0].at && v.Step < t.st.Dropped {
		return -1, false
	}
	if at = filledAt(way, v); at < 0 {
		return len(way), false
	}
	return at, v.State != way[at].Flow+"."+way[at].Name
}

// settleSlots ends a correction that has no way to walk: the open question is
// asked again. What waits to be walked does so with these slots changed too.
func (t *turn) settleSlots(names []string) {
	if t.st.Replay != nil {
		kept := *t.st.Replay
		t.re = &kept
		for _, name := range names {
			t.changed(slotName(name))
		}
		t.st.Replay, t.re = t.re, nil
	}
	st := t.state()
	if t.st.Question == nil || st == nil {
		t.over = true
		return
	}
	t.st.Question.restart()
	t.repeat(st)
}

// newValue is the one valid new value of a slot in a text, by find and by
// pattern; of a choice, by the words of what was offered.
func (t *turn) newValue(way []walked, at int, name, text string) (SlotValue, bool) {
	sl := t.slotDef(name)
	if sl == nil {
		sl = &Slot{Name: name, Type: SlotText}
	}
	if at >= 0 {
		if f := t.flow(way[at].Flow); f != nil {
			if st := f.States[way[at].Name]; st != nil && st.Save == name && st.Save != "" {
				return t.optionNamed(st, name, text)
			}
		}
	}
	if sl.Type == SlotChoice && sl.find == nil && sl.pattern == nil {
		return t.choiceNamed(sl, text)
	}
	var found []SlotValue
	for _, v := range t.findValues(sl, text, false) {
		if have, ok := t.st.Slots[name]; !ok || !sameValue(have.Value, v.Value) {
			found = append(found, v)
		}
	}
	if len(found) != 1 || !t.roomFor(name, found[0].Value) {
		return SlotValue{}, false
	}
	return found[0], true
}

// choiceNamed is the one other value of a choice whose id or label is in a text.
func (t *turn) choiceNamed(sl *Slot, text string) (SlotValue, bool) {
	m := &spoken{raw: text}
	var hits nearest
	for i := range sl.Values {
		for _, form := range sl.values[i] {
			if PhraseIn(m.norm(), form) {
				hits.add(sl.Values[i].ID, countWords(form))
			}
		}
	}
	return t.hit(sl.Name, text, hits)
}

// optionNamed is the one other option of a state whose words are in a text.
func (t *turn) optionNamed(st *StateDef, slot, text string) (SlotValue, bool) {
	m := &spoken{raw: text}
	var hits nearest
	for _, o := range st.allOptions() {
		if o.When != nil && !t.softCond(o.When) {
			continue
		}
		if n, _ := t.wordScore(&button{id: o.ID, opt: o, text: o.Label}, m, m.norm()); n > 0 {
			hits.add(o.ID, n)
		}
	}
	return t.hit(slot, text, hits)
}

// nearest are ids with the words of their longest hit.
type nearest []struct {
	id    string
	words int
}

func (n *nearest) add(id string, words int) {
	*n = append(*n, struct {
		id    string
		words int
	}{id, words})
}

// hit is the one id with the most words, other than the present value.
func (t *turn) hit(slot, text string, hits nearest) (SlotValue, bool) {
	best, id, tied := 0, "", false
	have, _ := t.st.Slots[slot].Value.(string)
	for _, h := range hits {
		switch {
		case h.id == have:
		case h.words > best:
			best, id, tied = h.words, h.id, false
		case h.words == best && h.id != id:
			tied = true
		}
	}
	return SlotValue{Value: id, Raw: text, How: "asked"}, id != "" && !tied
}

// correctionText asks for the slot in the words of the first question that
// collects it: on the way here, else on the way ahead.
func (t *turn) correctionText() string {
	name := t.st.Question.Choices[0]
	if c := t.collector(name); c != nil && c.Ask != nil {
		return t.text(c.Ask)
	}
	if sl := t.slotDef(name); sl != nil && sl.Ask != nil {
		return t.text(sl.Ask)
	}
	return t.sentence("correct_ask")
}

// collector is the first collect of a slot that was walked by or can be come to
// from here, nil when there is none.
func (t *turn) collector(slot string) *Collect {
	var ahead [][2]string
	for i := range t.st.Path {
		ahead = append(ahead, [2]string{t.st.Path[i].Flow, t.st.Path[i].Name})
	}
	ahead = append(ahead, [2]string{t.st.Flow, t.st.Name}, [2]string{t.st.Flow, "start"})
	for _, fr := range t.st.Stack {
		ahead = append(ahead, [2]string{fr.Flow, fr.Name})
	}
	seen := map[[2]string]bool{}
	for len(ahead) > 0 {
		at := ahead[0]
		ahead = ahead[1:]
		f := t.flow(at[0])
		if seen[at] || f == nil || f.States[at[1]] == nil {
			continue
		}
		seen[at] = true
		st := f.States[at[1]]
		if c := st.Collect; c != nil && c.Slot == slot {
			return c
		}
		ahead = append(ahead, st.leadsTo()...)
	}
	return nil
}

// leadsTo are the states that the exits of a state enter, in a fixed order.
func (s *StateDef) leadsTo() [][2]string {
	keys := make([]string, 0, len(s.exits))
	for key := range s.exits {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	var out [][2]string
	for _, key := range keys {
		switch x := s.exits[key]; x.Kind {
		case ExitGoto:
			out = append(out, [2]string{x.Flow, x.State})
		case ExitCall:
			out = append(out, [2]string{x.Flow, "start"})
		}
	}
	return out
}

// edited is the customer's own edit of an earlier message: a correction of the
// slots that message filled.
func (t *turn) edited() {
	var values []SlotValue
	var names []string
	way := t.walk()
	for _, name := range append([]string(nil), t.st.Order...) {
		have := t.st.Slots[name]
		if have.Seq != t.ev.Seq || have.How != "asked" && have.How != "found" {
			continue
		}
		if v, ok := t.editedValue(way, name, have); ok {
			v.How, v.State, v.Tries = have.How, have.State, have.Tries
			values, names = append(values, v), append(names, name)
		}
	}
	if len(names) == 0 {
		return
	}
	t.trace.Stage = "correction"
	t.note(TraceStep{What: "edge", State: t.position(), Edge: "correct:" + names[0]})
	t.kept = t.st.Waiting.private()
	t.replaceSlots(values, names)
}

// editedValue is the one new value of a slot in the new words of a message.
func (t *turn) editedValue(way []walked, name string, have SlotValue) (SlotValue, bool) {
	text := t.joined.raw
	v, ok := t.newValue(way, collectedAt(way, name), name, text)
	if sl := t.slotDef(name); !ok && sl != nil && have.How == "asked" {
		found := t.findValues(sl, text, true)
		if len(found) != 1 || sameValue(found[0].Value, have.Value) || !t.roomFor(name, found[0].Value) {
			return SlotValue{}, false
		}
		return found[0], true
	}
	return v, ok
}

// trimmed is a candidate without the punctuation of the sentence around it.
func trimmed(s string) string { return strings.Trim(s, ".,;:!?()[]\"'“”„«»…") }
