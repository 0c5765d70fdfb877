package engine

import (
	"strings"
	"testing"
	"time"
)

func TestEngineErrorRestoresTheState(t *testing.T) {
	t.Parallel()
	set := linkedSet(t, []*Flow{flow("a", states{
		"start": {Ask: tx("Go?"), Options: []*Option{opt("go", "Go", to("a.bad"))}},
		"bad":   {Set: []SetSlot{{Slot: "s", Value: "kept?"}}, Say: says("before", "{{ 1 / (len(slots.s) - 5) }}"), Exit: closes("done")},
	})}, slot(&Slot{Name: "s"}))
	c := talk(t, set).user("hi")
	c.user("go").says("bot: Sorry, something went wrong on our side. I've passed this to our team.", "handoff general engine_error engine_error").at("a.start")
	if len(c.st.Slots) != 0 || !strings.Contains(c.trace.Error, "division by zero") || c.st.Hand.Question == nil {
		t.Fatalf("%+v %+v", c.st, c.trace)
	}
	c.event(Event{Kind: EvReturned}).says("bot: Go? [Go]")
}

func TestTurnCeilings(t *testing.T) {
	t.Parallel()
	set := linkedSet(t, []*Flow{flow("a", states{"start": {Exit: to("a.b")}, "b": {Exit: to("a.start")}})})
	c := talk(t, set).user("hi").says("bot: Sorry, something went wrong*", "handoff general engine_error engine_error")
	if !strings.Contains(c.trace.Error, "100 states") {
		t.Fatal(c.trace.Error)
	}
	many := make([]string, 11)
	for i := range many {
		many[i] = "x"
	}
	talk(t, linkedSet(t, []*Flow{flow("a", states{"start": {Say: says(many...), Exit: closes("done")}})})).user("hi").says("bot: Sorry*", "handoff*")
}

func TestLoopCeilingSparesTapsAndExactAnswers(t *testing.T) {
	t.Parallel()
	flows := func() []*Flow {
		return []*Flow{flow("a", states{"start": {Ask: tx("Again?"), Options: []*Option{opt("yes", "Yes", to("a.start"), "surely")}, NoMatch: []Answer{{Say: tx("What?")}, {Say: tx("What?")}}}})}
	}
	c := talk(t, linkedSet(t, flows()))
	c.w.Rehearsal = false
	c.user("hi")
	for range 25 {
		c.user("yes").says("bot: Again? [Yes]")
	}
	for range 9 { // with the opening, ten that count
		c.user("surely we do").says("bot: Again? [Yes]")
	}
	c.user("surely we do").says("handoff general loop loop").at("a.start")
	c = talk(t, linkedSet(t, flows()))
	c.w.Rehearsal = false
	for range 9 {
		c.user("surely we do").says("bot: Again? [Yes]")
		c.w.Now = c.w.Now.Add(7 * time.Second)
	}
}

func TestAtMost(t *testing.T) {
	t.Parallel()
	again := to("a.start")
	again.AtMost, again.Else = 2, closes("enough")
	c := talk(t, linkedSet(t, []*Flow{flow("a", states{"start": {Ask: tx("Q"), Options: []*Option{opt("go", "Go", again)}}})})).user("hi")
	c.user("go").says("bot: Q [Go]").user("go").says("bot: Q [Go]").user("go").says("resolve enough")
}

func TestWhenAndBranchAndHiddenOptions(t *testing.T) {
	t.Parallel()
	hidden := opt("vip", "VIP", closes("vip"))
	hidden.When = x("contact.vip")
	set := linkedSet(t, []*Flow{flow("a", states{
		"start": {When: x("not contact.new"), Else: to("a.new"), Exit: to("a.pick")},
		"new":   {Say: says("Welcome"), Exit: to("a.pick")},
		"pick":  {Exit: &Exit{Kind: ExitBranch, Arms: []Arm{{If: x(`channel.kind == "sms"`), Exit: closes("sms")}, {If: x("contact.vip"), Exit: to("a.q")}, {If: x("contact.unreachable"), Exit: to("a.q")}}}},
		"q":     {Ask: tx("Q"), Options: []*Option{hidden}},
	})})
	c := talk(t, set)
	c.w.Contact.New, c.w.Contact.VIP = true, true
	c.user("hi").says("bot: Welcome", "bot: Q [VIP]").user("1").says("resolve vip")
	c = talk(t, set)
	c.w.Contact.Unreachable = true
	c.user("hi").says("bot: Thanks. Someone*", "handoff general no_match no_match")
	talk(t, set).user("hi").says("bot: Thanks. Someone*", "handoff general no_match no_match")
}

