package rehearse

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"dispatcher/engine"
)

// noted is one input of a talk with what came of it, for a test.
type noted struct {
	step  string // the lines of its step, without the dash
	lines []Line
}

// answer is a look-up that was answered by hand.
type answer struct {
	call string // VERB /path?query
	says engine.LookupResult
}

// take notes an input that a test can do again.
func (t *Talk) take(verb, rest string, lines []Line) {
	switch verb {
	case "slots", "state", "why", "back":
		return
	case "goto":
		flow, name := flowState(rest)
		t.begun, t.noted = flow+"."+name, nil
		return
	}
	if step := t.stepOf(verb, rest); step != "" || len(lines) > 0 {
		t.noted = append(slices.Clip(t.noted), noted{step, lines})
	}
}

// stepOf is an input as a step of a test, "" for one that is none.
func (t *Talk) stepOf(verb, rest string) string {
	switch verb {
	case "":
		return "user: " + yamlText(rest, true)
	case "tap":
		return "tap: " + yamlText(t.tapped(rest), true)
	case "wait", "verify":
		return verb + ": " + rest
	case "send":
		kind, caption, _ := strings.Cut(rest, " ")
		if caption == "" {
			return "send: " + kind
		}
		return "send: " + kind + "\n        text: " + yamlText(caption, true)
	case "set":
		name, value, _ := strings.Cut(rest, "=")
		return "set: {" + strings.TrimSpace(name) + ": " + yamlText(strings.TrimSpace(value), false) + "}"
	case "lang":
		return "set: {contact.language: " + rest + "}"
	case "agent":
		what, more, _ := strings.Cut(rest, " ")
		if more != "" {
			return "agent: {" + what + ": " + yamlText(more, false) + "}"
		}
		return "agent: " + what
	case "submit":
		var parts []string
		for _, pair := range strings.Split(rest, ";") {
			name, value, _ := strings.Cut(pair, "=")
			parts = append(parts, strings.TrimSpace(name)+": "+yamlText(strings.TrimSpace(value), false))
		}
		return "submit: {" + strings.Join(parts, ", ") + "}"
	}
	return ""
}

// tapped is the id of the button that was pressed by number or label.
func (t *Talk) tapped(which string) string {
	if len(t.past) == 0 {
		return which
	}
	before := t.past[len(t.past)-1].sent
	for _, s := range slices.Backward(before) {
		if n := s.find(which); n >= 0 {
			return s.options[n].ID
		}
	}
	var n int
	if _, err := fmt.Sscanf(which, "%d", &n); err == nil {
		for _, s := range slices.Backward(before) {
			if n > 0 && n <= len(s.options) {
				return s.options[n-1].ID
			}
		}
	}
	return which
}

// ErrNothingSaid says that a talk holds nothing to keep.
var ErrNothingSaid = errors.New("nothing has been said yet")

// Test is the talk as one item of the list tests of a test file, two spaces in.
func (t *Talk) Test(name string) (string, error) {
	if len(t.noted) == 0 {
		return "", ErrNothingSaid
	}
	var b strings.Builder
	b.WriteString("  - name: " + yamlText(name, true) + "\n")
	t.writeCircumstances(&b)
	b.WriteString("    chat:\n")
	for _, n := range t.noted {
		if n.step != "" {
			b.WriteString("      - " + n.step + "\n")
		}
		for _, l := range n.lines {
			l.writeStep(&b)
		}
	}
	return b.String(), nil
}

func (t *Talk) writeCircumstances(b *strings.Builder) {
	if t.opt.Channel != "" {
		b.WriteString("    channel: " + t.opt.Channel + "\n")
	}
	if t.opt.Language != "" {
		b.WriteString("    language: " + t.opt.Language + "\n")
	}
	if !t.opt.Now.IsZero() {
		b.WriteString("    now: " + t.opt.Now.UTC().Format(time.RFC3339) + "\n")
	}
	start := t.begun
	if start == "" {
		start = t.opt.Start
	}
	if start != "" {
		b.WriteString("    start: " + start + "\n")
	}
	if len(t.opt.Slots) > 0 {
		var parts []string
		for _, name := range sortedNames(t.opt.Slots) {
			parts = append(parts, name+": "+yamlText(t.opt.Slots[name], false))
		}
		b.WriteString("    slots: {" + strings.Join(parts, ", ") + "}\n")
	}
	t.writeAnswers(b)
}

// writeAnswers puts the answers given by hand under http, in order per call.
func (t *Talk) writeAnswers(b *strings.Builder) {
	if len(t.answers) == 0 {
		return
	}
	b.WriteString("    http:\n")
	var order []string
	says := map[string][]string{}
	for _, a := range t.answers {
		if says[a.call] == nil {
			order = append(order, a.call)
		}
		says[a.call] = append(says[a.call], a.yaml())
	}
	for _, name := range order {
		list := says[name][0]
		if len(says[name]) > 1 {
			list = "[" + strings.Join(says[name], ", ") + "]"
		}
		b.WriteString("      " + yamlText(name, true) + ": " + list + "\n")
	}
}

// yaml is an answer as a response of a test.
func (a answer) yaml() string {
	r := a.says
	switch {
	case r.Fail != "":
		return "{fail: " + r.Fail + "}"
	case r.Body == nil:
		return fmt.Sprintf("{status: %d}", r.Status)
	case r.Status == 200:
		return "{json: " + flowJSON(r.Body) + "}"
	}
	return fmt.Sprintf("{status: %d, json: %s}", r.Status, flowJSON(r.Body))
}

// flowJSON is JSON that YAML reads as the same: a space after every colon.
func flowJSON(raw json.RawMessage) string {
	b, err := json.MarshalIndent(raw, "", " ")
	if err != nil {
		return "{}"
	}
	return oneLine(string(b))
}

// writeStep is a line as a step of a test.
func (l Line) writeStep(b *strings.Builder) {
	switch l.Kind {
	case LineBot:
		b.WriteString("      - bot: " + yamlText(escaped(oneLine(l.words())), true) + "\n")
		if len(l.Options) == 0 {
			return
		}
		quoted := make([]string, len(l.Options))
		for i, o := range l.Options {
			quoted[i] = yamlText(o.Label, true)
			if strings.Contains(o.Label, ",") {
				quoted[i] = yamlText(o.Label, false)
			}
		}
		b.WriteString("        options: [" + strings.Join(quoted, ", ") + "]\n")
	case LineHandoff:
		b.WriteString("      - handoff: " + l.Handoff.Queue + "\n")
	case LineResolved:
		b.WriteString("      - resolved: " + l.Reason + "\n")
	}
}
