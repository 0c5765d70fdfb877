package engine

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestLateParcelGoesToOrdersWithASummary(t *testing.T) {
	t.Parallel()
	c := talk(t, shop(t)).user("hello")
	c.says("bot: Hi Ann 👋 You're through to Acme's assistant.", "bot: What can we help you with? [Where's my order?|Return something|It arrived damaged|My account|Something else]")
	c.user("my parcel hasnt arived").says("bot: What's your order number? It looks like AB123456. [I don't have it]").slot("topic", "order")
	c.user("its ab 123456 i think").says("bot: Order AB123456 is on its way.", "bot: Is there anything else? [Yes|No, thanks]").slot("order_number", "AB123456")
	c.user("no thanks").says("bot: Thanks for messaging Acme. Bye for now!", "resolve done")
	if c.st.Owner != "none" {
		t.Fatal(c.st.Owner)
	}
}

func TestHandoffCard(t *testing.T) {
	t.Parallel()
	c := talk(t, shop(t)).user("hi").user("3").at("welcome.details").user("the box is crushed")
	c.says("bot: Thanks! I've passed this to General. You're number 1 in line.", "handoff general flow person")
	h := c.out[len(c.out)-2].(Handoff)
	if h.Priority != "high" || h.Summary != "Topic: damaged\nOrder: not given\nthe box is crushed" || h.Said != "Thanks! I've passed this to General. You're number 1 in line." || h.Promised {
		t.Fatalf("%+v", h)
	}
	if c.st.Owner != "queue" || c.st.Tags[0] != "topic:damaged" || c.st.Topic.How != "number" {
		t.Fatalf("%+v", c.st)
	}
}

func TestFirstMessageIsAnAnswer(t *testing.T) {
	t.Parallel()
	c := talk(t, shop(t)).user("Hi, where is my parcel AB123456?")
	c.says("bot: Hi Ann*", "bot: Order AB123456 is on its way.", "bot: Is there anything else?*").slot("topic", "order").slot("order_number", "AB123456")
	if c.st.Slots["order_number"].How != "found" {
		t.Fatalf("%+v", c.st.Slots)
	}
}

func TestGivesUpPolitely(t *testing.T) {
	t.Parallel()
	c := talk(t, shop(t)).user("hi").tap("order", 0)
	c.user("12").says("bot: Hmm, “12” isn't an order number. [I don't have it]")
	c.user("dunno").says("bot: Hmm, still not it. [I don't have it]")
	c.user("999").says("bot: No problem, the team can look it up another way.", "bot: Thanks!*", "handoff orders gave_up person")
	if len(c.st.Attempts) != 3 {
		t.Fatalf("%+v", c.st.Attempts)
	}
}

func TestAnswersOfEveryKindChooseAnOption(t *testing.T) {
	t.Parallel()
	for say, want := range map[string]string{
		"Return something": "return", "return something!": "return", "2": "return", "2.": "return", "2)": "return", "２": "return", "٢": "return", "2️⃣": "return",
		"return": "return", "i want a refund please": "return", "pasword": "account", "retrun something": "return",
		"there are missing parts in the box": "damaged", "suivi": "order", "où est ma commande": "order", "Ou est ma commande ?": "order", "AB 123456": "order",
	} {
		t.Run(say, func(t *testing.T) {
			t.Parallel()
			talk(t, shop(t)).user("hi").user(say).slot("topic", want)
		})
	}
}

func TestTwoOptionsTie(t *testing.T) {
	t.Parallel()
	c := talk(t, shop(t)).user("hi").user("my parcel arrived broken and nobody cares about it at all")
	c.says("bot: Did you mean one of these? [Where's my order?|It arrived damaged|None of these]")
	d := *c
	c.user("the second").says("bot: Sorry, I didn't catch that. Please pick one of these.*")
	d.user("2").slot("topic", "damaged")
	e := talk(t, shop(t)).user("hi").user("my parcel arrived broken and nobody cares about it at all").tap("none", 0)
	e.says("bot: Sorry, I didn't catch that. Please pick one of these.*")
}

func TestNoMatchLadderEnds(t *testing.T) {
	t.Parallel()
	c := talk(t, shop(t)).user("hi").user("xyzzy").says("bot: Sorry, I didn't catch that. Please pick one of these. [*")
	c.user("qwerty").says("bot: Thanks!*", "handoff general no_match person")
}

