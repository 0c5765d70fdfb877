package starter_test

import (
	"strings"
	"testing"
	"time"

	"dispatcher/engine"
	"dispatcher/flows"
	"dispatcher/flows/rehearse"
	"dispatcher/flows/starter"
)

func load(t *testing.T) *engine.Set {
	t.Helper()
	files, err := flows.Read(starter.FS, "starter")
	if err != nil {
		t.Fatal(err)
	}
	p := flows.Load(files, flows.Options{})
	if !p.OK() {
		t.Fatal(p.Summary())
	}
	return p.Set
}

// chat is one conversation of language.md 10: each step a line of the customer
// with what must come back, in order.
type chat struct {
	name  string
	start string
	steps []step
}

type step struct {
	in   string   // "say …", "tap …", "wait …", "agent …"
	want []string // a message that holds this, "handoff QUEUE", "resolved REASON"; nil = silence
}

func TestConversations(t *testing.T) {
	t.Parallel()
	set := load(t)
	greet := []string{"Hi Ann 👋 You're through to Acme's assistant.", "wait is about 4 min", "What can we help you with?"}
	chats := []chat{
		{"late parcel goes to orders", "", []step{
			{"say hello", greet},
			{"say my parcel hasnt arived", []string{"What's your order number? It looks like AB123456."}},
			{"say its ab 123456 i think", []string{"And the postcode it's going to?"}},
			{"say why do you ask", []string{"It lets me check"}},
			{"say SW1A 1AA", []string{"Thanks! I've passed this to Orders", "handoff orders"}},
		}},
		{"the first message is an answer", "", []step{
			{"say Hi, where is my parcel AB123456?", []string{"Hi Ann", "wait is", "And the postcode"}},
			{"say SW1A 1AA", []string{"Thanks! I've passed this to Orders", "handoff orders"}},
		}},
		{"gives up politely after three bad numbers", "track_order", []step{
			{"say 12", []string{"Hmm, “12”"}},
			{"say dunno", []string{"Hmm, still"}},
			{"say 999", []string{"No problem", "Thanks! I've passed this to General", "handoff general"}},
		}},
		{"silence closes the conversation", "", []step{
			{"say hi", greet},
			{"wait 10m", []string{"Still there?"}},
			{"wait 23h", []string{"resolved no_reply"}},
		}},
		{"a person, from the menu", "welcome.menu", []step{{"say can I talk to a real person please", []string{"Thanks! I've passed this to General", "handoff general"}}}},
		{"a person, from the details", "welcome.details", []step{{"say can I talk to a real person please", []string{"Thanks! I've passed this to General", "handoff general"}}}},
		{"a person, from the order number", "track_order.start", []step{{"say can I talk to a real person please", []string{"Thanks! I've passed this to General", "handoff general"}}}},
		{"a person, from the postcode", "track_order.verify", []step{{"say can I talk to a real person please", []string{"Thanks! I've passed this to General", "handoff general"}}}},
		{"opening hours are a side trip", "welcome.details", []step{
			{"say what are your opening hours", []string{"We're open now.", "Tell us what happened"}},
			{"say it broke", []string{"Thanks! I've passed this to General", "handoff general"}},
		}},
		{"damage is urgent enough", "welcome.menu", []step{
			{"tap damaged", []string{"really sorry about that, Ann", "Tell us what happened"}},
			{"say the cup is cracked", []string{"Thanks! I've passed this to Returns", "handoff returns high"}},
		}},
		{"an agent gives it back", "welcome.person", []step{
			{"agent claim", nil},
			{"agent return", []string{"Is there anything else?"}},
			{"tap no_thanks", []string{"Thanks for messaging", "resolved done"}},
		}},
	}
	for _, c := range chats {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			wait := 4 * time.Minute
			talk := rehearse.New(set, rehearse.Options{Now: time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC), Start: c.start,
				Contact: engine.ContactNow{FirstName: "Ann"}, Queues: map[string]rehearse.QueueFigures{"general": {Wait: &wait}}})
			for _, s := range c.steps {
				compare(t, s, do(t, talk, s.in))
			}
		})
	}
}

func do(t *testing.T, talk *rehearse.Talk, in string) []rehearse.Line {
	t.Helper()
	verb, rest, _ := strings.Cut(in, " ")
	var lines []rehearse.Line
	var err error
	switch verb {
	case "say":
		lines, err = talk.Say(rest)
	case "tap":
		lines, err = talk.Tap(rest)
	case "agent":
		lines, err = talk.Agent(rest)
	case "wait":
		d, bad := time.ParseDuration(rest)
		if bad != nil {
			t.Fatal(bad)
		}
		lines, err = talk.Wait(d)
	}
	if err != nil {
		t.Fatalf("%s: %v", in, err)
	}
	return lines
}

func compare(t *testing.T, s step, lines []rehearse.Line) {
	t.Helper()
	var got []string
	for _, l := range lines {
		switch {
		case l.Handoff != nil:
			line := "handoff " + l.Handoff.Queue
			if l.Handoff.Priority != "normal" {
				line += " " + l.Handoff.Priority
			}
			got = append(got, line)
		case l.Kind == rehearse.LineBot:
			got = append(got, l.Text)
		default:
			got = append(got, "resolved "+l.Reason)
		}
	}
	fits := len(got) == len(s.want)
	for i := range s.want {
		fits = fits && i < len(got) && strings.Contains(got[i], s.want[i])
	}
	if !fits {
		t.Errorf("%s:\ngot  %s\nwant %s", s.in, strings.Join(got, "\n     "), strings.Join(s.want, "\n     "))
	}
}

// The card shows what was collected, and the priority follows the topic.
func TestThePacket(t *testing.T) {
	t.Parallel()
	talk := rehearse.New(load(t), rehearse.Options{Start: "welcome.menu"})
	do(t, talk, "say where is my parcel AB123456")
	lines := do(t, talk, "say SW1A 1AA")
	hand := lines[len(lines)-1].Handoff
	if hand == nil || !strings.Contains(hand.Summary, "Topic: order") || !strings.Contains(hand.Summary, "Order: AB123456") {
		t.Fatalf("%+v", hand)
	}
}
