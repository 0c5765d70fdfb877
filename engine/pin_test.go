package engine

import (
	"testing"
	"time"
)

// versions are two sets of one project, of which the first pins flow a.
func pinnedFlows(word string) []*Flow {
	a := flow("a", states{
		"start":  {Ask: tx(word + " A?"), Options: []*Option{opt("go", "Go", to("a.second")), opt("side", "Side", call("b", to("a.second"))), opt("out", "Out", to("c.start"))}},
		"second": {Say: says(word + " second"), Ask: tx(word + " B?"), Options: []*Option{opt("again", "Again", to("a.start")), opt("out", "Out", to("c.start"))}},
	})
	a.Pin = true
	b := flow("b", states{"start": {Ask: tx(word + " in b?"), Options: []*Option{opt("yes", "Yes", back(""))}}})
	c := flow("c", states{"start": {Ask: tx(word + " C?"), Options: []*Option{opt("back", "Back", to("a.start")), opt("end", "End", closes("done"))}}})
	return []*Flow{a, b, c}
}

func pinnedSet(t testing.TB, id, word string, change func(*Set)) *Set {
	t.Helper()
	s := newSet(t, pinnedFlows(word))
	s.ID = id
	if change != nil {
		change(s)
	}
	if err := s.Link(); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAPinnedFlowKeepsItsSetUntilItIsLeft(t *testing.T) {
	t.Parallel()
	old, live := pinnedSet(t, "one", "old", nil), pinnedSet(t, "two", "new", nil)
	c := talk(t, old).user("hi").says("bot: old A? [Go|Side|Out]")
	c.set, c.pinned = live, old
	c.user("go").says("bot: old second", "bot: old B? [Again|Out]")
	if p := c.st.Pin; p == nil || p.Set != "one" || p.Flow != "a" || c.st.Set != "two" {
		t.Fatalf("%+v", c.st)
	}
	c.user("again").says("bot: old A?*").user("side").says("bot: new in b? [Yes]")
	c.user("yes").says("bot: old second", "bot: old B?*")
	c.user("out").says("bot: new C? [Back|End]")
	if c.st.Pin != nil {
		t.Fatalf("%+v", c.st.Pin)
	}
	c.user("back").says("bot: new A?*")
	if p := c.st.Pin; p == nil || p.Set != "two" {
		t.Fatalf("%+v", c.st.Pin)
	}
}

func TestAMentionLeavesThePinAlone(t *testing.T) {
	t.Parallel()
	withPublic := func(s *Set) {
		pub := flow("public_reply", states{"start": {Say: says("Thank you!"), Exit: back("")}})
		pub.On = []string{"public"}
		s.Flows["public_reply"], s.FlowOrder = pub, append(s.FlowOrder, "public_reply")
		s.Start = []StartRule{{If: x("entry.public"), Flow: "public_reply"}, {Flow: "a"}}
	}
	old, live := pinnedSet(t, "one", "old", withPublic), pinnedSet(t, "two", "new", withPublic)
	c := talk(t, old).user("hi")
	c.set, c.pinned = live, old
	c.w.Entry = EntryNow{Public: true, Source: "public"}
	c.event(Event{Kind: EvMention, Text: "@acme love it"}).says("bot: Thank you!").at("a.start")
	c.w.Entry = EntryNow{}
	c.user("go").says("bot: old second", "bot: old B? [Again|Out]")
}

func TestAPinEndsAfterSevenDaysAndWithoutItsSet(t *testing.T) {
	t.Parallel()
	old, live := pinnedSet(t, "one", "old", nil), pinnedSet(t, "two", "new", nil)
	c := talk(t, old).user("hi")
	c.set, c.pinned = live, old
	c.w.Now = c.w.Now.Add(7*24*time.Hour - time.Second)
	c.user("xyzzy").says("bot: Sorry*")
	c.w.Now = c.w.Now.Add(time.Second)
	c.user("xyzzy").says("bot: new A? [Go|Side|Out]") // as an edited question
	if c.st.Question.Misses != 1 {
		t.Fatal("an edited question counts a miss")
	}
	c = talk(t, old).user("hi")
	c.set = live
	c.user("go").says("bot: new second", "bot: new B?*")
}

func TestThePinnedFlowTakesItsPinnedCallees(t *testing.T) {
	t.Parallel()
	callee := func(s *Set) { s.Flows["b"].Pin = true }
	old, live := pinnedSet(t, "one", "old", callee), pinnedSet(t, "two", "new", callee)
	c := talk(t, old).user("hi").user("side").says("bot: old in b? [Yes]")
	c.set, c.pinned = live, old
	c.user("xyzzy").says("bot: Sorry*").user("yes").says("bot: old second", "bot: old B?*")
	c = talk(t, old).user("hi")
	c.set, c.pinned = live, old
	c.user("side").says("bot: old in b? [Yes]").user("yes").says("bot: old second", "*")
	live = pinnedSet(t, "three", "new", func(s *Set) {
		delete(s.Flows, "b")
		s.FlowOrder = []string{"a", "c"}
		s.Flows["a"].States["start"].Options[1].Exit = to("a.second")
	})
	c = talk(t, old).user("hi")
	c.set, c.pinned = live, old
	c.user("side").says("bot: old in b? [Yes]").user("yes").says("bot: old second", "*") // it is gone from what is live
	c.user("out").says("*new C?*")
	if c.st.Pin != nil {
		t.Fatalf("%+v", c.st.Pin)
	}
}

// Everything but the flow itself is live: its words are looked for as the
// project has them now, and its defaults are the project's of now.
func TestAroundAPinnedFlowEverythingIsLive(t *testing.T) {
	t.Parallel()
	old := pinnedSet(t, "one", "old", func(s *Set) {
		s.Everywhere = []*Escape{{Name: "hours", Match: map[string][]string{"en": {"opening hours"}}, Say: tx("Never."), Exit: closes("old")}}
	})
	live := pinnedSet(t, "two", "new", func(s *Set) {
		s.Everywhere = []*Escape{{Name: "legal", Match: map[string][]string{"en": {"lawyer"}}, Say: tx("Oh."), Exit: closes("new")}}
		s.Defaults.NoMatch = []Answer{{Say: tx("What?")}, {Exit: closes("lost")}}
		s.Defaults.NoReply = []Wait{{After: Delay{For: time.Minute}, Exit: closes("no_reply")}}
	})
	start := func() *chat {
		c := talk(t, old).user("hi")
		c.set, c.pinned = live, old
		return c
	}
	start().user("lawyer").says("bot: Oh.", "resolve new")
	start().user("opening hours").says("bot: What? [*").user("opening hours").says("resolve lost")
	start().timer("silence:0", time.Minute).says("resolve no_reply")
	if EndsBurst(Sets{Live: live, Pinned: old}, start().st, "opening hours") || !EndsBurst(Sets{Live: live, Pinned: old}, start().st, "lawyer") {
		t.Fatal("EndsBurst")
	}
}

// The pinned flow leads into a state that is gone from the live set.
func TestLeavingAPinnedFlowForAStateThatIsGone(t *testing.T) {
	t.Parallel()
	old := pinnedSet(t, "one", "old", nil)
	live := pinnedSet(t, "two", "new", func(s *Set) {
		s.Flows["c"].States = states{"begin": {Flow: "c", Name: "begin", Ask: tx("Here?"), Options: []*Option{opt("x", "X", closes("x"))}}}
		s.Flows["c"].StateOrder, s.Flows["c"].Renamed = []string{"begin"}, map[string]string{"start": "begin"}
		s.Flows["a"].States["start"].Options[2].Exit, s.Flows["a"].States["second"].Options[1].Exit = to("c.begin"), to("c.begin")
	})
	c := talk(t, old).user("hi")
	c.set, c.pinned = live, old
	c.user("out").says("bot: Here? [X]")
	live.Flows["c"].Renamed = nil
	c = talk(t, old).user("hi")
	c.set, c.pinned = live, old
	c.user("out").says("bot: Thanks. Someone*", "handoff general vanished_state vanished_state")
}

func TestSentencesOfTheProject(t *testing.T) {
	t.Parallel()
	set := newSet(t, shopFlows(), orderSlot(), topicSlot())
	only := &Text{Lang: map[string]*Template{"fr": template("Voilà.")}}
	set.Sentences = map[string]*Text{"help": tx("Because."), "moment": tx("Sure.").fr("Bien sûr."), "stopped": only, "engine_error": tx("Oops {{ 1 / 0 }}")}
	if err := set.Link(); err != nil {
		t.Fatal(err)
	}
	say := func(lang, text string) string {
		c := talk(t, set)
		c.w.Contact.Language = lang
		c.user("hi").user(text)
		return c.out[0].(Say).Text
	}
	for _, x := range [][3]string{
		{"en", "one moment", "Sure."}, {"fr", "un instant", "Bien sûr."},
		{"en", "stop", "OK, I'll stop here. Message us any time."}, {"fr", "stop", "Voilà."},
	} {
		if got := say(x[0], x[1]); got != x[2] {
			t.Errorf("%s %q: %q, want %q", x[0], x[1], got, x[2])
		}
	}
	set.Flows["welcome"].States["menu"].Help = nil
	if got := say("en", "why"); got != "Because." {
		t.Error(got)
	}
	if got := say("fr", "pourquoi"); got == "Because." {
		t.Error("a French customer hears English though there is a pack")
	}
	set.Flows["welcome"].States["details"].Say = says("{{ 1 / 0 }}")
	c := talk(t, set).user("hi").user("2").says("bot: Sorry, something went wrong on our side.*", "handoff general engine_error engine_error")
	if c.trace.Error == "" {
		t.Fatal("no error")
	}
}
