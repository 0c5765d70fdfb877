package engine

import (
	"testing"
	"time"
)

// press taps a button of a message that was kept, whatever was said since.
func (c *chat) press(s Say, id string) *chat {
	c.t.Helper()
	for i, o := range s.Options {
		if o.ID == id {
			return c.event(Event{Kind: EvMessage, Text: o.Label, Tap: &Tap{Record: s.Question, Index: i, Label: o.Label}})
		}
	}
	c.t.Fatalf("no button %q in %+v", id, s.Options)
	return c
}

func (c *chat) newest() Say { return c.asked[len(c.asked)-1] }

// The button that counts on a question is the last one chosen on it.
func TestBackAndForthOnOneOldQuestion(t *testing.T) {
	t.Parallel()
	c := talk(t, shop(t)).user("hi")
	menu := c.newest()
	c.press(menu, "return").at("welcome.details").press(menu, "order").at("track.start").slot("topic", "order")
	c.press(menu, "order").says().at("track.start") // double tap
	c.press(menu, "return").says("bot: Tell us*").at("welcome.details").slot("topic", "return")
	c.press(menu, "return").says()
	if len(c.st.Stack) != 0 {
		t.Fatalf("%+v", c.st.Stack)
	}
}

func TestDoubleTapsOnBuiltInButtons(t *testing.T) {
	t.Parallel()
	size := slot(&Slot{Name: "size", Type: SlotChoice, Values: []SlotValueName{{ID: "small"}, {ID: "large"}}})
	set := linkedSet(t, []*Flow{flow("a", states{
		"start": {Collect: &Collect{Slot: "size", Ask: tx("Size?"), Confirm: true, Skip: tx("Skip")}, Exit: to("a.q")},
		"q":     {Ask: tx("Else?"), Options: []*Option{opt("x", "X", closes("x"))}},
	})}, size)
	c := talk(t, set).user("hi")
	ask := c.newest()
	c.press(ask, "small").says("bot: I have small. Is that right? [Yes|No]")
	confirm := c.newest()
	c.press(confirm, "no").says("bot: Size? [small|large|Skip]").press(confirm, "no").says()
	c.press(confirm, "yes").says("bot: That button is from an earlier question.\n\nSize? [*")
	c.press(ask, "large").says("bot: I have large.*").press(c.newest(), "yes").says("bot: Else? [X]").press(confirm, "yes").says()
	c.press(ask, "small").says("bot: I have small. Is that right?*")
	skipped := talk(t, set).user("hi")
	skipped.press(skipped.newest(), "skip").says("bot: Else? [X]").tap("skip", 1).says()
}

func TestTapOnTheOpenQuestionOfAnOlderSet(t *testing.T) {
	t.Parallel()
	edit := func(change func([]*Flow)) *chat {
		c := talk(t, shop(t)).user("hi")
		flows := shopFlows()
		change(flows)
		s := newSet(t, flows, orderSlot(), topicSlot(), slot(&Slot{Name: "details", Type: SlotText}))
		s.ID = "set2"
		c.set = relink(t, s)
		return c
	}
	without := func(f []*Flow) { f[0].States["menu"].Options = f[0].States["menu"].Options[2:] }
	edit(func(f []*Flow) { f[0].States["menu"].Options[1].Exit = to("welcome.bye") }).tap("return", 0).says("bot: Thanks for messaging*", "resolve done")
	edit(without).tap("return", 0).says("bot: Tell us what happened in one message.").at("welcome.details")
	edit(func(f []*Flow) {
		without(f)
		f[0].States["tell"] = f[0].States["details"]
		f[0].States["tell"].Name = "tell"
		f[0].Renamed = map[string]string{"details": "tell"}
		for _, o := range f[0].States["menu"].Options[:2] {
			o.Exit = to("welcome.tell")
		}
		delete(f[0].States, "details")
		f[0].StateOrder = []string{"start", "menu", "tell", "more", "person", "bye"}
	}).tap("return", 0).says("bot: Tell us*").at("welcome.tell")
	edit(func(f []*Flow) {
		without(f)
		for _, o := range f[0].States["menu"].Options[:2] {
			o.Exit = to("welcome.person")
		}
		delete(f[0].States, "details")
		f[0].StateOrder = []string{"start", "menu", "more", "person", "bye"}
	}).tap("return", 0).says("bot: That button is from an earlier question.\n\nWhat can we help you with? [It arrived damaged|*").at("welcome.menu")
}

