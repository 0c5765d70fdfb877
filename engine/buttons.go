package engine

import (
	"slices"
	"strconv"
	"strings"
)

// Kinds of a button.
const (
	buttonOption = iota // an option of the flow
	buttonValue         // a value of the collected slot
	buttonSkip
	buttonYes
	buttonNo
	buttonNone
	buttonPick // one of several values or slots
	buttonHere // the fields of a form in the chat
)

// button is one visible quick reply of the open question.
type button struct {
	id    string
	kind  int
	opt   *Option
	label string // "" until rendered, for options and values
	text  *Text
	value any
}

// buttons are what the open question shows now, in order.
func (t *turn) buttons(st *StateDef) []button {
	q := t.st.Question
	if t.shown != nil && t.shownFor == st && t.shownSub == q.Sub {
		return t.shown
	}
	list := t.makeButtons(st, q)
	t.shown, t.shownFor, t.shownSub = list, st, q.Sub
	return list
}

func (t *turn) makeButtons(st *StateDef, q *Question) []button {
	switch q.Sub {
	case subConfirm:
		return []button{
			{id: idYes, kind: buttonYes, label: t.sentence("confirm_yes")},
			{id: idNo, kind: buttonNo, label: t.sentence("confirm_no")},
		}
	case subWhich:
		return pickButtons(q.Choices, q.Choices)
	case subWhichSlot:
		return pickButtons(q.Choices, t.slotNames(q.Choices))
	case subCorrect:
		return t.valueButtons(q.Choices[0], nil)
	}
	list := t.optionButtons(st)
	if c := st.Collect; c != nil {
		if len(c.Options) == 0 {
			list = t.valueButtons(c.Slot, list)
		}
		if c.Skip != nil {
			list = append(list, button{id: idSkip, kind: buttonSkip, text: c.Skip})
		}
	}
	if st.Form != nil && st.Form.Fallback != fallbackNone {
		list = append(list, button{id: idHere, kind: buttonHere, label: t.sentence("form_here")})
	}
	if q.Sub == subMean {
		list = slices.DeleteFunc(list, func(b button) bool { return !slices.Contains(q.Choices, b.id) })
		list = append(list, button{id: idNone, kind: buttonNone, label: t.sentence("none_of_these")})
	}
	return list
}

// pickButtons offer several values or slots under their labels.
func pickButtons(values, labels []string) []button {
	list := make([]button, len(values))
	for i, v := range values {
		list[i] = button{id: "choice_" + strconv.Itoa(i+1), kind: buttonPick, label: labels[i], value: v}
	}
	return list
}

// slotNames are what customers call some slots: the first phrase of called.
// Slots that share it are told apart by their own names.
func (t *turn) slotNames(slots []string) []string {
	names, times := make([]string, len(slots)), map[string]int{}
	for i, slot := range slots {
		names[i] = strings.ReplaceAll(slot, "_", " ")
		if sl := t.slotDef(slot); sl != nil && len(sl.Called) > 0 {
			names[i] = sl.Called[0]
		}
		times[Normalise(names[i])]++
	}
	for i, slot := range slots {
		if times[Normalise(names[i])] > 1 {
			names[i] = strings.ReplaceAll(slot, "_", " ")
		}
	}
	return names
}

// optionButtons are the options whose when holds.
func (t *turn) optionButtons(st *StateDef) []button {
	options := st.allOptions()
	list := t.room.list(len(options) + 1)
	for _, o := range options {
		if o.When != nil && !t.softCond(o.When) {
			continue
		}
		list = append(list, button{id: o.ID, kind: buttonOption, opt: o, text: o.Label})
	}
	return list
}

// list is room for n buttons that no other list of this step shares.
func (r *scratch) list(n int) []button {
	used := len(r.buttons)
	if cap(r.buttons)-used < n {
		r.buttons, used = make([]button, 0, max(4*n, 16)), 0
	}
	r.buttons = r.buttons[:used+n]
	return r.buttons[used : used : used+n]
}

