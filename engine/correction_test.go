package engine

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// parcels is the retailer of language.md 10: an order number, a postcode and a
// look-up, two calls deep, and what follows from its result.
func parcels(t testing.TB) *Set {
	t.Helper()
	postcode := slot(&Slot{Name: "postcode", Type: SlotText, Clean: []string{"upper"}, Pattern: `[A-Z0-9 ]{5,8}`})
	return linkedSet(t, parcelFlows(), orderSlot(), topicSlot(), postcode, slot(&Slot{Name: "size", Type: SlotChoice, Called: []string{"size"}, Values: []SlotValueName{{ID: "small"}, {ID: "large"}}}), slot(&Slot{Name: "note", Type: SlotText}), slot(&Slot{Name: "pet", Type: SlotText}))
}

func parcelFlows() []*Flow {
	welcome := flow("welcome", states{
		"start": {Say: says("Hi."), Exit: to("welcome.menu")},
		"menu": {Ask: tx("What is it about?"), Save: "topic", Options: []*Option{
			opt("order", "My order", call("service", to("welcome.more")), "parcel"),
			opt("return", "A return", to("welcome.size"), "refund"),
		}},
		"size": {Collect: &Collect{Slot: "size", Ask: tx("Which size?")}, Exit: to("welcome.note")},
		"note": {Collect: &Collect{Slot: "note", Ask: tx("Anything to add?")}, Tag: []*Text{tx("size:{{ slots.size ?? '' }}"), tx("noted")}, Exit: to("welcome.more")},
		"more": {Ask: tx("Is there anything else?"), Options: []*Option{opt("yes", "Yes", to("welcome.menu")), opt("no", "No", to("welcome.bye"))}},
		"bye":  {Say: says("Bye."), Exit: closes("done")},
	})
	service := flow("service", states{"start": {Exit: call("track", back("done"))}})
	track := flow("track", states{
		"start":    {Collect: &Collect{Slot: "order_number", Ask: tx("What's your order number?"), GiveUp: closes("gave_up")}, Exit: to("track.verify")},
		"verify":   {Say: says("Thanks."), Collect: &Collect{Slot: "postcode", Ask: tx("And the postcode?")}, Exit: to("track.look_up")},
		"look_up":  {HTTP: orderLookup(), Exit: branch(arm(`order.status == "late"`, to("track.late")), arm("", to("track.there")))},
		"there":    {Ask: tx("It was delivered. Did you get it?"), Options: []*Option{opt("yes", "Yes", back("found")), opt("no", "No", to("track.late"))}},
		"late":     {Say: says("Sorry, {{ slots.order_number }} is {{ order.status }}."), Exit: back("found")},
		"not_here": {Say: says("I couldn't find {{ slots.order_number }}."), Exit: back("lost")},
	})
	return []*Flow{welcome, service, track}
}

func orderLookup() *Lookup {
	return &Lookup{
		Service: "shop", Method: "get", Path: tx("/orders/{{ slots.order_number }}"), Save: "order",
		Returns: []LookupField{{Name: "status", Type: SlotText}},
		On:      map[string]*Exit{"404": to("track.not_here")},
	}
}

func branch(arms ...Arm) *Exit { return &Exit{Kind: ExitBranch, Arms: arms} }

func arm(cond string, exit *Exit) Arm {
	if cond == "" {
		return Arm{Exit: exit}
	}
	return Arm{If: x(cond), Exit: exit}
}

// comes answers the look-up that is open.
func (c *chat) comes(status int, body string) *chat {
	c.t.Helper()
	if c.st.Waiting == nil {
		c.t.Fatalf("no look-up is open; trace %+v", c.trace)
	}
	return c.event(Event{Kind: EvLookup, Lookup: &LookupResult{ID: c.st.Waiting.ID, Status: status, Body: json.RawMessage(body)}})
}

// requests are the paths of the look-ups that the last step asked for.
func (c *chat) requests() string {
	var out []string
	for _, e := range c.out {
		if call, ok := e.(Call); ok {
			out = append(out, call.Path)
		}
	}
	return strings.Join(out, " ")
}

func (c *chat) calls(want string) *chat {
	c.t.Helper()
	if got := c.requests(); got != want {
		c.t.Fatalf("requests %q, want %q; trace %+v", got, want, c.trace)
	}
	return c
}

