package engine

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Bounds of what a stored trace keeps of values: of one and of all that a
// condition read, in characters; of all conditions of a turn, in bytes.
const (
	maxShown    = 60
	maxSeen     = 400
	maxTurnSeen = 32 << 10
)

// seen is what a condition read and what the functions said that it asked,
// each with its value, for whoever asks why it came out as it did.
func (t *turn) seen(x *Expr) string {
	if !t.ev.World.Explain || t.ev.World.Masked && t.told > maxTurnSeen {
		return ""
	}
	parts := make([]string, 0, len(x.reads)+len(t.eval.asked))
	for _, r := range x.reads {
		parts = append(parts, r.String()+" = "+t.shownRead(r))
	}
	parts = append(parts, t.eval.asked...)
	out := strings.Join(parts, ", ")
	if t.ev.World.Masked && utf8.RuneCountInString(out) > maxSeen {
		out = cutRunes(out, maxSeen) + "…"
	}
	t.told += len(out)
	return out
}

func (r read) String() string {
	if r.field == "" {
		return r.root
	}
	return r.root + "." + r.field
}

// shownRead is the value of one read in words.
func (t *turn) shownRead(r read) string {
	v := any(nil)
	if r.field == "" {
		v = t.root(r.root)
	} else {
		v = t.field(r.root, r.field)
	}
	if v != nil && t.covered(r.root, r.field) {
		return Dots
	}
	if !t.ev.World.Masked {
		return t.shownValue(v)
	}
	if r.root == "slots" {
		return t.shownSlot(r.field, v)
	}
	if personal(r) && v != nil && v != "" {
		return Dots
	}
	return cutShown(t.storedValue(v))
}

// personal says that a read is of who writes, or of their words, which stand
// in the message.
func personal(r read) bool {
	switch r.root {
	case "value":
		return true
	case "message", "entry":
		return r.field == "text" || r.field == ""
	case "contact":
		return r.field == "name" || r.field == "first_name" || r.field == "channel_handle" || r.field == ""
	}
	return false
}

// shownSlot is a slot's value as it may be stored beside the reasons.
func (t *turn) shownSlot(name string, v any) string {
	sl := t.slotDef(name)
	text, isText := v.(string)
	switch {
	case sl == nil || v == nil || !sl.Secret && !sl.PII:
		return cutShown(t.storedValue(v))
	case sl.Secret || !isText:
		return Dots
	}
	return strconv.Quote(cutShown(MaskMiddle(text)))
}

func cutShown(s string) string {
	if utf8.RuneCountInString(s) <= maxShown {
		return s
	}
	return cutRunes(s, maxShown) + "…"
}

// MaskMiddle hides the middle of a personal value: AB••••56. Short values are
// hidden whole.
func MaskMiddle(s string) string {
	r := []rune(s)
	if len(r) < 6 {
		return strings.Repeat("•", len(r))
	}
	return string(r[:2]) + strings.Repeat("•", len(r)-4) + string(r[len(r)-2:])
}

// noteSlot tells the trace that a slot was filled, and with what where values
// are kept.
func (t *turn) noteSlot(name string, v SlotValue) {
	step := TraceStep{What: "slot", Option: name, By: v.How}
	if t.ev.World.Masked {
		step.Value, step.At = t.shownSlot(name, v.Value), t.standsAt()
	}
	t.note(step)
}

// noteStored tells a stored trace of an effect that leaves no row behind.
func (t *turn) noteStored(what, name, value string) {
	if t.ev.World.Masked {
		t.note(TraceStep{What: what, State: t.position(), Option: name, Value: value, At: t.standsAt()})
	}
}

// standsAt is the file and line of the state that the turn is in.
func (t *turn) standsAt() string {
	if st := t.written(); st != nil {
		return st.place
	}
	return ""
}

// asks notes what a function that looks at the world has said.
func (e *evaluator) asks(name string, args []any, out any) {
	if e.t == nil || !e.noting {
		return
	}
	shown := make([]string, len(args))
	for i, a := range args {
		shown[i] = e.t.shownValue(a)
	}
	show := e.t.shownValue
	if e.t.ev.World.Masked {
		show = e.t.storedValue
	}
	text := name + "(" + strings.Join(shown, ", ") + ") = " + show(out)
	for _, have := range e.asked {
		if have == text {
			return
		}
	}
	e.asked = append(e.asked, text)
}

// worldly says whether a function looks at the world and takes nothing of the
// customer's: what it said is worth telling, and may be.
func worldly(name string) bool {
	switch name {
	case "now", "open", "opens_at", "wait_minutes", "queue_length", "sample", "surveyed_within":
		return true
	}
	return false
}

// shownValue is a value in words: empty for nothing, texts in quotes.
func (t *turn) shownValue(v any) string {
	switch x := v.(type) {
	case nil:
		return "empty"
	case string:
		return strconv.Quote(x)
	case []string:
		if len(x) == 0 {
			return "[]"
		}
		return fmt.Sprintf("%q", x)
	case map[string]any:
		return fmt.Sprint(x)
	}
	return t.formatValue(v)
}

// storedValue is a value in words that do not depend on who reads them. Of a
// whole look-up it tells only that there is one: what is in it may be personal.
func (t *turn) storedValue(v any) string {
	switch x := v.(type) {
	case map[string]any:
		return "{…}"
	case bool:
		return strconv.FormatBool(x)
	case time.Time:
		return t.local(x).Format("2006-01-02 15:04")
	}
	return t.shownValue(v)
}
