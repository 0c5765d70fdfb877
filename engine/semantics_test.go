package engine

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

// Rules of language.md 2.6 to 2.18 that are easily lost: one test each.

// A message that fits two options is asked about once; the same words again are
// a miss, so that nothing goes round for ever.
func TestDidYouMeanIsAskedOnce(t *testing.T) {
	t.Parallel()
	both := "my parcel arrived broken and nobody cares about it at all"
	c := talk(t, shop(t)).user("hi").user(both).says("bot: Did you mean one of these?*")
	c.user(both).says("bot: Sorry, I didn't catch that. Please pick one of these. [*")
	c.user(both).says("bot: Did you mean one of these?*").user(both).says("bot: Thanks!*", "handoff general no_match person")
}

func TestDidYouMeanShowsThreeInWrittenOrderAndNone(t *testing.T) {
	t.Parallel()
	var options []*Option
	for _, id := range []string{"d", "c", "b", "a"} {
		options = append(options, opt(id, "Option "+id, closes(id), "thing"))
	}
	set := linkedSet(t, []*Flow{flow("a", states{"start": {Ask: tx("Q"), Options: options}})})
	c := talk(t, set).user("hi").user("the thing").says("bot: Did you mean one of these? [Option d|Option c|Option b|None of these]")
	c.user("4").says("bot: Sorry, I didn't catch that.*")
	for how, want := range map[string][]string{"first": {"resolve d"}, "no_match": {"bot: Sorry, I didn't catch that.*"}} {
		set.Flows["a"].States["start"].Match.TwoOrMore = how
		talk(t, set).user("hi").user("the thing").says(want...)
	}
}

// Candidates within 0.02 of the best count as equal, others do not.
func TestFuzzyTiesAreAWindow(t *testing.T) {
	t.Parallel()
	q := func(a, b string) *chat {
		return talk(t, linkedSet(t, []*Flow{flow("a", states{"start": {Ask: tx("Q"), Options: []*Option{opt("one", "One", closes("one"), a), opt("two", "Two", closes("two"), b)}}})})).user("hi")
	}
	q("abcdefghij", "abcdefghijk").user("abcdefghiX").says("resolve one")       // 0.9 and 0.82
	q("aaaaaaaaab", "aaaaaaaaac").user("aaaaaaaaaX").says("bot: Did you mean*") // 0.9 both
}

func TestSeveralValuesTwiceAreATry(t *testing.T) {
	t.Parallel()
	c := talk(t, asking(t, orderSlot(), &Collect{})).user("hi").user("AB123456 or CD123456").says("bot: Which one is it? [AB123456|CD123456]")
	c.user("AB123456 or CD123456").says("bot: Sorry, that doesn't look right.*")
	if c.st.Question.Tries != 1 {
		t.Fatal(c.st.Question.Tries)
	}
	c.user("AB123456 or CD123456").user("AB123456 or CD123456").says("bot: Thanks. Someone*", "handoff general gave_up gave_up")
}

// What is counted and what is not, language.md 2.7.
func TestTriesAreCountedFairly(t *testing.T) {
	t.Parallel()
	c := talk(t, shop(t)).user("hi").tap("order", 0)
	for _, say := range []string{"why", "one moment", "", "🎉 \u200b", "sorry"} {
		if say == "🎉 \u200b" || say == "sorry" {
			continue
		}
		if c.user(say); c.st.Question.Tries != 0 {
			t.Fatalf("%q is counted", say)
		}
	}
	c.burst("hm", "well", "nope then").user("hm")
	if c.st.Question.Tries != 2 {
		t.Fatalf("a burst is one message: %d", c.st.Question.Tries)
	}
	c.press(c.asked[0], "order")
	if c.st.Question.Tries != 2 {
		t.Fatal("a tap is counted")
	}
	no := talk(t, asking(t, orderSlot(), &Collect{Confirm: true})).user("hi").user("AB123456").user("no")
	if no.st.Question.Tries != 0 {
		t.Fatal("a No to a read-back is counted")
	}
}

