package inbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"dispatcher/channels"
	"dispatcher/dm"
	"dispatcher/engine"
	"dispatcher/flows"
	"dispatcher/storage"
	"dispatcher/storage/sqlite"
	"dispatcher/vault"
)

// world is a store, a vault and one channel, with a clock of its own.
type world struct {
	store   storage.Store
	vault   *vault.Vault
	account *Account
	project *flows.Project
	now     time.Time
}

func newWorld(t testing.TB) *world {
	t.Helper()
	keys, err := vault.ParseKeys(vault.GenerateKey())
	if err != nil {
		t.Fatal(err)
	}
	v, _, err := vault.New(keys)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "data")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	store, err := sqlite.Open(context.Background(), sqlite.Options{Dir: dir, Durability: sqlite.Normal})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return &world{store: store, vault: v, account: &Account{Alias: "web", Number: 1, Kind: "web", Caps: channels.Caps{Kind: "web"}},
		project: testProject(), now: time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)}
}

func testProject() *flows.Project {
	return &flows.Project{Set: &engine.Set{ID: strings.Repeat("ab", 32), Languages: []string{"en"}, DefaultQueue: "general",
		Queues: map[string]*engine.Queue{
			"general": {Alias: "general", Name: "General", FirstReply: 15 * time.Minute, Next: 30 * time.Minute, Resolve: 48 * time.Hour},
			"orders":  {Alias: "orders", Name: "Orders", FirstReply: 5 * time.Minute, Next: 10 * time.Minute},
		}, QueueOrder: []string{"general", "orders"},
		Slots: map[string]*engine.Slot{
			"order_number": {Name: "order_number", Type: engine.SlotText, Find: `[A-Z]{2}\d{6}`, PII: true, Called: []string{"order number"}},
			"card_digits":  {Name: "card_digits", Type: engine.SlotText, Secret: true},
		},
		Canned:      map[string]*engine.Canned{"late_parcel": {Name: "late_parcel", For: []string{"order"}}},
		CannedOrder: []string{"late_parcel"},
	}}
}

var customerAddr = []byte("0123456789abcdef")