// delivered stands at "Did you get it?", two calls deep.
func delivered(t testing.TB, set *Set) *chat {
	t.Helper()
	c := talk(t, set).user("hello").user("1").says("bot: What's your order number?").user("AB123456").says("bot: Thanks.", "bot: And the postcode?")
	c.user("SW1A 1AA").calls("/orders/AB123456").comes(200, `{"status":"delivered"}`).says("bot: It was delivered. Did you get it? [Yes|No]")
	return c
}

func TestCorrectionWithItsValueLooksUpAgain(t *testing.T) {
	t.Parallel()
	c := delivered(t, parcels(t)).user("xyzzy").user("sorry, wrong order number, it's AB999999")
	c.says().calls("/orders/AB999999").slot("order_number", "AB999999").slot("postcode", "SW1A 1AA").at("track.look_up")
	same, gone := *c, *c
	same.comes(200, `{"status":"delivered"}`).says("bot: It was delivered. Did you get it? [Yes|No]").at("track.there")
	if q := same.st.Question; q.Misses != 0 || len(same.st.Stack) != 2 || same.st.Replay != nil {
		t.Fatalf("%+v %+v", q, same.st)
	}
	same.tap("yes", 0).says("bot: Is there anything else?*").at("welcome.more")
	c.comes(200, `{"status":"late"}`).says("bot: Sorry, AB999999 is late.", "bot: Is there anything else? [Yes|No]")
	gone.comes(404, ``).says("bot: I couldn't find AB999999.", "bot: Is there anything else? [Yes|No]")
}

func TestCorrectionWithoutValueGoesBackToItsQuestion(t *testing.T) {
	t.Parallel()
	c := delivered(t, parcels(t)).user("the order number is wrong").says("bot: What's your order number?").at("track.start")
	if len(c.st.Stack) != 2 || c.st.Question.Tries != 0 {
		t.Fatalf("%+v", c.st)
	}
	tries, away := *c, *c
	c.user("AB999999").says().calls("/orders/AB999999").comes(200, `{"status":"delivered"}`).says("bot: It was delivered.*").at("track.there")
	tries.user("12").says("bot: Sorry, that doesn't look right.*").user("13").user("14").says("resolve gave_up").slot("order_number", nil)
	away.user("agent").says("bot: Thanks.*", "handoff general asked_for_person asked_for_person").slot("order_number", "AB123456")
	away.event(Event{Kind: EvReturned}).says("bot: What's your order number?").user("AB999999").says("bot: Thanks.").calls("/orders/AB999999")
}

func TestCorrectionRunsNoLookupThatDoesNotDepend(t *testing.T) {
	t.Parallel()
	set := parcels(t)
	c := delivered(t, set).user("sorry the postcode is wrong, it is EC1A 1BB")
	c.says("bot: And the postcode?")                                                                                  // several windows of it fit: asked again
	c.user("EC1A 1BB").calls("").says("bot: It was delivered. Did you get it? [Yes|No]").slot("postcode", "EC1A 1BB") // not in the request
	set.Flows["track"].States["look_up"].HTTP.Query = []LookupParam{{Name: "postcode", Text: tx("{{ slots.postcode }}")}}
	c.user("change the postcode").user("EC2A 2BB").calls("/orders/AB123456?postcode=EC2A+2BB")
}

func TestCorrectionOfAChoice(t *testing.T) {
	t.Parallel()
	start := func() *chat {
		return talk(t, parcels(t)).user("hello").user("2").user("small").says("bot: Anything to add?")
	}
	c := start().user("actually change the size").says("bot: Which size? [small|large]").at("welcome.size")
	c.user("2").says("bot: Anything to add?").slot("size", "large")
	if !slices.Contains(c.st.Tags, "size:large") {
		t.Fatalf("a tag that names the slot is not set again: %v", c.st.Tags)
	}
	start().user("wrong size, large please").says("bot: Anything to add?").slot("size", "large")
	start().user("wrong size, not small but large").says("bot: Anything to add?").slot("size", "large")
}

func TestCorrectionOfAnOptionThatWasSaved(t *testing.T) {
	t.Parallel()
	c := delivered(t, parcels(t)).user("wrong topic").says("bot: What is it about? [My order|A return]").at("welcome.menu")
	same := *c
	same.user("1").calls("").says("bot: It was delivered.*").at("track.there")
	if len(same.st.Stack) != 2 {
		t.Fatalf("%+v", same.st.Stack)
	}
	c.user("2").says("bot: Which size? [small|large]").slot("topic", "return").at("welcome.size")
	delivered(t, parcels(t)).user("change the topic to a refund").says("bot: Which size? [small|large]").slot("topic", "return")
}

