package engine

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

// parcel is an order's look-up: what a shop would answer.
func parcel(on map[string]*Exit, otherwise *Exit) *Lookup {
	return &Lookup{
		Service: "shop", Method: "get", Path: tx("/orders/{{ slots.order_number }}"), Query: []LookupParam{{"postcode", tx("{{ slots.postcode }}")}, {"lang", tx("{{ contact.language }}")}},
		Save: "order", Retry: 1, On: on, OnElse: otherwise,
		Returns: []LookupField{
			{Name: "status", Type: SlotChoice, Values: []string{"packing", "shipped"}}, {Name: "eta", Type: SlotDate, Optional: true}, {Name: "carrier", Type: SlotText, Optional: true},
			{Name: "items", Type: SlotList, Optional: true}, {Name: "total", Type: SlotNumber, Optional: true}, {Name: "paid", Type: SlotYesNo, Optional: true},
			{Name: "to", Type: "map", Optional: true, Fields: []LookupField{{Name: "city", Type: SlotText}, {Name: "since", Type: SlotDate, Optional: true}}},
		},
	}
}

// tracking asks for a number, looks the order up and says how it stands.
func tracking(t testing.TB, h *Lookup, extra ...*Flow) *Set {
	t.Helper()
	return relinked(t, trackingUnlinked(t, h, extra...))
}

func relinked(t testing.TB, s *Set) *Set {
	t.Helper()
	if err := s.Link(); err != nil {
		t.Fatal(err)
	}
	return s
}

func trackingUnlinked(t testing.TB, h *Lookup, extra ...*Flow) *Set {
	t.Helper()
	f := flow("track", states{
		"start":  {Collect: &Collect{Slot: "order_number", Ask: tx("Number?")}, Exit: to("track.look")},
		"look":   {HTTP: h, Typing: true, Exit: &Exit{Kind: ExitBranch, Arms: []Arm{{If: x(`order.status == "shipped" and order.eta != nil and order.eta < now()`), Exit: to("track.late")}, {Exit: to("track.fine")}}}},
		"late":   {Say: says("Late since {{ order.eta | day() }} with {{ order.carrier ?? 'our courier' }}."), Exit: to("track.more")},
		"fine":   {Say: says("It is {{ order.status }}, {{ order.items ?? 'no items' }}, {{ order.total ?? 0 }}, {{ order.to.city ?? 'nowhere' }}."), Exit: to("track.more")},
		"more":   {Ask: tx("More?"), Options: []*Option{opt("again", "Again", to("track.look")), opt("bye", "Bye", closes("done"))}},
		"gone":   {Say: says("No such order."), Forget: []string{"order_number"}, Exit: to("track.start")},
		"broken": {Say: says("Our system is down. {{ order?.status ?? 'nothing known' }}."), Exit: hand("orders")},
	})
	return newSet(t, append([]*Flow{f}, extra...), orderSlot(), slot(&Slot{Name: "postcode", Type: SlotText}))
}

func called(t testing.TB, c *chat) Call {
	t.Helper()
	for _, e := range c.out {
		if call, ok := e.(Call); ok {
			return call
		}
	}
	t.Fatalf("no look-up in %+v", c.out)
	return Call{}
}

// answer sends what became of the open look-up.
func (c *chat) answer(r LookupResult) *chat {
	c.t.Helper()
	if c.st.Waiting == nil {
		c.t.Fatalf("nothing is looked up: %+v", c.trace)
	}
	r.ID = c.st.Waiting.ID
	return c.event(Event{Kind: EvLookup, Lookup: &r})
}

func (c *chat) ok(body string) *chat {
	c.t.Helper()
	return c.answer(LookupResult{Status: 200, Body: json.RawMessage(body)})
}

// steps are the edges of the last step, in order.
func (c *chat) steps() string {
	var out []string
	for _, s := range c.trace.Steps {
		if s.What == "edge" {
			out = append(out, s.Edge)
		}
	}
	return strings.Join(out, " ")
}

func (c *chat) took(edges string) *chat {
	c.t.Helper()
	if got := c.steps(); got != edges {
		c.t.Fatalf("took %q, want %q; trace %+v", got, edges, c.trace)
	}
	return c
}

