package engine

// tryFirst tries the message that opened the conversation on the first
// question that is really asked: exact, first rules, value (only where the
// slot has find or is a choice) and words. One hit answers; nothing is counted.
func (t *turn) tryFirst(st *StateDef) bool {
	defer func() { t.first = false }()
	if st.Form != nil || st.Verify != nil {
		return false
	}
	t.shown = nil
	for _, s := range [...]stage{
		{"exact", (*turn).exactStage},
		{"first", (*turn).firstStage},
		{"value", (*turn).firstValue},
		{"words", (*turn).wordsStage},
	} {
		t.trace.Stage = s.name
		if s.run(t, st) {
			return true
		}
	}
	t.trace.Stage = ""
	t.by, t.score = "", 0
	return false
}

// firstValue is the value stage for a first message.
func (t *turn) firstValue(st *StateDef) bool {
	if st.Collect == nil {
		return false
	}
	sl := t.slotOf(st)
	if sl.find == nil && sl.Type != SlotChoice {
		return false
	}
	r := t.reader()
	r.fuzzy = 0 // language.md ruling 14
	return t.each(func(m *spoken) bool {
		var found []SlotValue
		if sl.find != nil {
			found = t.findValues(sl, m.raw, true)
		} else if v, ok := r.value(sl, m.raw); ok {
			found = []SlotValue{{Value: v, Raw: m.raw, How: "asked"}}
		}
		if len(found) != 1 || !t.roomFor(sl.Name, found[0].Value) {
			return false
		}
		t.accept(st, found[0])
		return true
	})
}
