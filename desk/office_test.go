package desk

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"dispatcher/channels"
	"dispatcher/channels/web"
	"dispatcher/channels/webhook"
	"dispatcher/dm"
	"dispatcher/flows"
	"dispatcher/inbox"
	"dispatcher/storage"
	"dispatcher/storage/sqlite"
	"dispatcher/vault"
)

const projectFile = `
dispatcher: 1
project: shop
start: welcome
queues:
  general: {first_reply: 1h}
  orders: {name: Orders, first_reply: 15m, next_reply: 30m, members: [team:care, ana@acme.example]}
default_queue: general
channels:
  web: {}
  shop: {kind: webhook, secret: "${env:SHOP_SECRET}", public: reply}
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

// clock is a clock that tests move.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.now }

func (c *clock) add(d time.Duration) { c.mu.Lock(); defer c.mu.Unlock(); c.now = c.now.Add(d) }

// office is a running service with people in it.
type office struct {
	*Service
	inbox *inbox.Service
	store storage.Store
	clock *clock
	n     int
}

func ana() Actor {
	return Actor{ID: "u-ana", Name: "Ana Sousa", Email: "ana@acme.example", Role: RoleAgent}
}

func ben() Actor {
	return Actor{ID: "u-ben", Name: "Ben Kaya", Email: "ben@acme.example", Role: RoleAgent, Teams: []string{"care"}}
}

func lea() Actor {
	return Actor{ID: "u-lea", Name: "Lea Lead", Email: "lea@acme.example", Role: RoleLead}
}

func outsider() Actor {
	return Actor{ID: "u-out", Name: "Otto Out", Email: "otto@acme.example", Role: RoleAgent}
}

func people() []Person {
	var out []Person
	for _, a := range []Actor{ana(), ben(), lea(), outsider()} {
		out = append(out, Person{ID: a.ID, Name: a.Name, Email: a.Email, Role: a.Role, Teams: a.Teams, Presence: Online})
	}
	return out
}

func project(t testing.TB, settings string, more map[string]string) *flows.Project {
	t.Helper()
	files := &flows.Files{Name: "shop", Data: map[string][]byte{"dispatcher.yaml": []byte(projectFile + settings), "flows/welcome.yaml": []byte(flowFile)}}
	for name, text := range more {
		files.Data[name] = []byte(text)
	}
	p := flows.Load(files, flows.Options{Env: env})
	if !p.OK() {
		var b strings.Builder
		p.WriteText(&b, false)
		t.Fatal(b.String())
	}
	return p
}

func env(name string) (string, bool) {
	return "whsec_" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("s", 32))), name == "SHOP_SECRET"
}

func open(t testing.TB) *office { return openWith(t, "", nil) }

// openWith adds settings and flows to the project.
func openWith(t testing.TB, settings string, more map[string]string) *office {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	store, err := sqlite.Open(t.Context(), sqlite.Options{Dir: dir, Durability: sqlite.Normal})
	if err != nil {
		t.Fatal(err)
	}
	keys, err := vault.ParseKeys(vault.GenerateKey())
	if err != nil {
		t.Fatal(err)
	}
	v, _, err := vault.New(keys)
	if err != nil {
		t.Fatal(err)
	}
	o := &office{store: store, clock: &clock{now: time.Now()}}
	o.inbox, err = inbox.New(inbox.Config{AcceptWithin: time.Minute, Store: store, Vault: v, Now: o.clock.Now, Loopback: true, MediaDir: filepath.Join(dir, "media"),
		Openers: map[string]channels.Opener{"web": web.Open, "webhook": webhook.Open},
		Secret:  func(ref string) (string, error) { return flows.Resolve(ref, env, os.ReadFile) }})
	if err != nil {
		t.Fatal(err)
	}
	o.Service = New(Config{Inbox: o.inbox, Store: store, Vault: v, Now: o.clock.Now, People: func(context.Context) ([]Person, error) { return people(), nil }})
	if err := o.inbox.SetLive(t.Context(), project(t, settings, more)); err != nil {
		t.Fatal(err)
	}
	for _, p := range o.inbox.ChannelProblems() {
		t.Fatalf("channel: %+v", p)
	}
	if err := o.inbox.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, stop := context.WithTimeout(context.Background(), time.Minute)
		defer stop()
		o.inbox.Stop(ctx)
		store.Close()
	})
	return o
}

// says lets a customer write on a channel and gives the conversation's id.
func (o *office) says(t testing.TB, channel, person, text string) string {
	t.Helper()
	o.n++
	got, err := o.inbox.Accept(t.Context(), channel, []dm.Inbound{{Kind: dm.KindText, ExternalID: fmt.Sprintf("e-%s-%d", person, o.n), Thread: person,
		Sender: dm.Party{ID: person, Name: "Mia Kovač", Handle: "mia"}, At: o.clock.Now(), Text: text}})
	if err != nil || len(got) != 1 || got[0].Status != "applied" {
		t.Fatalf("accept: %+v, %v", got, err)
	}
	return got[0].Conv
}

// saysAny is says for two at once: the event's id is the caller's.
func (o *office) saysAny(t testing.TB, channel, person, text string, n int) {
	_, err := o.inbox.Accept(t.Context(), channel, []dm.Inbound{{Kind: dm.KindText, ExternalID: fmt.Sprintf("x-%s-%d", person, n), Thread: person,
		Sender: dm.Party{ID: person}, At: o.clock.Now(), Text: text}})
	if err != nil {
		t.Error(err)
	}
}

// waiting is a conversation that waits in queue orders with everything learnt.
func (o *office) waiting(t testing.TB, channel, person string) string {
	t.Helper()
	o.says(t, channel, person, "hello")
	o.says(t, channel, person, "My order")
	return o.says(t, channel, person, "ab 123456")
}

// code is the problem code of an error, "" for none.
func code(t testing.TB, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	var p *Problem
	if !errors.As(err, &p) {
		t.Fatalf("not a problem: %v", err)
	}
	return p.Code
}

func must[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}