func TestLookupIsAnEffectAndItsResultAnEvent(t *testing.T) {
	t.Parallel()
	c := talk(t, tracking(t, parcel(nil, to("track.broken")))).user("hi").user("AB123456")
	c.says().at("track.look")
	call := called(t, c)
	if call.Path != "/orders/AB123456?lang=en" || call.Method != "get" || call.Service != "shop" || call.Retry != 1 || !call.Typing || call.ID == "" || call.Body != nil || call.Rule != "track.look:1" {
		t.Fatalf("%+v", call)
	}
	if len(c.timers()) != 0 || c.st.Question != nil || c.st.Waiting.ID != call.ID || c.st.Posted != 0 {
		t.Fatalf("%+v %+v", c.timers(), c.st)
	}
	cancelled := map[string]bool{}
	for _, e := range c.out {
		if e, ok := e.(CancelTimers); ok {
			cancelled[e.Prefix] = true
		}
	}
	if !cancelled[timerSilence] || !cancelled[timerIdle] {
		t.Fatalf("a wait for a look-up has no silence: %+v", c.out)
	}
	c.timer(timerIdle, 100*time.Hour).says()
	c.w.Now = friday
	c.answer(LookupResult{Status: 200, Returns: call.Returns, Body: json.RawMessage(`{"status":"shipped","eta":"2026-11-18","carrier":"DPD","secret":"unseen"}`)})
	c.says("bot: Late since Wednesday 18 November with DPD.", "bot: More? [Again|Bye]").took("http:ok branch:0 next")
	if !c.out[0].(Say).Typing || c.st.Waiting != nil || c.timers()[timerIdle] == 0 {
		t.Fatalf("%+v", c.out)
	}
	if _, seen := c.st.Lookups["order"].Value["secret"]; seen {
		t.Fatal("a field nobody asked for was kept")
	}
}

func TestResultsSurviveTheSavedState(t *testing.T) {
	t.Parallel()
	c := talk(t, tracking(t, parcel(nil, to("track.broken")))).user("hi").user("AB123456")
	c.ok(`{"status":"packing","items":["a","b"],"total":12.5,"paid":true,"to":{"city":"Kyiv","since":"2026-11-01T08:00:00Z"}}`)
	c.says("bot: It is packing, a and b, 12.5, Kyiv.", "bot: More?*")
	raw, err := EncodeState(c.st)
	if err != nil {
		t.Fatal(err)
	}
	st, err := DecodeState(raw)
	if err != nil {
		t.Fatal(err)
	}
	for src, want := range map[string]any{
		`order.to.since < now()`: true, `order.items`: []string{"a", "b"}, `"b" in order.items`: true, `order.paid`: true, `order.eta`: nil, `order.eta == nil`: true,
		`order.to?.since | days_since()`: 19.0, `order["status"]`: "packing", `empty(order)`: false, `nothing`: nil, `order.to.city + "!"`: "Kyiv!",
	} {
		got, err := Evaluate(c.set, st, c.w, x(src))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s = %#v, %v; want %#v", src, got, err, want)
		}
	}
	// The same look-up again replaces the result; a failure leaves none.
	c.user("again").ok(`{"status":"shipped"}`).says("bot: It is shipped, no items, 0, nowhere.", "bot: More?*")
	c.user("again").answer(LookupResult{Status: 500}).says("bot: Our system is down. nothing known.", "bot: Thanks.*", "handoff orders service_error broken").took("http:else handoff")
}

