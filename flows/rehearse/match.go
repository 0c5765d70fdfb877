package rehearse

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"dispatcher/engine"
	"dispatcher/flows"
)

// bot compares the next message, or notes that any number may come.
func (p *player) bot(i int) *Failure {
	s := &p.test.Steps[i]
	if s.Pattern == nil {
		return nil // the loader has said why
	}
	if s.Pattern.Any {
		p.gap = true
		return nil
	}
	if p.gap {
		p.gap = false
		p.jumpTo(i)
	}
	if len(p.pending) == 0 {
		return &Failure{Line: s.Line, ExpectedKind: LineBot, Expected: s.Text, GotKind: "", Got: "nothing"}
	}
	l := p.pending[0]
	if l.Kind != LineBot || !fitsMessage(s.Pattern, l) {
		return &Failure{Line: s.Line, ExpectedKind: LineBot, Expected: s.Text, GotKind: l.Kind, Got: p.shown(l)}
	}
	if s.Public && !l.Public {
		return &Failure{Line: s.Line, ExpectedKind: LineBot, Expected: s.Text + " (in public)", GotKind: LineBot, Got: p.shown(l) + " (in private)"}
	}
	if s.Options != nil && !slices.Equal(s.Options, buttonLabels(l)) {
		return &Failure{Line: s.Line, ExpectedKind: "options", Expected: list(s.Options), GotKind: "options", Got: list(buttonLabels(l))}
	}
	p.named(s.Line)
	return nil
}

func list(labels []string) string { return "[" + strings.Join(labels, ", ") + "]" }

// buttonLabels are the labels of a message in the language of the test.
func buttonLabels(l Line) []string {
	if l.First != nil {
		l = *l.First
	}
	return append([]string{}, labels(l)...)
}

// fitsMessage compares a message in the language of the test.
func fitsMessage(pattern *flows.Pattern, l Line) bool {
	if l.First != nil {
		l = *l.First
	}
	if l.Text == "" && l.Media != nil {
		return pattern.Match(l.picture()) || pattern.Match(l.Media.Path) || pattern.Match(l.Alt)
	}
	return pattern.Match(l.Text)
}

// jumpTo skips the messages that ... covers: to the first place from which the
// messages that the next steps name follow one another.
func (p *player) jumpTo(i int) {
	for from := 0; from < len(p.pending) && p.pending[from].Kind == LineBot; from++ {
		if p.follow(i, from) {
			p.pending = p.pending[from:]
			return
		}
	}
	for from := 0; from < len(p.pending) && p.pending[from].Kind == LineBot; from++ {
		if fitsMessage(p.test.Steps[i].Pattern, p.pending[from]) {
			p.pending = p.pending[from:]
			return
		}
	}
	if n := len(p.pending); n > 1 && p.pending[n-1].Kind == LineBot {
		p.pending = p.pending[n-1:]
	}
}

// follow says that the steps from i on fit the pending lines from a place on,
// up to the next input or the next gap.
func (p *player) follow(i, from int) bool {
	for ; i < len(p.test.Steps); i++ {
		s := &p.test.Steps[i]
		switch s.Kind {
		case flows.StepBot:
			if s.Pattern == nil || s.Pattern.Any {
				return true
			}
			if from >= len(p.pending) || p.pending[from].Kind != LineBot || !fitsMessage(s.Pattern, p.pending[from]) {
				return false
			}
			from++
		case flows.StepHandoff, flows.StepResolved:
			return from < len(p.pending) && p.pending[from].Kind == s.Kind
		case flows.StepExpect, flows.StepSilent, flows.StepSet, flows.StepHTTP:
		default:
			return from >= len(p.pending)
		}
	}
	return from >= len(p.pending)
}

