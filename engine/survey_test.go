package engine

import (
	"strings"
	"testing"
)

// surveying asks for a number, records it and ends.
func surveying(t testing.TB, s *Survey, after *Expr) *Set {
	t.Helper()
	end := to("a.twice")
	if after != nil {
		end = &Exit{Kind: ExitBranch, Arms: []Arm{{If: after, Exit: closes("surveyed")}, {Exit: to("a.twice")}}}
	}
	return linkedSet(t, []*Flow{flow("a", states{
		"start": {Collect: &Collect{Slot: "score", Ask: tx("How did we do?")}, Exit: to("a.kept")},
		"kept":  {CSAT: s, Say: says("Thanks."), Exit: end},
		"twice": {Exit: closes("done")},
	})}, slot(&Slot{Name: "score", Type: SlotNumber}), slot(&Slot{Name: "comment", Type: SlotText}))
}

func TestSurveyIsRecorded(t *testing.T) {
	t.Parallel()
	for say, want := range map[string]CSAT{"1": {1, "slow"}, "5": {5, "slow"}, "4.5": {5, "slow"}, "2.4": {2, "slow"}} {
		c := talk(t, surveying(t, &Survey{Score: x("slots.score"), Comment: x("slots.comment")}, nil)).user("hi")
		c.st.Slots = map[string]SlotValue{"comment": {Value: "slow"}}
		c.user(say).says("bot: Thanks.", "resolve done")
		got, found := CSAT{}, 0
		for i, e := range c.out {
			if e, ok := e.(CSAT); ok {
				got = e
				found++
				if say, ok := c.out[i+1].(Say); !ok || say.Text != "Thanks." {
					t.Fatalf("recorded before it is spoken about: %+v", c.out)
				}
			}
		}
		if got != want || found != 1 {
			t.Errorf("%s: %+v", say, got)
		}
	}
}

func TestSurveyWithoutAScoreIsAnEngineError(t *testing.T) {
	t.Parallel()
	for _, src := range []string{"0", "5.1", "6", "slots.comment", `"5"`, "nil"} {
		c := talk(t, surveying(t, &Survey{Score: x(src)}, nil)).user("hi").user("3")
		c.says("bot: Sorry, something went wrong*", "handoff general engine_error engine_error")
		if !strings.Contains(c.trace.Error, "1 to 5") || c.trace.ErrorAt != "test:1" {
			t.Errorf("%s: %+v", src, c.trace)
		}
	}
	c := talk(t, surveying(t, &Survey{Score: x("slots.score"), Comment: x("slots.comment")}, nil)).user("hi").user("3").says("bot: Thanks.", "resolve done")
	for _, e := range c.out {
		if e, ok := e.(CSAT); ok && e.Comment != "" {
			t.Fatalf("%+v", e)
		}
	}
}

func TestSurveyedWithinSeesTheSurveyOfThisTurn(t *testing.T) {
	t.Parallel()
	within := x(`surveyed_within("30d")`)
	talk(t, surveying(t, &Survey{Score: x("slots.score")}, within)).user("hi").user("3").says("bot: Thanks.", "resolve surveyed")
	c := talk(t, surveying(t, nil, within))
	c.user("hi").user("3").says("bot: Thanks.", "resolve done")
	c = talk(t, surveying(t, nil, within))
	c.w.LastSurvey = friday.AddDate(0, 0, -29)
	c.user("hi").user("3").says("bot: Thanks.", "resolve surveyed")
	c = talk(t, surveying(t, nil, within))
	c.w.LastSurvey = friday.AddDate(0, 0, -31)
	c.user("hi").user("3").says("bot: Thanks.", "resolve done")
}

// A question of the after-care that leads to a survey is one.
func TestTheQuestionOfASurveySaysSo(t *testing.T) {
	t.Parallel()
	set := linkedSet(t, append([]*Flow{flow("a", states{"start": {Exit: &Exit{Kind: ExitHandoff, Hand: &Hand{Resolved: call("csat", closes("agent"))}}}})}, flow("csat", states{
		"start": {Ask: tx("How did we do?"), Options: []*Option{opt("good", "Good", nil)}, Exit: to("csat.keep")},
		"keep":  {CSAT: &Survey{Score: x("5")}, Exit: back("")},
	})))
	c := talk(t, set).user("hi")
	c.st.Owner = "agent"
	c.event(Event{Kind: EvResolved}).says("bot: How did we do? [Good]")
	if s := c.out[0].(Say); !s.Survey || s.Priority != 4 {
		t.Fatalf("%+v", s)
	}
	c.user("good").says("resolve agent")
	own := talk(t, surveying(t, &Survey{Score: x("slots.score")}, nil)).user("hi")
	if s := own.out[0].(Say); s.Survey || s.Priority != 2 {
		t.Fatalf("only after-care asks for a survey: %+v", s)
	}
}