func TestOrderOfDecidingALookup(t *testing.T) {
	t.Parallel()
	mark := func(name string) *Exit { return to("track." + name) }
	all := map[string]*Exit{"404": mark("e404"), "4xx": mark("e4xx"), "5xx": mark("e5xx"), "timeout": mark("etimeout"), "refused": mark("erefused"), "invalid": mark("einvalid")}
	set := func(t *testing.T, on map[string]*Exit, otherwise *Exit) *Set {
		sts := states{"start": {HTTP: parcel(on, otherwise), Exit: to("track.eok")}}
		for _, n := range []string{"eok", "e404", "e4xx", "e5xx", "etimeout", "erefused", "einvalid", "eelse"} {
			sts[n] = &StateDef{Say: says(n), Exit: closes("done")}
		}
		return linkedSet(t, []*Flow{flow("track", sts)}, orderSlot(), slot(&Slot{Name: "postcode", Type: SlotText}))
	}
	fine := json.RawMessage(`{"status":"packing"}`)
	for _, tc := range []struct {
		r          LookupResult
		says, edge string
	}{
		{LookupResult{Status: 200, Body: fine}, "eok", "http:ok"},
		{LookupResult{Status: 299, Body: fine}, "eok", "http:ok"},
		{LookupResult{Status: 404, Body: fine}, "e404", "http:404"},
		{LookupResult{Status: 410}, "e4xx", "http:4xx"},
		{LookupResult{Status: 503}, "e5xx", "http:5xx"},
		{LookupResult{Status: 302}, "eelse", "http:else"},
		{LookupResult{Fail: "timeout"}, "etimeout", "http:timeout"},
		{LookupResult{Fail: "refused"}, "erefused", "http:refused"},
		{LookupResult{Fail: "invalid"}, "einvalid", "http:invalid"},
		{LookupResult{Status: 200, Body: json.RawMessage(`{"status":"lost"}`)}, "einvalid", "http:invalid"},
		{LookupResult{Status: 200, Body: json.RawMessage(`{}`)}, "einvalid", "http:invalid"},
		{LookupResult{Status: 200}, "einvalid", "http:invalid"},
	} {
		c := talk(t, set(t, all, mark("eelse"))).user("hi").answer(tc.r)
		c.says("bot: "+tc.says, "resolve done")
		if !strings.HasPrefix(c.steps(), tc.edge+" ") {
			t.Errorf("%+v took %s, want %s", tc.r, c.steps(), tc.edge)
		}
	}
	// Without an exit for it: a person, and the cause says why.
	talk(t, set(t, map[string]*Exit{"404": mark("e404")}, nil)).user("hi").answer(LookupResult{Fail: "refused"}).says("bot: Thanks. Someone*", "handoff general service_error service_error").took("http:else handoff")
	talk(t, set(t, nil, mark("eelse"))).user("hi").answer(LookupResult{Status: 404}).says("bot: eelse", "resolve done")
}

func TestWhatDoesNotFitIsInvalid(t *testing.T) {
	t.Parallel()
	h := parcel(nil, nil)
	tn := &turn{set: &Set{Timezone: time.UTC}}
	for body, fits := range map[string]bool{
		`{"status":"packing"}`: true, `{"status":"packing","eta":null}`: true, `{"status":null}`: false, `{"status":"gone"}`: false, `{"status":1}`: false, `[]`: false, `"x"`: false, `null`: false, ``: false, `{"status"`: false,
		`{"status":"packing","eta":"18/11/2026"}`: false, `{"status":"packing","eta":"2026-11-18T10:00:00+01:00"}`: true, `{"status":"packing","eta":"2026-11-18T10:00"}`: true, `{"status":"packing","eta":1}`: false,
		`{"status":"packing","total":"12"}`: false, `{"status":"packing","total":-1e3}`: true, `{"status":"packing","paid":"yes"}`: false, `{"status":"packing","items":["a",1]}`: false, `{"status":"packing","items":[]}`: true, `{"status":"packing","items":"a"}`: false,
		`{"status":"packing","carrier":7}`: false, `{"status":"packing","to":{}}`: false, `{"status":"packing","to":{"city":"x"}}`: true, `{"status":"packing","to":[]}`: false,
	} {
		if _, ok := tn.readResult(h.Returns, json.RawMessage(body)); ok != fits {
			t.Errorf("%s fits: %v", body, ok)
		}
	}
	if v, ok := tn.readResult(nil, nil); !ok || len(v) != 0 {
		t.Error("where nothing is wanted anything fits")
	}
	v, _ := tn.readResult(h.Returns, json.RawMessage(`{"status":"packing","carrier":"a\u0000date:b"}`))
	if v["carrier"] != "adate:b" {
		t.Errorf("%q", v["carrier"])
	}
}

func TestAnAddressHoldsItsValues(t *testing.T) {
	t.Parallel()
	day := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	h := &Lookup{Service: "shop", Method: "get", Path: tx("/a b/{{ slots.one }}/ü/{{ slots.two }}?x={{ slots.one }}"), Query: []LookupParam{{"day", tx("{{ slots.day }}")}, {"no", tx("{{ slots.none }}")}, {"b l", tx("{{ contact.vip }}")}, {"tags", tx("{{ contact.tags }}")}, {"n", tx("{{ 1000 * 1.5 }}")}}}
	set := linkedSet(t, []*Flow{flow("a", states{"start": {HTTP: h, Exit: closes("done")}})}, slot(&Slot{Name: "one", Type: SlotText}), slot(&Slot{Name: "two", Type: SlotText}), slot(&Slot{Name: "day", Type: SlotDate}), slot(&Slot{Name: "none", Type: SlotText}))
	for two, want := range map[string]string{"x/y..": "x%2Fy..", "...": "...", "a&b=c#d": "a&b=c%23d", "é?": "%C3%A9%3F", "": ""} {
		c := talk(t, set)
		c.w.Contact.Tags = []string{"a", "b c"}
		c.st.Slots = map[string]SlotValue{"one": {Value: "q&r/s t"}, "two": {Value: two}, "day": {Value: day}}
		c.user("hi")
		if got, full := called(t, c).Path, "/a%20b/q&r%2Fs%20t/%C3%BC/"+want+"?x=q%26r%2Fs+t&day=2026-11-20&b+l=false&tags=a%2Cb+c&n=1500"; got != full {
			t.Errorf("%q:\n%s\n%s", two, got, full)
		}
	}
}

