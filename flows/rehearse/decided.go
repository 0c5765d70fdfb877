package rehearse

import (
	"fmt"
	"slices"
	"strings"

	"dispatcher/dm"
	"dispatcher/engine"
)

// Decision is what decided an input, in a few words, and where that is written.
type Decision struct {
	Text string
	At   string // file:line; "" = nowhere
}

// Decided tells what decided the customer's last message: the option it was
// taken for, the slot it filled, or that nothing fitted. Everything else that
// was weighed is in Why.
func (t *Talk) Decided() []Decision {
	if len(t.traces) == 0 {
		if t.owner == dm.OwnerAgent {
			return []Decision{{Text: "an agent has the conversation, the assistant is silent"}}
		}
		return nil
	}
	tr := t.traces[0]
	if tr.Error != "" {
		return []Decision{{Text: "engine error: " + tr.Error, At: strings.Trim(t.rulePlace(tr.ErrorAt), " ()")}}
	}
	out := []Decision{t.decision(tr)}
	for _, s := range tr.Steps {
		if s.What == "slot" && s.By == "found" {
			out = append(out, Decision{Text: t.filledIn(s.Option) + ", found"})
		}
	}
	if out[0].Text == "" {
		out = out[1:]
	}
	return out
}

// decision is the one thing that mattered most.
func (t *Talk) decision(tr engine.Trace) Decision {
	at := -1 // the step that names an option or ends a question
	for i, s := range tr.Steps {
		if s.What == "edge" && (strings.HasPrefix(s.Edge, "opt:") || s.Edge == "collected" || strings.HasPrefix(s.Edge, "correct:")) {
			at = i
			break
		}
	}
	switch tr.Stage {
	case "none":
		return t.nothing(tr)
	case "everywhere", "side":
		return aside(tr)
	case "first":
		if at < 0 {
			return t.opening(tr)
		}
	case "":
		if t.State().Owner == dm.OwnerQueue {
			return Decision{Text: "waits for a person, the assistant is silent"}
		}
		return t.opening(tr)
	}
	if at >= 0 {
		return t.chosen(tr.Stage, tr.Steps[at])
	}
	if q := t.State().Question; q != nil && q.Sub == "confirm" {
		name := engine.AskedSlot(t.live(), t.State())
		return Decision{Text: t.valueOf(name, q.Value) + ", read back"}
	}
	return edgeTaken(tr)
}

// chosen is an option, a value or a correction.
func (t *Talk) chosen(stage string, s engine.TraceStep) Decision {
	d := Decision{At: s.At}
	if name, ok := strings.CutPrefix(s.Edge, "correct:"); ok {
		d.Text = t.filledIn(name) + ", corrected"
		return d
	}
	if s.Edge == "collected" {
		flow, name := flowState(s.State)
		if f := t.live().Flows[flow]; f != nil && f.States[name] != nil && f.States[name].Collect != nil {
			d.Text = t.filledIn(f.States[name].Collect.Slot)
			return d
		}
	}
	d.Text = s.Option + ", " + byWhat(stage, s)
	return d
}

// byWhat is what an option was known by.
func byWhat(stage string, s engine.TraceStep) string {
	switch {
	case stage == "tap":
		return "pressed"
	case s.By == "":
		return "by " + stage
	case strings.ContainsAny(s.By, "()=<>") || strings.Contains(s.By, " matches "):
		return "when " + s.By
	case stage == "fuzzy":
		return fmt.Sprintf("close to %q, %.2f", s.By, s.Score)
	case stage == "words" && strings.Contains(s.By, " "):
		return fmt.Sprintf("by the words %q", s.By)
	case stage == "words" || stage == "first":
		return fmt.Sprintf("by the word %q", s.By)
	}
	return fmt.Sprintf("by %q", s.By)
}

// nothing is a message that fitted nothing, with the option that came nearest.
func (t *Talk) nothing(tr engine.Trace) Decision {
	d := Decision{Text: "nothing matched"}
	for _, s := range tr.Steps {
		switch {
		case s.What == "stage" && s.Edge == "closest":
			closest, _, _ := strings.Cut(t.closest(s), " (")
			d.Text += "; " + closest
		case s.What == "edge":
			d.At = s.At
			return d
		}
	}
	return d
}

// aside is an entry of everywhere, or a side answer.
func aside(tr engine.Trace) Decision {
	var d Decision
	for _, s := range tr.Steps {
		if s.What == "stage" && s.Edge != "" && d.Text == "" {
			d.Text, d.At = s.Edge, s.At
			if s.By != "" {
				d.Text += fmt.Sprintf(", by %q", s.By)
			}
		}
		if s.What == "edge" && d.At == "" {
			d.At = s.At
		}
	}
	return d
}

