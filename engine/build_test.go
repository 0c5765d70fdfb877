package engine

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"dispatcher/dm/schedule"
)

// The builder writes sets in Go as short as flow files are; package flows is
// not needed to test the engine.

func x(src string) *Expr {
	e, err := CompileExpr(src, "test:1")
	if err != nil {
		panic(err)
	}
	return e
}

func template(s string) *Template {
	tpl := &Template{Source: s}
	for s != "" {
		lit, rest, ok := strings.Cut(s, "{{")
		if lit != "" {
			tpl.Parts = append(tpl.Parts, Part{Lit: lit})
		}
		if !ok {
			break
		}
		src, after, _ := strings.Cut(rest, "}}")
		tpl.Parts = append(tpl.Parts, Part{Expr: x(strings.TrimSpace(src))})
		s = after
	}
	return tpl
}

func tx(s string) *Text { return &Text{Lang: map[string]*Template{"en": template(s)}} }

func (tx *Text) fr(s string) *Text { tx.Lang["fr"] = template(s); return tx }

func to(where string) *Exit {
	flow, state, _ := strings.Cut(where, ".")
	return &Exit{Kind: ExitGoto, Flow: flow, State: state}
}

func hand(queue string) *Exit {
	h := &Hand{}
	if queue != "" {
		h.Queue = []Pick{{Use: queue}}
	}
	return &Exit{Kind: ExitHandoff, Hand: h}
}

func call(flow string, then *Exit) *Exit { return &Exit{Kind: ExitCall, Flow: flow, Then: then} }
func back(result string) *Exit           { return &Exit{Kind: ExitReturn, Result: result} }
func closes(reason string) *Exit         { return &Exit{Kind: ExitResolve, Reason: reason} }

func says(texts ...string) []SayItem {
	var out []SayItem
	for _, s := range texts {
		out = append(out, SayItem{Text: tx(s)})
	}
	return out
}

func opt(id, label string, exit *Exit, match ...string) *Option {
	return &Option{ID: id, Label: tx(label), Exit: exit, Match: map[string][]string{"en": match}}
}

type states map[string]*StateDef

func flow(name string, st states) *Flow {
	f := &Flow{Name: name, FirstUse: true, States: st}
	for n, s := range st {
		s.Name, s.Flow = n, name
		if s.Match.Fuzzy == 0 {
			s.Match.Fuzzy = -1
		}
		s.At = Place{File: "flows/" + name + ".yaml", Line: 1}
	}
	for n := range st {
		f.StateOrder = append(f.StateOrder, n)
	}
	return f
}

func slot(s *Slot) *Slot { s.Declared = true; return s }

// weekdays is open Monday to Friday 08:00–20:00 UTC.
func weekdays() *schedule.Schedule {
	s := &schedule.Schedule{Name: "support", Location: time.UTC}
	for d := time.Monday; d <= time.Friday; d++ {
		s.Hours[d] = []schedule.Period{{From: 8 * 60, To: 20 * 60}}
	}
	return s
}

func newSet(t testing.TB, flows []*Flow, slots ...*Slot) *Set {
	t.Helper()
	s := &Set{
		ID: "set1", Project: "test", Languages: []string{"en", "fr"}, Timezone: time.UTC, Currency: "GBP", DateOrder: "dmy",
		Schedules:    map[string]*schedule.Schedule{"support": weekdays()},
		Queues:       map[string]*Queue{"general": {Alias: "general", Name: "General", Schedule: weekdays(), FirstReply: time.Hour}, "orders": {Alias: "orders", Name: "Orders", FirstReply: 15 * time.Minute}},
		QueueOrder:   []string{"general", "orders"},
		DefaultQueue: "general",
		Channels:     map[string]*Channel{"web": {Alias: "web", Kind: "web"}}, ChannelOrder: []string{"web"},
		Canned:    map[string]*Canned{"sorry": {Name: "sorry", Text: tx("I'm sorry, {{ contact.first_name ?? 'there' }}.")}},
		Defaults:  Defaults{MaxTries: 3, OldTaps: "jump", Fuzzy: 0.82},
		IdleClose: 24 * time.Hour,
		Slots:     map[string]*Slot{}, Flows: map[string]*Flow{},
	}
	for _, sl := range slots {
		s.Slots[sl.Name] = sl
		s.SlotOrder = append(s.SlotOrder, sl.Name)
	}
	for _, f := range flows {
		s.Flows[f.Name] = f
		s.FlowOrder = append(s.FlowOrder, f.Name)
	}
	s.Start = []StartRule{{Flow: flows[0].Name}}
	return s
}

