package engine

import (
	"encoding/json"
	"slices"
	"strconv"

	"dispatcher/dm"
)

// Kinds of an open question.
const (
	kindOptions = "options"
	kindCollect = "collect"
	kindForm    = "form"
	kindVerify  = "verify"
)

// Sub-questions: data of the conversation, not states.
const (
	subConfirm   = "confirm"
	subWhich     = "which"
	subMean      = "did_you_mean"
	subCorrect   = "correct"
	subWhichSlot = "which_slot"
)

// Ids of built-in buttons.
const (
	idSkip = "skip"
	idNone = "none"
	idYes  = "yes"
	idNo   = "no"
	idHere = "here"
)

// question opens the question of a state, or leaves where it is known.
func (t *turn) question(st *StateDef) {
	kind := st.kind()
	if kind != kindOptions && t.answeredAlready(st) {
		t.leave(st, "known")
		return
	}
	t.shown = nil
	t.st.Visit++
	t.st.Question = &Question{Number: t.st.Visit, Kind: kind, Hash: st.hash, Asked: t.now.UnixMilli()}
	if kind == kindOptions && len(t.buttons(st)) == 0 {
		t.personExit("options:none", dm.CauseNoMatch)
		return
	}
	if t.first && t.tryFirst(st) {
		t.waits = t.waits || t.st.Question != nil // read back, or which of several
		return
	}
	if t.pageless(st) {
		t.fallback(st, "")
		return
	}
	t.openPage(st)
	t.sayQuestion(st, "")
	if st.spokenQuestion() >= 0 {
		t.forget(st)
	}
	t.over, t.waits = true, true
}

// sayQuestion says the open question with its buttons, after a lead-in if any.
func (t *turn) sayQuestion(st *StateDef, lead string) {
	text := t.questionText(st)
	if lead != "" {
		text = lead + "\n\n" + text
	}
	if text == "" {
		text = t.sentence("which_one")
	}
	s := Say{Text: text, Priority: 2, Rule: st.where}
	if f := t.flowDef(); t.st.After && f != nil && f.surveys {
		s.Survey, s.Priority = true, 4
	}
	t.emit(t.withButtons(st, s))
}

// questionText is the words of the open question or sub-question.
func (t *turn) questionText(st *StateDef) string {
	q := t.st.Question
	switch q.Sub {
	case subConfirm:
		return t.readBack(st)
	case subWhich, subWhichSlot:
		return t.sentence("which_one")
	case subMean:
		return t.sentence("did_you_mean")
	case subCorrect:
		return t.correctionText()
	}
	if c := st.Collect; c != nil {
		if c.Ask != nil {
			return t.text(c.Ask)
		}
		if sl := t.slotDef(c.Slot); sl != nil && sl.Ask != nil {
			return t.text(sl.Ask)
		}
		return ""
	}
	if ask := st.asked(); ask != nil {
		return t.text(ask)
	}
	if i := st.spokenQuestion(); i >= 0 {
		return t.itemText(&st.Say[i])
	}
	return ""
}

// asked is the written question of a state that does not collect.
func (s *StateDef) asked() *Text {
	switch {
	case s.Form != nil:
		return s.Form.Ask
	case s.Verify != nil:
		return s.Verify.Ask
	}
	return s.Ask
}

// repeat asks the open question again, its tries kept.
func (t *turn) repeat(st *StateDef) {
	q := t.st.Question
	if field := st.fields[q.Field]; field != nil {
		st = field
	}
	if t.passOver(st) {
		return
	}
	q.Hash, q.Kind = st.hash, st.kind()
	q.Asked = t.now.UnixMilli()
	t.shown = nil
	if t.pageless(st) {
		t.fallback(st, "")
		return
	}
	t.openPage(st)
	t.sayQuestion(st, "")
	t.over, t.waits = true, true
}

func (s *StateDef) kind() string {
	switch {
	case s.Collect != nil:
		return kindCollect
	case s.Form != nil:
		return kindForm
	case s.Verify != nil:
		return kindVerify
	}
	return kindOptions
}

// sayWithButtons says words beside the open question's buttons.
func (t *turn) sayWithButtons(st *StateDef, text string, priority int16) {
	t.emit(t.withButtons(st, Say{Text: text, Priority: priority, Rule: st.where}))
	t.over = true
}

// withButtons adds the visible options and the record that comes back with a tap.
func (t *turn) withButtons(st *StateDef, s Say) Say {
	buttons := t.buttons(st)
	if len(buttons) > 0 {
		s.Options = make([]SayOption, len(buttons))
		for i := range buttons {
			b := &buttons[i]
			s.Options[i] = SayOption{ID: b.id, Label: t.buttonLabel(b)}
			if b.opt != nil {
				s.Options[i].Short = t.optional(b.opt.Short)
				s.Options[i].Description = t.optional(b.opt.Description)
			}
		}
	}
	s.Question = t.record(st, buttons)
	return s
}

func (t *turn) optional(tx *Text) string {
	if tx == nil {
		return ""
	}
	return t.text(tx)
}

// record is what a Say carries for its taps: where it was asked, and where
// each option led then.
func (t *turn) record(st *StateDef, buttons []button) json.RawMessage {
	q := t.st.Question
	b := append(t.room.record[:0], `{"n":`...)
	b = strconv.AppendInt(b, q.Number, 10)
	b = append(append(b, `,"set":"`...), t.set.ID...) // letters and digits, as all names here
	b = append(b, `","flow":"`...)
	b = append(b, t.st.Flow...)
	b = append(b, `","state":"`...)
	b = append(b, t.st.Name...)
	b = append(b, '"')
	if q.Sub != "" {
		b = append(append(append(b, `,"sub":"`...), q.Sub...), '"')
	}
	if len(t.st.Stack) > 0 {
		stack, err := json.Marshal(t.st.Stack)
		if err == nil {
			b = append(append(b, `,"stack":`...), stack...)
		}
	}
	b = append(b, `,"options":[`...)
	for i := range buttons {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"id":"`...)
		b = append(b, buttons[i].id...)
		b = append(b, '"')
		if to := buttons[i].target(st); to != "" {
			b = append(append(append(b, `,"to":"`...), to...), '"')
		}
		b = append(b, '}')
	}
	t.room.record = append(b, "]}"...)
	return slices.Clone(t.room.record)
}

// target is the state a button led to, as flow.state, when it is one state.
func (b *button) target(st *StateDef) string {
	x := st.Exit
	if b.opt != nil && b.opt.Exit != nil {
		x = b.opt.Exit
	}
	if x == nil || x.Kind != ExitGoto || b.opt == nil && b.kind != buttonValue {
		return ""
	}
	return x.Flow + "." + x.State
}
