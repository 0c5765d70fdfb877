package engine

import (
	"reflect"
	"testing"
	"time"
)

// formSet asks for a number, a reason, a photo and a card with one form.
func formSet(t testing.TB, f *Form) *Set {
	t.Helper()
	if f.Ask == nil {
		f.Ask = tx("Fill this in: {{ form.url }}").fr("Remplissez ceci : {{ form.url }}")
	}
	if f.Fields == nil {
		f.Fields = []FormField{{Slot: "order_number", Label: tx("Your order").fr("Votre commande"), Help: tx("On the box")}, {Slot: "size", Label: tx("Size")}, {Slot: "photo", Optional: true}, {Slot: "card", Optional: true}, {Slot: "details"}}
	}
	max := 40.0
	fl := flow("a", states{
		"start": {Form: f, Exit: to("a.end"), Help: tx("It is quicker.")},
		"end":   {Say: says("Got {{ slots.order_number ?? 'nothing' }}."), Exit: closes("done")},
		"other": {Say: says("Another way."), Exit: closes("other")},
	})
	fl.Description = "Returns"
	return linkedSet(t, []*Flow{fl}, orderSlot(),
		slot(&Slot{Name: "size", Type: SlotChoice, Values: []SlotValueName{{ID: "s", Label: tx("Small").fr("Petit")}, {ID: "l", Label: tx("Large")}}, Ask: tx("Which size?")}),
		photoSlot(), slot(&Slot{Name: "card", Type: SlotText, Secret: true, PII: true}), slot(&Slot{Name: "details", Type: SlotText, Max: &max}))
}

func talkForm(t testing.TB, set *Set) *chat {
	c := talk(t, set)
	c.w.FormURL = func(id string) string { return "https://x/forms/" + id }
	c.w.VerifyURL = func(service, id string) string { return "https://" + service + "/verification?token=" + id }
	return c
}

// submit sends the page of the open form.
func (c *chat) submit(values map[string]string) *chat {
	c.t.Helper()
	view, ok := FormOf(Sets{Live: c.set}, c.st)
	if !ok {
		c.t.Fatalf("no form is open: %+v", c.st.Question)
	}
	return c.event(Event{Kind: EvForm, Form: &FormResult{ID: view.ID, Values: values}})
}

func fields(c *chat) map[string]string {
	for _, e := range c.out {
		if e, ok := e.(FormErrors); ok {
			return e.Fields
		}
	}
	return nil
}

func TestFormOpensAPage(t *testing.T) {
	t.Parallel()
	c := talkForm(t, formSet(t, &Form{Intro: tx("For {{ slots.order_number ?? 'you' }}")})).user("hi")
	c.says("bot: Fill this in: https://x/forms/f1 [Answer here instead]").at("a.start")
	open := OpenForm{}
	for _, e := range c.out {
		if e, ok := e.(OpenForm); ok {
			open = e
		}
	}
	if open.ID != "f1" || !open.Expires.Equal(friday.Add(30*time.Minute)) || c.timers()["form"] != 30*time.Minute || c.timers()["idle"] == 0 || c.st.Question.Kind != "form" {
		t.Fatalf("%+v %+v", open, c.timers())
	}
	view, ok := FormOf(Sets{Live: c.set}, c.st)
	if !ok || view.ID != "f1" || view.Title != "Returns" || view.Intro != "For you" || view.Language != "en" || !view.Expires.Equal(open.Expires) || len(view.Fields) != 5 {
		t.Fatalf("%+v", view)
	}
	max := 40.0
	want := []FormFieldView{
		{Slot: "order_number", Label: "Your order", Help: "On the box", Required: true, Type: "text", Example: "AB123456"},
		{Slot: "size", Label: "Size", Required: true, Type: "choice", Values: []FormValue{{"s", "Small"}, {"l", "Large"}}},
		{Slot: "photo", Label: "Photo", Type: "media", Accept: mediaOfForm},
		{Slot: "card", Label: "Card", Type: "text", Secret: true},
		{Slot: "details", Label: "Details", Required: true, Type: "text", Max: &max},
	}
	if !reflect.DeepEqual(view.Fields, want) {
		t.Fatalf("%+v", view.Fields)
	}
	if _, ok := FormOf(Sets{Live: c.set}, NewState(c.set)); ok {
		t.Fatal("no form is open there")
	}
	fr := talkForm(t, c.set)
	fr.w.Contact.Language = "fr"
	fr.user("bonjour").says("bot: Remplissez ceci : https://x/forms/f1 [Répondre ici]")
	if view, _ := FormOf(Sets{Live: c.set}, fr.st); view.Fields[0].Label != "Votre commande" || view.Fields[1].Values[0].Label != "Petit" || view.Fields[1].Values[1].Label != "Large" {
		t.Fatalf("%+v", view.Fields)
	}
}