func TestCallsReturnByResult(t *testing.T) {
	t.Parallel()
	x1 := call("b", to("a.other"))
	x1.On = map[string]*Exit{"yes": to("a.yes")}
	set := linkedSet(t, []*Flow{
		flow("a", states{"start": {Exit: x1}, "yes": {Say: says("{{ result }}!"), Exit: closes("yes")}, "other": {Exit: closes("other")}}),
		flow("b", states{"start": {Ask: tx("B?"), Options: []*Option{opt("yes", "Yes", back("yes")), opt("no", "No", back("no"))}}}),
	})
	c := talk(t, set).user("hi").says("bot: B? [Yes|No]")
	d := *c
	c.user("yes").says("bot: yes!", "resolve yes")
	d.user("no").says("resolve other")
}

func TestSideTripAsksAgain(t *testing.T) {
	t.Parallel()
	set := newSet(t, append(shopFlows(), flow("hours", states{"start": {Say: says("We're open 8 to 8."), Exit: back("")}})), orderSlot(), topicSlot())
	set.Everywhere = []*Escape{{Name: "opening_hours", Match: map[string][]string{"en": {"opening hours", "are you open"}}, Exit: call("hours", nil)}}
	if err := set.Link(); err != nil {
		t.Fatal(err)
	}
	c := talk(t, set).user("hi").tap("order", 0).user("12").user("are you open now?").says("bot: We're open 8 to 8.", "bot: What's your order number?*").at("track.start")
	if c.st.Question.Tries != 1 || len(c.st.Stack) != 1 {
		t.Fatalf("%+v", c.st)
	}
	talk(t, set).user("what are your opening hours").says("bot: We're open 8 to 8.", "bot: Hi Ann*", "bot: What can we help you with?*")
}

func TestProjectEscapesWin(t *testing.T) {
	t.Parallel()
	set := newSet(t, shopFlows(), orderSlot(), topicSlot())
	set.Everywhere = []*Escape{{Name: "talk_to_person", Match: map[string][]string{"en": {"gimme somebody"}}, Exit: to("welcome.person")}, {Name: "legal", Match: map[string][]string{"en": {"my lawyer"}}, Say: tx("I hear you."), Exit: hand("orders")}}
	if err := set.Link(); err != nil {
		t.Fatal(err)
	}
	talk(t, set).user("hi").user("gimme somebody").says("bot: Thanks! I've passed this to General*", "handoff general asked_for_person person")
	talk(t, set).user("hi").user("agent").says("bot: Thanks! I've*", "handoff general asked_for_person person")
	talk(t, set).user("hi").user("you will hear from my lawyer").says("bot: I hear you.", "handoff orders flow flow")
	set.Flows["welcome"].States["menu"].Deaf = true
	talk(t, set).user("hi").user("you will hear from my lawyer").says("bot: Sorry*").user("agent").says("bot: Thanks!*", "handoff*")
}

func TestPublicFlow(t *testing.T) {
	t.Parallel()
	pub := flow("public_reply", states{"start": {Say: says("Write to us: {{ dm_link('public') }}"), Exit: back("invited")}})
	pub.On = []string{"public"}
	set := newSet(t, append(shopFlows(), pub), orderSlot(), topicSlot())
	set.Start = []StartRule{{If: x("entry.public"), Flow: "public_reply"}, {Flow: "welcome"}}
	if err := set.Link(); err != nil {
		t.Fatal(err)
	}
	c := talk(t, set)
	c.w.Entry = EntryNow{Public: true, Source: "public"}
	c.w.DMLink = func(ref string) string { return "https://dm/" + ref }
	c.event(Event{Kind: EvMention, Text: "@acme where is AB123456", Opening: true}).says("bot: Write to us: https://dm/public")
	if s := c.out[0].(Say); !s.Public || c.st.Owner != "bot" || len(c.st.Slots) != 0 || c.timers()["idle"] == 0 {
		t.Fatalf("%+v %+v", s, c.st)
	}
	c.w.Entry = EntryNow{Source: "public"}
	c.user("hello").says("bot: Hi Ann*", "bot: What can*")
	c.w.Entry.Public = true
	c.event(Event{Kind: EvMention, Text: "@acme hello again"}).says("bot: Write to us*").at("welcome.menu")
	c.w.Entry.Public = false
	c.user("return something").slot("topic", "return")
	none := linkedSet(t, shopFlows(), orderSlot(), topicSlot())
	talk(t, none).event(Event{Kind: EvMention, Text: "@acme"}).says("handoff general public public")
}