func TestCorrectionGoesAnotherWay(t *testing.T) {
	t.Parallel()
	set := linkedSet(t, []*Flow{flow("a", states{
		"start": {Collect: &Collect{Slot: "age", Ask: tx("How old?")}, Exit: to("a.name")},
		"name":  {Collect: &Collect{Slot: "pet", Ask: tx("Pet?")}, Say: says("Noted."), Exit: branch(arm("slots.age < 18", to("a.young")), arm(`slots.pet == "cat"`, to("a.q")), arm("", closes("no_cat")))},
		"young": {Say: says("You are {{ slots.age }}."), Ask: tx("May we?"), Options: []*Option{opt("yes", "Yes", closes("young"))}},
		"q":     {Ask: tx("Else?"), Options: []*Option{opt("no", "No", closes("done"))}},
	})}, slot(&Slot{Name: "age", Type: SlotNumber, Pattern: `\d+`}), slot(&Slot{Name: "pet", Type: SlotText}))
	c := talk(t, set).user("hi").user("30").says("bot: Noted.", "bot: Pet?").user("cat").says("bot: Else? [No]")
	c.user("wrong age, it is 40").says("bot: Else? [No]").slot("age", 40.0)
	c.user("wrong age, it is 4").says("bot: You are 4.", "bot: May we? [Yes]").at("a.young")
}

func TestTwoSlotsNamedInOneCorrection(t *testing.T) {
	t.Parallel()
	set := parcels(t)
	set.Slots["postcode"].called = []string{"number"}
	c := delivered(t, set).user("the number was wrong: AB777777").says("bot: Which one is it? [order number|postcode]")
	c.user("1").says().calls("/orders/AB777777").slot("order_number", "AB777777")
	longer := parcels(t)
	longer.Slots["postcode"].called = []string{"number"}
	delivered(t, longer).user("the order number was wrong: AB777777").calls("/orders/AB777777")
}

func TestCorrectionOfASlotFoundAhead(t *testing.T) {
	t.Parallel()
	c := talk(t, parcels(t)).user("my parcel AB123456 is late please help me now").says("bot: Hi.", "bot: Thanks.", "bot: And the postcode?")
	if c.st.Slots["order_number"].How != "found" {
		t.Fatalf("%+v", c.st.Slots)
	}
	given := *c
	given.user("sorry wrong order number, AB999999").says("bot: And the postcode?").slot("order_number", "AB999999")
	c.user("the order number is wrong").says("bot: What's your order number?").at("track.start")
	c.user("AB999999").says("bot: And the postcode?").slot("order_number", "AB999999").at("track.verify")

	early := talk(t, parcels(t)).user("hello AB123456").says("bot: Hi.", "bot: What is it about?*")
	early.user("the order number is wrong").says("bot: What's your order number?").at("welcome.menu")
	early.user("AB999999").says("bot: What is it about? [My order|A return]").slot("order_number", "AB999999")

	nowhere := linkedSet(t, []*Flow{flow("a", states{"start": {Ask: tx("Well?"), Options: []*Option{opt("x", "X", closes("x"))}}})}, orderSlot())
	talk(t, nowhere).user("hello AB123456").user("wrong order number").says("bot: What should it be?").user("AB999999").says("bot: Well? [X]").slot("order_number", "AB999999")
}

func TestEditOfAMessageIsACorrection(t *testing.T) {
	t.Parallel()
	edit := func(c *chat, slot, text string) *chat {
		return c.event(Event{Kind: EvMessage, Edited: true, Seq: c.st.Slots[slot].Seq, Text: text})
	}
	c := delivered(t, parcels(t))
	same, other := *c, *c
	edit(c, "order_number", "AB999999").says().calls("/orders/AB999999").slot("order_number", "AB999999")
	edit(&same, "order_number", "AB 123456").says().calls("")
	edit(&other, "topic", "refund").says("bot: Which size? [small|large]").slot("topic", "return")

	waiting := talk(t, parcels(t)).user("hello").user("1").user("AB123456").user("SW1A 1AA").calls("/orders/AB123456")
	first := waiting.st.Waiting.ID
	free := *waiting
	edit(waiting, "order_number", "AB999999").calls("/orders/AB999999")
	if waiting.st.Waiting.ID == first {
		t.Fatal("the first look-up is still waited for")
	}
	waiting.comes(200, `{"status":"late"}`).says("bot: Sorry, AB999999 is late.", "bot: Is there anything else?*")
	edit(&free, "postcode", "EC1A 1BB").calls("").slot("postcode", "EC1A 1BB")
	if free.st.Waiting == nil || free.st.Waiting.ID != first {
		t.Fatalf("%+v", free.st.Waiting)
	}
	free.comes(200, `{"status":"late"}`).says("bot: Sorry, AB123456 is late.", "bot: Is there anything else?*")
}

