package engine

import (
	"errors"
	"math"
)

var errScore = errors.New("a survey's score is a number from 1 to 5")

// survey records the answer of a survey.
func (t *turn) survey(s *Survey) {
	if s == nil {
		return
	}
	score, ok := number(t.must(s.Score))
	if !ok || score < 1 || score > 5 {
		t.fail(s.Score.Rule, errScore)
	}
	e := CSAT{Score: int(math.Round(score))}
	if s.Comment != nil {
		e.Comment = t.formatValue(t.must(s.Comment))
	}
	t.out = append(t.out, e)
}

// surveyed says that this turn has recorded a survey.
func (t *turn) surveyed() bool {
	for _, e := range t.out {
		if _, ok := e.(CSAT); ok {
			return true
		}
	}
	return false
}

// asksSurvey says that a flow asks how satisfied the customer is.
func (f *Flow) asksSurvey() bool {
	for _, st := range f.States {
		if st.CSAT != nil {
			return true
		}
	}
	return false
}
