package engine

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// did says whether the last step asked for an effect.
func (c *chat) did(e Effect) bool {
	return slices.ContainsFunc(c.out, func(got Effect) bool { return reflect.DeepEqual(got, e) })
}

// An answer closes its question: people who got the conversation by it and give
// it back have nothing to ask again.
func TestAnAnsweredQuestionIsNotOpenAnyMore(t *testing.T) {
	t.Parallel()
	name := slot(&Slot{Name: "name", Type: SlotText})
	ask := linkedSet(t, []*Flow{flow("a", states{"start": {Ask: tx("Which?"), Options: []*Option{opt("people", "People", hand("")), opt("b", "B", nil)}, Exit: hand("orders")}})})
	talk(t, ask).user("hi").user("people").says("bot: Thanks.*", "handoff general*").event(Event{Kind: EvReturned}).says()
	talk(t, ask).user("hi").tap("b", 0).says("bot: Thanks.*", "handoff orders*").event(Event{Kind: EvReturned}).says()
	collect := linkedSet(t, []*Flow{flow("a", states{"start": {Collect: &Collect{Slot: "name", Ask: tx("Name?"), Always: true, Skip: tx("Skip")}, Exit: hand("")}})}, name)
	talk(t, collect).user("hi").user("Ann").says("bot: Thanks.*", "handoff general*").event(Event{Kind: EvReturned}).says()
	talk(t, collect).user("hi").tap("skip", 0).says("bot: Thanks.*", "handoff general*").event(Event{Kind: EvReturned}).says()
}

// However a bot's turn at a question ends in people or in an end, no reminder
// and no idle_close is left to run.
func TestSilenceEndsWithTheBotsTurn(t *testing.T) {
	t.Parallel()
	remind := []Wait{{After: Delay{For: time.Minute}, Exit: closes("quiet")}}
	set := linkedSet(t, []*Flow{flow("a", states{"start": {Ask: tx("Which?"), NoReply: remind, Options: []*Option{opt("people", "People", hand("")), opt("end", "End", closes("done"))}}}),
		flow("b", states{"start": {Ask: tx("Which?"), NoReply: []Wait{{After: Delay{For: time.Minute}, Exit: hand("")}}, Options: []*Option{opt("end", "End", closes("done"))}}})})
	quiet := func(c *chat) {
		t.Helper()
		if !c.did(noSilence) || !c.did(noIdle) || len(c.timers()) > 0 && c.timers()["unanswered:0"] == 0 {
			t.Errorf("%+v", c.out)
		}
	}
	c := talk(t, set).user("hi")
	quiet(func() *chat { d := *c; return d.user("people").says("bot: Thanks*", "handoff*") }())
	quiet(func() *chat { d := *c; return d.user("end").says("resolve done") }())
	quiet(func() *chat { d := *c; return d.timer("silence:0", time.Minute).says("resolve quiet") }())
	set.Start[0].Flow = "b"
	quiet(talk(t, set).user("hi").timer("silence:0", time.Minute).says("bot: Thanks*", "handoff*"))
}

// The path says which question each step answered; old buttons are judged by it.
func TestThePathNamesTheQuestionsThatWereAnswered(t *testing.T) {
	t.Parallel()
	c := talkForm(t, verifySet(t, &Verify{By: VerifyCode})).user("hi")
	q := c.st.Question.Number
	c.user("123456").outcome(VerifyOK).says("bot: Welcome, code.", "resolve in")
	if q == 0 || !slices.ContainsFunc(c.st.Path, func(p PathStep) bool { return p.Q == q }) {
		t.Errorf("question %d is not in %+v", q, c.st.Path)
	}
}

// A slot knows the state that filled it, and a correction what filled it first.
func TestASlotKnowsWhereItWasFilled(t *testing.T) {
	t.Parallel()
	c := talk(t, shop(t)).user("hi").user("order").user("AB123456")
	if v := c.st.Slots["topic"]; v.State != "welcome.menu" {
		t.Errorf("%+v", v)
	}
	if v := c.st.Slots["order_number"]; v.State != "track.start" {
		t.Errorf("%+v", v)
	}
}

// A message during a look-up is judged by everywhere alone, and the trace says it.
func TestTheStageOfAMessageDuringALookup(t *testing.T) {
	t.Parallel()
	c := talk(t, parcels(t)).user("hello").user("1").user("AB123456").user("SW1A 1AA").calls("/orders/AB123456")
	d := *c
	if d.user("is it there?"); d.trace.Stage != "none" {
		t.Error(d.trace.Stage)
	}
	if c.user("agent"); c.trace.Stage != "everywhere" {
		t.Error(c.trace.Stage)
	}
}

