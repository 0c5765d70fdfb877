package engine

import (
	"fmt"
	"strings"
	"testing"

	"dispatcher/dm"
)

// A look-up that leads back to a question whose answer is known already would
// ask its service for ever: twenty in a row, then people.
func TestLookupsInARowEndWithPeople(t *testing.T) {
	t.Parallel()
	set := linkedSet(t, []*Flow{flow("a", states{
		"start": {Collect: &Collect{Slot: "order_number", Ask: tx("Number?")}, Exit: to("a.look")},
		"look":  {HTTP: parcel(map[string]*Exit{"404": to("a.start"), "503": to("a.wait")}, nil), Exit: closes("done")},
		"wait":  {Ask: tx("Again?"), Options: []*Option{opt("yes", "Yes", to("a.look"))}},
	})}, orderSlot(), slot(&Slot{Name: "postcode", Type: SlotText}))
	c := talk(t, set).user("hi").user("AB123456")
	for i := range maxCalls {
		called(t, c)
		if c.st.Calls != i+1 {
			t.Fatalf("%d look-ups, counted as %d", i+1, c.st.Calls)
		}
		raw, err := EncodeState(c.st)
		if err != nil {
			t.Fatal(err)
		}
		if c.st, err = DecodeState(raw); err != nil {
			t.Fatal(err)
		}
		c.answer(LookupResult{Status: 404})
	}
	c.says("bot: Thanks.*", "handoff general*")
	if c.st.Waiting != nil || c.st.Owner != dm.OwnerQueue {
		t.Fatalf("%+v", c.st)
	}
	for _, e := range c.out {
		if h, ok := e.(Handoff); ok && h.Cause != dm.CauseLoop {
			t.Fatalf("%+v", h)
		}
	}
	c = talk(t, set).user("hi").user("AB123456").answer(LookupResult{Status: 503})
	for range maxCalls + 5 { // somebody says something in between
		c.user("yes")
		called(t, c)
		c.answer(LookupResult{Status: 503}).says("bot: Again? [Yes]")
	}
}

// Servers undo escapes before they look for a folder: what would lead out of
// its place in the address is not sent.
func TestAValueStaysInItsPlaceOfTheAddress(t *testing.T) {
	t.Parallel()
	one := slot(&Slot{Name: "one", Type: SlotText})
	flowOf := func(path string) *Set {
		h := &Lookup{Service: "shop", Method: "get", Path: tx(path), On: map[string]*Exit{"refused": closes("refused")}}
		return linkedSet(t, []*Flow{flow("a", states{"start": {HTTP: h, Exit: closes("done")}})}, one)
	}
	for _, c := range []struct {
		path, value string
		sent        bool
	}{
		{"/o/{{ slots.one }}/x", "..", false},
		{"/o/{{ slots.one }}/x", ".", false},
		{"/o/{{ slots.one }}", "x/../y", false},
		{"/o/{{ slots.one }}", `..\admin`, false},
		{"/o/{{ slots.one }}{{ slots.one }}", ".", false},
		{"/o/.{{ slots.one }}/x", ".", false},
		{"/o/{{ slots.one }}", "a..b", true},
		{"/o/{{ slots.one }}", "x/y", true},
		{"/o?x={{ slots.one }}", "..", true},
		{"/o?x=/../{{ slots.one }}", "..", true},
	} {
		talked := talk(t, flowOf(c.path))
		talked.st.Slots = map[string]SlotValue{"one": {Value: c.value}}
		talked.user("hi")
		got := fmt.Sprintf("%+v", talked.out)
		if c.sent {
			called(t, talked)
		} else if talked.took("http:refused"); !strings.Contains(got, "refused") || talked.st.Waiting != nil {
			t.Errorf("%s with %q: %s", c.path, c.value, got)
		}
	}
	bare := linkedSet(t, []*Flow{flow("a", states{"start": {HTTP: &Lookup{Service: "shop", Method: "get", Path: tx("/{{ slots.one }}")}, Exit: closes("done")}})}, one)
	c := talk(t, bare)
	c.st.Slots = map[string]SlotValue{"one": {Value: ".."}}
	c.user("hi").says("bot: Thanks.*", "handoff general*")
}