func TestABodyKeepsTypesAndOrder(t *testing.T) {
	t.Parallel()
	body := &JSONValue{IsMap: true, Map: []JSONEntry{
		{"z", &JSONValue{Text: tx("Order {{ slots.n }} of {{ slots.day }}")}}, {"n", &JSONValue{Expr: x("slots.n")}}, {"yes", &JSONValue{Expr: x("contact.vip")}}, {"none", &JSONValue{Expr: x("slots.nothing")}},
		{"day", &JSONValue{Expr: x("slots.day")}}, {"at", &JSONValue{Expr: x("now()")}}, {"list", &JSONValue{Expr: x("contact.tags")}}, {"photo", &JSONValue{Expr: x("slots.photo")}},
		{"items", &JSONValue{IsList: true, List: []*JSONValue{{Text: tx("a\"b")}, {IsMap: true}, {IsList: true}}}},
	}}
	set := linkedSet(t, []*Flow{flow("a", states{"start": {HTTP: &Lookup{Service: "shop", Method: "post", Path: tx("/x"), JSON: body}, Exit: closes("done")}})}, slot(&Slot{Name: "n", Type: SlotNumber}), slot(&Slot{Name: "day", Type: SlotDate}), slot(&Slot{Name: "photo", Type: SlotMedia}))
	c := talk(t, set)
	c.w.Contact.Tags = []string{"b2b"}
	c.st.Slots = map[string]SlotValue{"n": {Value: 3.0}, "day": {Value: time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)}, "photo": {Value: map[string]any{"kind": "image", "count": 2.0}}}
	c.user("hi")
	want := `{"z":"Order 3 of 20 November 2026","n":3,"yes":false,"none":null,"day":"2026-11-20","at":"2026-11-20T10:00:00Z","list":["b2b"],"photo":{"count":2,"kind":"image"},"items":["a\"b",{},[]]}`
	if got := string(called(t, c).Body); got != want {
		t.Fatalf("\n%s\n%s", got, want)
	}
	c.answer(LookupResult{Status: 204}).says("resolve done")
}

func TestMessagesWhileALookupIsOpen(t *testing.T) {
	t.Parallel()
	hours := flow("hours", states{"start": {Say: says("Always open."), Exit: back("")}})
	set := trackingUnlinked(t, parcel(nil, to("track.broken")), hours)
	set.Everywhere = []*Escape{
		{Name: "hours", Match: map[string][]string{"en": {"opening hours"}}, Exit: call("hours", nil)},
		{Name: "bye", Match: map[string][]string{"en": {"goodbye"}}, Exit: closes("bye")},
		{Name: "again", Match: map[string][]string{"en": {"another number"}}, Exit: to("track.start")},
	}
	set.Slots["postcode"].Find = `\b[a-z]{2}\d \d[a-z]{2}\b`
	relinked(t, set)
	open := func() *chat { return talk(t, set).user("hi").user("AB123456").at("track.look") }

	c := open()
	id := c.st.Waiting.ID
	c.user("are you still there? it goes to sw1 1aa").says().slot("postcode", "sw1 1aa")
	c.user("opening hours").says()
	if c.st.Waiting == nil || c.st.Waiting.ID != id || len(c.timers()) != 0 {
		t.Fatalf("%+v", c.st.Waiting)
	}
	c.event(Event{Kind: EvMessage, Media: []string{"image"}}).says()
	c.ok(`{"status":"packing"}`).says("bot: It is packing*", "bot: More?*")

	c = open()
	id = c.st.Waiting.ID
	late := Event{Kind: EvLookup, Lookup: &LookupResult{ID: id, Status: 200, Body: json.RawMessage(`{"status":"packing"}`)}}
	gone := *c
	gone.user("goodbye").says("resolve bye")
	gone.event(late).says()
	person := *c
	person.user("can i talk to a real person").says("bot: Thanks. Someone*", "handoff general asked_for_person asked_for_person")
	person.event(late).says()
	if len(person.st.Lookups) != 0 || person.st.Waiting != nil || person.trace.Steps[len(person.trace.Steps)-1].Value != "late" {
		t.Fatalf("%+v", person.trace)
	}
	stop := *c
	stop.user("stop").says("bot: OK, I'll stop here*", "resolve stopped")
	over := *c
	over.user("start over").says("bot: Number?").slot("order_number", nil)
	c.user("another number").at("track.look") // known already: looked up again, under another id
	if c.st.Waiting.ID == id {
		t.Fatal("two look-ups with one id")
	}
	c.event(late).says()
	if c.st.Waiting == nil || len(c.st.Lookups) != 0 {
		t.Fatalf("%+v", c.st)
	}
	c.ok(`{"status":"shipped"}`).says("bot: It is shipped*", "bot: More?*")
	c.event(late).says()
	if c.st.Lookups["order"].Value["status"] != "shipped" {
		t.Fatalf("%+v", c.st.Lookups)
	}
}

