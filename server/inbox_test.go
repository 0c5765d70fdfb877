package server

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dispatcher/channels"
	"dispatcher/channels/sim"
	"dispatcher/channels/web"
	"dispatcher/channels/webhook"
	"dispatcher/channels/x"
	"dispatcher/dm"
	"dispatcher/flows"
	"dispatcher/inbox"
)

const projectFile = `
dispatcher: 1
project: shop
start: welcome
queues:
  general: {first_reply: 1h}
  orders: {name: Orders, first_reply: 15m, members: [team:care]}
default_queue: general
channels:
  web: {origins: ["https://shop.example"]}
  shop: {kind: webhook, secret: "${env:SHOP_SECRET}"}
  x: {account_id: "900100", consumer_key: "${env:X_KEY}", consumer_secret: "${env:X_SECRET}", access_token: "${env:X_KEY}", access_token_secret: "${env:X_SECRET}"}
  sim: {}
`

const flowFile = `
flow: welcome
slots:
  order_number: {type: text, pattern: "[A-Z]{2}[0-9]{6}", find: "[A-Z]{2}[0-9]{6}", clean: [upper, letters_digits], pii: true, keep: 30d, example: AB123456}
states:
  start:
    say: "Hi, I am the assistant."
    ask: "What is it about?"
    options:
      - {id: order, label: My order, goto: number}
      - {id: person, label: Somebody, handoff: general}
  number:
    collect: {slot: order_number, ask: "Which order is it?"}
    goto: person
  person:
    handoff: {queue: orders, priority: high, summary: "Order {{ slots.order_number }}"}
`

var shopKey = []byte(strings.Repeat("s", 32))

func testEnv(name string) (string, bool) {
	values := map[string]string{
		"SHOP_SECRET": "whsec_" + base64.StdEncoding.EncodeToString(shopKey),
		"X_KEY":       "example-consumer-key", "X_SECRET": "example-consumer-secret",
	}
	v, ok := values[name]
	return v, ok
}

func loadProject(t *testing.T, flow string) *flows.Project {
	t.Helper()
	files := &flows.Files{Name: "shop", Data: map[string][]byte{"dispatcher.yaml": []byte(projectFile), "flows/welcome.yaml": []byte(flow)}}
	return flows.Load(files, flows.Options{Env: testEnv})
}

func startInbox(t *testing.T, w *world, logger *slog.Logger) *inbox.Service {
	t.Helper()
	s, err := inbox.New(inbox.Config{AcceptWithin: time.Minute,
		Store: w.store, Vault: w.vault, Logger: logger, Registerer: w.reg, Now: w.clock.now, Loopback: true, MediaDir: filepath.Join(w.dir, "media"), PublicURL: "http://127.0.0.1:8080",
		Openers: map[string]channels.Opener{"web": web.Open, "webhook": webhook.Open, "x": x.Open, "sim": sim.Open},
		CapsOf: func(string) (channels.Caps, bool) {
			return channels.Caps{Kind: "web", Text: dm.Limit{N: 4000, Unit: "runes"}, MaxInbound: 10000, Send: channels.Reconcilable}, true
		},
		Secret: func(ref string) (string, error) { return flows.Resolve(ref, testEnv, os.ReadFile) },
	})
	must(t, err)
	return s
}

// goLive makes the project live and starts inbox; the desk is there by now.
func (w *world) goLive() {
	w.t.Helper()
	p := loadProject(w.t, flowFile)
	if !p.OK() {
		var b strings.Builder
		p.WriteText(&b, false)
		w.t.Fatal(b.String())
	}
	must(w.t, w.inbox.SetLive(context.Background(), p))
	for _, problem := range w.inbox.ChannelProblems() {
		w.t.Fatalf("channel %s: %s", problem.Alias, problemWords(problem))
	}
	must(w.t, w.inbox.Start(context.Background()))
	w.t.Cleanup(func() {
		ctx, stop := context.WithTimeout(context.Background(), time.Minute)
		defer stop()
		_ = w.inbox.Stop(ctx)
	})
}

// signed gives the headers of a webhook of the channel shop.
func (w *world) signed(id, body string, key []byte) []string {
	ts := fmt.Sprint(w.clock.now().Unix())
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + ts + "." + body))
	return []string{"Content-Type", "application/json", "webhook-id", id, "webhook-timestamp", ts, "webhook-signature", "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))}
}

// writes lets a customer write over the signed webhook.
func (w *world) writes(person, id, text string) reply {
	w.t.Helper()
	raw, err := json.Marshal(map[string]any{"type": "message.created", "timestamp": w.clock.now(), "data": map[string]any{
		"id": id, "contact": map[string]any{"id": person, "name": "Mia K."}, "text": text,
	}})
	must(w.t, err)
	return w.browser().do("POST", "/channels/shop/webhook", strings.NewReader(string(raw)), w.signed("evt-"+id, string(raw), shopKey)...).want(w.t, 200)
}

// waiting brings a conversation into the queue orders and gives its id.
func (w *world) waiting(person string) string {
	w.t.Helper()
	for i, text := range []string{"hello", "My order", "ab 123456"} {
		w.writes(person, person+itoa(i), text)
	}
	list := w.program(w.token("conversations:read")).get("/api/v1/conversations?view=unassigned&limit=200").want(w.t, 200).json(w.t)
	for _, it := range list["items"].([]any) {
		item := it.(map[string]any)
		if item["queue"] == "orders" {
			return item["id"].(string)
		}
	}
	w.t.Fatalf("nothing waits in orders: %v", list)
	return ""
}