// A call that changed something is not made twice by an old button.
func TestNoJumpBackBehindAChange(t *testing.T) {
	t.Parallel()
	set := linkedSet(t, []*Flow{flow("a", states{
		"start": {Ask: tx("Cancel it?"), Options: []*Option{opt("yes", "Yes", to("a.post")), opt("no", "No", to("a.q"))}},
		"post":  {HTTP: &Lookup{Service: "shop", Method: "post", Path: tx("/cancel")}, Exit: to("a.q")},
		"q":     {Ask: tx("Else?"), Options: []*Option{opt("a", "A", to("a.r")), opt("b", "B", to("a.r"))}},
		"r":     {Ask: tx("More?"), Options: []*Option{opt("x", "X", closes("x"))}},
	})})
	c := talk(t, set).user("hi")
	first := c.newest()
	c.press(first, "yes").calls("/cancel").comes(204, ``)
	if c.st.Waiting != nil {
		c.comes(200, `{}`)
	}
	c.at("a.q")
	second := c.newest()
	c.press(first, "no").says("bot: That button is from an earlier question.\n\nElse? [A|B]").at("a.q")
	c.press(second, "a").at("a.r").press(second, "b").says("bot: More? [X]").at("a.r") // asked after the change
}

func TestOldTapWhereNothingIsAsked(t *testing.T) {
	t.Parallel()
	c := talk(t, shop(t)).user("hi")
	menu := c.newest()
	c.press(menu, "other").says("bot: Thanks!*", "handoff*")
	c.set.Flows["welcome"].States["person"].Exit.Hand.Returns = nil
	c.event(Event{Kind: EvReturned}).says().press(menu, "other").says().press(menu, "return").says("bot: Tell us*").at("welcome.details")
}

// After care a button of before is another matter.
func TestOldTapInAfterCareOpensAnew(t *testing.T) {
	t.Parallel()
	c := talk(t, shop(t)).user("hi")
	menu := c.newest()
	c.press(menu, "other").event(Event{Kind: EvResolved}).says("bot: How did we do today?*").press(menu, "return").says("resolve agent", "open")
	next := c.out[len(c.out)-1].(OpenNew)
	if !next.Event.Tap.Closed || next.Event.Tap.Label != "Return something" {
		t.Fatalf("%+v", next.Event.Tap)
	}
}

func TestTapsInALentConversation(t *testing.T) {
	t.Parallel()
	c := talk(t, shop(t)).user("hi")
	menu := c.newest()
	c.press(menu, "other")
	c.st.Owner = "agent"
	c.event(Event{Kind: EvDelegate, Flow: "csat", Agent: "ann"}).says("bot: How did we do today?*")
	c.press(menu, "return").says("bot: That button is from an earlier question.\n\nHow did we do today? [*").at("csat.start")
}

// Old buttons do not leave the silence ladder behind.
func TestIgnoredTapsLeaveTheLadderAlone(t *testing.T) {
	t.Parallel()
	c := talk(t, shop(t)).user("hi")
	menu := c.newest()
	c.press(menu, "return")
	c.w.Now = c.w.Now.Add(time.Hour)
	if c.press(menu, "return"); len(c.timers()) != 0 {
		t.Fatal(c.timers())
	}
	if c.press(menu, "order"); c.timers()["idle"] != 24*time.Hour {
		t.Fatal(c.timers())
	}
}