func TestFormStoresAllOrNothing(t *testing.T) {
	t.Parallel()
	c := talkForm(t, formSet(t, &Form{})).user("hi")
	c.submit(map[string]string{"order_number": "12", "size": "huge", "details": " ", "photo": "person"}).says()
	want := map[string]string{"order_number": "Sorry, that doesn't look right. Please try again.", "size": "Sorry, that doesn't look right. Please try again.", "photo": "Sorry, that doesn't look right. Please try again.", "details": "Please fill this in."}
	if got := fields(c); !reflect.DeepEqual(got, want) || len(c.st.Slots) != 0 || c.st.Question == nil {
		t.Fatalf("%+v %+v", got, c.st.Slots)
	}
	c.submit(map[string]string{"order_number": "ab 123456", "size": "l", "details": "too big", "photo": "image,image", "card": "4111", "other": "x"})
	c.says("bot: Got AB123456.", "resolve done").took("form:submitted resolve:done").slot("order_number", "AB123456").slot("size", "l").slot("photo", media("image", 2)).slot("card", "4111").slot("other", nil)
	if v := c.st.Slots["order_number"]; v.How != "form" || v.Raw != "ab 123456" {
		t.Fatalf("%+v", v)
	}
	if e, ok := c.out[len(c.out)-1].(Resolve); !ok || e.Reason != "done" {
		t.Fatalf("%+v", c.out)
	}
}

func (c *chat) tookEdge(edge string) *chat {
	c.t.Helper()
	if c.traced(edge) != 1 {
		c.t.Fatalf("edge %s: %+v", edge, c.trace)
	}
	return c
}

func TestFormIsSkippedWhenEverythingIsKnown(t *testing.T) {
	t.Parallel()
	set := formSet(t, &Form{Fields: []FormField{{Slot: "order_number"}}})
	c := talkForm(t, set).user("it is AB123456").says("bot: Got AB123456.", "resolve done").tookEdge("known")
	if len(c.timers()) != 0 {
		t.Fatalf("%+v", c.out)
	}
	// What is known is not asked on the page.
	c = talkForm(t, formSet(t, &Form{})).user("it is AB123456")
	if view, _ := FormOf(Sets{Live: c.set}, c.st); len(view.Fields) != 4 || view.Fields[0].Slot != "size" {
		t.Fatalf("%+v", view.Fields)
	}
	c.submit(map[string]string{"size": "s", "details": "x"}).says("bot: Got AB123456.", "resolve done")
	// Nor is what is known of the contact.
	set = formSet(t, &Form{})
	set.Slots["details"].Contact = true
	c = talkForm(t, set)
	c.w.Contact.Slots = map[string]SlotValue{"details": {Value: "as ever"}}
	c.user("hi")
	if view, _ := FormOf(Sets{Live: c.set}, c.st); len(view.Fields) != 4 || view.Fields[3].Slot != "card" {
		t.Fatalf("%+v", view.Fields)
	}
	c.submit(map[string]string{"size": "s", "order_number": "AB123456"}).says("bot: Got AB123456.", "resolve done")
}