func TestTagsAndTextsThatDependAreDoneAgain(t *testing.T) {
	t.Parallel()
	set := linkedSet(t, []*Flow{flow("a", states{
		"start": {Collect: &Collect{Slot: "n", Ask: tx("How many?")}, Exit: to("a.work")},
		"work": {
			Set: []SetSlot{{Slot: "double", Expr: x("slots.n * 2")}, {Slot: "fixed", Value: "once"}},
			Tag: []*Text{tx("many:{{ slots.double }}"), tx("seen")}, Say: says("Noted.", "That makes {{ slots.double }}.", "{{ canned.sum }}"), Exit: to("a.q"),
		},
		"q": {Say: says("Now."), Ask: tx("Else, with {{ slots.n }}?"), Options: []*Option{opt("no", "No", closes("done"))}},
	})}, slot(&Slot{Name: "n", Type: SlotNumber, Pattern: `\d+`, Called: []string{"count"}}), slot(&Slot{Name: "double", Type: SlotNumber}), slot(&Slot{Name: "fixed", Type: SlotText}))
	set.Canned["sum"] = &Canned{Name: "sum", Text: tx("In sum {{ slots.n }}.")}
	c := talk(t, set).user("hi").user("2").says("bot: Noted.", "bot: That makes 4.", "bot: In sum 2.", "bot: Now.", "bot: Else, with 2? [No]")
	fixed := c.st.Slots["fixed"].Seq
	c.user("wrong count, 5").says("bot: That makes 10.", "bot: In sum 5.", "bot: Else, with 5? [No]").slot("double", 10.0)
	if !slices.Contains(c.st.Tags, "many:10") || c.st.Slots["fixed"].Seq != fixed {
		t.Fatalf("%v %+v", c.st.Tags, c.st.Slots)
	}
}

func TestCorrectionInsideACorrection(t *testing.T) {
	t.Parallel()
	ask := func() *chat {
		return delivered(t, parcels(t)).user("the order number is wrong").says("bot: What's your order number?")
	}
	later := ask().user("change the postcode").says("bot: What's your order number?").slot("postcode", nil)
	later.user("AB999999").says("bot: And the postcode?").at("track.verify").user("EC1A 1BB").calls("/orders/AB999999")

	before := ask().user("actually wrong topic, a refund").says("bot: Which size? [small|large]").slot("order_number", nil)
	if before.st.Replay != nil {
		t.Fatalf("%+v", before.st.Replay)
	}
	twice := ask().user("AB999999").comes(200, `{"status":"delivered"}`).says("bot: It was delivered.*")
	twice.user("wrong order number: AB555555").calls("/orders/AB555555").comes(200, `{"status":"late"}`).says("bot: Sorry, AB555555 is late.", "*")
	if got := len(twice.st.Stack); got != 0 {
		t.Fatal(got)
	}
}

// A mention beside a correction leaves it where it is.
func TestAMentionBesideACorrection(t *testing.T) {
	t.Parallel()
	pub := flow("public_reply", states{"start": {Say: says("Thank you!"), Exit: back("")}})
	pub.On = []string{"public"}
	set := newSet(t, append(parcelFlows(), pub), orderSlot(), topicSlot(), slot(&Slot{Name: "postcode", Type: SlotText}), slot(&Slot{Name: "size", Type: SlotChoice}), slot(&Slot{Name: "note", Type: SlotText}))
	set.Start = []StartRule{{If: x("entry.public"), Flow: "public_reply"}, {Flow: "welcome"}}
	c := delivered(t, relink(t, set)).user("the order number is wrong")
	c.w.Entry = EntryNow{Public: true, Source: "public"}
	c.event(Event{Kind: EvMention, Text: "@acme love it"}).says("bot: Thank you!").at("track.start")
	c.w.Entry = EntryNow{}
	c.user("AB999999").says().calls("/orders/AB999999").comes(200, `{"status":"delivered"}`).says("bot: It was delivered.*")
}