func TestATapWhileALookupIsOpenAnswersNothing(t *testing.T) {
	t.Parallel()
	c := talk(t, tracking(t, parcel(nil, nil))).user("hi").user("AB123456").ok(`{"status":"packing"}`).user("again").at("track.look")
	c.tap("bye", 0).says().at("track.look")
	c.event(Event{Kind: EvMessage, Text: "stop", Tap: &Tap{Record: json.RawMessage("forged"), Label: "stop"}}).says("bot: OK, I'll stop here*", "resolve stopped")
}

func TestPostedMarksQuestionsBeforeAChange(t *testing.T) {
	t.Parallel()
	h := parcel(nil, nil)
	h.Method = "post"
	c := talk(t, tracking(t, h)).user("hi")
	asked := c.st.Question.Number
	c.user("AB123456")
	if c.st.Posted < asked {
		t.Fatalf("%d < %d", c.st.Posted, asked)
	}
	c.ok(`{"status":"packing"}`)
	if c.st.Question.Number <= c.st.Posted {
		t.Fatalf("%+v %d", c.st.Question, c.st.Posted)
	}
}

func TestStartOverForgetsLookups(t *testing.T) {
	t.Parallel()
	c := talk(t, tracking(t, parcel(nil, nil))).user("hi").user("AB123456").ok(`{"status":"packing"}`)
	if c.user("start over").says("bot: Number?"); len(c.st.Lookups) != 0 {
		t.Fatalf("%+v", c.st.Lookups)
	}
}

func TestALookupBeforeAQuestionOfItsState(t *testing.T) {
	t.Parallel()
	h := parcel(nil, to("a.bad"))
	set := linkedSet(t, []*Flow{flow("a", states{
		"start": {Say: says("One moment."), HTTP: h, Ask: tx("It is {{ order.status }}. Fine?"), Options: []*Option{opt("yes", "Yes", nil), opt("no", "No", to("a.bad"))}, Exit: to("a.end")},
		"bad":   {Exit: hand("")},
		"end":   {Exit: closes("done")},
	})}, orderSlot(), slot(&Slot{Name: "postcode", Type: SlotText}))
	c := talk(t, set).user("yes").says("bot: One moment.").ok(`{"status":"packing"}`)
	c.says("bot: It is packing. Fine? [Yes|No]").took("http:ok").user("1").says("resolve done")
}

func TestTheShapeIsOfTheSetThatAsked(t *testing.T) {
	t.Parallel()
	set := tracking(t, parcel(nil, to("track.broken")))
	c := talk(t, set).user("hi").user("AB123456")
	asked := called(t, c)
	narrow := parcel(nil, to("track.broken"))
	narrow.Returns = []LookupField{{Name: "state", Type: SlotText}}
	edited := tracking(t, narrow)
	edited.ID = "set2"
	c.set = edited
	c.answer(LookupResult{Status: 200, Returns: asked.Returns, Body: json.RawMessage(`{"status":"packing"}`)})
	c.says("bot: It is packing*", "bot: More?*")

	c = talk(t, set).user("hi").user("AB123456")
	without := trackingUnlinked(t, parcel(nil, nil))
	without.ID = "set3"
	without.Flows["track"].States["look"].HTTP = nil
	without.Flows["track"].States["look"].Exit = to("track.more")
	c.set = relinked(t, without)
	c.answer(LookupResult{Status: 500, Returns: asked.Returns}).says("bot: More?*")
}