// handoff compares the next effect.
func (p *player) handoff(s *flows.TestStep) *Failure {
	p.skipMessages()
	want := s.Text
	if len(p.pending) == 0 {
		return &Failure{Line: s.Line, ExpectedKind: LineHandoff, Expected: want, Got: "nothing"}
	}
	l := p.pending[0]
	if l.Kind != LineHandoff || want != "*" && l.Handoff.Queue != want {
		return &Failure{Line: s.Line, ExpectedKind: LineHandoff, Expected: want, GotKind: l.Kind, Got: p.shown(l)}
	}
	h := l.Handoff
	for _, c := range [...]struct{ name, want, got string }{
		{"priority", s.Priority, priority(h)}, {"reason", s.Reason, h.Reason}, {"cause", s.Cause, h.Cause},
	} {
		if c.want != "" && c.want != c.got {
			return &Failure{Line: s.Line, ExpectedKind: LineHandoff, Expected: want + " with " + c.name + " " + c.want, GotKind: LineHandoff, Got: h.Queue + " with " + c.name + " " + c.got}
		}
	}
	if f := p.handoffRest(s, l); f != nil {
		return f
	}
	p.named(s.Line)
	return nil
}

func priority(h *engine.Handoff) string {
	if h.Priority == "" {
		return "normal"
	}
	return h.Priority
}

// handoffRest compares tags and summary.
func (p *player) handoffRest(s *flows.TestStep, l Line) *Failure {
	tags := p.talk.State().Tags
	for _, tag := range s.Tags {
		if !slices.Contains(tags, strings.ToLower(tag)) {
			return &Failure{Line: s.Line, ExpectedKind: LineHandoff, Expected: s.Text + " with tag " + tag, GotKind: LineHandoff, Got: l.Handoff.Queue + " with tags " + list(tags)}
		}
	}
	if s.Summary == nil {
		return nil
	}
	h := l.Handoff
	if l.First != nil {
		h = l.First.Handoff
	}
	if fitsText(*s.Summary, h.Summary) {
		return nil
	}
	return &Failure{Line: s.Line, ExpectedKind: LineHandoff, Expected: s.Text + " with summary " + wantedText(*s.Summary), GotKind: LineHandoff, Got: h.Queue + " with summary " + strconv.Quote(h.Summary)}
}

// resolved compares the next effect.
func (p *player) resolved(s *flows.TestStep) *Failure {
	p.skipMessages()
	if len(p.pending) == 0 {
		return &Failure{Line: s.Line, ExpectedKind: LineResolved, Expected: s.Text, Got: "nothing"}
	}
	l := p.pending[0]
	if l.Kind != LineResolved || s.Text != "*" && l.Reason != s.Text {
		return &Failure{Line: s.Line, ExpectedKind: LineResolved, Expected: s.Text, GotKind: l.Kind, Got: p.shown(l)}
	}
	p.named(s.Line)
	return nil
}

