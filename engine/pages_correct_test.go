package engine

import (
	"encoding/json"
	"testing"
)

// pagesThenLookup asks with a form, proves who writes, looks up and asks on.
func pagesThenLookup(t testing.TB) *Set {
	t.Helper()
	h := &Lookup{Service: "s", Method: "get", Path: tx("/o/{{ slots.order_number }}"), Save: "order", Returns: []LookupField{{Name: "status", Type: SlotText}}, OnElse: to("a.end")}
	return linkedSet(t, []*Flow{flow("a", states{
		"start": {Form: &Form{Ask: tx("Fill in {{ form.url }}"), Fields: []FormField{{Slot: "order_number"}, {Slot: "details"}}}, Exit: to("a.who")},
		"who":   {Verify: &Verify{By: VerifyCode, Service: "s", Ask: tx("Code?")}, Exit: to("a.photo")},
		"photo": {Collect: &Collect{Slot: "photo", Ask: tx("Photo?"), Skip: tx("No photo")}, Exit: to("a.look")},
		"look":  {HTTP: h, Exit: to("a.tell")},
		"tell":  {Say: says("It is {{ order.status }}."), Exit: to("a.more")},
		"more":  {Ask: tx("More?"), Options: []*Option{opt("yes", "Yes", to("a.end")), opt("no", "No", to("a.end"))}},
		"end":   {Exit: closes("done")},
	})}, orderSlot(), photoSlot(), slot(&Slot{Name: "details", Type: SlotText}))
}

// A slot that a form has filled is corrected as any other: the form is not
// opened again, nobody is verified twice, and the look-up is made anew.
func TestACorrectionWalksPastPages(t *testing.T) {
	t.Parallel()
	set := pagesThenLookup(t)
	answered := func(fill func(*chat) *chat) *chat {
		c := fill(talkForm(t, set).user("hi"))
		c.says("bot: Code?").user("123456").outcome(VerifyOK)
		c.w.Contact.Verified = true
		return c.says("bot: Photo? [No photo]").send("", "image").ok(`{"status":"packing"}`).says("bot: It is packing.", "bot: More? [Yes|No]")
	}
	ways := map[string]func(*chat) *chat{
		"page": func(c *chat) *chat { return c.submit(map[string]string{"order_number": "AB123456", "details": "x"}) },
		"chat": func(c *chat) *chat { return c.tap("here", 0).user("AB123456").user("x") },
	}
	for name, fill := range ways {
		t.Run(name, func(t *testing.T) {
			c := answered(fill)
			c.user("sorry, wrong order number, it's AB999999").slot("order_number", "AB999999").says()
			if path := called(t, c).Path; path != "/o/AB999999" {
				t.Fatal(path)
			}
			c.ok(`{"status":"sent"}`).says("bot: It is sent.", "bot: More? [Yes|No]").user("1").says("resolve done")
		})
	}
	c := answered(ways["page"]).user("the order number is wrong")
	c.says("bot: What should it be?").user("AB777777").slot("order_number", "AB777777")
	c.event(Event{Kind: EvLookup, Lookup: &LookupResult{ID: c.st.Waiting.ID, Status: 200, Body: json.RawMessage(`{"status":"lost"}`)}}).says("bot: It is lost.", "bot: More? [Yes|No]")
}