func TestSideAnswers(t *testing.T) {
	t.Parallel()
	c := talk(t, shop(t)).user("hi").user("why do you ask?").says("bot: Your answer decides which team gets this. [*")
	c.user("please, why").says("bot: Your answer*").user("help").says("bot: Thanks. Someone from our team will reply here.", "handoff general asked_for_person asked_for_person")
	c = talk(t, shop(t)).user("hi").tap("order", 0).user("let me check").says("bot: Take your time.")
	c.user("sorry, I don't have it").says("bot: No problem*", "bot: Thanks!*", "handoff orders flow person")
}

func TestEscapes(t *testing.T) {
	t.Parallel()
	person := []string{"bot: Thanks. Someone from our team will reply here.", "handoff general asked_for_person asked_for_person"}
	talk(t, shop(t)).user("can I talk to a real person please").says(person...)
	talk(t, shop(t)).user("hi").user("agent").says(person...)
	talk(t, shop(t)).user("hi").user("je veux parler à quelqu'un svp").says(person...)
	talk(t, shop(t)).user("hi").user("my agent told me to send back the two jackets").slot("topic", "return")
	talk(t, shop(t)).user("hi").user("please stop").says("bot: OK, I'll stop here. Message us any time.", "resolve stopped")
	c := talk(t, shop(t)).user("where is AB123456").user("start over").says("bot: Hi Ann*", "bot: What can we help you with?*")
	if len(c.st.Slots) != 0 {
		t.Fatalf("start over keeps %+v", c.st.Slots)
	}
}

func TestPersonOutOfHours(t *testing.T) {
	t.Parallel()
	c := talk(t, shop(t))
	c.w.Now = friday.Add(11 * time.Hour)
	c.user("agent").says("bot: Thanks. Our team is back Monday at 08:00 and will reply here.", "handoff general asked_for_person asked_for_person")
	s := c.out[0].(Say)
	if len(s.Quotes) != 1 || s.Quotes[0].Kind != "opening" || s.Priority != 1 {
		t.Fatalf("%+v", s)
	}
}

func TestTapsOfEveryAge(t *testing.T) {
	t.Parallel()
	c := talk(t, shop(t)).user("hi").tap("return", 0).at("welcome.details")
	c.tap("return", 0).says().at("welcome.details") // double tap
	c.tap("order", 0).says("bot: What's your order number?*").at("track.start").slot("topic", "order")
	c.tap("account", 1).says("bot: Tell us what happened in one message.").slot("topic", "account")
	c = talk(t, shop(t)).user("hi")
	c.event(Event{Kind: EvMessage, Text: "Return something", Tap: &Tap{Record: []byte(`{"broken`), Index: 9, Label: "Return something"}}).slot("topic", "return")
}

func TestTapOfAClosedConversationIsItsLabel(t *testing.T) {
	t.Parallel()
	old := talk(t, shop(t)).user("hi")
	tap := &Tap{Record: old.asked[0].Question, Index: 1, Label: "Return something", Closed: true}
	talk(t, shop(t)).event(Event{Kind: EvMessage, Tap: tap, Opening: true}).at("welcome.details").slot("topic", "return")
	talk(t, shop(t)).user("hi").event(Event{Kind: EvMessage, Tap: tap}).at("welcome.details").slot("topic", "return")
}

func TestTraceShowsTheNearMiss(t *testing.T) {
	t.Parallel()
	c := talk(t, shop(t)).user("hi").user("retorno")
	at := slices.IndexFunc(c.trace.Steps, func(s TraceStep) bool { return s.Edge == "closest" })
	if c.trace.Stage != "none" || at < 0 || c.trace.Steps[at].Option != "return" || c.trace.Steps[at].Score < 0.5 {
		t.Fatalf("%+v", c.trace)
	}
}

func TestOldTapExplainsAndIgnores(t *testing.T) {
	t.Parallel()
	for how, want := range map[string][]string{"explain": {"bot: That button is from an earlier question.\n\nTell us what happened in one message."}, "ignore": nil} {
		flows := shopFlows()
		flows[0].States["menu"].OldTaps = how
		c := talk(t, linkedSet(t, flows, orderSlot(), topicSlot(), &Slot{Name: "details"})).user("hi").tap("return", 0).tap("order", 0)
		c.says(want...).at("welcome.details").slot("topic", "return")
	}
}

