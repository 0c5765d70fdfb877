package engine

import (
	"fmt"
	"testing"
)

func quota(f float64) *float64 { return &f }

func TestRolloutIsStickyAndGrows(t *testing.T) {
	t.Parallel()
	newer := flow("newer", states{"start": {Ask: tx("New?"), Options: []*Option{opt("x", "X", closes("x"))}}})
	older := flow("older", states{"start": {Ask: tx("Old?"), Options: []*Option{opt("x", "X", closes("x"))}}})
	at := func(s float64) *Set {
		n, o := *newer, *older
		n.Rollout = quota(s)
		set := newSet(t, []*Flow{&n, &o})
		set.Start = []StartRule{{If: x("true"), Flow: "newer"}, {Flow: "older"}}
		return relink(t, set)
	}
	in := func(set *Set, id string) bool {
		c := talk(t, set)
		c.w.Contact.ID = id
		return c.user("hi").st.Flow == "newer"
	}
	none, tenth, half, all := at(0), at(0.1), at(0.5), at(1)
	counts := [4]int{}
	for i := range 400 {
		id := fmt.Sprint("contact", i)
		was := false
		for j, set := range []*Set{none, tenth, half, all} {
			now := in(set, id)
			if was && !now {
				t.Fatalf("%s falls out when the share grows", id)
			}
			if was = now; now {
				counts[j]++
			}
		}
	}
	if counts[0] != 0 || counts[1] < 20 || counts[1] > 60 || counts[2] < 160 || counts[2] > 240 || counts[3] != 400 {
		t.Fatal(counts)
	}
}

func TestHoldoutGoesToPeopleAtOnce(t *testing.T) {
	t.Parallel()
	set := newSet(t, shopFlows(), orderSlot(), topicSlot())
	set.Holdout = 1
	relink(t, set)
	c := talk(t, set).user("where is my parcel AB123456").says("bot: Thanks for your message. Our team will reply here.", "handoff general holdout holdout")
	if !c.st.Holdout || c.st.Owner != "queue" || c.st.Flow != "" || c.trace.Error != "" {
		t.Fatalf("%+v", c.st)
	}
	if held, err := Evaluate(set, c.st, c.w, x("conversation.holdout")); held != true || err != nil {
		t.Fatal(held, err)
	}
	talk(t, set).user("agent").says("bot: Thanks for your message.*", "handoff general holdout holdout")
	talk(t, set).user("stop").says("bot: OK*", "resolve stopped")
	talk(t, set).event(Event{Kind: EvStart, Opening: true}).says("bot: Thanks for your message.*", "handoff general holdout holdout")
	held := 0
	set.Holdout = 0.05
	for i := range 2000 {
		if HeldOut(set, fmt.Sprint("contact", i)) {
			held++
		}
	}
	if held < 60 || held > 140 {
		t.Fatal(held)
	}
}

func TestShadowComputesTheFirstTurnAndSaysNothing(t *testing.T) {
	t.Parallel()
	flows := shopFlows()
	flows[0].Shadow = true
	set := linkedSet(t, flows, orderSlot(), topicSlot(), slot(&Slot{Name: "details", Type: SlotText}))
	c := talk(t, set).user("where is my parcel AB123456")
	c.says("bot: Thanks for your message. Our team will reply here.", "handoff general shadow shadow")
	h := c.out[len(c.out)-1].(Handoff)
	if h.Shadow == nil || h.Shadow.Topic != "order" || len(h.Shadow.Said) != 3 || h.Shadow.Flow != "welcome" || h.Shadow.State != "more" || h.Shadow.Queue != "" {
		t.Fatalf("%+v", h.Shadow)
	}
	if c.st.Flow != "" || len(c.st.Path) != 0 || c.st.Hand == nil || c.st.Hand.Question != nil || len(c.timers()) != 0 {
		t.Fatalf("%+v", c.st)
	}
	c.slot("order_number", "AB123456").slot("topic", "order")
	c.event(Event{Kind: EvReturned}).says()

	talk(t, set).user("something else please, number four or so")
	flows = shopFlows()
	flows[0].Shadow, flows[0].States["menu"].Exit = true, nil
	flows[0].States["start"] = &StateDef{Flow: "welcome", Name: "start", Say: says("Hi"), Exit: hand("orders")}
	c = talk(t, linkedSet(t, flows, orderSlot(), topicSlot())).user("hello").says("bot: Thanks for your message.*", "handoff general shadow shadow")
	if h := c.out[len(c.out)-1].(Handoff); h.Shadow.Queue != "orders" {
		t.Fatalf("%+v", h.Shadow)
	}
	flows = shopFlows()
	flows[0].Shadow = true
	flows[0].States["start"] = &StateDef{Flow: "welcome", Name: "start", Say: says("Hi {{ 1 / 0 }}"), Exit: to("welcome.menu")}
	talk(t, linkedSet(t, flows, orderSlot(), topicSlot())).user("hello").says("bot: Thanks for your message.*", "handoff general shadow shadow")
}