// A correction that walks past a verification which has run out asks for it again.
func TestACorrectionDoesNotWalkPastAVerificationThatRanOut(t *testing.T) {
	t.Parallel()
	c := talkForm(t, pagesThenLookup(t)).user("hi").submit(map[string]string{"order_number": "AB123456", "details": "x"})
	c.says("bot: Code?").user("123456").outcome(VerifyOK).says("bot: Photo? [No photo]").send("", "image").ok(`{"status":"packing"}`)
	c.w.Contact.Verified = false
	c.user("sorry, wrong order number, it's AB999999").says("bot: Code?").calls("").at("a.who")
}

// Three answers that are no new value leave the old question as it was.
func TestACorrectionThatComesToNothing(t *testing.T) {
	t.Parallel()
	c := talkForm(t, pagesThenLookup(t)).user("hi").submit(map[string]string{"order_number": "AB123456", "details": "x"}).user("123456").outcome(VerifyOK)
	c.w.Contact.Verified = true
	c.send("", "image").ok(`{"status":"packing"}`).user("the order number is wrong").says("bot: What should it be?")
	c.user("blue").says("bot: Sorry, that*").user("red").says("bot: Sorry, that*").user("green").says("bot: More? [Yes|No]")
	c.slot("order_number", "AB123456").user("1").says("resolve done")
}

// A part of a burst that holds no word hides none of the others.
func TestAPartOfABurstWithoutWords(t *testing.T) {
	t.Parallel()
	for _, parts := range [][]string{{"return something", "!!"}, {"!!", "return something"}, {"…", "2", "?"}} {
		talk(t, shop(t)).user("hi").burst(parts...).says("bot: Tell us what happened*").slot("topic", "return")
	}
}

// What set makes of a list are texts, and what is too large is not kept and said in the trace.
func TestSetOfListsAndOfTooMuch(t *testing.T) {
	t.Parallel()
	set := linkedSet(t, []*Flow{flow("a", states{
		"start": {Set: []SetSlot{{Slot: "list", Expr: x(`[1, "two", 2.5]`)}, {Slot: "first", Expr: x("message.text + message.text + message.text + message.text")}, {Slot: "long", Expr: x("slots.first + message.text")}}, Ask: tx("Which?"), Options: []*Option{opt("end", "End", closes("done"))}},
	})}, slot(&Slot{Name: "list", Type: SlotList}), slot(&Slot{Name: "first", Type: SlotText}), slot(&Slot{Name: "long", Type: SlotText}))
	c := talk(t, set).user(strings.Repeat("long ", 1999)).slot("list", []string{"1", "two", "2.5"}).slot("long", nil)
	if !slices.ContainsFunc(c.trace.Steps, func(s TraceStep) bool {
		return s.What == "slot" && s.Option == "long" && s.Value == "too large"
	}) {
		t.Errorf("%+v", c.trace.Steps)
	}
}

// What was looked up in the conversation before keeps its dates.
func TestDatesOfTheConversationBefore(t *testing.T) {
	t.Parallel()
	st := NewState(shop(t))
	st.Left = &Left{Flow: "welcome", Name: "menu", Lookups: map[string]Looked{"order": {Value: map[string]any{"eta": friday, "n": 1.0}}}}
	raw, err := EncodeState(st)
	if err != nil {
		t.Fatal(err)
	}
	back, err := DecodeState(raw)
	if err != nil {
		t.Fatal(err)
	}
	if at, ok := back.Left.Lookups["order"].Value["eta"].(time.Time); !ok || !at.Equal(friday) {
		t.Errorf("%#v", back.Left.Lookups)
	}
	if _, same := st.Left.Lookups["order"].Value["eta"].(time.Time); !same {
		t.Error("the state that was saved was written into")
	}
}

// A correction that waits is given up when it makes the state too long, unless
// it is the only question there is.
func TestAWaitingCorrectionUnderTheCap(t *testing.T) {
	t.Parallel()
	steps := make([]PathStep, 64)
	for i := range steps {
		steps[i] = PathStep{Flow: "welcome", Name: "menu", Edge: strings.Repeat("e", 200)}
	}
	asked := &Question{Number: 1}
	for name, c := range map[string]struct {
		open, waits *Question
		kept        int
	}{"nothing waits behind it": {asked, nil, -1}, "a question is open": {asked, asked, -1}, "its question is the only one": {nil, asked, 1}} {
		st := NewState(shop(t))
		st.Question, st.Replay = c.open, &Replay{Slot: "topic", Steps: steps, Question: c.waits}
		raw, err := EncodeState(st)
		if err != nil {
			t.Fatal(err)
		}
		back, err := DecodeState(raw)
		if err != nil {
			t.Fatal(err)
		}
		kept := -1
		if back.Replay != nil {
			kept = len(back.Replay.Steps)
		}
		if kept != c.kept || len(raw) > maxState {
			t.Errorf("%s: %d steps are kept in %d bytes", name, kept, len(raw))
		}
	}
}