func TestCorrection(t *testing.T) {
	t.Parallel()
	c := talk(t, shop(t)).user("hi").user("where is AB123456").at("welcome.more")
	d := *c
	c.user("sorry, wrong order number, it's AB999999").says("bot: Order AB999999 is on its way.", "bot: Is there anything else?*").slot("order_number", "AB999999").at("welcome.more")
	d.user("the order number is wrong").says("bot: What's your order number? It looks like AB123456. [I don't have it]").at("track.start")
	d.user("xx").says("bot: Hmm, “xx” isn't an order number.*")
	d.user("CD111111").says("bot: Order CD111111 is on its way.", "bot: Is there anything else?*").slot("order_number", "CD111111")
	c.event(Event{Kind: EvMessage, Edited: true, Seq: c.st.Slots["order_number"].Seq, Text: "AB777777"}).slot("order_number", "AB777777").says("bot: Order AB777777 is on its way.", "bot: Is there anything else?*")
}

func TestSilence(t *testing.T) {
	t.Parallel()
	set := newSet(t, shopFlows(), orderSlot(), topicSlot())
	set.Defaults.NoReply = []Wait{{After: Delay{For: 10 * time.Minute}, Say: tx("Still there?")}, {After: Delay{For: 23 * time.Hour}, Exit: closes("no_reply")}}
	if err := set.Link(); err != nil {
		t.Fatal(err)
	}
	c := talk(t, set).user("hi")
	if got := c.timers(); got["silence:0"] != 10*time.Minute || got["silence:1"] != 23*time.Hour || len(got) != 2 {
		t.Fatal(got)
	}
	c.timer("silence:0", 10*time.Minute).says("bot: Still there? [*")
	if len(c.timers()) != 0 {
		t.Fatal("a reminder starts the ladder again")
	}
	c.timer("silence:1", 22*time.Hour).says()
	c.timer("silence:1", time.Hour).says("resolve no_reply")
	c.timer("silence:1", time.Hour).says()

	c = talk(t, set).user("hi").user("one moment")
	if got := c.timers(); got["silence:0"] != 15*time.Minute || got["silence:1"] != 23*time.Hour+5*time.Minute {
		t.Fatal(got)
	}
	talk(t, set).user("hi").timer("silence:0", 48*time.Hour).says().timer("silence:1", 0).says("resolve no_reply")
	talk(t, shop(t)).user("hi").timer("idle", 23*time.Hour).says().timer("idle", time.Hour).says("resolve idle")
}

func TestHandoffReturnsResolvesAndWaits(t *testing.T) {
	t.Parallel()
	c := talk(t, shop(t)).user("hi").user("something else").says("bot: Thanks!*", "handoff general flow person")
	if got := c.timers(); got["unanswered:0"] != time.Hour {
		t.Fatal(got)
	}
	queued := *c
	c.timer("unanswered:0", time.Hour).says("bot: Sorry for the wait.", "handoff general flow person")
	if h := c.out[len(c.out)-1].(Handoff); !h.Again || h.Priority != "high" || !c.out[0].(Say).Notice {
		t.Fatalf("%+v", c.out)
	}
	c.timer("unanswered:0", time.Hour).says()
	c.event(Event{Kind: EvReturned}).says("bot: Is there anything else?*").at("welcome.more")

	c = &queued
	c.user("are you there").says()
	stopped := *c
	c.event(Event{Kind: EvResolved}).says("bot: How did we do today?*")
	answered := *c
	answered.user("🙁").says("bot: Thank you, that helps.", "bot: Thanks for messaging*", "resolve done")
	c.user("my new parcel is late").says("resolve agent", "open")
	stopped.user("stop").says("bot: OK, I'll stop here. Message us any time.", "resolve stopped")
}

// Whoever asks again while waiting keeps the place and hears once in five
// minutes how long it takes now.
func TestAskingAgainWhileWaiting(t *testing.T) {
	t.Parallel()
	wait := 10
	c := talk(t, shop(t)).user("hi").user("something else")
	c.w.Queues = map[string]QueueNow{"general": {Waiting: 1, WaitMinutes: &wait}}
	c.user("agent please").says("bot: Thanks. Someone from our team will reply here. It is now about 10 min.")
	if !c.out[0].(Say).Notice {
		t.Fatalf("%+v", c.out)
	}
	c.user("start over").says()
	c.w.Now = c.w.Now.Add(6 * time.Minute)
	c.user("start over").says("bot: Thanks. Someone*").user("are you there").says()
}