func (w *world) view(t testing.TB, key storage.Key) *View {
	t.Helper()
	snaps, err := w.store.Load(context.Background(), []storage.Key{key})
	if err != nil {
		t.Fatal(err)
	}
	v, err := newView(nil, w.account, snaps[0], w.vault, w.project, w.now)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func (w *world) apply(t testing.TB, d *Draft) storage.Outcome {
	t.Helper()
	turn, err := d.Build()
	if err != nil {
		t.Fatal(err)
	}
	out, err := w.store.Apply(context.Background(), []storage.Turn{turn})
	if err != nil {
		t.Fatal(err)
	}
	if out[0].Status != storage.Applied {
		t.Fatalf("turn was not applied: status %d: %v", out[0].Status, out[0].Err)
	}
	return out[0]
}

// open makes a conversation of a new customer through an opening edge.
func (w *world) open(t testing.TB, e Edge) *View {
	t.Helper()
	v := w.view(t, storage.Key{Channel: 1, Addr: customerAddr})
	d := v.Draft()
	d.Reach(customerAddr, Address{Thread: "thread-1", Party: dm.Party{ID: "c-1"}}, w.now)
	d.Contact(func(p *Profile) { p.Name = "Mia Kovač" })
	d.Append(NewMessage{Kind: storage.MsgText, Dir: storage.DirIn, Author: storage.AuthorCustomer, Body: Body{Text: "where is my parcel"}})
	if err := d.Fire(Shift{Edge: e, By: "customer"}); err != nil {
		t.Fatal(err)
	}
	out := w.apply(t, d)
	return w.view(t, storage.Key{ID: out.Conversation})
}

// do fires one edge on the conversation of a view and reads it back.
func (w *world) do(t testing.TB, v *View, f func(*Draft) error) *View {
	t.Helper()
	d := w.view(t, storage.Key{ID: v.Snap.Conv.ID}).Draft()
	if err := f(d); err != nil {
		t.Fatal(err)
	}
	out := w.apply(t, d)
	return w.view(t, storage.Key{ID: out.Conversation})
}

func (w *world) fire(t testing.TB, v *View, s Shift) *View {
	t.Helper()
	return w.do(t, v, func(d *Draft) error { return d.Fire(s) })
}

// legal is desk.md 1.2 written a second time, by source.
func legal() map[string]map[Edge]string {
	return map[string]map[Edge]string{
		"new":    {EdgeOpenBot: "bot", EdgeOpenQueue: "queue", EdgeOpenAgent: "agent", EdgeOpenBlocked: "closed"},
		"bot":    {EdgeHandOff: "queue", EdgeBotResolve: "closed", EdgeTakeOver: "agent", EdgeNativeReply: "agent", EdgeSpam: "closed", EdgeKill: "queue", EdgeErase: "closed"},
		"lent":   {EdgeLendDone: "agent", EdgeLendRecall: "agent", EdgeLendOrphan: "queue", EdgeNativeReply: "agent", EdgeKill: "agent", EdgeErase: "closed"},
		"after":  {EdgeAfterDone: "closed", EdgeAfterNewIssue: "closed", EdgeUndoResolve: "agent", EdgeReopen: "agent", EdgeNativeReply: "agent", EdgeKill: "closed", EdgeErase: "closed"},
		"queue":  {EdgeClaim: "agent", EdgeNativeReply: "agent", EdgeHandBack: "bot", EdgeTransferQueue: "queue", EdgeResolvePlain: "closed", EdgeSpam: "closed", EdgeErase: "closed"},
		"agent":  {EdgeRelease: "queue", EdgeTransferQueue: "queue", EdgeTransferAgent: "agent", EdgeTakeoverAgent: "agent", EdgeAgentGone: "queue", EdgeOutsideIdle: "queue", EdgeHandBack: "bot", EdgeLend: "lent", EdgeSnooze: "parked", EdgeResolve: "after", EdgeResolvePlain: "closed", EdgeSpam: "closed", EdgeErase: "closed"},
		"parked": {EdgeRelease: "queue", EdgeTransferQueue: "queue", EdgeAgentGone: "queue", EdgeWake: "agent", EdgeWakeOrphan: "queue", EdgeResolve: "after", EdgeResolvePlain: "closed", EdgeSpam: "closed", EdgeErase: "closed"},
		"closed": {EdgeReopen: "agent", EdgeReopenQueue: "queue", EdgeUndoResolve: "agent"},
	}
}

func allEdges() []Edge {
	seen, out := map[Edge]bool{}, []Edge{}
	for _, r := range rules() {
		if !seen[r.edge] {
			seen[r.edge] = true
			out = append(out, r.edge)
		}
	}
	return out
}

func TestOwner_EveryPhaseAndEdgeIsLegalOrRefused(t *testing.T) {
	t.Parallel()
	if n := len(allEdges()); n != 33 {
		t.Errorf("the machine has %d edges, desk.md 1.2 has 33", n)
	}
	for phase, edges := range legal() {
		for _, e := range allEdges() {
			to, err := next(phase, e)
			want, ok := edges[e]
			switch refused := (*EdgeError)(nil); {
			case ok && (err != nil || to != want):
				t.Errorf("%s from %s: got %q, %v; want %q", e, phase, to, err, want)
			case !ok && (!errors.As(err, &refused) || refused.Why != WhyIllegal):
				t.Errorf("%s from %s: got %q, %v; want a refusal", e, phase, to, err)
			}
		}
	}
}

func TestOwner_EdgesThatTheStepFiresRestamp(t *testing.T) {
	t.Parallel()
	for _, r := range rules() {
		want := storage.SettleCancel
		switch r.edge {
		case EdgeHandOff, EdgeBotResolve, EdgeAfterDone:
			want = storage.SettleRestamp
		case EdgeOpenBot, EdgeOpenQueue, EdgeOpenAgent, EdgeOpenBlocked:
			want = storage.SettleNone
		}
		d := &Draft{View: &View{}, conv: storage.Conversation{ID: 1}}
		d.settle(Shift{Edge: r.edge, By: "ana"}, r.from[0])
		if d.turn.Settle != want {
			t.Errorf("%s: settle rule %d, want %d", r.edge, d.turn.Settle, want)
		}
	}
}

// intervals reads the ownership rows of a conversation: epochs and how many are open.
func (w *world) intervals(t testing.TB, c storage.Conversation) (epochs []int64, open int) {
	t.Helper()
	err := w.store.Walk(context.Background(), storage.WalkQuery{Tables: []string{"ownership"}, Contact: c.Contact}, func(r storage.Row) error {
		cols := map[string]any{}
		for n, c := range r.Cols {
			cols[c] = r.Vals[n]
		}
		epochs = append(epochs, cols["epoch"].(int64))
		if cols["until"].(int64) == 0 {
			open++
			if cols["until_cause"].(string) != "" {
				return fmt.Errorf("open interval %v has an end cause", cols["epoch"])
			}
		} else if cols["until_cause"].(string) == "" || cols["since_cause"].(string) == "" {
			return fmt.Errorf("interval %v has no cause at both ends", cols["epoch"])
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return epochs, open
}

// Whatever edges are fired in whatever order, there is exactly one open
// interval, its epoch is the conversation's, and epochs count from 1 without a gap.
func TestOwner_RandomWalkKeepsOneInterval(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	edges := allEdges()
	walk := 0
	rapid.Check(t, func(rt *rapid.T) {
		walk++
		addr := []byte(fmt.Sprintf("addr%012d", walk))
		opening := rapid.SampledFrom([]Edge{EdgeOpenBot, EdgeOpenQueue, EdgeOpenAgent}).Draw(rt, "open")
		d := w.view(t, storage.Key{Channel: 1, Addr: addr}).Draft()
		d.Reach(addr, Address{Thread: "t"}, w.now)
		if err := d.Fire(Shift{Edge: opening, By: "ana"}); err != nil {
			rt.Fatal(err)
		}
		conv := w.apply(t, d).Conversation
		epoch, v := int64(1), w.view(t, storage.Key{ID: conv})
		for range rapid.IntRange(1, 9).Draw(rt, "steps") {
			possible := []Edge{}
			for _, e := range edges {
				if legal()[v.Phase()][e] != "" {
					possible = append(possible, e)
				}
			}
			if len(possible) == 0 {
				break
			}
			d, before := v.Draft(), v.Snap.Conv
			s := Shift{Edge: rapid.SampledFrom(possible).Draw(rt, "edge"), By: rapid.SampledFrom([]string{"ana", "ben"}).Draw(rt, "by"),
				OwnerID: rapid.SampledFrom([]string{"", "general", "orders"}).Draw(rt, "to")}
			if ownerOf(legal()[v.Phase()][s.Edge]) == storage.OwnerAgent {
				s.OwnerID = ""
			}
			err := d.Fire(s)
			if refused := (*EdgeError)(nil); errors.As(err, &refused) {
				continue
			} else if err != nil {
				rt.Fatal(err)
			}
			w.apply(t, d)
			v = w.view(t, storage.Key{ID: conv})
			after := v.Snap.Conv
			moved := before.Owner != after.Owner || before.OwnerID != after.OwnerID || before.Phase != after.Phase
			if moved {
				epoch++
			}
			if after.Epoch != epoch || after.Owner != ownerOf(PhaseWord(after.Phase)) {
				rt.Fatalf("after %s: epoch %d, owner %s, phase %s; want epoch %d", s.Edge, after.Epoch, OwnerWord(after.Owner), PhaseWord(after.Phase), epoch)
			}
		}
		epochs, open := w.intervals(t, v.Snap.Conv)
		if open != 1 || int64(len(epochs)) != epoch {
			rt.Fatalf("%d open intervals, %d in all; want 1 and %d", open, len(epochs), epoch)
		}
	})
}