func TestPicturesInsteadOfTheLastAnswer(t *testing.T) {
	t.Parallel()
	photo := Event{Kind: EvMessage, Media: []string{"image"}}
	c := talk(t, shop(t)).user("hi").event(photo).says("bot: Thanks, I've kept that.*").event(photo).says("bot: Thanks, I've kept that.*")
	c.event(photo).says("bot: Thanks!*", "handoff general no_match person") // the step that leaves says its own words
}

func TestWhereAnEntryMatches(t *testing.T) {
	t.Parallel()
	long := "well this is a rather long story of mine which mentions the %s somewhere in it"
	for _, x := range []struct {
		where, phrase, say string
		hit                bool
	}{
		{"short", "gift card", "where is my gift card please", true},
		{"short", "gift card", fmt.Sprintf(long, "gift card"), false},
		{"short", "gift", "a gift for mum", true}, {"short", "gift", "a gift for my old mum", false},
		{"whole", "gift card", "hi, gift card please", true}, {"whole", "gift card", "my gift card", false},
		{"anywhere", "gift", fmt.Sprintf(long, "gift"), true}, {"anywhere", "gift", fmt.Sprintf(long, "gifts"), false},
		{"short", "/gift ?cards?/", "my giftcard is lost", true}, {"short", "/gift ?cards?/", "where exactly is my giftcard now", false},
		{"anywhere", "/gift ?cards?/", fmt.Sprintf(long, "giftcard"), true},
	} {
		set := newSet(t, shopFlows(), orderSlot(), topicSlot())
		set.Everywhere = []*Escape{{Name: "gifts", Where: x.where, Match: map[string][]string{"en": {x.phrase}}, Exit: closes("gift")}}
		c := talk(t, relink(t, set)).user("hi").user(x.say)
		if hit := c.st.Owner == "none"; hit != x.hit {
			t.Errorf("%s %q in %q: %v", x.where, x.phrase, x.say, hit)
		}
	}
}

func TestTheLongestPhraseWinsBetweenEntries(t *testing.T) {
	t.Parallel()
	set := newSet(t, shopFlows(), orderSlot(), topicSlot())
	set.Everywhere = []*Escape{{Name: "one", Match: map[string][]string{"en": {"opening"}}, Exit: closes("one")}, {Name: "two", Match: map[string][]string{"en": {"opening hours"}}, Exit: closes("two")}}
	set.Flows["welcome"].Everywhere = []*Escape{{Name: "own", Match: map[string][]string{"en": {"opening hours"}}, Exit: closes("own")}}
	talk(t, relink(t, set)).user("hi").user("opening hours?").says("resolve own")
	talk(t, set).user("hi").user("opening?").says("resolve one")
	talk(t, set).user("hi").tap("order", 0).user("opening hours?").says("resolve two")
}

// A burst tries each stage with the joined text, then the parts, newest first.
func TestStagesOfABurst(t *testing.T) {
	t.Parallel()
	talk(t, shop(t)).user("hi").burst("return something", "my account").slot("topic", "account")
	talk(t, shop(t)).user("hi").burst("2", "3").slot("topic", "damaged")
	talk(t, shop(t)).user("hi").burst("I have a very long story to tell you about my refund", "agent").says("bot: Thanks.*", "handoff general asked_for_person asked_for_person")
}

// "One moment" shifts the whole ladder so that its first step is 15 minutes
// away, also where it counts in open time.
func TestOneMomentInOpenTime(t *testing.T) {
	t.Parallel()
	set := newSet(t, shopFlows(), orderSlot(), topicSlot())
	half := Delay{For: 30 * time.Minute, Business: true, Schedule: weekdays()}
	set.Defaults.NoReply = []Wait{{After: half, Say: tx("There?")}, {After: Delay{OpenDays: 1, Schedule: weekdays()}, Exit: closes("no_reply")}}
	c := talk(t, relink(t, set))
	c.w.Now = friday.Add(9*time.Hour + 50*time.Minute) // 19:50, closing at 20:00
	c.user("hi")
	monday := time.Date(2026, 11, 23, 8, 20, 0, 0, time.UTC)
	if got := c.timers(); c.w.Now.Add(got["silence:0"]) != monday {
		t.Fatal(got)
	}
	if got := c.user("one moment").timers(); c.w.Now.Add(got["silence:0"]) != monday {
		t.Fatalf("open time is more than 15 minutes away already: %v", got)
	}
	c.timer("silence:0", 10*time.Minute).says()
	if got := c.timers(); c.w.Now.Add(got["silence:0"]) != monday {
		t.Fatalf("a timer that comes too early is set again: %v", got)
	}
}