func TestMigration(t *testing.T) {
	t.Parallel()
	edit := func(change func([]*Flow)) *Set {
		flows := shopFlows()
		change(flows)
		s := newSet(t, flows, orderSlot(), topicSlot(), slot(&Slot{Name: "details"}))
		s.ID = "set2"
		if err := s.Link(); err != nil {
			t.Fatal(err)
		}
		return s
	}
	start := func() *chat { return talk(t, shop(t)).user("hi").tap("order", 0) }

	c := start()
	c.set = edit(func(f []*Flow) { f[1].States["start"].Collect.Ask = tx("Reworded: which order?") })
	c.user("dunno").says("bot: Reworded: which order? [I don't have it]")
	if c.st.Question.Tries != 0 {
		t.Fatal("a reworded question counts a try")
	}
	c.user("dunno").says("bot: Hmm*")

	c = start()
	c.set = edit(func(f []*Flow) { f[1].States["start"].Collect.Ask = tx("Reworded") })
	c.user("AB123456").slot("order_number", "AB123456")

	c = start()
	c.set = edit(func(f []*Flow) {
		s := f[1].States["start"]
		delete(f[1].States, "start")
		s.Name = "ask"
		f[1].States["ask"], f[1].Renamed = s, map[string]string{"start": "ask"}
		f[1].States["found"].Exit = back("found")
		f[0].States["menu"].Options[0].Exit = to("track.ask")
		f[1].StateOrder = []string{"ask", "found", "no_number"}
	})
	c.user("AB123456").slot("order_number", "AB123456")

	c = start()
	c.set = edit(func(f []*Flow) {
		f[1].States = states{"other": {Name: "other", Flow: "track", Exit: closes("x")}}
		f[1].StateOrder = []string{"other"}
		f[0].States["menu"].Options[0].Exit = to("track.other")
	})
	c.user("AB123456").says("bot: What can we help you with?*").at("welcome.menu").slot("topic", "order")

	c = talk(t, shop(t)).user("hi").tap("return", 0)
	c.set = edit(func(f []*Flow) {
		delete(f[0].States, "details")
		f[0].StateOrder = []string{"start", "menu", "more", "person", "bye"}
		f[0].States["menu"].Options[1].Exit, f[0].States["menu"].Options[2].Exit, f[0].States["menu"].Options[3].Exit = nil, nil, nil
		f[0].States["menu"].Exit = to("welcome.person")
	})
	c.user("it broke").says("bot: Thanks. Someone*", "handoff general vanished_state vanished_state")
}

func TestSlotRulesChanged(t *testing.T) {
	t.Parallel()
	c := talk(t, shop(t)).user("hi AB123456").slot("order_number", "AB123456")
	sl := orderSlot()
	sl.Pattern, sl.Find = `[A-Z]{3}\d{6}`, ""
	s := newSet(t, shopFlows(), sl, topicSlot())
	s.ID = "set2"
	if err := s.Link(); err != nil {
		t.Fatal(err)
	}
	c.set = s
	c.user("hm").slot("order_number", nil)
}

func TestStateKeepsItsCap(t *testing.T) {
	t.Parallel()
	c := talk(t, linkedSet(t, []*Flow{flow("a", states{"start": {Ask: tx("Again?"), Options: []*Option{opt("yes", "Yes", to("a.start"))}}})})).user("hi")
	for range 100 {
		c.user("yes")
	}
	if len(c.st.Path) > 64 || c.st.Dropped < 36 {
		t.Fatal(len(c.st.Path), c.st.Dropped)
	}
	for i := range c.st.Path {
		c.st.Path[i].Edge = strings.Repeat("e", 300)
	}
	at := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	c.st.Slots = map[string]SlotValue{"when": {Value: at, How: "asked"}, "list": {Value: []string{"a", "b"}}, "big": {Value: strings.Repeat("x", 9000)}}
	b, err := EncodeState(c.st)
	if err != nil {
		t.Fatal(err)
	}
	st, err := DecodeState(b)
	if err != nil || len(b) > 9000+8<<10+1000 || len(st.Path) == 0 {
		t.Fatal(len(b), len(st.Path), err)
	}
	if got, ok := st.Slots["when"].Value.(time.Time); !ok || !got.Equal(at) || len(st.Slots["list"].Value.([]string)) != 2 {
		t.Fatalf("%+v", st.Slots)
	}
	if _, err := DecodeState([]byte(`{"v":99}`)); err == nil {
		t.Fatal("a newer state is read")
	}
}

func TestNoMessageIsNotClassifiedWhileAPersonOwns(t *testing.T) {
	t.Parallel()
	c := talk(t, shop(t)).user("hi").user("agent")
	before := c.st
	c.user("start over").says("bot: Thanks. Someone*") // the place is kept, once in five minutes it is said
	c.user("agent").says()
	if c.st.Owner != before.Owner || len(c.st.Slots) != len(before.Slots) {
		t.Fatal(c.st)
	}
}
