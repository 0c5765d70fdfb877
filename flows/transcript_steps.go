package flows

import (
	"slices"
	"strings"
	"time"

	"dispatcher/engine"
	"dispatcher/internal/source"
)

// testStep reads one step; none when it is no step at all.
func (l *loader) testStep(n *source.Node) []TestStep {
	kinds := stepKinds()
	var own *source.Pair
	for i := range n.Pairs {
		if _, is := kinds[n.Pairs[i].Key.Text]; !is {
			continue
		}
		if own != nil {
			l.err("E111", n.Pairs[i].Key.Words(), "two steps in one: %s and %s", own.Key.Text, n.Pairs[i].Key.Text)
			return nil
		}
		own = &n.Pairs[i]
	}
	if own == nil {
		l.stepMissing(n)
		return nil
	}
	for _, p := range n.Pairs {
		_, known := l.grammar["test_step"].key(p.Key.Text)
		if p.Key.Text != own.Key.Text && known && !slices.Contains(kinds[own.Key.Text], p.Key.Text) {
			l.err("E117", p.Key.Words(), "%s means nothing beside %s", p.Key.Text, own.Key.Text)
		}
	}
	s := TestStep{Kind: own.Key.Text, Line: own.Key.Range.Line, At: own.Value.Range}
	if v, ok := scalar(own.Value); ok {
		s.Text, s.Plain = v, own.Value.Style == source.Plain
	}
	l.stepValue(&s, n, own.Value)
	return []TestStep{s}
}

// stepMissing reports a map without any of the keys that make a step, unless
// one of its keys is only misspelt.
func (l *loader) stepMissing(n *source.Node) {
	at := n.Words()
	for i, p := range n.Pairs {
		if i == 0 {
			at = p.Key.Words()
		}
		if _, known := l.grammar["test_step"].key(p.Key.Text); !known {
			return // reported as such
		}
	}
	l.err("E110", at, "this is no step: one of %s is missing", strings.Join(sortedKeys(stepKinds()), ", "))
}

func sortedKeys[V any](m map[string]V) []string {
	out := keysOf(m)
	slices.Sort(out)
	return out
}

// stepValue reads what a step's kind needs.
func (l *loader) stepValue(s *TestStep, n, v *source.Node) {
	if v.Kind == source.Null && s.Kind != StepHTTP && s.Kind != StepSubmit {
		l.err("E110", n.Pair(s.Kind).Key.Words(), "%s needs a value", s.Kind)
		return
	}
	switch s.Kind {
	case StepUser:
		s.Texts = wordTexts(v)
	case StepSend:
		l.oneOf(v, "", sendable...)
		s.Caption = textOf(n, "text")
	case StepBot:
		l.botStep(s, n, v)
	case StepSilent:
		if !l.boolean(v, true) {
			l.err("E105", v.Words(), "silent is true; a message is expected with bot")
		}
	case StepWait:
		s.Wait = l.duration(v, time.Second)
	case StepExpect:
		s.Expect = l.expects(v)
	case StepHandoff:
		l.handoffStep(s, n, v)
	case StepAgent:
		l.agentStep(s, v)
	case StepSubmit:
		s.Values = l.testValues(v, false)
	case StepVerify:
		l.oneOf(v, "", verdicts...)
	case StepHTTP:
		s.Mocks = l.mocks(v)
	case StepSet:
		s.Values = l.testValues(v, true)
	}
}

func (l *loader) botStep(s *TestStep, n, v *source.Node) {
	src, ok := scalar(v)
	if !ok {
		return
	}
	p, err := NewPattern(src)
	if err != nil {
		l.err("E206", v.Words(), "this pattern is not valid: %s", err)
		return
	}
	s.Pattern = p
	s.Public = l.boolean(n.Get("public"), false)
	opts := n.Pair("options")
	if opts == nil {
		return
	}
	if p.Any {
		l.err("E117", opts.Key.Words(), "options mean nothing here: ... stands for any number of messages")
		return
	}
	s.Options = append([]string{}, wordTexts(opts.Value)...)
}

func (l *loader) handoffStep(s *TestStep, n, v *source.Node) {
	if v.Kind == source.Scalar && v.Text != "*" {
		l.wantQueue(v.Text, v.Words())
	}
	s.Reason, s.Cause = textOf(n, "reason"), textOf(n, "cause")
	if p := n.Get("priority"); p != nil && p.Kind == source.Scalar {
		if s.Priority = p.Text; !slices.Contains(priorities, p.Text) {
			l.suggest(l.err("E120", p.Words(), "%s is not a priority: low, normal, high, urgent", p.Text), p.Text, priorities)
		}
	}
	s.Tags = wordTexts(n.Get("tags"))
	if sum := n.Get("summary"); sum != nil && sum.Kind != source.Null {
		w := readWanted(sum)
		s.Summary = &w
	}
}

func (l *loader) agentStep(s *TestStep, v *source.Node) {
	if v.Kind == source.Scalar {
		l.oneOf(v, "", agentVerbs...)
		return
	}
	say, delegate := v.Get("say"), v.Get("delegate")
	switch {
	case say != nil && delegate != nil:
		l.err("E111", v.Pair("delegate").Key.Words(), "an agent does one thing in a step: say or delegate")
	case say != nil:
		s.Text, s.Agent = "say", say.Text
	case delegate != nil:
		s.Text, s.Agent = "delegate", delegate.Text
		if delegate.Kind == source.Scalar {
			l.knownFlow(delegate)
		}
	}
}

// readWanted reads a literal, nothing, a list, or {contains: …}.
func readWanted(n *source.Node) Wanted {
	switch n.Kind {
	case source.Null:
		return Wanted{Null: true}
	case source.List:
		return Wanted{List: wordTexts(n), IsList: true}
	case source.Map:
		return Wanted{Contains: append([]string{}, wordTexts(n.Get("contains"))...)}
	}
	return Wanted{Text: n.Text}
}

// expects reads an expect step.
func (l *loader) expects(n *source.Node) []Expect {
	if n.Kind != source.Map {
		return nil
	}
	var out []Expect
	for _, p := range n.Pairs {
		e := Expect{Left: p.Key.Text, Right: readWanted(p.Value), Line: p.Key.Range.Line}
		switch e.Left {
		case "state":
			l.expectState(p.Value)
		case "owner":
			l.oneOf(p.Value, "", "bot", "queue", "agent", "none")
		case "language", "tags":
		default:
			l.expectExpr(&e, p)
		}
		out = append(out, e)
	}
	return out
}

// expectState complains about a state that does not exist, which nothing can
// ever be in.
func (l *loader) expectState(n *source.Node) {
	if n.Kind == source.Scalar && strings.Contains(n.Text, ".") {
		l.wantState(n)
	}
}

func (l *loader) expectExpr(e *Expect, p source.Pair) {
	before := len(l.uses)
	e.Expr = l.expression(where{p.Key, 0, p.Key.Text}, scope{whole: true}, false)
	l.uses = l.uses[:before]
	name, ok := strings.CutPrefix(e.Left, "slots.")
	if !ok {
		return
	}
	sl := l.set.Slots[name]
	if e.Slot = sl; sl == nil || p.Value.Kind != source.Scalar {
		return
	}
	l.testLiteral(TestValue{Name: name}, p.Value)
	if sl.Type == engine.SlotText && p.Value.Text == "" {
		e.Right = Wanted{Null: true}
	}
}
