package engine

import (
	"slices"
	"strings"
	"unicode"

	"dispatcher/dm"
)

// valueStage: a valid value of what is asked is found.
func (t *turn) valueStage(st *StateDef) bool {
	q := t.st.Question
	if len(t.ev.Media) > 0 && t.takesMedia(st) {
		return true
	}
	switch q.Sub {
	case subCorrect:
		return t.correctingValue(st)
	case subConfirm:
		if t.each(func(m *spoken) bool { return t.yesOrNo(st, m) }) {
			return true
		}
	case subMean, subWhichSlot:
		return false
	}
	switch {
	case st.Form != nil:
		return t.typedFields(st)
	case st.Collect == nil:
		return false
	}
	return t.collectValue(st)
}

func (t *turn) yesOrNo(st *StateDef, m *spoken) bool {
	yes, ok := readYesNo(m.raw, t.lang)
	switch {
	case !ok:
		return false
	case yes:
		t.confirmed(st)
	default:
		t.denied(st)
	}
	return true
}

// correctingValue reads the new value of a slot that is being corrected.
func (t *turn) correctingValue(st *StateDef) bool {
	sl := t.slotDef(t.st.Question.Choices[0])
	if sl == nil {
		return false
	}
	return t.each(func(m *spoken) bool {
		found := t.findValues(sl, m.raw, true)
		if len(found) != 1 || !t.roomFor(sl.Name, found[0].Value) {
			return false
		}
		t.corrected(found[0], sl.Name)
		return true
	})
}

// collectValue finds the value of the open collect.
func (t *turn) collectValue(st *StateDef) bool {
	sl := t.slotOf(st)
	return t.each(func(m *spoken) bool {
		found := t.findValues(sl, m.raw, true)
		switch {
		case len(found) == 0:
			return false
		case len(found) > 1 && t.st.Question.Sub == subWhich:
			return false // asked once which of them it is
		case len(found) > 1:
			t.whichOne(st, found)
			return true
		case !t.roomFor(sl.Name, found[0].Value):
			return false
		}
		t.accept(st, found[0])
		return true
	})
}

// slotOf is the slot a state collects; one that is not declared is plain text.
func (t *turn) slotOf(st *StateDef) *Slot {
	if sl := t.slotDef(st.Collect.Slot); sl != nil {
		return sl
	}
	return &Slot{Name: st.Collect.Slot, Type: SlotText}
}

// Bounds of finding values in one message.
const (
	maxCandidates  = 10
	maxWhich       = 3
	maxWindowWords = 300
	longestWindow  = 4
)

// findValues is language.md 2.7: find, the whole message (if asked for), then
// windows of words. Several values come from one rule or one window size.
func (t *turn) findValues(sl *Slot, text string, whole bool) []SlotValue {
	if out := t.foundValues(sl, text); len(out) > 0 {
		return out
	}
	if sl.hopeless(text) {
		return nil
	}
	r := t.reader()
	if whole {
		if v, ok := r.value(sl, text); ok {
			return []SlotValue{{Value: v, Raw: text, How: "asked"}}
		}
	}
	if sl.Pattern == "" {
		return nil
	}
	return windows(sl, text, r)
}

// hopeless says that nothing in a text can be a value: the pattern wants a
// digit, and cleaning makes none where there is none.
func (sl *Slot) hopeless(text string) bool {
	return sl.pattern != nil && sl.fits.digit && !hasDigit(text) && isASCII(text) && !slices.Contains(sl.Clean, "look_alikes")
}

// foundValues is rule 1: every match of find, its group 1 if it has one.
func (t *turn) foundValues(sl *Slot, text string) []SlotValue {
	if sl.find == nil {
		return nil
	}
	text = nfkc(text)
	if !sl.finds.within(text) || !sl.find.MatchString(text) {
		return nil
	}
	var out []SlotValue
	r := t.reader()
	for _, at := range sl.find.FindAllStringSubmatchIndex(text, maxCandidates) {
		from, to := at[0], at[1]
		if len(at) > 3 && at[2] >= 0 {
			from, to = at[2], at[3]
		}
		if v, ok := r.value(sl, text[from:to]); ok {
			out = addValue(out, SlotValue{Value: v, Raw: text[from:to], How: "asked"})
		}
	}
	return out
}

