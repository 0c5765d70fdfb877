package engine

import (
	"testing"
	"time"
)

// lending is an agent who owns a conversation and lends it to a flow.
func lending(t testing.TB, states states, more ...func(*Set)) *chat {
	t.Helper()
	f := flow("ask", states)
	f.Delegate = tx("Ask for it")
	set := newSet(t, append(shopFlows(), f), orderSlot(), topicSlot(), slot(&Slot{Name: "details", Type: SlotText}))
	for _, change := range more {
		change(set)
	}
	c := talk(t, relink(t, set)).user("hi").tap("order", 0).user("agent").says("bot: Thanks.*", "handoff*")
	c.st.Owner = "agent"
	return c.event(Event{Kind: EvDelegate, Flow: "ask", Agent: "ann"})
}

// gives checks that the agent owns the conversation again, with a result.
func (c *chat) gives(result string) *chat {
	c.t.Helper()
	got := ""
	for _, e := range c.out {
		switch e := e.(type) {
		case GiveBack:
			got = e.Flow + " " + e.Result
		case Handoff, Resolve:
			c.t.Fatalf("a lent conversation ends in %T", e)
		}
	}
	if got != "ask "+result || c.st.Owner != "agent" || c.st.Lent != nil || len(c.timers()) != 0 {
		c.t.Fatalf("gave back %q as %s, want %q; state %+v trace %+v", got, c.st.Owner, result, c.st, c.trace)
	}
	return c
}

func asks(exit *Exit) states {
	return states{"start": {Collect: &Collect{Slot: "order_number", Ask: tx("Number?")}, Exit: exit}, "bye": {Say: says("Bye."), Exit: closes("done")}, "hand": {Exit: hand("orders")}}
}

func TestALentConversationReturns(t *testing.T) {
	t.Parallel()
	c := lending(t, asks(back("found"))).says("bot: Number?").at("ask.start").tookEdge("call:ask")
	if c.st.Owner != "bot" || c.st.Lent == nil || c.st.Lent.Agent != "ann" || len(c.st.Stack) != 0 {
		t.Fatalf("%+v", c.st)
	}
	c.user("AB123456").says().gives("found").slot("order_number", "AB123456")
	c.user("anything").says()
	c.event(Event{Kind: EvReturned}).says("bot: Order AB123456 is on its way.", "*").at("welcome.more")
}

func TestWhatWouldEndALentConversationGivesItBack(t *testing.T) {
	t.Parallel()
	lending(t, asks(to("ask.hand"))).user("AB123456").says().gives("handoff")
	lending(t, asks(to("ask.bye"))).user("AB123456").says("bot: Bye.").gives("resolve")
	lending(t, asks(back(""))).user("agent please").says().gives("asked_for_person")
	lending(t, asks(back(""))).user("stop").says().gives("resolve")
	lending(t, asks(back(""))).user("1").user("2").user("3").says().gives("gave_up")
	lending(t, asks(back(""))).user("why").user("why").user("why").says().gives("gave_up")
	lending(t, asks(branch(arm("1 / 0 > 1", back(""))))).user("AB123456").says().gives("error")
	lending(t, states{"start": {Exit: branch(arm("1 / 0 > 1", back("")))}}).says().gives("error")
	lending(t, asks(branch(arm("false", back(""))))).user("AB123456").says().gives("gave_up")
}

func TestSilenceInALentConversation(t *testing.T) {
	t.Parallel()
	ladder := func(exit *Exit) states {
		st := asks(back("found"))
		st["start"].NoReply = []Wait{{After: Delay{For: time.Minute}, Say: tx("Still there?")}, {After: Delay{For: 2 * time.Minute}, Exit: exit}}
		return st
	}
	lending(t, ladder(hand(""))).timer("silence:0", time.Minute).says("bot: Still there?").timer("silence:1", time.Minute).says().gives("no_reply")
	lending(t, ladder(closes("no_reply"))).timer("silence:1", 2*time.Minute).says().gives("no_reply")
	lending(t, ladder(back("nobody"))).timer("silence:1", 2*time.Minute).says().gives("nobody")
	lending(t, asks(back(""))).timer("idle", 24*time.Hour).says().gives("no_reply")
	lending(t, asks(back(""))).timer("lend", 15*time.Minute).says().gives("no_reply")
}

// Only the delegated flow listens.
func TestALentConversationIsDeafToTheProject(t *testing.T) {
	t.Parallel()
	c := lending(t, asks(back("")), func(s *Set) {
		s.Everywhere = []*Escape{{Name: "legal", Match: map[string][]string{"en": {"lawyer"}}, Exit: hand("orders")}}
		s.Flows["ask"].Everywhere = []*Escape{{Name: "shop", Match: map[string][]string{"en": {"shop"}}, Exit: back("shop")}}
	})
	c.user("lawyer").says("bot: Sorry, that doesn't*").user("start over").says("bot: Sorry, that doesn't*").user("shop").gives("shop")
}

func TestTheAgentTakesALentConversationBack(t *testing.T) {
	t.Parallel()
	c := lending(t, asks(back("")))
	if st := Recall(c.st); st.Owner != "agent" || st.Lent != nil || st.Position() != "track.start" {
		t.Fatalf("%+v", st)
	}
	c.event(Event{Kind: EvDelegate, Flow: "ask", Agent: "bob"}).says()
	if c.st.Lent.Agent != "ann" {
		t.Fatal("lent twice")
	}
	gone := lending(t, asks(back("")))
	gone.st = Recall(gone.st)
	gone.event(Event{Kind: EvDelegate, Flow: "nothing", Agent: "ann"})
	if e, ok := gone.out[len(gone.out)-1].(GiveBack); !ok || e.Result != "error" || gone.st.Owner != "agent" {
		t.Fatalf("%+v", gone.out)
	}
}