func TestFormInTheChat(t *testing.T) {
	t.Parallel()
	set := formSet(t, &Form{})
	open := func() *chat { return talkForm(t, set).user("hi") }
	ways := map[string]func(*chat) *chat{
		"tap": func(c *chat) *chat { return c.tap("here", 0) }, "label": func(c *chat) *chat { return c.user("answer here instead") }, "number": func(c *chat) *chat { return c.user("1") }, "missing": func(c *chat) *chat { return c.user("i dont have it") },
	}
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			c := way(open())
			c.says("bot: Your order").tookEdge("form:fallback").at("a.start")
			c.user("what?").says("bot: Sorry, that doesn't look right. Please try again.")
			c.user("why do you ask").says("bot: It is quicker.")
			c.user("its ab123456").says("bot: Which size? [Small|Large]").tap("l", 0).says("bot: Details").user("too big").says("bot: Got AB123456.", "resolve done")
			c.slot("size", "l").slot("details", "too big").slot("card", nil)
		})
	}
	// A typed value of a field goes on in the chat with the others.
	open().user("AB123456").says("bot: Which size? [Small|Large]").tookEdge("form:fallback").slot("order_number", "AB123456")
	open().user("a large one please").says("bot: Your order").slot("size", "l")
	open().send("", "image").says("bot: Your order").slot("photo", media("image", 1))
	// Tries are bounded there as at any collect.
	c := open().tap("here", 0).user("x").user("y").user("z")
	c.says("bot: Thanks. Someone*", "handoff general gave_up gave_up")
	// The page still works while it is answered here.
	c = open().tap("here", 0).submit(map[string]string{"order_number": "AB123456", "size": "s", "details": "x"}).says("bot: Got AB123456.", "resolve done")
	_ = c
	// The button again is a double tap.
	c = open().tap("here", 0)
	c.asked = c.asked[:1]
	c.tap("here", 0).says()
}

func TestFallbacksOfAForm(t *testing.T) {
	t.Parallel()
	exit := func() *chat {
		return talkForm(t, formSet(t, &Form{FallbackExit: to("a.other"), Expires: time.Hour})).user("hi")
	}
	exit().tap("here", 0).says("bot: Another way.", "resolve other").took("form:fallback resolve:other")
	exit().user("AB123456").says("bot: Another way.", "resolve other").slot("order_number", "AB123456")
	c := exit()
	if c.timers()["form"] != time.Hour {
		t.Fatalf("%+v", c.timers())
	}
	c.timer("form", time.Hour).says("bot: That link has expired.", "bot: Another way.", "resolve other").took("form:expired form:fallback resolve:other")

	none := func() *chat { return talkForm(t, formSet(t, &Form{Fallback: "none"})).user("hi") }
	none().says("bot: Fill this in: https://x/forms/f1").user("no idea").says("bot: Thanks. Someone*", "handoff general gave_up gave_up").took("form:fallback handoff")
	none().timer("form", 30*time.Minute).says("bot: That link has expired.", "bot: Thanks. Someone*", "handoff general gave_up gave_up").took("form:expired form:fallback handoff")
	none().user("AB123456").says("bot: Thanks. Someone*", "handoff general gave_up gave_up").slot("order_number", "AB123456")
	one := talkForm(t, formSet(t, &Form{Fallback: "none", Fields: []FormField{{Slot: "order_number"}}})).user("hi")
	one.user("AB123456").says("bot: Got AB123456.", "resolve done").tookEdge("collected")

	chat := talkForm(t, formSet(t, &Form{Fallback: "chat"})).user("hi")
	chat.timer("form", 10*time.Minute).says()
	if chat.timers()["form"] != 20*time.Minute {
		t.Fatalf("%+v", chat.timers())
	}
	chat.timer("form", 20*time.Minute).says("bot: That link has expired.", "bot: Your order").took("form:expired form:fallback")
	if chat.timers()["idle"] == 0 {
		t.Fatalf("%+v", chat.timers())
	}
	late := chat.st.Question.ID
	chat.user("AB123456").user("large").user("x").says("bot: Got*", "resolve done")
	chat.event(Event{Kind: EvForm, Form: &FormResult{ID: late, Values: map[string]string{}}}).says()
	if len(fields(chat)) != 0 {
		t.Fatalf("%+v", chat.out)
	}
	chat.timer("form", time.Hour).says()
}