// idle_close counts from the customer's last message, not from a reminder.
func TestIdleCloseCountsFromTheCustomer(t *testing.T) {
	t.Parallel()
	set := newSet(t, shopFlows(), orderSlot(), topicSlot())
	set.Defaults.NoReply = []Wait{{After: Delay{For: time.Hour}, Say: tx("There?")}}
	c := talk(t, relink(t, set)).user("hi").timer("silence:0", time.Hour).says("bot: There? [*")
	c.timer("idle", 23*time.Hour).says("resolve idle")
	c = talk(t, set).user("hi").timer("silence:0", time.Hour).says("bot: There?*").timer("silence:0", 0).says() // fires once
	c.user("xyzzy").timer("silence:0", time.Hour).says("bot: There?*")
}

// Reminders are read from the ladder that is live when they are due; what has
// fired stays fired, and the wait always ends.
func TestRemindersAfterAnEdit(t *testing.T) {
	t.Parallel()
	with := func(id string, ladder ...Wait) *Set {
		set := newSet(t, shopFlows(), orderSlot(), topicSlot())
		set.ID, set.Defaults.NoReply = id, ladder
		return relink(t, set)
	}
	said := func(words string, after time.Duration) Wait { return Wait{After: Delay{For: after}, Say: tx(words)} }
	leaves := Wait{After: Delay{For: 3 * time.Hour}, Exit: closes("no_reply")}

	shorter := talk(t, with("one", said("a", time.Hour), said("b", 2*time.Hour), leaves)).user("hi").timer("silence:0", time.Hour).says("bot: a [*")
	shorter.set = with("two", said("A", time.Hour))
	shorter.timer("silence:1", time.Hour).says()
	if got := shorter.timers(); got["idle"] != 22*time.Hour || len(got) != 1 {
		t.Fatal(got)
	}
	shorter.timer("idle", 22*time.Hour).says("resolve idle")

	longer := talk(t, with("one", said("a", time.Hour))).user("hi")
	longer.set = with("two", said("A", time.Hour), said("B", 2*time.Hour), leaves)
	longer.timer("silence:0", time.Hour).says("bot: A [*")
	if got := longer.timers(); got["silence:1"] != time.Hour || got["silence:2"] != 2*time.Hour || len(got) != 2 {
		t.Fatal(got)
	}
	idle := talk(t, with("one")).user("hi")
	idle.set = with("two", leaves)
	idle.timer("idle", 24*time.Hour).says()
	if got := idle.timers(); len(got) != 1 || got["silence:0"] != -21*time.Hour {
		t.Fatal(got)
	}
	idle.timer("silence:0", 0).says("resolve no_reply")
}

func TestCallsComeBackIntoAnEditedCaller(t *testing.T) {
	t.Parallel()
	start := func() *chat { return talk(t, shop(t)).user("hi").tap("order", 0) }
	edit := func(c *chat, change func([]*Flow)) *chat {
		flows := shopFlows()
		change(flows)
		s := newSet(t, flows, orderSlot(), topicSlot(), slot(&Slot{Name: "details"}))
		s.ID = "set2"
		c.set = relink(t, s)
		return c
	}
	renamed := edit(start(), func(f []*Flow) {
		st := f[0].States["menu"]
		delete(f[0].States, "menu")
		st.Name, f[0].States["choose"], f[0].Renamed = "choose", st, map[string]string{"menu": "pick", "pick": "choose"}
		f[0].States["start"].Exit, f[0].States["more"].Options[0].Exit = to("welcome.choose"), to("welcome.choose")
		f[0].StateOrder = []string{"start", "choose", "details", "more", "person", "bye"}
	})
	renamed.user("AB123456").says("bot: Order AB123456 is on its way.", "bot: Is there anything else?*").at("welcome.more")
	changed := edit(start(), func(f []*Flow) { f[0].States["menu"].Options[0].Exit = to("welcome.details") })
	changed.user("AB123456").says("bot: Order AB123456 is on its way.", "bot: What can we help you with?*").at("welcome.menu")
}