// addValue keeps distinct values.
func addValue(list []SlotValue, v SlotValue) []SlotValue {
	for _, have := range list {
		if sameValue(have.Value, v.Value) {
			return list
		}
	}
	return append(list, v)
}

// windows is rule 3: runs of 4, 3, 2, 1 words that the pattern accepts.
func windows(sl *Slot, text string, r reader) []SlotValue {
	text = strings.Join(strings.Fields(text), " ")
	words := wordSpans(text)
	words = words[:min(len(words), maxWindowWords)]
	for size := min(longestWindow, len(words)); size > 0; size-- {
		var out []SlotValue
		for i := 0; i+size <= len(words) && len(out) <= maxWhich; i++ {
			first, last := words[i], words[i+size-1]
			raw := text[first.from:last.to]
			// Cleaning takes characters away and adds none, in ASCII at least.
			if sl.pattern != nil && len(raw) < sl.fits.min && isASCII(raw) {
				continue
			}
			if !gives(sl, text[first.from:first.to]) || !gives(sl, text[last.from:last.to]) {
				continue
			}
			v, ok := r.value(sl, raw)
			if !ok {
				if bare := trimmed(raw); bare != raw {
					raw = bare
					v, ok = r.value(sl, raw)
				}
			}
			if ok {
				out = addValue(out, SlotValue{Value: v, Raw: raw, How: "asked"})
			}
		}
		if len(out) > 0 {
			return out
		}
	}
	return nil
}

// gives says that a word leaves at least one character to the cleaned value.
func gives(sl *Slot, word string) bool {
	if !isASCII(word) {
		cleaned, _ := clean(sl, nfkc(word))
		return cleaned != ""
	}
	for i := 0; i < len(word); i++ {
		if leaves(sl, rune(word[i])) {
			return true
		}
	}
	return false
}

// leaves says that cleaning leaves a character, in whatever case.
func leaves(sl *Slot, r rune) bool {
	for _, step := range sl.Clean {
		gone := false
		switch step {
		case "upper":
			r = unicode.ToUpper(r)
		case "lower":
			r = unicode.ToLower(r)
		case "digits":
			gone = !unicode.IsDigit(r)
		case "letters_digits":
			gone = !unicode.IsLetter(r) && !unicode.IsDigit(r)
		case "remove_spaces", "trim":
			gone = unicode.IsSpace(r)
		default:
			chars, removes := strings.CutPrefix(step, "remove:")
			gone = removes && strings.ContainsRune(chars, r)
		}
		if gone {
			return false
		}
	}
	return true
}

// accept takes a valid value: read back first, where the flow says so.
func (t *turn) accept(st *StateDef, v SlotValue) {
	q := t.st.Question
	v.Tries = q.Tries
	if st.Collect.Confirm {
		q.Sub, q.Choices, q.Value = subConfirm, nil, &v
		q.Reads++
		if q.Reads > maxReads {
			t.giveUp(st)
			return
		}
		t.shown = nil
		t.sayQuestion(st, "")
		t.over = true
		return
	}
	t.collected(st, v)
}

// maxReads is how often a value is read back without a yes.
const maxReads = 3

func (t *turn) collected(st *StateDef, v SlotValue) {
	name, q := st.Collect.Slot, t.st.Question
	t.reply = answered{q: q.Number, opt: t.pressed, slot: name}
	t.setSlot(name, v)
	if q.Field != "" {
		t.fieldDone(q)
		return
	}
	t.st.Question = nil
	t.shown = nil
	t.leave(st, "collected")
}

// readBack is the words that read a value back.
func (t *turn) readBack(st *StateDef) string {
	v := t.st.Question.Value
	shown := t.formatValue(v.Value)
	t.value = v.Value
	switch sl := t.slotOf(st); {
	case sl.Secret:
		shown = Mask(shown)
		t.value = shown
	case sl.Type == SlotChoice:
		shown = t.valueLabel(sl, shown)
	}
	defer func() { t.value = nil }()
	if st.Collect.ConfirmText != nil {
		return t.text(st.Collect.ConfirmText)
	}
	return t.confirmText(shown)
}