func linkedSet(t testing.TB, flows []*Flow, slots ...*Slot) *Set {
	t.Helper()
	s := newSet(t, flows, slots...)
	if err := s.Link(); err != nil {
		t.Fatal(err)
	}
	return s
}

// chat plays one conversation and reads the state back between any two steps.
type chat struct {
	t      testing.TB
	set    *Set
	pinned *Set
	st     State
	w      World
	out    []Effect
	trace  Trace
	seq    int64
	asked  []Say // messages with buttons, oldest first
	record *recording
}

// friday is a Friday, 10:00 UTC: the team is there.
var friday = time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)

func talk(t testing.TB, set *Set) *chat {
	c := &chat{t: t, set: set, st: NewState(set), record: recorders.of(t)}
	c.w = World{Now: friday, ID: "conversation", Channel: ChannelNow{Name: "web", Kind: "web", WindowOpen: true}, Contact: ContactNow{FirstName: "Ann"}, Rehearsal: true}
	return c
}

func (c *chat) event(ev Event) *chat {
	c.t.Helper()
	ev.World = c.w
	c.seq++
	if ev.Seq == 0 {
		ev.Seq = c.seq
	}
	before, err := EncodeState(c.st)
	if err != nil {
		c.t.Fatal(err)
	}
	st, err := DecodeState(before)
	if err != nil {
		c.t.Fatal(err)
	}
	sets := Sets{Live: c.set, Pinned: c.pinned}
	r := Step(sets, st, ev)
	if after, _ := EncodeState(st); string(after) != string(before) {
		c.t.Fatalf("the step wrote into the state it was given:\n%s\n%s", before, after)
	}
	if again := Step(sets, st, ev); !sameResult(again, r) {
		c.t.Fatalf("the same step twice:\n%+v\n%+v", r, again)
	}
	c.st, c.out, c.trace = r.State, r.Effects, r.Trace
	after, err := EncodeState(c.st)
	if err != nil {
		c.t.Fatal(err)
	}
	c.record.step(r, after)
	for _, e := range c.out {
		if s, ok := e.(Say); ok && len(s.Options) > 0 {
			c.asked = append(c.asked, s)
		}
	}
	return c
}

func sameResult(a, b Result) bool { return reflect.DeepEqual(a, b) }

func (c *chat) user(text string) *chat {
	c.t.Helper()
	return c.event(Event{Kind: EvMessage, Text: text})
}

func (c *chat) burst(parts ...string) *chat {
	c.t.Helper()
	return c.event(Event{Kind: EvMessage, Text: strings.Join(parts, "\n"), Parts: parts})
}

// tap presses a button of the n-th message with buttons, from the newest (0).
func (c *chat) tap(id string, age int) *chat {
	c.t.Helper()
	s := c.asked[len(c.asked)-1-age]
	for i, o := range s.Options {
		if o.ID == id {
			return c.event(Event{Kind: EvMessage, Text: o.Label, Tap: &Tap{Record: s.Question, Index: i, Label: o.Label}})
		}
	}
	c.t.Fatalf("no button %q in %+v", id, s.Options)
	return c
}

func (c *chat) timer(name string, after time.Duration) *chat {
	c.t.Helper()
	c.w.Now = c.w.Now.Add(after)
	return c.event(Event{Kind: EvTimer, Timer: name, DueAt: c.w.Now})
}

