package engine

import (
	"slices"
	"strings"
	"time"
)

// FormView is the open form as its page shows it, in the conversation's
// language. It never holds a value that is known.
type FormView struct {
	ID           string
	Expires      time.Time
	Language     string
	Title, Intro string
	Fields       []FormFieldView // those that are not known yet, in written order
}

// FormFieldView is one field of the page.
type FormFieldView struct {
	Slot, Label, Help string
	Required          bool
	Type              string      // of the slot
	Values            []FormValue // of a choice or a yes_no, in order
	Min, Max          *float64    // number: value; text and list: length
	Example           string
	Secret            bool
	Accept            []string // kinds of files of a media field
}

// FormValue is one value of a choice: its id is what the page sends.
type FormValue struct{ ID, Label string }

// FormOf is the form that a conversation has open, false when it has none; it
// stays open while a side trip runs and while people have the conversation. The
// page sends back, by slot, what was typed in; a media field sends the kinds of
// its files, joined by commas.
func FormOf(sets Sets, st State) (view FormView, ok bool) {
	q, flow, name := st.page((*Question).ofForm)
	if q == nil {
		return FormView{}, false
	}
	t := &turn{set: sets.Live, st: st, ev: &Event{}, lang: st.Language}
	t.usePin(sets)
	t.eval = evaluator{t: t, env: map[string]any{}}
	t.eval.env[hidden] = &t.eval
	flow, name = t.renamed(flow, name)
	f := t.flow(flow)
	if f == nil || f.States[name] == nil || f.States[name].Form == nil {
		return FormView{}, false
	}
	def := f.States[name]
	view = FormView{ID: q.ID, Expires: time.UnixMilli(q.Expires).UTC(), Language: t.lang}
	view.Title, view.Intro = t.softText(def.Form.Title), t.softText(def.Form.Intro)
	if view.Title == "" {
		view.Title = f.Description
	}
	for i := range def.Form.Fields {
		if f := &def.Form.Fields[i]; slices.Contains(q.Fields, f.Slot) && !t.known(f.Slot) {
			view.Fields = append(view.Fields, t.fieldView(f))
		}
	}
	return view, true
}

// softText renders a text of a page; one that cannot be rendered is left out.
func (t *turn) softText(tx *Text) string {
	s, err := t.render(tx)
	if err != nil {
		return ""
	}
	return s
}

func (t *turn) fieldView(f *FormField) FormFieldView {
	v := FormFieldView{Slot: f.Slot, Label: t.softText(f.Label), Help: t.softText(f.Help), Required: !f.Optional, Type: SlotText}
	sl := t.slotDef(f.Slot)
	if sl != nil {
		v.Type, v.Min, v.Max, v.Example, v.Secret = sl.Type, sl.Min, sl.Max, sl.Example, sl.Secret
		if v.Label == "" {
			v.Label = t.softText(sl.Ask)
		}
	}
	if v.Label == "" {
		v.Label = slotLabel(f.Slot)
	}
	switch v.Type {
	case SlotMedia:
		v.Accept = mediaOfForm
	case SlotYesNo:
		v.Values = []FormValue{{idYes, t.sentence("confirm_yes")}, {idNo, t.sentence("confirm_no")}}
	case SlotChoice:
		for _, value := range sl.Values {
			label := t.softText(value.Label)
			if label == "" {
				label = value.ID
			}
			v.Values = append(v.Values, FormValue{value.ID, label})
		}
	}
	return v
}

// slotLabel is a slot's name as a label.
func slotLabel(name string) string {
	words := strings.ReplaceAll(name, "_", " ")
	return strings.ToUpper(words[:1]) + words[1:]
}

// linkForm makes the states that ask for one field each, for a form that goes
// on in the chat.
func (s *Set) linkForm(st *StateDef) {
	if st.Form == nil {
		return
	}
	st.fields = make(map[string]*StateDef, len(st.Form.Fields))
	for _, f := range st.Form.Fields {
		field := *st
		field.Form, field.Exit, field.fields = nil, nil, nil
		field.Collect = &Collect{Slot: f.Slot, Accept: mediaOfForm, At: st.Form.At}
		if sl := s.Slots[f.Slot]; sl == nil || sl.Ask == nil { // no question of its own: its label
			field.Collect.Ask = s.labelText(&f, st.Form.At)
		}
		field.hash = s.questionHash(&field)
		st.fields[f.Slot] = &field
	}
}

// labelText is the label of a field, else the name of its slot.
func (s *Set) labelText(f *FormField, at Place) *Text {
	if f.Label != nil {
		return f.Label
	}
	name := &Template{Parts: []Part{{Lit: slotLabel(f.Slot)}}, Source: slotLabel(f.Slot)}
	return &Text{Lang: map[string]*Template{s.first(): name}, At: at}
}
