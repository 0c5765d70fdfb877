package rehearse

import (
	"fmt"
	"slices"
	"strings"

	"dispatcher/flows"
)

// player walks through the steps of one run.
type player struct {
	suite   *Suite
	test    *flows.Test
	talk    *Talk
	pending []Line // what happened and no step has named yet
	gap     bool   // ... stands before what comes next
	spoke   bool   // the last event produced a message
	input   string // of the last customer message
	stuck   string // why the state that start or each names could not be entered
	log     []Entry
}

// play does every step; nil when all fit.
func (p *player) play() *Failure {
	if f := p.enter(); f != nil {
		return f
	}
	for i := range p.test.Steps {
		if f := p.step(i); f != nil {
			return p.explained(f)
		}
	}
	if f := p.leftover(p.lastLine()); f != nil {
		return p.explained(f)
	}
	return nil
}

func (p *player) lastLine() int {
	if n := len(p.test.Steps); n > 0 {
		return p.test.Steps[n-1].Line
	}
	return p.test.Line
}

// enter goes to the state that start or each names. What that causes counts
// only when the first step is about it.
func (p *player) enter() *Failure {
	lines, err := p.talk.Begin()
	line := p.test.Line
	if len(p.test.Steps) > 0 {
		line = p.test.Steps[0].Line
	}
	if err != nil {
		return p.explained(&Failure{Line: line, Note: err.Error()})
	}
	if len(p.talk.Unmocked) > 0 {
		return p.explained(unmocked(line, p.talk.Unmocked[0]))
	}
	for _, tr := range p.talk.traces {
		if tr.Error != "" {
			p.stuck = fmt.Sprintf("the test could not begin in %s, the conversation went to a person there: %s", p.talk.start, tr.Error)
		}
	}
	if len(p.test.Steps) == 0 {
		return nil
	}
	switch p.test.Steps[0].Kind {
	case flows.StepBot, flows.StepHandoff, flows.StepResolved:
		p.happened(lines)
	}
	return nil
}

func unmocked(line int, name string) *Failure {
	return &Failure{Line: line, ExpectedKind: "http", Expected: "an answer", GotKind: "http", Got: "no mock for " + name}
}

// explained adds what led to a failure and why.
func (p *player) explained(f *Failure) *Failure {
	f.Why, f.Trace = p.talk.reason(p.input), p.talk.Why()
	if p.stuck != "" {
		f.Why = append([]string{p.stuck}, f.Why...)
	}
	last := -1
	for i, e := range p.log {
		if e.Step {
			last = i
		}
	}
	from := max(last-1, 0)
	if last < 0 {
		from = max(len(p.log)-2, 0)
	}
	for _, e := range p.log[from:] {
		if e.Line != 0 && (e.Line != f.Line || f.Note == "") {
			f.Before = append(f.Before, e)
		}
	}
	return f
}

// step does one step.
func (p *player) step(i int) *Failure {
	s := &p.test.Steps[i]
	switch s.Kind {
	case flows.StepBot:
		return p.bot(i)
	case flows.StepHandoff:
		return p.handoff(s)
	case flows.StepResolved:
		return p.resolved(s)
	case flows.StepSilent:
		if p.spoke {
			got := p.lastSaid()
			return &Failure{Line: s.Line, ExpectedKind: "silent", Expected: "no message", GotKind: "bot", Got: got}
		}
		return nil
	case flows.StepExpect:
		return p.expect(s)
	case flows.StepHTTP:
		p.talk.SetMocks(s.Mocks)
		return nil
	case flows.StepSet:
		return p.set(s)
	case flows.StepReload:
		return p.reload(s)
	}
	if f := p.leftover(s.Line); f != nil {
		return f
	}
	return p.act(s)
}

// lastSaid is the last message of the bot.
func (p *player) lastSaid() string {
	for _, e := range slices.Backward(p.log) {
		if e.Kind == LineBot {
			return e.Text
		}
	}
	return ""
}

// act is a step that makes something happen.
func (p *player) act(s *flows.TestStep) *Failure {
	p.log = append(p.log, Entry{Kind: s.Kind, Text: inputText(s), Line: s.Line, Step: true})
	p.input = ""
	lines, err := p.do(s)
	if err != nil {
		note := strings.TrimPrefix(err.Error(), s.Kind+" ")
		return &Failure{Line: s.Line, Note: note, ExpectedKind: s.Kind, Expected: inputText(s)}
	}
	p.spoke = false
	p.happened(lines)
	if len(p.talk.Unmocked) > 0 {
		return unmocked(s.Line, p.talk.Unmocked[0])
	}
	return nil
}

