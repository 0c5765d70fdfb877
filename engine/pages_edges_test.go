package engine

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestCodesInABurst(t *testing.T) {
	t.Parallel()
	set := verifySet(t, &Verify{By: VerifyCode})
	for want, parts := range map[string][]string{"123456": {"here it comes", "123456"}, "654321": {"123456", "no, 654321"}} {
		if got := checks(talkForm(t, set).user("hi").burst(parts...)); len(got) != 1 || got[0] != "v1 shop "+want {
			t.Errorf("%q: %q", parts, got)
		}
	}
	talkForm(t, set).user("hi").burst("hello?", "agent").says("bot: Thanks*", "handoff general asked_for_person asked_for_person")
}

// changed is a set in which a state of a flow is another one.
func changed(t testing.TB, build func() *Set, name string, st *StateDef) *Set {
	t.Helper()
	old := build()
	sts := states{}
	for n, s := range old.Flows["a"].States {
		sts[n] = &StateDef{When: s.When, Say: s.Say, Ask: s.Ask, Options: s.Options, Collect: s.Collect, Form: s.Form, Verify: s.Verify, HTTP: s.HTTP, Exit: s.Exit}
	}
	if delete(sts, name); st != nil {
		sts[name] = st
	}
	var slots []*Slot
	for _, n := range old.SlotOrder {
		slots = append(slots, old.Slots[n])
	}
	set := linkedSet(t, []*Flow{flow("a", sts)}, slots...)
	set.ID = "edited"
	return set
}

func TestPagesOfStatesThatAreGone(t *testing.T) {
	t.Parallel()
	form := func() *Set { return formSet(t, &Form{}) }
	gone := func(c *chat) {
		c.t.Helper()
		c.says("bot: Thanks. Someone*", "handoff general vanished_state vanished_state")
	}
	c := talkForm(t, form()).user("hi")
	late, due := *c, *c
	c.set = changed(t, form, "start", nil)
	if _, ok := FormOf(Sets{Live: c.set}, c.st); ok {
		t.Fatal("there is no such form")
	}
	gone(c.event(Event{Kind: EvForm, Form: &FormResult{ID: "f1", Values: map[string]string{}}}))
	late.set = c.set
	gone(late.timer("form", time.Hour))
	due.set = changed(t, form, "start", &StateDef{Ask: tx("Really?"), Options: []*Option{opt("yes", "Yes", to("a.end"))}})
	other := due
	due.timer("form", time.Hour).says()
	other.event(Event{Kind: EvForm, Form: &FormResult{ID: "f1", Values: map[string]string{}}}).says("bot: Really? [Yes]").user("yes").says("bot: Got nothing.", "resolve done")

	proof := func() *Set { return verifySet(t, &Verify{By: VerifyLink}) }
	v := talkForm(t, proof()).user("hi")
	w, x := *v, *v
	v.set = changed(t, proof, "start", nil)
	gone(v.outcome(VerifyOK))
	w.set = changed(t, proof, "start", &StateDef{Ask: tx("Really?"), Options: []*Option{opt("yes", "Yes", to("a.out"))}})
	y := w
	w.outcome(VerifyFailed).says("bot: Really? [Yes]")
	y.timer("verify", time.Hour).says()
	x.set = v.set
	gone(x.timer("verify", time.Hour))

	look := func() *Set { return pagesThenLookup(t) }
	l := talkForm(t, look())
	l.st.Slots = map[string]SlotValue{"order_number": {Value: "AB123456"}, "details": {Value: "x"}}
	l.w.Contact.Verified = true
	l.user("hi").user("no photo").at("a.look")
	l.set = changed(t, look, "look", nil)
	gone(l.ok(`{"status":"x"}`))
}

func TestAPictureIsCorrectedByAPicture(t *testing.T) {
	t.Parallel()
	photo := photoSlot()
	photo.Called = []string{"photo"}
	set := linkedSet(t, []*Flow{flow("a", states{
		"start": {Form: &Form{Ask: tx("Fill in {{ form.url }}"), Fields: []FormField{{Slot: "photo"}}}, Exit: to("a.more")},
		"more":  {Ask: tx("More?"), Options: []*Option{opt("no", "No", closes("done"))}},
	})}, photo)
	c := talkForm(t, set).user("hi").submit(map[string]string{"photo": "image"}).user("wrong photo").says("bot: What should it be?")
	c.send("", "audio").says("bot: Sorry, that doesn't look right. Please try again.").slot("photo", media("image", 1))
	c.send("this one", "image", "image").slot("photo", media("image", 2)).says("bot: More? [No]")
}

func TestARequestThatCannotBeMadeIsAnEngineError(t *testing.T) {
	t.Parallel()
	for name, h := range map[string]*Lookup{
		"path": {Path: tx("/{{ 1 / 0 }}")}, "query": {Path: tx("/"), Query: []LookupParam{{"a", tx("{{ slots.none + 1 }}")}}}, "body": {Path: tx("/"), JSON: &JSONValue{Map: []JSONEntry{{"a", &JSONValue{List: []*JSONValue{{Expr: x("len(nil)")}}}}}}},
		"long": {Path: tx("/"), Query: []LookupParam{{"a", tx("{{ slots.long }}")}, {"b", tx("{{ slots.long }}")}}},
	} {
		h.Service, h.Method = "s", "post"
		c := talk(t, linkedSet(t, []*Flow{flow("a", states{"start": {Say: says("Wait."), HTTP: h, Exit: closes("done")}})}))
		c.st.Slots = map[string]SlotValue{"long": {Value: strings.Repeat("x", 6000)}}
		c.user("hi").says("bot: Sorry, something went wrong*", "handoff general engine_error engine_error")
		if c.st.Waiting != nil || c.st.Posted != 0 || c.trace.Error == "" {
			t.Errorf("%s: %+v", name, c.st)
		}
	}
}

