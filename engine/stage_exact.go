package engine

import "strconv"

// exactStage: the whole message is the label, short, id or number of a visible
// option.
func (t *turn) exactStage(st *StateDef) bool {
	buttons := t.buttons(st)
	return t.each(func(m *spoken) bool {
		text := m.norm()
		if text == "" {
			return false
		}
		for i := range buttons {
			if t.isExactly(&buttons[i], text) {
				t.exempt = true
				t.by = text
				t.press(st, &buttons[i])
				return true
			}
		}
		n := optionNumber(text)
		if n < 1 || n > len(buttons) || t.takesNumber(st, m) {
			return false
		}
		t.exempt = true
		t.by = text
		t.press(st, &buttons[n-1])
		return true
	})
}

// optionNumber reads 2, 2. and 2) in the digits of any script; 0 is none.
func optionNumber(normalised string) int {
	if len(normalised) > 8 {
		return 0
	}
	n, err := strconv.Atoi(asciiDigits(normalised))
	if err != nil {
		return 0
	}
	return n
}

// takesNumber says that a bare number is a value of the collected slot, and
// so no option's number.
func (t *turn) takesNumber(st *StateDef, m *spoken) bool {
	if st.Collect == nil {
		return false
	}
	sl := t.slotDef(st.Collect.Slot)
	if sl == nil || sl.Type == SlotChoice || sl.Type == SlotYesNo {
		return false
	}
	switch t.st.Question.Sub {
	case "", subCorrect:
	case subConfirm: // "2" beside "I have 3. Is that right?" is another value
		if sl.Type != SlotNumber {
			return false
		}
	default:
		return false
	}
	_, ok := t.reader().value(sl, m.raw)
	return ok
}