func (p *player) do(s *flows.TestStep) ([]Line, error) {
	switch s.Kind {
	case flows.StepUser:
		p.input = strings.Join(s.Texts, " / ")
		return p.talk.Say(s.Texts...)
	case flows.StepTap:
		return p.talk.Tap(s.Text)
	case flows.StepSend:
		p.input = s.Caption
		return p.talk.Media(s.Text, s.Caption)
	case flows.StepWait:
		return p.talk.Wait(s.Wait)
	case flows.StepAgent:
		switch s.Text {
		case "say":
			return p.talk.AgentSays(s.Agent)
		case "delegate":
			return p.talk.Delegate(s.Agent)
		}
		return p.talk.Agent(s.Text)
	case flows.StepSubmit:
		return p.submit(s)
	case flows.StepVerify:
		return p.talk.Verify(map[string]string{"ok": "ok", "fail": "failed", "expire": "expired"}[s.Text])
	}
	return nil, fmt.Errorf("there is no step %q", s.Kind)
}

func (p *player) submit(s *flows.TestStep) ([]Line, error) {
	values := map[string]string{}
	for _, v := range s.Values {
		values[v.Name] = v.Text
		if v.List != nil {
			values[v.Name] = strings.Join(v.List, ", ")
		}
	}
	return p.talk.Submit(values)
}

// inputText is a step as it is shown.
func inputText(s *flows.TestStep) string {
	switch s.Kind {
	case flows.StepUser:
		return strings.Join(s.Texts, " / ")
	case flows.StepSend:
		return strings.TrimSpace(s.Text + " " + s.Caption)
	case flows.StepAgent:
		return strings.TrimSpace(s.Text + " " + s.Agent)
	case flows.StepSubmit:
		parts := make([]string, len(s.Values))
		for i, v := range s.Values {
			parts[i] = v.Name + ": " + v.Text
		}
		return strings.Join(parts, ", ")
	}
	return s.Text
}

func (p *player) set(s *flows.TestStep) *Failure {
	for _, v := range s.Values {
		if err := p.talk.SetValue(v); err != nil {
			return &Failure{Line: s.Line, Note: err.Error()}
		}
	}
	return nil
}

func (p *player) reload(s *flows.TestStep) *Failure {
	set, err := p.suite.edit(s.Text)
	if err != nil {
		return &Failure{Line: s.Line, Note: "reload " + s.Text + ": " + err.Error()}
	}
	p.log = append(p.log, Entry{Kind: s.Kind, Text: s.Text, Line: s.Line, Step: true})
	p.talk.Reload(set)
	return nil
}

// happened takes what an event brought; notes are no part of a conversation.
func (p *player) happened(lines []Line) {
	for _, l := range lines {
		if l.Kind == LineNote {
			continue
		}
		p.spoke = p.spoke || l.Kind == LineBot
		p.pending = append(p.pending, l)
		p.log = append(p.log, Entry{Kind: l.Kind, Text: l.words(), Options: labels(l)})
	}
}

// words are what a line says, in the language it was said in.
func (l Line) words() string {
	switch l.Kind {
	case LineHandoff:
		return l.Handoff.Queue
	case LineResolved:
		return l.Reason
	}
	if l.Text == "" && l.Media != nil {
		return l.picture()
	}
	return l.Text
}

func labels(l Line) []string {
	var out []string
	for _, o := range l.Options {
		out = append(out, o.Label)
	}
	return out
}

// named says that a step has named the first pending line.
func (p *player) named(line int) {
	n := len(p.pending)
	p.pending = p.pending[1:]
	seen := 0
	for i := len(p.log) - 1; i >= 0; i-- {
		if p.log[i].Step || p.log[i].Kind != LineBot && p.log[i].Kind != LineHandoff && p.log[i].Kind != LineResolved {
			continue
		}
		if seen++; seen == n {
			p.log[i].Line = line
			return
		}
	}
}

// leftover is what no step has named by the time something else happens.
func (p *player) leftover(line int) *Failure {
	p.skipMessages()
	if len(p.pending) == 0 {
		return nil
	}
	l := p.pending[0]
	return &Failure{Line: line, ExpectedKind: "", Expected: "", GotKind: l.Kind, Got: p.shown(l)}
}

// skipMessages drops what ... covers: messages, and nothing else.
func (p *player) skipMessages() {
	if !p.gap {
		return
	}
	p.gap = false
	for len(p.pending) > 0 && p.pending[0].Kind == LineBot {
		p.pending = p.pending[1:]
	}
}

// shown is a line as a failure shows it, in the language of the test.
func (p *player) shown(l Line) string {
	if l.First != nil && l.Kind == LineBot {
		return l.First.words()
	}
	if l.Kind == LineHandoff {
		return l.Handoff.Queue + " (" + l.Handoff.Reason + ")"
	}
	return l.words()
}