// fitsText compares a text with what is wanted of it.
func fitsText(w flows.Wanted, text string) bool {
	switch {
	case w.Null:
		return text == ""
	case w.Contains != nil:
		for _, part := range w.Contains {
			if !strings.Contains(oneLine(text), oneLine(part)) {
				return false
			}
		}
		return true
	case w.IsList:
		return oneLine(text) == oneLine(strings.Join(w.List, "\n"))
	}
	p, err := flows.NewPattern(w.Text)
	return err == nil && p.Match(text) || oneLine(text) == oneLine(w.Text)
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

func wantedText(w flows.Wanted) string {
	switch {
	case w.Null:
		return "empty"
	case w.Contains != nil:
		return "containing " + strings.Join(w.Contains, ", ")
	case w.IsList:
		return list(w.List)
	}
	return w.Text
}

// expect compares what the conversation is now.
func (p *player) expect(s *flows.TestStep) *Failure {
	for _, e := range s.Expect {
		v, err := p.left(e)
		if err != nil {
			return &Failure{Line: s.Line, ExpectedKind: "expect", Expected: e.Left + ": " + wantedText(e.Right), GotKind: "expect", Got: err.Error()}
		}
		if !p.same(e, v) {
			return &Failure{Line: s.Line, ExpectedKind: "expect", Expected: e.Left + ": " + wantedText(e.Right), GotKind: "expect", Got: e.Left + ": " + p.valueText(v)}
		}
	}
	return nil
}

// left is the value that an expectation looks at.
func (p *player) left(e flows.Expect) (any, error) {
	st := p.talk.State()
	switch e.Left {
	case "state":
		return st.Position(), nil
	case "owner":
		return ownerOf(st), nil
	case "language":
		return p.language(st), nil
	case "tags":
		return append([]string{}, st.Tags...), nil
	}
	if e.Expr == nil {
		return nil, fmt.Errorf("%s cannot be worked out", e.Left)
	}
	return p.talk.Value(e.Expr)
}

func (p *player) language(st engine.State) string {
	if lang := p.talk.contact.Language; lang != "" && slices.Contains(p.talk.live().Languages, lang) {
		return lang
	}
	if st.Language != "" {
		return st.Language
	}
	return p.talk.live().Languages[0]
}

func (p *player) valueText(v any) string {
	switch x := v.(type) {
	case nil:
		return "empty"
	case string:
		if x == "" {
			return "empty"
		}
	case []string:
		return list(x)
	case bool:
		return strconv.FormatBool(x)
	case time.Time:
		return x.Format(time.RFC3339)
	case map[string]any:
		return fmt.Sprint(x)
	}
	return engine.FormatValue(p.talk.live(), "en", v)
}

// same compares a value with a literal, read by the value's type.
func (p *player) same(e flows.Expect, v any) bool {
	w := e.Right
	if texts, ok := textList(v); ok {
		return sameList(w, texts, e.Left == "tags")
	}
	if w.Null {
		s, isText := v.(string)
		return v == nil || isText && s == ""
	}
	switch x := v.(type) {
	case nil:
		return false
	case string:
		return fitsLiteral(w, x)
	case map[string]any:
		kind, _ := x["kind"].(string)
		return fitsLiteral(w, kind)
	}
	if w.Contains != nil || w.IsList {
		return false
	}
	return p.sameTyped(w.Text, v)
}

// fitsLiteral is a text with a literal: no * here.
func fitsLiteral(w flows.Wanted, s string) bool {
	if w.Contains != nil {
		return fitsText(w, s)
	}
	return !w.IsList && oneLine(s) == oneLine(w.Text)
}

func textList(v any) ([]string, bool) {
	switch x := v.(type) {
	case []string:
		return x, true
	case []any:
		out := make([]string, len(x))
		for i := range x {
			out[i] = fmt.Sprint(x[i])
		}
		return out, true
	}
	return nil, false
}

// sameList compares a list; of tags the order does not count.
func sameList(w flows.Wanted, have []string, anyOrder bool) bool {
	if w.Null {
		return len(have) == 0
	}
	if w.Contains != nil {
		for _, part := range w.Contains {
			if !slices.Contains(have, part) {
				return false
			}
		}
		return true
	}
	want := w.List
	if !w.IsList {
		want = []string{w.Text}
	}
	if anyOrder {
		have, want = slices.Sorted(slices.Values(have)), slices.Sorted(slices.Values(want))
	}
	return slices.Equal(have, want)
}

// sameTyped compares a number, yes or no, or a date.
func (p *player) sameTyped(literal string, v any) bool {
	switch x := v.(type) {
	case bool:
		want, ok := engine.ReadLiteral(&engine.Slot{Type: engine.SlotYesNo}, literal)
		return ok && want == x
	case float64:
		want, err := strconv.ParseFloat(strings.TrimSpace(literal), 64)
		return err == nil && want == x
	case int:
		want, err := strconv.Atoi(strings.TrimSpace(literal))
		return err == nil && want == x
	case time.Time:
		if at, err := time.Parse(time.RFC3339, literal); err == nil {
			return at.Equal(x)
		}
		want, ok := engine.ReadLiteral(&engine.Slot{Type: engine.SlotDate}, literal)
		day, isDate := want.(time.Time)
		zone := p.talk.live().Timezone
		if zone == nil {
			zone = time.UTC
		}
		return ok && isDate && (day.Format(time.DateOnly) == x.In(zone).Format(time.DateOnly) || day.Format(time.DateOnly) == x.Format(time.DateOnly))
	}
	return false
}
