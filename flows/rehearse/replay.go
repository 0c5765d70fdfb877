package rehearse

import (
	"errors"
	"slices"

	"dispatcher/engine"
	"dispatcher/flows"
)

// ErrNoTest says that no test stands at a line.
var ErrNoTest = errors.New("no test stands there")

// At finds the test around a line of a test file: its first run, and how many
// of its steps come up to that line. The line of the test itself means all.
func (s *Suite) At(file string, line int) (test *flows.Test, steps int, err error) {
	for _, f := range s.Tests.Files {
		if f.Path != file {
			continue
		}
		for _, t := range f.Tests {
			if t.Line <= line {
				test = t
			}
		}
	}
	if test == nil {
		return nil, 0, ErrNoTest
	}
	for _, st := range test.Steps {
		if st.Line <= line {
			steps++
		}
	}
	if steps == 0 {
		steps = len(test.Steps)
	}
	return test, steps, nil
}

// Replay plays the steps of a test into a talk of its own, whether they fit or
// not, and gives the talk as it stands then, with everything that was said on
// the way in the words of each input.
func (s *Suite) Replay(test *flows.Test, steps int, said func(input string, lines []Line)) (*Talk, error) {
	f := &flows.TestFile{Path: test.File}
	r := s.spread(f, test)[0]
	r.inFirst = false
	opt := s.options(r, newHits(nil))
	opt.Watch = nil
	p := &player{suite: s, test: test, talk: New(s.Project.Set, opt)}
	lines, err := p.talk.Begin()
	if err != nil {
		return nil, err
	}
	said("", lines)
	for i := range min(steps, len(test.Steps)) {
		st := &test.Steps[i]
		switch st.Kind {
		case flows.StepBot, flows.StepHandoff, flows.StepResolved, flows.StepSilent, flows.StepExpect:
			continue
		case flows.StepHTTP, flows.StepSet, flows.StepReload:
			if bad := p.step(i); bad != nil {
				return p.talk, errors.New(bad.Note)
			}
			continue
		}
		lines, err := p.do(st)
		if err != nil {
			return p.talk, err
		}
		said(st.Kind+": "+p.talk.shownStep(st), lines)
	}
	return p.talk, nil
}

// shownStep is a step that was done as it is shown: secrets as dots.
func (t *Talk) shownStep(s *flows.TestStep) string {
	switch s.Kind {
	case flows.StepUser, flows.StepSend:
		if t.Hides() {
			return engine.Dots
		}
	case flows.StepSubmit:
		hidden := *s
		hidden.Values = slices.Clone(s.Values)
		for i, v := range hidden.Values {
			if t.Secret(v.Name) {
				hidden.Values[i].Text = engine.Dots
			}
		}
		return inputText(&hidden)
	}
	return inputText(s)
}