// transcript is what happened in the last step, a line each.
func (c *chat) transcript() []string {
	var out []string
	for _, e := range c.out {
		switch e := e.(type) {
		case Say:
			line := "bot: " + e.Text
			if len(e.Options) > 0 {
				var labels []string
				for _, o := range e.Options {
					labels = append(labels, o.Label)
				}
				line += " [" + strings.Join(labels, "|") + "]"
			}
			out = append(out, line)
		case Handoff:
			out = append(out, "handoff "+e.Queue+" "+e.Cause+" "+e.Reason)
		case Resolve:
			out = append(out, "resolve "+e.Reason)
		case OpenNew:
			out = append(out, "open")
		}
	}
	return out
}

// says checks what happened; * stands for any run of characters.
func (c *chat) says(want ...string) *chat {
	c.t.Helper()
	got := c.transcript()
	ok := len(got) == len(want)
	for i := 0; ok && i < len(want); i++ {
		ok = globs(want[i], got[i])
	}
	if !ok {
		c.t.Fatalf("got\n  %s\nwant\n  %s\ntrace %+v", strings.Join(got, "\n  "), strings.Join(want, "\n  "), c.trace)
	}
	return c
}

func globs(pattern, s string) bool {
	head, tail, star := strings.Cut(pattern, "*")
	if !star {
		return pattern == s
	}
	if !strings.HasPrefix(s, head) {
		return false
	}
	for i := len(head); i <= len(s); i++ {
		if globs(tail, s[i:]) {
			return true
		}
	}
	return false
}

func (c *chat) at(position string) *chat {
	c.t.Helper()
	if c.st.Position() != position {
		c.t.Fatalf("at %s, want %s; trace %+v", c.st.Position(), position, c.trace)
	}
	return c
}

func (c *chat) slot(name string, want any) *chat {
	c.t.Helper()
	if got := c.st.Slots[name].Value; !reflect.DeepEqual(got, want) {
		c.t.Fatalf("slot %s = %#v, want %#v; trace %+v", name, got, want, c.trace)
	}
	return c
}

// timers are the names of the timers the last step set.
func (c *chat) timers() map[string]time.Duration {
	out := map[string]time.Duration{}
	for _, e := range c.out {
		if s, ok := e.(SetTimer); ok {
			out[s.Name] = s.At.Sub(c.w.Now)
		}
	}
	return out
}

func orderSlot() *Slot {
	return slot(&Slot{
		Name: "order_number", Type: SlotText, Example: "AB123456", Clean: []string{"upper", "remove_spaces", "remove:#-", "look_alikes"},
		Pattern: `[A-Z]{2}\d{6}`, Find: `\b[a-z]{2}[ -]?\d{6}\b`, Check: x(`not (value startsWith "XX")`), Called: []string{"order number", "order no", "number"},
	})
}

func topicSlot() *Slot {
	s := slot(&Slot{Name: "topic", Type: SlotChoice})
	for _, id := range []string{"order", "return", "damaged", "account", "other"} {
		s.Values = append(s.Values, SlotValueName{ID: id})
	}
	return s
}

// shop is the retailer of language.md 10 without look-ups.
func shop(t testing.TB) *Set {
	t.Helper()
	return linkedSet(t, shopFlows(), orderSlot(), topicSlot(), slot(&Slot{Name: "details", Type: SlotText}))
}

