package engine

import (
	"testing"
	"time"
)

// asideSet has a form, a verification by link and a side trip that asks.
func asideSet(t testing.TB) *Set {
	t.Helper()
	side := flow("side", states{"start": {Ask: tx("Which shop?"), Options: []*Option{opt("north", "North", back(""))}}})
	set := newSet(t, []*Flow{flow("a", states{
		"start": {Form: &Form{Ask: tx("Here: {{ form.url }}"), Fields: []FormField{{Slot: "order_number"}, {Slot: "details"}}}, Exit: to("a.who")},
		"who":   {Verify: &Verify{By: VerifyLink, Service: "s", Ask: tx("Prove it: {{ verify.url }}")}, Exit: to("a.end")},
		"end":   {Say: says("Got {{ slots.order_number }}."), Exit: closes("done")},
	}), side}, orderSlot(), slot(&Slot{Name: "details", Type: SlotText}))
	set.Everywhere = []*Escape{{Name: "hours", Match: map[string][]string{"en": {"opening hours"}}, Exit: call("side", nil)}}
	return relinked(t, set)
}

var filled = map[string]string{"order_number": "AB123456", "details": "broken"}

func TestAFormSentDuringASideTripIsTaken(t *testing.T) {
	t.Parallel()
	c := talkForm(t, asideSet(t)).user("hi").user("opening hours").says("bot: Which shop? [North]")
	c.submit(map[string]string{"order_number": "x"}).says()
	if len(fields(c)) != 2 || len(c.st.Slots) != 0 {
		t.Fatalf("%+v", c.out)
	}
	c.submit(filled).says().slot("order_number", "AB123456").at("side.start")
	if v := c.st.Slots["details"]; v.How != "form" || v.State != "a.start" {
		t.Fatalf("%+v", v)
	}
	if _, open := FormOf(Sets{Live: c.set}, c.st); open {
		t.Fatal("it was sent already")
	}
	c.tap("north", 0).says("bot: Prove it: *").tookEdge("known")
	c.user("opening hours").outcomeOf("v3", VerifyOK).says()
	if c.st.Stack[0].Question.ID != "" {
		t.Fatalf("%+v", c.st.Stack[0].Question)
	}
	c.w.Contact.Verified = true
	c.tap("north", 0).says("bot: Got AB123456.", "resolve done").tookEdge("known")
}

func (c *chat) outcomeOf(id, outcome string) *chat {
	c.t.Helper()
	return c.event(Event{Kind: EvVerify, Verify: &VerifyResult{ID: id, Outcome: outcome}})
}

func TestAFieldInTheChatThatThePageAnswersMeanwhile(t *testing.T) {
	t.Parallel()
	c := talkForm(t, asideSet(t)).user("hi").tap("here", 0).says("bot: Order number").user("opening hours")
	c.submit(filled).says()
	c.tap("north", 0).says("bot: Prove it: *").tookEdge("collected")
}

func TestPagesThatPeopleWaitFor(t *testing.T) {
	t.Parallel()
	set := asideSet(t)
	for _, owner := range []string{"queue", "agent"} {
		c := talkForm(t, set).user("hi").user("agent").says("bot: Thanks. Someone*", "handoff general asked_for_person asked_for_person")
		c.st.Owner = owner
		c.submit(filled).says().slot("order_number", "AB123456")
		if c.st.Owner != owner || len(fields(c)) != 0 {
			t.Fatalf("%+v", c.st)
		}
		c.event(Event{Kind: EvForm, Form: &FormResult{ID: "f1", Values: map[string]string{"order_number": "AB999999"}}}).slot("order_number", "AB123456")
		c.event(Event{Kind: EvReturned}).says("bot: Prove it: *")
		id := c.st.Question.ID
		c.user("agent")
		c.st.Owner = owner
		c.outcomeOf(id, VerifyFailed).says().outcomeOf("v99", VerifyOK).says()
		if len(c.out) != 0 {
			t.Fatalf("%+v", c.out)
		}
		c.outcomeOf(id, VerifyOK).says()
		if who, ok := c.out[0].(SetContact); !ok || who.VerifiedBy != "link" {
			t.Fatalf("%+v", c.out)
		}
		c.w.Contact.Verified = true
		c.event(Event{Kind: EvReturned}).says("bot: Got AB123456.", "resolve done")
		c.outcomeOf(id, VerifyOK).says()
	}
	// Taken over without a handoff, late, or after the end.
	c := talkForm(t, set).user("hi")
	taken, late, over := *c, *c, *c
	taken.st.Owner = "agent"
	taken.submit(filled).says().slot("order_number", "AB123456").event(Event{Kind: EvReturned}).says("bot: Prove it: *")
	late.user("agent")
	late.w.Now = friday.Add(time.Hour)
	late.submit(filled).says().slot("order_number", nil)
	over.user("stop").says("bot: OK*", "resolve stopped")
	if _, open := FormOf(Sets{Live: set}, over.st); open {
		t.Fatal("it has ended")
	}
	over.event(Event{Kind: EvForm, Form: &FormResult{ID: "f1", Values: filled}}).says().slot("order_number", nil)
}

func TestAPageOfARenamedState(t *testing.T) {
	t.Parallel()
	build := func() *Set { return formSet(t, &Form{}) }
	c := talkForm(t, build()).user("hi")
	old := build().Flows["a"]
	sts := states{"end": {Exit: closes("done")}, "page": {Form: old.States["start"].Form, Exit: to("a.end")}}
	fl := flow("a", sts)
	fl.Renamed = map[string]string{"start": "page"}
	set := linkedSet(t, []*Flow{fl}, orderSlot(), slot(&Slot{Name: "size", Type: SlotText}), photoSlot(), slot(&Slot{Name: "card", Type: SlotText}), slot(&Slot{Name: "details", Type: SlotText, Ask: tx("What of {{ plural(2, 'it', 'them') }}?")}))
	set.ID = "edited"
	c.set = set
	view, ok := FormOf(Sets{Live: set}, c.st)
	if !ok || len(view.Fields) != 5 || view.Fields[4].Label != "What of them?" {
		t.Fatalf("%v %+v", ok, view)
	}
	away := *c
	c.submit(map[string]string{"order_number": "AB123456", "size": "9", "details": "x"}).says("resolve done")
	away.user("agent").submit(map[string]string{"order_number": "AB123456", "size": "9", "details": "x"}).says().slot("size", "9")
}