func TestAFormSentTooLateHasExpired(t *testing.T) {
	t.Parallel()
	c := talkForm(t, formSet(t, &Form{})).user("hi")
	c.w.Now = friday.Add(31 * time.Minute)
	c.submit(map[string]string{"order_number": "AB123456", "size": "s", "details": "x"}).says("bot: That link has expired.", "bot: Your order").slot("order_number", nil)
}

func TestTalkBesideAForm(t *testing.T) {
	t.Parallel()
	c := talkForm(t, formSet(t, &Form{})).user("hi").user("hmm ok")
	c.says("bot: Sorry, I didn't catch that. Please choose one of these.\n\nFill this in: https://x/forms/f1 [Answer here instead]")
	c.user("why do you ask").says("bot: It is quicker. [Answer here instead]")
	c.user("let me see").says("bot: Sorry*").user("grmpf").says("bot: Thanks. Someone*", "handoff general no_match no_match")
	// A form that is asked again after its time has a new page.
	side := flow("side", states{"start": {Say: says("Open."), Exit: back("")}})
	set := newSet(t, []*Flow{flow("a", states{"start": {Form: &Form{Ask: tx("Here: {{ form.url }}"), Fields: []FormField{{Slot: "order_number"}}}, Exit: closes("done")}}), side}, orderSlot())
	set.Everywhere = []*Escape{{Name: "hours", Match: map[string][]string{"en": {"opening hours"}}, Exit: call("side", nil)}}
	c = talkForm(t, relinked(t, set)).user("hi").user("opening hours").says("bot: Open.", "bot: Here: https://x/forms/f1 [Answer here instead]")
	c.w.Now = c.w.Now.Add(time.Hour)
	c.user("opening hours").says("bot: Open.", "bot: Here: https://x/forms/f2 [Answer here instead]")
	if c.timers()["form"] != 30*time.Minute {
		t.Fatalf("%+v", c.timers())
	}
	c.event(Event{Kind: EvForm, Form: &FormResult{ID: "f1", Values: map[string]string{"order_number": "AB123456"}}}).says()
	c.submit(map[string]string{"order_number": "AB123456"}).says("resolve done")
}

func TestAFormBackFromAPerson(t *testing.T) {
	t.Parallel()
	c := talkForm(t, formSet(t, &Form{})).user("hi").user("agent").says("bot: Thanks. Someone*", "handoff general asked_for_person asked_for_person")
	c.event(Event{Kind: EvReturned}).says("bot: Fill this in: https://x/forms/f1 [Answer here instead]")
	c.tap("here", 0).says("bot: Your order").user("agent").event(Event{Kind: EvReturned}).says("bot: Your order").user("AB123456").says("bot: Which size?*")
}

func TestAFormThatChangedWhileItWasOpen(t *testing.T) {
	t.Parallel()
	c := talkForm(t, formSet(t, &Form{})).user("hi").tap("here", 0).says("bot: Your order")
	edited := formSet(t, &Form{Fields: []FormField{{Slot: "size"}}})
	edited.ID = "set2"
	c.set = edited
	c.user("oh well").says("bot: Fill this in: https://x/forms/* [Answer here instead]").submit(map[string]string{"size": "s"}).says("bot: Got nothing.", "resolve done")
}