func shopFlows() []*Flow {
	menu := &StateDef{
		Ask: tx("What can we help you with?").fr("Comment pouvons-nous vous aider ?"), Save: "topic",
		Options: []*Option{
			opt("order", "Where's my order?", call("track", to("welcome.more")), "track", "tracking", "where is my", "late", "delivery", "parcel", "hasn't arrived"),
			opt("return", "Return something", to("welcome.details"), "return", "refund", "send back", "exchange", "wrong size"),
			opt("damaged", "It arrived damaged", to("welcome.details"), "broken", "damaged", "faulty", "cracked", "/miss(ing|ed) (part|piece)s?/"),
			opt("account", "My account", to("welcome.details"), "password", "log in", "login", "account", "charged twice"),
			opt("other", "Something else", to("welcome.person")),
		},
		Match: Match{Fuzzy: -1, First: []ChooseRule{{If: x(`message.text matches "(?i)\\bAB ?\\d{6}\\b"`), Option: "order"}}},
		Help:  tx("Your answer decides which team gets this."),
		NoMatch: []Answer{
			{Say: tx("Sorry, I didn't catch that. Please pick one of these.")},
			{Exit: to("welcome.person")},
		},
	}
	menu.Options[0].Label.fr("Où est ma commande ?")
	menu.Options[0].Match["fr"] = []string{"suivi", "colis"}
	welcome := flow("welcome", states{
		"start":   {Say: says("Hi {{ contact.first_name ?? 'there' }} 👋 You're through to Acme's assistant."), Exit: to("welcome.menu")},
		"menu":    menu,
		"details": {Collect: &Collect{Slot: "details", Ask: tx("Tell us what happened in one message.")}, Exit: to("welcome.person")},
		"more":    {Ask: tx("Is there anything else?"), Optional: true, Options: []*Option{opt("yes", "Yes", to("welcome.menu")), opt("no_thanks", "No, thanks", to("welcome.bye"))}},
		"person": {Tag: []*Text{tx("topic:{{ slots.topic ?? 'unknown' }}")}, Exit: &Exit{Kind: ExitHandoff, Hand: &Hand{
			Queue:      []Pick{{If: x(`slots.topic == "order"`), Use: "orders"}, {Use: "general"}},
			Priority:   []Pick{{If: x(`contact.vip or slots.topic == "damaged"`), Use: "high"}, {Use: "normal"}},
			Summary:    tx("Topic: {{ slots.topic ?? \"not given\" }}\n\nOrder: {{ slots.order_number ?? \"not given\" }}\n{{ slots.details ?? \"\" }}"),
			Say:        []SayItem{{Group: []SayArm{{If: x("queue.open"), Text: tx("Thanks! I've passed this to {{ queue.name }}. You're number {{ queue.position }} in line.")}, {Text: tx("Thanks! The team is back {{ opens_at('support') | day_and_time() }}.")}}}},
			Returns:    &Answer{Exit: to("welcome.more")},
			Resolved:   call("csat", to("welcome.bye")),
			Unanswered: []Wait{{Say: tx("Sorry for the wait."), Priority: "high"}},
		}}},
		"bye": {Say: says("Thanks for messaging Acme. Bye for now!"), Exit: closes("done")},
	})
	track := flow("track", states{
		"start": {Collect: &Collect{
			Slot: "order_number", Ask: tx("What's your order number? It looks like {{ example('order_number') }}."),
			Invalid: []*Text{tx("Hmm, “{{ message.text }}” isn't an order number."), tx("Hmm, still not it.")},
			GiveUp:  to("track.no_number"), Missing: to("track.no_number"),
			Options: []*Option{opt("i_dont_have_it", "I don't have it", to("track.no_number"))},
		}, Help: tx("With the number I can see your parcel straight away."), Exit: to("track.found")},
		"found":     {Say: says("Order {{ slots.order_number }} is on its way."), Exit: back("found")},
		"no_number": {Say: says("No problem, the team can look it up another way."), Exit: to("welcome.person")},
	})
	csat := flow("csat", states{
		"start":  {Ask: tx("How did we do today?"), Options: []*Option{opt("great", "😀 Great", nil), opt("not_good", "🙁 Not good", nil)}, NoReply: []Wait{{After: Delay{For: 12 * time.Hour}, Exit: back("no_score")}}, Exit: to("csat.thanks")},
		"thanks": {Say: says("Thank you, that helps."), Exit: back("scored")},
	})
	return []*Flow{welcome, track, csat}
}