func TestReturnedAsksTheQuestionThatWasOpen(t *testing.T) {
	t.Parallel()
	c := talk(t, shop(t)).user("hi").tap("order", 0).user("agent").event(Event{Kind: EvReturned, Slots: map[string]string{"details": "called her"}})
	c.says("bot: What's your order number?*").at("track.start").slot("details", "called her")
	c.user("AB123456").says("bot: Order AB123456 is on its way.", "bot: Is there anything else?*")
	talk(t, shop(t)).user("hi").user("agent").event(Event{Kind: EvReturned, Resume: "welcome.details"}).says("bot: Tell us what happened*")
}

func TestMediaWhereWordsAreAsked(t *testing.T) {
	t.Parallel()
	photo := Event{Kind: EvMessage, Media: []string{"image"}}
	c := talk(t, shop(t)).user("hi").tap("order", 0).event(photo).says("bot: Thanks, I've kept that. Please also type the answer. [I don't have it]")
	if c.st.Question.Tries != 0 {
		t.Fatal("the first media-only message is no try")
	}
	c.event(photo).event(photo)
	if c.st.Question.Tries != 2 {
		t.Fatal(c.st.Question.Tries)
	}
	c.event(photo).says("bot: No problem*", "*", "handoff orders gave_up person")
	talk(t, shop(t)).user("hi").event(photo).says("bot: Thanks, I've kept that.*").event(Event{Kind: EvMessage, Text: "broken", Media: []string{"image"}}).slot("topic", "damaged")
}

func TestNothingSaidIsNothing(t *testing.T) {
	t.Parallel()
	c := talk(t, shop(t)).user("hi")
	for _, s := range []string{"", "  \n", "\x00", "\u200b"} {
		if c.user(s).says(); c.st.Question.Misses != 0 {
			t.Fatalf("%q counts", s)
		}
	}
	c.user("🦄🦄🦄").says("bot: Sorry, I didn't catch that.*")
}

func TestBursts(t *testing.T) {
	t.Parallel()
	talk(t, shop(t)).user("hi").burst("hello there", "something strange happened", "2").slot("topic", "return")
	c := talk(t, shop(t)).user("hi").tap("order", 0).burst("hm", "AB123456", "thanks").slot("order_number", "AB123456")
	set := shop(t)
	if !EndsBurst(Sets{Live: set}, c.st, "agent please") || EndsBurst(Sets{Live: set}, c.st, "my parcel is late") {
		t.Fatal("EndsBurst")
	}
}

func TestLanguages(t *testing.T) {
	t.Parallel()
	c := talk(t, shop(t))
	c.w.Contact.Language = "fr-CA"
	c.user("bonjour").says("bot: Hi Ann*", "bot: Comment pouvons-nous vous aider ? [Où est ma commande ?|Return something|*").user("xyzzy").user("opérateur").says("bot: Merci. Une personne de notre équipe vous répondra ici.", "*")
	d := talk(t, shop(t))
	d.w.Channel.Locale = "fr"
	d.user("salut").says("*", "bot: Comment*")
}

// TestLongMessagesAreCheap: 10,000 characters of anything are understood in a
// time that hurts nobody else.
func TestLongMessagesAreCheap(t *testing.T) {
	t.Parallel()
	for name, word := range map[string]string{"words": "retrunn somthing ", "accents": "été dàmagd ", "digits": "AB12345 ", "emoji": "🦄", "letters": "o0iI1l5S8B", "fillers": "please thanks hi "} {
		text := cutRunes(strings.Repeat(word, 20_000/len(word)), 9_900) // its echo in invalid stays under the 10,000 of a text
		for _, tap := range []string{"", "order"} {
			c := talk(t, shop(t)).user("hi")
			if tap != "" {
				c.tap(tap, 0)
			}
			ev := Event{Kind: EvMessage, Text: text, World: c.w}
			begun := time.Now()
			r := Step(Sets{Live: c.set}, c.st, ev)
			if d := time.Since(begun); d > time.Minute || r.Trace.Error != "" {
				t.Errorf("%s %s: %v %s", name, tap, d, r.Trace.Error)
			} else {
				t.Logf("%s %s: %v", name, tap, d)
			}
		}
	}
}