func TestCeilingsOfLookups(t *testing.T) {
	t.Parallel()
	h := &Lookup{Service: "s", Method: "get", Path: tx("/"), Save: "order", Returns: []LookupField{{Name: "status", Type: SlotText}}, On: map[string]*Exit{"invalid": to("track.broken")}}
	c := talk(t, tracking(t, h)).user("hi").user("AB123456")
	c.ok(`{"status":"`+strings.Repeat("x", 32<<10)+`"}`).says("bot: Our system is down*", "bot: *", "handoff*")

	kept := map[string]Looked{}
	for i := range 25 {
		kept[fmt.Sprint(i)] = Looked{Value: map[string]any{"a": "b"}, Visit: int64(i)}
	}
	dropOldest(kept)
	if _, newest := kept["24"]; len(kept) != 20 || !newest {
		t.Fatalf("%d kept", len(kept))
	}
	for i := range 3 {
		kept[fmt.Sprint(i+30)] = Looked{Value: map[string]any{"a": strings.Repeat("x", 30<<10)}, Visit: int64(i + 30)}
	}
	dropOldest(kept)
	if _, oldest := kept["30"]; oldest || len(kept) != 2 {
		t.Fatalf("%d kept", len(kept))
	}
}

func TestLookupsAreOutsideTheCapOfTheState(t *testing.T) {
	t.Parallel()
	st := State{Lookups: map[string]Looked{"a": {Value: map[string]any{"x": strings.Repeat("y", 30<<10)}}}, Path: []PathStep{{Flow: "f", Name: "s", Edge: "next"}}}
	raw, err := EncodeState(st)
	if err != nil || len(raw) < 30<<10 {
		t.Fatal(len(raw), err)
	}
	if back, err := DecodeState(raw); err != nil || len(back.Path) != 1 {
		t.Fatal(back.Path, err)
	}
}

func TestAPublicLookupRunsBesideThePrivateConversation(t *testing.T) {
	t.Parallel()
	post := flow("post", states{
		"start": {HTTP: &Lookup{Service: "s", Method: "get", Path: tx("/stock"), Save: "stock", OnElse: to("post.no")}, Say: nil, Exit: to("post.yes")},
		"yes":   {Say: says("We have it."), Exit: back("")},
		"no":    {Say: says("Write to us."), Exit: back("")},
	})
	post.On = []string{"public"}
	set := tracking(t, parcel(nil, to("track.broken")), post)
	set.Start = []StartRule{{If: x("entry.public"), Flow: "post"}, {Flow: "track"}}
	mention := Event{Kind: EvMention, Text: "@acme have you got it?"}

	fresh := talk(t, set)
	fresh.w.Entry = EntryNow{Public: true, Source: "public"}
	fresh.event(mention).says()
	if fresh.timers()[timerIdle] == 0 {
		t.Fatalf("nothing ends this wait: %+v", fresh.out)
	}
	fresh.ok(`{}`).says("bot: We have it.")
	if s := fresh.out[0].(Say); !s.Public || fresh.st.Flow != "" || fresh.st.Waiting != nil {
		t.Fatalf("%+v %+v", s, fresh.st)
	}
	fresh.w.Entry = EntryNow{Source: "public"}
	fresh.user("hello").says("bot: Number?")

	// Beside an open question and beside an open look-up.
	c := talk(t, set).user("hi")
	public := func(c *chat) {
		c.w.Entry = EntryNow{Public: true, Source: "public"}
		c.event(mention).says()
		c.w.Entry = EntryNow{}
	}
	public(c)
	c.at("track.start").answer(LookupResult{Fail: "timeout"}).says("bot: Write to us.").at("track.start")
	c.user("AB123456").at("track.look")
	private := c.st.Waiting.ID
	public(c)
	if c.st.Waiting.ID == private || !c.looking() {
		t.Fatalf("%+v", c.st.Waiting)
	}
	first := *c
	first.event(Event{Kind: EvLookup, Lookup: &LookupResult{ID: private, Status: 200, Body: json.RawMessage(`{"status":"packing"}`)}}).says("bot: It is packing*", "bot: More?*")
	first.ok(`{}`).says("bot: We have it.").at("track.more")
	c.ok(`{}`).says("bot: We have it.").at("track.look").ok(`{"status":"packing"}`).says("bot: It is packing*", "bot: More?*")
}

func (c *chat) looking() bool { return c.st.Waiting.private() != nil }