func (t *turn) confirmed(st *StateDef) {
	if v := t.st.Question.Value; v != nil {
		t.collected(st, *v)
		return
	}
	t.denied(st)
}

// denied is "No": asked again, until the third read-back.
func (t *turn) denied(st *StateDef) {
	q := t.st.Question
	t.note(TraceStep{What: "edge", State: st.full, Edge: "confirm:no", At: st.place})
	t.backFromSub()
	t.dropSlot(st.Collect.Slot)
	if q.Reads >= maxReads {
		t.giveUp(st)
		return
	}
	t.sayQuestion(st, "")
	t.over = true
}

// whichOne offers up to three values that were found at once.
func (t *turn) whichOne(st *StateDef, found []SlotValue) {
	q := t.st.Question
	q.Sub, q.Value, q.Choices = subWhich, nil, nil
	for _, v := range found[:min(len(found), maxWhich)] {
		q.Choices = append(q.Choices, t.formatValue(v.Value))
	}
	t.shown = nil
	t.sayQuestion(st, "")
	t.over = true
}

// picked settles "which one": a value, or the slot to correct.
func (t *turn) picked(st *StateDef, b *button) {
	q := t.st.Question
	chosen, _ := b.value.(string)
	sub, said := q.Sub, q.Value
	t.backFromSub()
	if sub == subWhichSlot {
		text := ""
		if said != nil {
			text = said.Raw // the correction itself may hold the new value
		}
		t.correct(st, chosen, text)
		return
	}
	if v, ok := t.reader().value(t.slotOf(st), chosen); ok {
		t.accept(st, SlotValue{Value: v, Raw: chosen, How: "asked"})
		return
	}
	t.wrongTry(st, "")
}

// wrongTry counts a try; the last one gives up without a word.
func (t *turn) wrongTry(st *StateDef, words string) {
	q := t.st.Question
	t.attempt(st, "invalid")
	q.Tries++
	if q.Tries >= t.maxTries(st) {
		if q.Sub == subCorrect {
			t.backFromSub()
			q.Tries = 0
			t.repeat(st)
			return
		}
		t.giveUp(st)
		return
	}
	if words == "" {
		words = t.invalidText(st)
	}
	t.sayWithButtons(st, words, 2)
}

func (t *turn) maxTries(st *StateDef) int {
	if st.Collect != nil && st.Collect.MaxTries > 0 {
		return st.Collect.MaxTries
	}
	if n := t.set.Defaults.MaxTries; n > 0 {
		return n
	}
	return 3
}

func (t *turn) invalidText(st *StateDef) string {
	if c := st.Collect; c != nil && len(c.Invalid) > 0 && t.st.Question.Sub != subCorrect {
		if s := t.text(c.Invalid[max(1, min(t.st.Question.Tries, len(c.Invalid)))-1]); s != "" {
			return s
		}
	}
	return t.sentence("invalid")
}

// giveUp leaves a collect whose tries are used up; the slot stays empty.
func (t *turn) giveUp(st *StateDef) {
	if st.Collect.GiveUp == nil {
		t.personExit("give_up", dm.CauseGaveUp)
		return
	}
	t.cause = dm.CauseGaveUp
	t.hang()
	t.reply = answered{q: t.st.Question.Number}
	t.st.Question = nil
	t.follow(st.Collect.GiveUp, st.full)
}

// fillAhead looks for every slot that has find, is empty and is not being
// asked: exactly one valid value fills it.
func (t *turn) fillAhead() {
	if len(t.set.linked.find) == 0 {
		return
	}
	asked := ""
	if st := t.state(); st != nil && st.Collect != nil && t.st.Question != nil {
		asked = st.Collect.Slot
	}
	for _, sl := range t.set.linked.find {
		if sl.Name == asked || t.known(sl.Name) || slices.Contains(t.trace.Found, sl.Name) {
			continue
		}
		found := t.foundValues(sl, t.joined.raw)
		if len(found) != 1 || !t.roomFor(sl.Name, found[0].Value) {
			continue
		}
		found[0].How = "found"
		t.setSlot(sl.Name, found[0])
		t.trace.Found = append(t.trace.Found, sl.Name)
	}
}