func TestKindOfTheQuestionChanged(t *testing.T) {
	t.Parallel()
	c := talk(t, shop(t)).user("hi").tap("return", 0).at("welcome.details")
	flows := shopFlows()
	flows[0].States["details"] = &StateDef{Flow: "welcome", Name: "details", Ask: tx("Which was it?"), Match: Match{Fuzzy: -1}, Options: []*Option{opt("torn", "Torn", to("welcome.person"))}}
	s := newSet(t, flows, orderSlot(), topicSlot())
	s.ID = "set2"
	c.set = relink(t, s)
	other := *c
	c.user("nothing of it").says("bot: Which was it? [Torn]")
	if c.st.Question.Misses != 0 || c.st.Question.Kind != "options" {
		t.Fatalf("%+v", c.st.Question)
	}
	other.user("torn").says("bot: Thanks!*", "handoff*")
}

// A check that depends on the time is no reason to forget a value when the
// flows were edited elsewhere.
func TestSlotsAreReadAgainOnlyWhenTheirRulesChanged(t *testing.T) {
	t.Parallel()
	until := func(check string) *Slot {
		return slot(&Slot{Name: "order_number", Type: SlotText, Pattern: `[A-Z]+\d+`, Find: `[A-Z]+\d+`, Check: x(check)})
	}
	morning := `hours_since(conversation.opened) < 1`
	set := linkedSet(t, shopFlows(), until(morning), topicSlot(), slot(&Slot{Name: "details"}))
	c := talk(t, set)
	c.w.Conversation.Opened = c.w.Now
	c.user("hi AB123456").slot("order_number", "AB123456")
	c.w.Now = c.w.Now.Add(2 * time.Hour)
	again := newSet(t, shopFlows(), until(morning), topicSlot(), slot(&Slot{Name: "details"}))
	again.ID = "set2"
	c.set = relink(t, again)
	c.user("hm").slot("order_number", "AB123456")
	stricter := newSet(t, shopFlows(), until(morning+" and true"), topicSlot(), slot(&Slot{Name: "details"}))
	stricter.ID = "set3"
	c.set = relink(t, stricter)
	c.user("hm").slot("order_number", nil)
}

func TestAMentionDoesNotEndThePrivateMatter(t *testing.T) {
	t.Parallel()
	pub := flow("public_reply", states{"start": {Say: says("Thank you!"), Exit: closes("thanked")}})
	pub.On = []string{"public"}
	set := newSet(t, append(shopFlows(), pub), orderSlot(), topicSlot())
	set.Start = []StartRule{{If: x("entry.public"), Flow: "public_reply"}, {Flow: "welcome"}}
	c := talk(t, relink(t, set)).user("hi")
	c.w.Entry = EntryNow{Public: true, Source: "public"}
	c.event(Event{Kind: EvMention, Text: "@acme love it"}).says("bot: Thank you!").at("welcome.menu")
	if c.st.Owner != "bot" || c.st.Question == nil {
		t.Fatalf("%+v", c.st)
	}
	c.w.Entry = EntryNow{}
	c.user("2").at("welcome.details")
	d := talk(t, set)
	d.w.Entry = EntryNow{Public: true, Source: "public"}
	d.event(Event{Kind: EvMention, Text: "@acme love it", Opening: true}).says("bot: Thank you!", "resolve thanked")
}

