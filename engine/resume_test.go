package engine

import (
	"slices"
	"testing"
	"time"
)

// comingBack offers to go on where an earlier conversation fell silent.
func comingBack() []*Flow {
	welcome := flow("welcome", states{
		"start": {Exit: branch(arm("conversation.unfinished", to("welcome.back")), arm("", to("welcome.menu")))},
		"back":  {Ask: tx("Go on?"), Options: []*Option{opt("yes", "Yes", &Exit{Kind: ExitResume}), opt("new", "New", to("welcome.menu"))}},
		"menu":  {Ask: tx("What is it?"), Save: "topic", Tag: []*Text{tx("asked")}, Options: []*Option{opt("order", "Order", call("track", to("welcome.more")))}},
		"more":  {Ask: tx("Else?"), Optional: true, Options: []*Option{opt("no", "No", closes("done"))}},
	})
	track := flow("track", states{
		"start": {Collect: &Collect{Slot: "order_number", Ask: tx("Number?")}, Exit: to("track.look")},
		"look":  {HTTP: orderLookup(), Exit: to("track.got")},
		"got":   {Say: says("It is {{ order.status }}."), Ask: tx("Did you get it?"), Options: []*Option{opt("yes", "Yes", to("track.end")), opt("no", "No", closes("no"))}},
		"end":   {Say: says("So it is {{ order.status }}."), Exit: back("found")},
	})
	track.States["look"].HTTP.On = nil
	return []*Flow{welcome, track}
}

func comingBackSet(t testing.TB) *Set {
	t.Helper()
	s := newSet(t, comingBack(), orderSlot(), topicSlot(), slot(&Slot{Name: "me", Type: SlotText, Contact: true}))
	s.ResumeWithin = 24 * time.Hour
	return relink(t, s)
}

func relink(t testing.TB, s *Set) *Set {
	t.Helper()
	if err := s.Link(); err != nil {
		t.Fatal(err)
	}
	return s
}

// again is the contact writing after the close.
func (c *chat) again(after time.Duration) *chat {
	c.t.Helper()
	c.w.Now = c.w.Now.Add(after)
	if Resumable(c.set, c.st, c.w.Now) {
		c.st = Continue(c.set, c.st)
	} else {
		c.st = NewState(c.set)
	}
	return c
}

func fellSilent(t testing.TB, set *Set) *chat {
	t.Helper()
	c := talk(t, set).user("hi").user("1").user("AB123456").comes(200, `{"status":"packing"}`).says("bot: It is packing.", "bot: Did you get it? [Yes|No]")
	return c.timer("idle", 24*time.Hour).says("resolve idle")
}

func TestGoingOnWithAnUnfinishedConversation(t *testing.T) {
	t.Parallel()
	c := fellSilent(t, comingBackSet(t)).again(time.Hour)
	c.user("hello").says("bot: Go on? [Yes|New]").slot("order_number", "AB123456").slot("topic", "order")
	if !slices.Contains(c.st.Tags, "asked") {
		t.Fatalf("%v", c.st.Tags)
	}
	fresh := *c
	c.user("yes").says("bot: Did you get it? [Yes|No]").at("track.got")
	if len(c.st.Stack) != 1 || c.st.Left != nil {
		t.Fatalf("%+v", c.st)
	}
	c.user("yes").says("bot: So it is packing.", "bot: Else? [No]").at("welcome.more")
	fresh.user("new").says("bot: What is it? [Order]").user("start over").says("bot: What is it? [Order]")
}

func TestNothingIsUnfinished(t *testing.T) {
	t.Parallel()
	set := comingBackSet(t)
	fellSilent(t, set).again(24*time.Hour+time.Second).user("hello").says("bot: What is it? [Order]").slot("order_number", nil)
	done := talk(t, set).user("hi").user("stop").says("bot: OK*", "resolve stopped")
	if Resumable(set, done.st, done.w.Now) {
		t.Fatal("a conversation that was ended is unfinished")
	}
	set = comingBackSet(t)
	set.Start = []StartRule{{Flow: "welcome"}}
	set.Flows["welcome"].States["start"].Exit.Arms[0].If = x("true")
	talk(t, set).user("hi").says("bot: Go on?*").user("yes").says("bot: Thanks. Someone*", "handoff general no_match no_match")
}

// Silence over the offer itself leaves the offer open, not the question
// whether to take it.
func TestSilenceOverTheOfferKeepsIt(t *testing.T) {
	t.Parallel()
	c := fellSilent(t, comingBackSet(t)).again(time.Hour).user("hello").says("bot: Go on?*").timer("idle", 24*time.Hour).says("resolve idle")
	c.again(time.Hour).user("hello").user("yes").says("bot: Did you get it?*").at("track.got")
}

func TestGoingOnWhereTheFlowsWereEdited(t *testing.T) {
	t.Parallel()
	edit := func(change func(*Flow)) *chat {
		c := fellSilent(t, comingBackSet(t))
		flows := comingBack()
		change(flows[1])
		s := newSet(t, flows, orderSlot(), topicSlot())
		s.ID, s.ResumeWithin = "set2", 24*time.Hour
		c.set = relink(t, s)
		return c.again(time.Hour).user("hello").says("bot: Go on?*")
	}
	renamed := edit(func(f *Flow) {
		f.States["have"] = &StateDef{Flow: "track", Name: "have", Ask: tx("Arrived?"), Options: []*Option{opt("y", "Y", back(""))}}
		f.States["look"].Exit, f.Renamed = to("track.have"), map[string]string{"got": "have"}
		delete(f.States, "got")
		f.StateOrder = []string{"start", "look", "have", "end"}
	})
	renamed.user("yes").says("bot: Arrived? [Y]").user("y").says("bot: Else? [No]")
	gone := edit(func(f *Flow) {
		f.States["look"].Exit = to("track.end")
		delete(f.States, "got")
		f.StateOrder = []string{"start", "look", "end"}
	})
	gone.user("yes").says("bot: What is it? [Order]").at("welcome.menu")
}