func TestCorrectionOfAContactSlot(t *testing.T) {
	t.Parallel()
	set := parcels(t)
	set.Slots["order_number"].Contact = true
	c := delivered(t, set).user("wrong order number, it's AB999999").calls("/orders/AB999999")
	changes := 0
	for _, e := range c.out {
		if s, ok := e.(SetContact); ok && s.Slots["order_number"].Value == "AB999999" {
			changes++
		}
	}
	if changes != 1 {
		t.Fatalf("%+v", c.out)
	}
}

// What was collected longer ago than the path is kept is asked on its own.
func TestCorrectionOfWhatIsOlderThanThePath(t *testing.T) {
	t.Parallel()
	set := linkedSet(t, []*Flow{flow("a", states{
		"start": {Collect: &Collect{Slot: "n", Ask: tx("How many?")}, Exit: to("a.loop")},
		"loop":  {Say: says("With {{ slots.n }}."), Ask: tx("Again?"), Options: []*Option{opt("yes", "Yes", to("a.loop"))}},
	})}, slot(&Slot{Name: "n", Type: SlotNumber, Pattern: `\d+`, Called: []string{"count"}}))
	c := talk(t, set).user("hi").user("2")
	kept := *c
	for range 20 {
		kept.user("yes")
	}
	kept.user("wrong count, 5").says("bot: With 5.", "bot: Again? [Yes]").slot("n", 5.0)
	for range 70 {
		c.user("yes")
	}
	c.user("wrong count, 5").says("bot: Again? [Yes]").slot("n", 5.0)
	c.user("change the count").says("bot: How many?").at("a.loop").user("7").says("bot: Again? [Yes]").slot("n", 7.0)
	c.user("yes").says("bot: With 7.", "bot: Again? [Yes]")
}

// A handoff in between is walked over by nobody: the value is taken and the
// open question asked.
func TestCorrectionDoesNotGoBackBehindAPerson(t *testing.T) {
	t.Parallel()
	c := delivered(t, parcels(t)).user("agent").event(Event{Kind: EvReturned}).says("bot: It was delivered.*")
	c.user("wrong order number, AB999999").calls("").says("bot: It was delivered.*").slot("order_number", "AB999999")
	c.user("wrong order number").says("bot: What's your order number?").at("track.there")
}

// Side trips and old buttons are no part of the way that is walked again.
func TestCorrectionWalksTheWayThatCounts(t *testing.T) {
	t.Parallel()
	flows := append(parcelFlows(), flow("hours", states{"start": {Say: says("8 to 8."), Exit: back("")}}))
	set := newSet(t, flows, orderSlot(), topicSlot(), slot(&Slot{Name: "postcode", Type: SlotText}), slot(&Slot{Name: "size", Type: SlotChoice, Values: []SlotValueName{{ID: "small"}, {ID: "large"}}}), slot(&Slot{Name: "note", Type: SlotText}))
	set.Everywhere = []*Escape{{Name: "hours", Match: map[string][]string{"en": {"opening hours"}}, Exit: call("hours", nil)}}
	if err := set.Link(); err != nil {
		t.Fatal(err)
	}
	c := talk(t, set).user("hello").user("1").user("AB123456").user("opening hours").says("bot: 8 to 8.", "bot: And the postcode?").user("here").comes(200, `{"status":"delivered"}`)
	c.user("wrong order number, AB999999").says().calls("/orders/AB999999").comes(200, `{"status":"delivered"}`).says("bot: It was delivered.*").at("track.there")

	asked := *c
	asked.user("wrong order number").user("opening hours").says("bot: 8 to 8.", "bot: What's your order number?").user("AB888888").says().calls("/orders/AB888888")

	c.tap("return", len(c.asked)-1).says("bot: Which size?*").user("small").says("bot: Anything to add?")
	c.user("wrong order number, AB777777").says("bot: Anything to add?").calls("").slot("order_number", "AB777777") // that way was left
	c.user("wrong size, large").says("bot: Anything to add?").slot("size", "large")
}
