package proof

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dispatcher/channels/channeltest/fakeplatform"
	"dispatcher/internal/proof/kill"
)

// starterOn is the starter project with a webhook channel and X beside the chat page.
func starterOn(t testing.TB) func(url string) map[string]string {
	return func(url string) map[string]string {
		project := standProject(url, repeatFlow)["dispatcher.yaml"]
		_, channels, _ := strings.Cut(project, "channels:\n")
		root := filepath.Join("..", "..", "flows", "starter")
		files := map[string]string{}
		for _, name := range []string{"dispatcher.yaml", "flows/welcome.yaml", "flows/track_order.yaml", "flows/hours.yaml", "flows/public_reply.yaml"} {
			text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
			if err != nil {
				t.Fatal(err)
			}
			files[name] = string(text)
		}
		files["dispatcher.yaml"] = strings.Replace(files["dispatcher.yaml"], "channels:\n", "channels:\n"+channels, 1)
		return files
	}
}

// guest is a customer on one channel, and what they are shown.
type guest struct {
	t       testing.TB
	s       *stand
	channel string
	who     string
	n       int // messages sent
	seen    int // deliveries read
}

// says writes; payload makes it a tap on that button.
func (g *guest) says(text, payload string) {
	g.t.Helper()
	g.n++
	var id string
	var body []byte
	switch {
	case g.channel == "x":
		id = fmt.Sprint(1_600_000_000 + g.n)
		body = fakeplatform.XMessage(standAccount, g.who, id, text, payload, time.Now())
	case payload != "":
		id = fmt.Sprintf("%s-%d", g.who, g.n)
		body = fakeplatform.WebhookTap(id, g.who, payload, text, time.Now())
	default:
		id = fmt.Sprintf("%s-%d", g.who, g.n)
		body = fakeplatform.WebhookMessage(id, g.who, text, time.Now())
	}
	if _, err := g.s.sender(g.channel).Send(g.t.Context(), "e-"+id, body); err != nil {
		g.t.Fatal(err)
	}
}

// hears waits until what was shown since the last time contains these words,
// and gives the message that does.
func (g *guest) hears(words string) fakeplatform.Delivery {
	g.t.Helper()
	ctx, cancel := context.WithTimeout(g.t.Context(), 20*time.Second)
	defer cancel()
	var got fakeplatform.Delivery
	var said []string
	_, err := g.s.fake.Wait(ctx, func(list []fakeplatform.Delivery) bool {
		said = nil
		for _, d := range list[g.seen:] {
			if d.Thread == g.who && d.Accepted && d.Text != "" {
				said = append(said, d.Text)
				if strings.Contains(d.Text, words) {
					got = d
					return true
				}
			}
		}
		return false
	})
	if err != nil {
		g.t.Fatalf("%s on %s was shown %q, not %q", g.who, g.channel, said, words)
	}
	g.seen = got.N + 1
	return got
}

// payloadOf is the payload of a button that the customer was shown.
func payloadOf(t testing.TB, d fakeplatform.Delivery, label string) string {
	t.Helper()
	var e struct {
		Data struct {
			Options []struct{ Payload, Label string } `json:"options"`
		} `json:"data"`
	}
	if err := json.Unmarshal(d.Body, &e); err != nil {
		t.Fatal(err)
	}
	for _, o := range e.Data.Options {
		if o.Label == label {
			return o.Payload
		}
	}
	t.Fatalf("%q has no button %q", d.Text, label)
	return ""
}

// TestMainJob: a customer's message gets a first reply, a quick reply says
// what it is about, the order number is collected and checked, a person claims
// the conversation and answers. Over the signed webhook, and over X.
func TestMainJob(t *testing.T) {
	scale(t)
	s := openStand(t, starterOn(t), kill.Options{})
	person := s.svc.Admin()
	t.Run("webhook", func(t *testing.T) {
		g := &guest{t: t, s: s, channel: "shop", who: "c-ada"}
		g.says("hello", "")
		g.hears("Acme's assistant")
		menu := g.hears("What can we help you with?")
		g.says("Where's my order?", payloadOf(t, menu, "Where's my order?"))
		mainJob(t, g, person)
	})
	t.Run("x", func(t *testing.T) {
		g := &guest{t: t, s: s, channel: "x", who: "500001"}
		g.says("hello", "")
		if d := g.hears("1. Where's my order?"); !strings.Contains(d.Text, "Acme's assistant") || !strings.Contains(d.Text, "What can we help you with?") {
			t.Errorf("one step is not one message on X: %q", d.Text)
		}
		g.says("1", "")
		mainJob(t, g, person)
	})
	if problems := s.fake.Problems(); len(problems) > 0 {
		t.Errorf("requests that the platforms do not take: %q", problems)
	}
}

// mainJob goes on from the order number to an agent's words.
func mainJob(t *testing.T, g *guest, person *kill.Client) {
	g.hears("order number?")
	g.says("I think it was 12-34", "")
	g.hears("isn't an order number")
	g.says("ah sorry, it's ab 123456", "")
	g.hears("postcode")
	g.says("SW1A 1AA", "")
	last := g.hears("Thanks!")
	var list struct {
		Items []struct {
			ID    string `json:"id"`
			Epoch int64  `json:"epoch"`
			Owner struct{ Kind, ID string }
		} `json:"items"`
	}
	person.Get("/api/v1/conversations?view=unassigned&channel="+g.channel, &list)
	if len(list.Items) != 1 || list.Items[0].Owner.Kind != "queue" || list.Items[0].Owner.ID != "orders" {
		t.Fatalf("waiting on %s: %+v, want one in the queue orders", g.channel, list.Items)
	}
	id := "/api/v1/conversations/" + list.Items[0].ID
	var card struct {
		Packet struct {
			Cause string `json:"cause"`
			Slots []struct{ Name, Raw, Value string }
		} `json:"packet"`
	}
	person.Get(id, &card)
	order := ""
	for _, slot := range card.Packet.Slots {
		if slot.Name == "order_number" {
			order = slot.Value
		}
	}
	if order != "AB123456" || card.Packet.Cause != "flow" {
		t.Errorf("the card says order %q, cause %q: %+v", order, card.Packet.Cause, card.Packet)
	}
	var moved struct {
		Epoch int64  `json:"epoch"`
		Phase string `json:"phase"`
	}
	if status := person.Post(id+"/claim", map[string]any{}, nil, &moved); status != 200 || moved.Phase != "agent" || moved.Epoch != list.Items[0].Epoch+1 {
		t.Fatalf("claim answered %d %+v", status, moved)
	}
	words := "Hi, Bo here. I have found AB123456, it comes tomorrow."
	if status := person.Post(id+"/messages", map[string]any{"text": words}, map[string]string{"Idempotency-Key": "k-" + g.channel}, nil); status != 202 {
		t.Fatalf("reply answered %d", status)
	}
	if d := g.hears(words); g.channel == "shop" && d.Author != "agent" {
		t.Errorf("the person's words arrived as those of %s", d.Author)
	}
	g.says("thank you!", "")
	for _, d := range g.s.fake.Ledger()[last.N+1:] {
		if d.Thread == g.who && d.Accepted && d.Text != "" && d.Text != words {
			t.Errorf("after the handoff the bot said %q", d.Text)
		}
	}
}