func TestResultsInRequests(t *testing.T) {
	t.Parallel()
	first := parcel(nil, nil)
	second := &Lookup{Service: "s", Method: "put", Path: tx("/{{ order.to.city }}/{{ order.items }}"), Query: []LookupParam{{"photo", tx("{{ slots.photo }}")}, {"paid", tx("{{ order.paid }}")}}, JSON: &JSONValue{Expr: x("order")}}
	set := linkedSet(t, []*Flow{flow("a", states{"start": {HTTP: first, Exit: to("a.two")}, "two": {HTTP: second, Exit: closes("done")}})}, photoSlot())
	c := talk(t, set)
	c.st.Slots = map[string]SlotValue{"photo": {Value: media("video", 2)}}
	c.user("hi").ok(`{"status":"packing","items":["a","b/c"],"to":{"city":"Kyiv","since":"2026-11-01T08:30:00+02:00"},"paid":true,"total":2.50}`)
	call := called(t, c)
	if call.Path != "/Kyiv/a%2Cb%2Fc?photo=video&paid=true" || string(call.Body) != `{"items":["a","b/c"],"paid":true,"status":"packing","to":{"city":"Kyiv","since":"2026-11-01T06:30:00Z"},"total":2.5}` {
		t.Fatalf("%s %s", call.Path, call.Body)
	}
	c.answer(LookupResult{Status: 200, Returns: json.RawMessage(`{"not":"a list"}`)}).says("bot: Thanks*", "handoff general service_error service_error")
}

func TestFieldsOfAPage(t *testing.T) {
	t.Parallel()
	set := linkedSet(t, []*Flow{flow("a", states{"start": {Form: &Form{
		Ask: tx("Here {{ form.url }}"), Title: tx("{{ 1 / 0 }}"),
		Fields: []FormField{{Slot: "sure"}, {Slot: "kind", Label: tx("{{ contact.first_name }}")}, {Slot: "free_text", Optional: true}},
	}, Exit: closes("done")}})}, slot(&Slot{Name: "sure", Type: SlotYesNo}), slot(&Slot{Name: "kind", Type: SlotChoice, Values: []SlotValueName{{ID: "a"}, {ID: "b", Label: tx("Bee")}}}))
	c := talkForm(t, set)
	c.w.Contact.Language = "fr"
	c.user("hi")
	view, _ := FormOf(Sets{Live: set}, c.st)
	want := []FormFieldView{
		{Slot: "sure", Label: "Sure", Required: true, Type: "yes_no", Values: []FormValue{{"yes", "Oui"}, {"no", "Non"}}},
		{Slot: "kind", Label: "Kind", Required: true, Type: "choice", Values: []FormValue{{"a", "a"}, {"b", "Bee"}}},
		{Slot: "free_text", Label: "Free text", Type: "text"},
	}
	if view.Title != "" || !reflect.DeepEqual(view.Fields, want) {
		t.Fatalf("%+v", view)
	}
	c.submit(map[string]string{"sure": "yes", "kind": "a", "free_text": "a\x00b"}).says("resolve done").slot("sure", true).slot("kind", "a").slot("free_text", "ab")
}

func TestAMessageBesideAPageInAfterCareIsANewMatter(t *testing.T) {
	t.Parallel()
	set := linkedSet(t, []*Flow{flow("a", states{"start": {Exit: &Exit{Kind: ExitHandoff, Hand: &Hand{Resolved: to("a.form")}}}, "form": {Form: &Form{Ask: tx("Here {{ form.url }}"), Fields: []FormField{{Slot: "details"}}}, Exit: closes("done")}})}, slot(&Slot{Name: "details", Type: SlotText}))
	c := talkForm(t, set).user("hi")
	c.st.Owner = "agent"
	c.event(Event{Kind: EvResolved}).says("bot: Here*")
	c.w.FormURL, c.w.VerifyURL = nil, nil // functions are never equal
	c.user("by the way, another thing").says("resolve agent", "open")
}

func TestACorrectionBesideAVerification(t *testing.T) {
	t.Parallel()
	set := linkedSet(t, []*Flow{flow("a", states{
		"start": {Collect: &Collect{Slot: "order_number", Ask: tx("Number?")}, Exit: to("a.who")},
		"who":   {Verify: &Verify{By: VerifyCode, Service: "s", Ask: tx("Code?")}, Exit: closes("done")},
	})}, orderSlot())
	c := talkForm(t, set).user("hi").user("AB123456").says("bot: Code?")
	c.user("wrong number, sorry").says("bot: Number?").user("AB999999").says("bot: Code?").slot("order_number", "AB999999")
	c.user("4711").outcome(VerifyOK).says("resolve done")
}

func TestABodyOfListsAndNothing(t *testing.T) {
	t.Parallel()
	body := &JSONValue{IsList: true, List: []*JSONValue{{}, {Expr: x(`filter(contact.tags, # != "b")`)}, {Expr: x("[1, true, now()]")}, {Text: tx("{{ contact.tags }}")}}}
	set := linkedSet(t, []*Flow{flow("a", states{"start": {HTTP: &Lookup{Service: "s", Method: "post", Path: tx("/{{ filter(contact.tags, # != 'b') }}"), JSON: body}, Exit: closes("done")}})})
	c := talk(t, set)
	c.w.Contact.Tags = []string{"a", "b", "c"}
	if call := called(t, c.user("hi")); string(call.Body) != `[null,["a","c"],[1,true,"2026-11-20T10:00:00Z"],"a, b and c"]` || call.Path != "/a%2Cc" {
		t.Fatalf("%s %s", call.Body, call.Path)
	}
}