// TestStateStaysUnderItsCap: whatever is done, what is saved beside slots, tags
// and look-ups stays within 8 KiB, and what was saved can be gone on with.
func TestStateStaysUnderItsCap(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 39)
	st := states{}
	name := func(i int) string {
		if i == 0 {
			return "start"
		}
		return fmt.Sprintf("s%s%d", long[:30], i)
	}
	for i := range 12 {
		e := to("f" + long + "." + name((i+1)%12))
		e.AtMost, e.Else = 20, closes("enough")
		st[name(i)] = &StateDef{Ask: tx("Well?"), Options: []*Option{opt("o"+long, "Go on", e), opt("p"+long, "Back", to("f"+long+".start"))}}
	}
	set := linkedSet(t, []*Flow{flow("f"+long, st)})
	for _, says := range []string{"1", "1112", "1x1y12"} {
		c := talk(t, set)
		c.w.Entry = EntryNow{Source: "link", Ref: strings.Repeat("r", 9_000), Text: strings.Repeat("é", 9_000)}
		for i := range 120 {
			c.user(map[byte]string{'1': "1", '2': "2", 'x': "xyzzy", 'y': "why"}[says[i%len(says)]])
			b, err := EncodeState(c.st)
			if err != nil {
				t.Fatal(err)
			}
			back, err := DecodeState(b)
			if err != nil {
				t.Fatal(err)
			}
			if bare, _ := json.Marshal(measured(back)); len(bare) > maxState {
				t.Fatalf("%d bytes: %s", len(bare), bare)
			}
		}
	}
}

// A first message that is read back waits like any other question.
func TestAReadBackOfTheFirstMessageWaits(t *testing.T) {
	t.Parallel()
	sl := orderSlot()
	sl.Check = nil
	set := linkedSet(t, []*Flow{flow("a", states{"start": {Collect: &Collect{Slot: "size", Ask: tx("Size?"), Confirm: true}, Exit: closes("done")}})},
		slot(&Slot{Name: "size", Type: SlotChoice, Values: []SlotValueName{{ID: "small"}, {ID: "large"}}}))
	c := talk(t, set).user("large please").says("bot: I have large. Is that right? [Yes|No]")
	if c.timers()["idle"] != 24*time.Hour {
		t.Fatal(c.timers())
	}
	c.user("yes").says("resolve done").slot("size", "large")
}

// An edit opens nothing and answers nothing.
func TestAnEditIsNoNewMessage(t *testing.T) {
	t.Parallel()
	c := talk(t, shop(t)).user("hi")
	c.event(Event{Kind: EvMessage, Edited: true, Seq: 1, Text: "return something"}).says().at("welcome.menu")
	c.user("agent").event(Event{Kind: EvMessage, Edited: true, Seq: 1, Text: "stop"}).says()
	c.set.Flows["welcome"].States["person"].Exit.Hand.Returns = nil
	d := talk(t, c.set).user("hi").user("something else").event(Event{Kind: EvReturned}).says()
	d.event(Event{Kind: EvMessage, Edited: true, Seq: 1, Text: "hello there"}).says()
}

func TestNothingUnwrittenIsSaidInPublic(t *testing.T) {
	t.Parallel()
	pub := flow("public_reply", states{"start": {Say: says("Oh {{ 1 / 0 }}"), Exit: closes("x")}})
	pub.On = []string{"public"}
	set := newSet(t, append(shopFlows(), pub), orderSlot(), topicSlot())
	set.Start = []StartRule{{If: x("entry.public"), Flow: "public_reply"}, {Flow: "welcome"}}
	c := talk(t, relink(t, set))
	c.w.Entry = EntryNow{Public: true, Source: "public"}
	c.event(Event{Kind: EvMention, Text: "@acme hm", Opening: true}).says("handoff general engine_error engine_error")
}

// "start over" empties what this conversation has learnt, whatever its exit.
func TestStartOverEmptiesTheConversation(t *testing.T) {
	t.Parallel()
	set := newSet(t, parcelFlows(), orderSlot(), topicSlot(), slot(&Slot{Name: "postcode", Type: SlotText, Contact: true}), slot(&Slot{Name: "size", Type: SlotChoice}), slot(&Slot{Name: "note", Type: SlotText}))
	set.Everywhere = []*Escape{{Name: "start_over", Exit: to("welcome.menu")}}
	c := delivered(t, relink(t, set)).user("start over please").says("bot: What is it about?*")
	if len(c.st.Slots) != 1 || len(c.st.Lookups) != 0 || len(c.st.Stack) != 0 || c.st.Topic != nil {
		t.Fatalf("%+v", c.st)
	}
}
