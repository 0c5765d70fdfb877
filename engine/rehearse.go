package engine

import (
	"fmt"
	"strings"
)

// Evaluate gives the value of an expression for a conversation as it stands,
// outside of any step: what tests expect, and what chat shows.
func Evaluate(set *Set, st State, w World, x *Expr) (out any, err error) {
	t := &turn{set: set, st: st, ev: &Event{World: w}, now: w.Now}
	t.eval = evaluator{t: t, env: map[string]any{}}
	t.eval.env[hidden] = &t.eval
	t.lang = pickLanguage(set.Languages, w.Contact.Language, w.Channel.Locale)
	defer func() {
		if r := recover(); r != nil {
			out, err = nil, fmt.Errorf("%s: %v", x.Rule, r)
		}
	}()
	return t.eval.eval(x)
}

// Constant says that an expression comes out the same whatever happens: it
// reads nothing and calls nothing.
func (x *Expr) Constant() bool {
	return len(x.reads) == 0 && !strings.ContainsAny(x.Source, "(|")
}

// Dots stand where the value of a secret slot would be shown; their number
// says nothing of its length.
const Dots = "••••"

// covered says that a field holds a secret: a slot that is one, or the words
// that were typed for it.
func (t *turn) covered(root, field string) bool {
	switch root {
	case "slots":
		sl := t.slotDef(field)
		return sl != nil && sl.Secret
	case "message", "value":
		return t.asksSecret()
	}
	return false
}

// asksSecret says that the question which this event answers is for a secret
// slot: it is still open, or the event has filled one.
func (t *turn) asksSecret() bool {
	if sl := t.slotDef(AskedSlot(t.set, t.st)); sl != nil && sl.Secret {
		return true
	}
	for name, v := range t.st.Slots {
		if sl := t.slotDef(name); sl != nil && sl.Secret && v.Seq == t.ev.Seq {
			return true
		}
	}
	return false
}

// AskedSlot is the slot that a conversation's open question collects; "" =
// none.
func AskedSlot(set *Set, st State) string {
	switch q := st.Question; {
	case q == nil:
		return ""
	case q.Field != "":
		return q.Field
	}
	if f := set.Flows[st.Flow]; f != nil {
		if def := f.States[st.Name]; def != nil && def.Collect != nil {
			return def.Collect.Slot
		}
	}
	return ""
}
