package desk

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
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

func project(t testing.TB) *flows.Project {
	t.Helper()
	files := &flows.Files{Name: "shop", Data: map[string][]byte{"dispatcher.yaml": []byte(projectFile), "flows/welcome.yaml": []byte(flowFile)}}
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

func open(t testing.TB) *office {
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
	o.inbox, err = inbox.New(inbox.Config{Store: store, Vault: v, Now: o.clock.Now, Loopback: true, MediaDir: filepath.Join(dir, "media"),
		Openers: map[string]channels.Opener{"web": web.Open, "webhook": webhook.Open},
		Secret:  func(ref string) (string, error) { return flows.Resolve(ref, env, os.ReadFile) }})
	if err != nil {
		t.Fatal(err)
	}
	o.Service = New(Config{Inbox: o.inbox, Store: store, Vault: v, Now: o.clock.Now, People: func(context.Context) ([]Person, error) { return people(), nil }})
	if err := o.inbox.SetLive(t.Context(), project(t)); err != nil {
		t.Fatal(err)
	}
	for _, p := range o.inbox.ChannelProblems() {
		t.Fatalf("channel: %+v", p)
	}
	if err := o.inbox.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, stop := context.WithTimeout(context.Background(), 10*time.Second)
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

func TestDesk_TheMainJob(t *testing.T) {
	t.Parallel()
	o := open(t)
	ctx := t.Context()
	id := o.waiting(t, "web", "mia")
	list := must[Page[Item]](t)(o.List(ctx, ana(), ListQuery{View: "unassigned"}))
	if len(list.Items) != 1 || list.Items[0].ID != id {
		t.Fatalf("list %+v", list.Items)
	}
	it := list.Items[0]
	if it.Owner.Kind != "queue" || it.Owner.ID != "orders" || it.Owner.Name != "Orders" || it.Contact.Name != "Mia Kovač" || it.Priority != "high" ||
		it.HeadlineSlot != "AB••••56" || it.Due == nil || it.Due.Clock != "first_reply" || it.WaitingSince == nil || it.Why == "" || it.Channel != "web" || it.Queue != "orders" {
		t.Errorf("item %+v", it)
	}
	d := must[Detail](t)(o.Get(ctx, ana(), id))
	if d.Packet == nil || d.Packet.Summary != "Order AB123456" || len(d.Packet.Slots) != 1 || d.Packet.Slots[0].Value != "AB••••56" ||
		d.Packet.Unanswered == nil || len(d.Clocks) != 2 || !slices.Contains(d.Can, "claim") || slices.Contains(d.Can, "reply") {
		t.Errorf("detail %+v packet %+v", d, d.Packet)
	}
	m := must[Moved](t)(o.Claim(ctx, ana(), id, Command{IfEpoch: it.Epoch}))
	if m.Epoch != it.Epoch+1 || m.Phase != "agent" || m.Owner.Name != "Ana Sousa" || m.Handoff != d.Packet.ID {
		t.Errorf("claim %+v", m)
	}
	msg := must[Msg](t)(o.Reply(ctx, ana(), id, Reply{Text: "Hi Mia, Ana here.", ClientID: "k-1"}, Command{IfEpoch: m.Epoch}))
	if msg.State != "sent" || msg.Author.Kind != "agent" || msg.Author.Name != "Ana Sousa" || msg.ID != fmt.Sprintf("%s-%d", id, msg.Seq) || msg.ClientID != "k-1" {
		t.Errorf("reply %+v", msg)
	}
	d = must[Detail](t)(o.Get(ctx, ana(), id))
	if d.Due != nil || d.Unread != 0 || d.WaitingSince != nil || d.Clocks[0].StoppedAt == nil && d.Clocks[1].StoppedAt == nil {
		t.Errorf("after the reply %+v", d)
	}
	m = must[Moved](t)(o.Resolve(ctx, ana(), id, Command{IfEpoch: d.Epoch, LastSeenSeq: d.Seq}))
	if m.Phase != "closed" || m.Owner.Kind != "none" {
		t.Errorf("resolve %+v", m)
	}
	d = must[Detail](t)(o.Get(ctx, ana(), id))
	if d.Status != "resolved" || d.Packet == nil || !slices.Contains(d.Can, "undo") || !slices.Contains(d.Can, "reopen") {
		t.Errorf("after resolve %+v", d)
	}
	rows := must[Page[Msg]](t)(o.Messages(ctx, ana(), id, 0, 0, 0))
	var lines []string
	for _, r := range rows.Items {
		if r.Event != nil {
			lines = append(lines, r.Event.Edge+" "+r.Event.Name)
		}
	}
	if got := strings.Join(lines, ", "); got != "hand_off , claim Ana Sousa, resolve_plain Ana Sousa" {
		t.Errorf("lines %q", got)
	}
}

func TestDesk_ReplyIsIdempotent(t *testing.T) {
	t.Parallel()
	o := open(t)
	ctx := t.Context()
	id := o.waiting(t, "shop", "mia")
	must[Moved](t)(o.Claim(ctx, ana(), id, Command{}))
	first := must[Msg](t)(o.Reply(ctx, ana(), id, Reply{Text: "hi", ClientID: "k"}, Command{}))
	if first.State != "pending" {
		t.Errorf("state %q on a channel that has to be pulled", first.State)
	}
	again := must[Msg](t)(o.Reply(ctx, ana(), id, Reply{Text: "hi", ClientID: "k"}, Command{}))
	if again.Seq != first.Seq {
		t.Errorf("the same key gave seq %d and %d", first.Seq, again.Seq)
	}
	if _, err := o.Reply(ctx, ana(), id, Reply{Text: "ho", ClientID: "k"}, Command{}); code(t, err) != CodeKeyReused {
		t.Errorf("other words under the same key: %v", err)
	}
	other := must[Msg](t)(o.Reply(ctx, ana(), id, Reply{Text: "hi", ClientID: "k2"}, Command{}))
	if other.Seq == first.Seq {
		t.Error("two keys, one row")
	}
}

func TestDesk_Refusals(t *testing.T) {
	t.Parallel()
	o := open(t)
	ctx := t.Context()
	id := o.waiting(t, "web", "mia")
	withBot := o.says(t, "web", "tom", "hello")
	claimed := o.waiting(t, "web", "leo")
	m := must[Moved](t)(o.Claim(ctx, ana(), claimed, Command{}))
	for name, tc := range map[string]struct {
		do   func() error
		want string
	}{
		"not an id":               {func() error { _, err := o.Get(ctx, ana(), "x"); return err }, CodeNotFound},
		"unknown id":              {func() error { _, err := o.Get(ctx, ana(), "01922b9c-0000-7000-8000-000000000000"); return err }, CodeNotFound},
		"another queue: get":      {func() error { _, err := o.Get(ctx, outsider(), id); return err }, CodeNotFound},
		"another queue: claim":    {func() error { _, err := o.Claim(ctx, outsider(), id, Command{}); return err }, CodeNotFound},
		"another queue: messages": {func() error { _, err := o.Messages(ctx, outsider(), id, 0, 0, 0); return err }, CodeNotFound},
		"take next elsewhere":     {func() error { _, _, err := o.TakeNext(ctx, outsider(), "orders"); return err }, CodeNotFound},
		"designer claims":         {func() error { _, err := o.Claim(ctx, Actor{ID: "d", Role: RoleDesigner}, id, Command{}); return err }, CodeForbidden},
		"token without scope": {func() error {
			_, err := o.Claim(ctx, Actor{ID: "t", Role: RoleAPI, Token: true, Scopes: []string{ScopeRead}}, id, Command{})
			return err
		}, CodeForbidden},
		"token of another queue": {func() error {
			_, err := o.Get(ctx, Actor{ID: "t", Role: RoleAPI, Token: true, Scopes: []string{ScopeRead}, Queues: []string{"general"}}, id)
			return err
		}, CodeNotFound},
		"second claim":     {func() error { _, err := o.Claim(ctx, ben(), claimed, Command{IfEpoch: 2}); return err }, CodeAlreadyClaimed},
		"claim from bot":   {func() error { _, err := o.Claim(ctx, ben(), withBot, Command{}); return err }, CodeNotOwner},
		"reply of another": {func() error { _, err := o.Reply(ctx, ben(), claimed, Reply{Text: "hi"}, Command{}); return err }, CodeNotOwner},
		"stale epoch":      {func() error { _, err := o.Release(ctx, ana(), claimed, Command{IfEpoch: m.Epoch - 1}); return err }, CodeStaleEpoch},
		"blank open": {func() error {
			_, err := o.Reply(ctx, ana(), claimed, Reply{Text: "on [[date]]"}, Command{})
			return err
		}, CodeBlankOpen},
		"no words": {func() error { _, err := o.Reply(ctx, ana(), claimed, Reply{Text: " \n"}, Command{}); return err }, CodeInvalid},
		"too long": {func() error {
			_, err := o.Reply(ctx, ana(), claimed, Reply{Text: strings.Repeat("x", 10_001)}, Command{})
			return err
		}, CodeTooLong},
		"unseen message":        {func() error { _, err := o.Resolve(ctx, ana(), claimed, Command{LastSeenSeq: 1}); return err }, CodeNewMessage},
		"transfer to nowhere":   {func() error { _, err := o.Transfer(ctx, ana(), claimed, Command{Queue: "nope", Note: "n"}); return err }, CodeInvalid},
		"transfer without note": {func() error { _, err := o.Transfer(ctx, ana(), claimed, Command{Queue: "general"}); return err }, CodeInvalid},
		"transfer to the same": {func() error {
			_, err := o.Transfer(ctx, ana(), claimed, Command{Queue: "orders", Note: "n"})
			return err
		}, CodeInvalid},
		"hand back nowhere": {func() error { _, err := o.HandBack(ctx, ana(), claimed, Command{ResumeAt: "welcome.nope"}); return err }, CodeNoReturnPoint},
		"undo nothing":      {func() error { _, err := o.Undo(ctx, ben(), id, Command{}); return err }, CodeTooLate},
		"public without post": {func() error {
			_, err := o.Reply(ctx, ana(), claimed, Reply{Text: "hi", Visibility: "public"}, Command{})
			return err
		}, CodeInvalid},
		"view": {func() error { _, err := o.List(ctx, ana(), ListQuery{View: "nope"}); return err }, CodeInvalid},
	} {
		if got := code(t, tc.do()); got != tc.want {
			t.Errorf("%s: code %q, want %q", name, got, tc.want)
		}
	}
	_, err := o.Claim(ctx, ben(), claimed, Command{})
	var p *Problem
	if !errors.As(err, &p) || p.Status != 409 || p.Facts["owner"].(Owner).Name != "Ana Sousa" || p.Facts["since"] == nil {
		t.Errorf("the loser does not learn who and since when: %+v", p)
	}
	if again := must[Moved](t)(o.Claim(ctx, ana(), claimed, Command{IfEpoch: 1})); again.Epoch != m.Epoch {
		t.Errorf("a claim by the same agent moved the epoch to %d", again.Epoch)
	}
}

func TestDesk_TakeOverFromBotAndFromAnAgent(t *testing.T) {
	t.Parallel()
	o := open(t)
	ctx := t.Context()
	id := o.says(t, "web", "mia", "hello")
	m := must[Moved](t)(o.TakeOver(ctx, ana(), id, Command{IfEpoch: 1}))
	if m.Phase != "agent" || m.Owner.ID != ana().ID || m.Handoff == "" {
		t.Fatalf("take over %+v", m)
	}
	d := must[Detail](t)(o.Get(ctx, ana(), id))
	if d.Packet.Cause != dm.CauseTakenOver || d.Packet.BotWouldAsk == nil {
		t.Errorf("packet %+v", d.Packet)
	}
	seq := d.Seq
	o.says(t, "web", "mia", "My order")
	for _, r := range must[Page[Msg]](t)(o.Messages(ctx, ana(), id, seq, 0, 0)).Items {
		if r.Author.Kind == "bot" {
			t.Errorf("the bot spoke after the take-over: %q", r.Text)
		}
	}
	m = must[Moved](t)(o.TakeOver(ctx, ben(), id, Command{}))
	if m.Owner.ID != ben().ID {
		t.Errorf("take over from an agent %+v", m)
	}
	if _, err := o.Reply(ctx, ana(), id, Reply{Text: "still me"}, Command{IfEpoch: m.Epoch - 1}); code(t, err) != CodeNotOwner {
		t.Errorf("the one who lost it could send: %v", err)
	}
}

func TestDesk_HandBackGoesOn(t *testing.T) {
	t.Parallel()
	o := open(t)
	ctx := t.Context()
	o.says(t, "web", "mia", "hello")
	id := o.says(t, "web", "mia", "My order")
	must[Moved](t)(o.TakeOver(ctx, ana(), id, Command{}))
	d := must[Detail](t)(o.Get(ctx, ana(), id))
	if len(d.Returns) == 0 || !slices.Contains(d.Can, "hand_back") {
		t.Fatalf("return points %+v, can %v", d.Returns, d.Can)
	}
	m := must[Moved](t)(o.HandBack(ctx, ana(), id, Command{ResumeAt: d.Returns[len(d.Returns)-1].ResumeAt}))
	if m.Owner.Kind != "bot" {
		t.Fatalf("hand back %+v", m)
	}
	rows := must[Page[Msg]](t)(o.Messages(ctx, ana(), id, d.Seq, 0, 0)).Items
	if last := rows[len(rows)-1]; last.Author.Kind != "bot" || last.Text == "" {
		t.Errorf("after hand back %+v", rows)
	}
}

func TestDesk_TransferUndoReopen(t *testing.T) {
	t.Parallel()
	o := open(t)
	ctx := t.Context()
	id := o.waiting(t, "web", "mia")
	must[Moved](t)(o.Claim(ctx, ana(), id, Command{}))
	m := must[Moved](t)(o.Transfer(ctx, ana(), id, Command{Queue: "general", Note: "not ours"}))
	if m.Phase != "queue" || m.Owner.ID != "general" {
		t.Fatalf("transfer %+v", m)
	}
	must[Moved](t)(o.Claim(ctx, outsider(), id, Command{}))
	m = must[Moved](t)(o.Resolve(ctx, outsider(), id, Command{}))
	if m.Phase != "closed" {
		t.Fatalf("resolve %+v", m)
	}
	o.clock.add(5 * time.Second)
	if m = must[Moved](t)(o.Undo(ctx, outsider(), id, Command{})); m.Phase != "agent" {
		t.Errorf("undo %+v", m)
	}
	must[Moved](t)(o.Resolve(ctx, outsider(), id, Command{}))
	o.clock.add(11 * time.Second)
	if _, err := o.Undo(ctx, outsider(), id, Command{}); code(t, err) != CodeTooLate {
		t.Errorf("undo after 11 s: %v", err)
	}
	if m = must[Moved](t)(o.Reopen(ctx, lea(), id, Command{})); m.Owner.ID != lea().ID {
		t.Errorf("reopen %+v", m)
	}
	must[Moved](t)(o.Resolve(ctx, lea(), id, Command{}))
	o.says(t, "web", "mia", "hello again")
	_, err := o.Reopen(ctx, lea(), id, Command{})
	var p *Problem
	if !errors.As(err, &p) || p.Code != CodeTooLate || p.Facts["conversation"] == nil {
		t.Errorf("reopened beside a newer conversation: %v", err)
	}
}

func TestDesk_NotesPatchReveal(t *testing.T) {
	t.Parallel()
	o := open(t)
	ctx := t.Context()
	id := o.waiting(t, "web", "mia")
	note := must[Msg](t)(o.Note(ctx, ben(), id, "depot says tomorrow", "n-1"))
	if note.Kind != "note" || note.State != "none" || note.Author.Name != "Ben Kaya" {
		t.Errorf("note %+v", note)
	}
	d := must[Detail](t)(o.Patch(ctx, lea(), id, Patch{Priority: "urgent", Add: []string{"late", "vip"}, Slots: map[string]string{"order_number": "CD654321"}}))
	if d.Priority != "urgent" || !slices.Equal(d.Labels, []string{"late", "vip"}) || d.Slots[0].How != "agent" || d.Slots[0].Status != "claimed" {
		t.Errorf("patched %+v %+v", d.Item, d.Slots)
	}
	if _, err := o.Patch(ctx, ben(), id, Patch{Slots: map[string]string{"order_number": "CD654321"}}); code(t, err) != CodeNotOwner {
		t.Errorf("slots edited without owning: %v", err)
	}
	if _, err := o.Patch(ctx, lea(), id, Patch{Slots: map[string]string{"nope": "1"}}); code(t, err) != CodeInvalid {
		t.Errorf("unknown slot: %v", err)
	}
	got := must[Revealed](t)(o.Reveal(ctx, ana(), id, "order_number", "look up"))
	if got.Value != "CD654321" || !got.HidesAt.Equal(o.clock.Now().Add(5*time.Minute).UTC()) {
		t.Errorf("revealed %+v", got)
	}
	trail, err := o.store.Trail(ctx, storage.TrailQuery{Actor: ana().ID, Verb: "reveal", N: 5})
	if err != nil || len(trail.Items) != 1 || strings.Contains(string(trail.Items[0].Detail), "look up") {
		t.Errorf("audit of the reveal %+v, %v", trail.Items, err)
	}
	if _, err := o.Reveal(ctx, Actor{ID: "t", Role: RoleAPI, Token: true, Scopes: []string{ScopeRead, ScopeWrite}}, id, "order_number", ""); code(t, err) != CodeForbidden {
		t.Errorf("a token without pii:read: %v", err)
	}
}

func TestDesk_QueuesAndTakeNext(t *testing.T) {
	t.Parallel()
	o := open(t)
	ctx := t.Context()
	first := o.waiting(t, "web", "p1")
	o.clock.add(time.Second)
	o.waiting(t, "web", "p2")
	o.clock.add(2 * time.Second)
	qs := must[[]QueueInfo](t)(o.Queues(ctx, ana()))
	i := slices.IndexFunc(qs, func(q QueueInfo) bool { return q.Alias == "orders" })
	if i < 0 || qs[i].Waiting != 2 || qs[i].Oldest == nil || qs[i].Staffed != 2 || qs[i].Quote == nil || !qs[i].Schedule.Open || !qs[i].Mine {
		t.Errorf("queues %+v", qs)
	}
	if own := must[[]QueueInfo](t)(o.Queues(ctx, outsider())); len(own) != 1 || own[0].Alias != "general" {
		t.Errorf("queues of somebody else %+v", own)
	}
	id, _, err := o.TakeNext(ctx, ana(), "orders")
	if err != nil || id != first {
		t.Errorf("take next gave %q, %v; want the oldest %q", id, err, first)
	}
	if _, _, err := o.TakeNext(ctx, ana(), "orders"); err != nil {
		t.Error(err)
	}
	if id, _, err := o.TakeNext(ctx, ana(), "orders"); err != nil || id != "" {
		t.Errorf("an empty queue gave %q, %v", id, err)
	}
	mine := must[Page[Item]](t)(o.List(ctx, ana(), ListQuery{View: "mine", Limit: 1}))
	if len(mine.Items) != 1 || mine.NextCursor == "" {
		t.Fatalf("first page %+v", mine)
	}
	rest := must[Page[Item]](t)(o.List(ctx, ana(), ListQuery{View: "mine", Limit: 1, Cursor: mine.NextCursor}))
	if len(rest.Items) != 1 || rest.Items[0].ID == mine.Items[0].ID || rest.NextCursor != "" {
		t.Errorf("second page %+v", rest)
	}
	if hs := must[Page[Handoff]](t)(o.Handoffs(ctx, ana(), HandoffQuery{State: "claimed"})); len(hs.Items) != 2 || hs.Items[0].ClaimedBy.Name != "Ana Sousa" {
		t.Errorf("handoffs %+v", hs.Items)
	}
}

func TestDesk_WatchShowsOnlyWhatOneMaySee(t *testing.T) {
	t.Parallel()
	o := open(t)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	id := o.waiting(t, "web", "mia")
	collect := func(a Actor) []Watched {
		var got []Watched
		enough := errors.New("enough")
		err := o.Watch(ctx, a, 0, nil, func(w Watched) error {
			if len(got) > 0 && w.Cursor <= got[len(got)-1].Cursor {
				t.Errorf("cursor %d after %d", w.Cursor, got[len(got)-1].Cursor)
			}
			got = append(got, w)
			if w.Type == inbox.EventQueue || w.Conv != id {
				return enough
			}
			return nil
		})
		if !errors.Is(err, enough) && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		return got
	}
	got := collect(ana())
	if len(got) == 0 || got[0].Conv != id || got[len(got)-1].ConvSeq == 0 || got[0].Type == "" {
		t.Errorf("events %+v", got)
	}
	other := o.says(t, "web", "otto", "hello")
	seen := collect(outsider())
	for _, w := range seen {
		if w.Conv == id && w.Type == inbox.EventQueue {
			t.Errorf("an event of another queue was shown: %+v", w)
		}
	}
	if len(seen) == 0 || seen[len(seen)-1].Conv != other {
		t.Errorf("events of the default queue were not shown: %+v", seen)
	}
	if err := o.Watch(ctx, ana(), 1<<40, nil, func(Watched) error { return nil }); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("a cursor from the future: %v", err)
	}
}