// opening is a first message that only opened the conversation.
func (t *Talk) opening(tr engine.Trace) Decision {
	for _, s := range tr.Steps {
		if s.What == "edge" && s.At != "" {
			return Decision{Text: "opens the conversation", At: s.At}
		}
	}
	if tr.To == "" || tr.From != "" {
		return Decision{}
	}
	d := Decision{Text: "opens the conversation"}
	flow, name := flowState(tr.To)
	if f := t.live().Flows[flow]; f != nil && f.States[name] != nil {
		d.At = f.States[name].At.String()
	}
	return d
}

// edgeTaken is the first edge by its name.
func edgeTaken(tr engine.Trace) Decision {
	for _, s := range tr.Steps {
		if s.What == "edge" && s.Edge != "" {
			return Decision{Text: s.Edge, At: s.At}
		}
	}
	return Decision{Text: tr.Stage}
}

func (t *Talk) filledIn(slot string) string {
	return slot + " = " + t.shownSlot(t.State(), slot)
}

func (t *Talk) valueOf(slot string, v *engine.SlotValue) string {
	if v == nil {
		return slot
	}
	return slot + " = " + t.shown(t.State(), slot, *v)
}

// ShownSlots are the filled slots in the order of filling, name and value as
// they may be shown: a secret one as dots.
func (t *Talk) ShownSlots() [][2]string {
	st := t.State()
	out := make([][2]string, len(st.Order))
	for i, name := range st.Order {
		out[i] = [2]string{name, t.shownSlot(st, name)}
	}
	return out
}

func (t *Talk) shownSlot(st engine.State, name string) string {
	v, ok := st.Slots[name]
	if !ok {
		v = t.contact.Slots[name]
	}
	return t.shown(st, name, v)
}

func (t *Talk) shown(st engine.State, name string, v engine.SlotValue) string {
	if t.secretIn(st, name) {
		return engine.Dots
	}
	return engine.FormatValue(t.live(), st.Language, v.Value)
}

// Secret says that a slot is one, in the live set or in the one that the
// conversation is kept on.
func (t *Talk) Secret(name string) bool { return t.secretIn(t.State(), name) }

func (t *Talk) secretIn(st engine.State, name string) bool {
	sets := t.sets(st)
	for _, set := range []*engine.Set{sets.Live, sets.Pinned} {
		if set != nil && set.Slots[name] != nil && set.Slots[name].Secret {
			return true
		}
	}
	return false
}

// AsksSecret says that the open question is for a secret slot: what is typed
// next must not be seen.
func (t *Talk) AsksSecret() bool {
	st := t.State()
	sets := t.sets(st)
	for _, set := range []*engine.Set{sets.Live, sets.Pinned} {
		if set != nil && t.secretIn(st, engine.AskedSlot(set, st)) {
			return true
		}
	}
	return false
}

// Hides says that the words of the customer's last message are a secret, a
// mistyped one too. Words that were taken for a button or an entry of
// everywhere are none.
func (t *Talk) Hides() bool {
	for i, tr := range t.traces {
		if i == 0 && t.asked && !slices.Contains([]string{"tap", "exact", "everywhere"}, tr.Stage) {
			return true
		}
		for _, s := range tr.Steps {
			if s.What == "slot" && t.Secret(s.Option) && tr.Stage != "tap" && tr.Stage != "exact" {
				return true
			}
		}
	}
	return len(t.traces) == 0 && t.asked
}

// Shown is an input as it may be repeated after it was done: the values of
// secret slots as dots.
func (t *Talk) Shown(input string) string {
	trimmed := strings.TrimSpace(input)
	switch verb, rest, _ := strings.Cut(trimmed, " "); {
	case !strings.HasPrefix(input, "/"):
		if t.Hides() {
			return engine.Dots
		}
	case verb == "/set":
		return verb + " " + t.pair(rest)
	case verb == "/submit":
		pairs := strings.Split(rest, ";")
		for i := range pairs {
			pairs[i] = t.pair(strings.TrimSpace(pairs[i]))
		}
		return verb + " " + strings.Join(pairs, "; ")
	case verb == "/send" && t.Hides():
		kind, _, _ := strings.Cut(rest, " ")
		return verb + " " + kind
	}
	return input
}

// pair is name=value with dots over a secret.
func (t *Talk) pair(s string) string {
	name, value, ok := strings.Cut(s, "=")
	if ok && value != "" && t.Secret(strings.TrimPrefix(strings.TrimSpace(name), "slots.")) {
		return name + "=" + engine.Dots
	}
	return s
}