// valueButtons are the values of a choice or yes_no slot.
func (t *turn) valueButtons(name string, list []button) []button {
	sl := t.slotDef(name)
	if sl == nil {
		return list
	}
	switch sl.Type {
	case SlotYesNo:
		return append(list,
			button{id: idYes, kind: buttonValue, label: t.sentence("confirm_yes"), value: true},
			button{id: idNo, kind: buttonValue, label: t.sentence("confirm_no"), value: false})
	case SlotChoice:
		for i := range sl.Values {
			v := &sl.Values[i]
			b := button{id: v.ID, kind: buttonValue, text: v.Label, value: v.ID}
			if v.Label == nil {
				b.label = v.ID
			}
			list = append(list, b)
		}
	}
	return list
}

// valueLabel is how a value of a choice reads on its button: a built-in
// sentence says that, a text of the flow the value, which is its id.
func (t *turn) valueLabel(sl *Slot, id string) string {
	for i := range sl.Values {
		if v := &sl.Values[i]; v.ID == id && v.Label != nil {
			return t.text(v.Label)
		}
	}
	return id
}

func (t *turn) buttonLabel(b *button) string {
	if b.label == "" && b.text != nil {
		b.label = t.text(b.text)
	}
	return b.label
}

func (t *turn) labelOf(o *Option) string { return t.text(o.Label) }

// isExactly says whether a normalised message is this button: its id, label,
// label without emoji, emoji alone, or short label, in any language.
func (t *turn) isExactly(b *button, text string) bool {
	if b.opt != nil {
		if slices.Contains(b.opt.index.exact, text) {
			return true
		}
		if !b.opt.index.dynamic {
			return false
		}
	} else if b.id == text && b.kind != buttonPick {
		return true
	}
	if b.text != nil {
		for _, label := range constantTexts(b.text) {
			if slices.Contains(labelForms(label), text) {
				return true
			}
		}
	}
	label := t.buttonLabel(b)
	return label != "" && slices.Contains(labelForms(label), text)
}

// press does what choosing a button does. by is how it was chosen.
func (t *turn) press(st *StateDef, b *button) {
	q := t.st.Question
	t.over, t.pressed = false, b.id
	if q.Sub != "" {
		q.Done = q.Sub + "/" + b.id
	}
	switch b.kind {
	case buttonOption:
		t.choose(st, b.opt)
	case buttonValue:
		if q.Sub == subCorrect {
			t.corrected(SlotValue{Value: b.value, Raw: t.heardText(), How: "asked"}, q.Choices[0])
			return
		}
		t.accept(st, SlotValue{Value: b.value, Raw: t.heardText(), How: "asked"})
	case buttonSkip:
		t.reply = answered{q: q.Number, opt: idSkip}
		t.st.Question = nil
		t.leave(st, idSkip)
	case buttonYes:
		t.confirmed(st)
	case buttonNo:
		t.denied(st)
	case buttonNone:
		t.backFromSub()
		t.miss(st)
	case buttonPick:
		t.picked(st, b)
	case buttonHere:
		t.fallback(st, idHere)
	}
}

// choose takes an option: save, set, tag, then its exit or the state's.
func (t *turn) choose(st *StateDef, o *Option) {
	t.reply = answered{q: t.st.Question.Number, opt: o.ID, slot: st.Save}
	if st.Save != "" {
		t.setSlot(st.Save, SlotValue{Value: o.ID, Raw: t.heardText(), How: "asked"})
	}
	t.assign(o.Set)
	t.tag(o.Tag)
	t.st.Question = nil
	t.shown = nil
	t.leaveBy(st, o)
}

// leaveBy takes the way out of an option: its own, else the state's.
func (t *turn) leaveBy(st *StateDef, o *Option) {
	if o.Exit != nil {
		t.follow(o.Exit, st.full)
		return
	}
	t.leave(st, o.index.edge)
}

// heardText is the words as typed, or the label of a tap.
func (t *turn) heardText() string {
	if t.ev.Tap != nil {
		return t.ev.Tap.Label
	}
	if t.current != nil {
		return t.current.raw
	}
	return ""
}
