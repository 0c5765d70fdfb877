package inbox

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"dispatcher/dm"
	"dispatcher/engine"
	"dispatcher/storage"
)

var update = flag.Bool("update", false, "rewrite golden files")

// talked is a state as a flow leaves it at a handoff.
func talked(now time.Time) engine.State {
	at := now.UnixMilli()
	return engine.State{Version: 1, Set: strings.Repeat("ab", 32), Owner: "queue", Flow: "track_order", Name: "where", Language: "en",
		Slots: map[string]engine.SlotValue{
			"order_number": {Value: "AB123456", Raw: "ab 123456", How: "found", State: "track_order.start", Seq: 1, At: at, Tries: 1},
			"card_digits":  {Value: "4242", Raw: "4242", How: "asked", State: "track_order.card", Seq: 1, At: at},
			"parcel":       {Value: "Bristol depot", How: "verified", At: at},
		},
		Order: []string{"order_number", "card_digits", "parcel"}, Tags: []string{"late"},
		Topic:    &engine.Topic{ID: "order", Label: "Where's my order?", How: "tap"},
		Path:     []engine.PathStep{{Flow: "welcome", Name: "menu", Edge: "opt:order", At: at}, {Flow: "track_order", Name: "start", Edge: "collected", At: at}},
		Attempts: []engine.Attempt{{State: "track_order.start", Kind: "invalid", Seq: 1}},
		Entry:    &engine.EntryNow{Ref: "shop", Source: "link", Signed: true}}
}

// handedOff is a conversation that a flow has given to queue orders.
func (w *world) handedOff(t testing.TB) *View {
	t.Helper()
	v := w.open(t, EdgeOpenBot)
	return w.do(t, v, func(d *Draft) error {
		d.Append(NewMessage{Kind: storage.MsgText, Dir: storage.DirIn, Author: storage.AuthorCustomer, Body: Body{Text: "can i talk to a person"}})
		d.SetState(talked(w.now))
		d.Send(Outgoing{NewMessage: NewMessage{Kind: storage.MsgText, Author: storage.AuthorBot, Body: Body{Text: "Someone from Orders writes in about 5 minutes."}},
			Kind: storage.RowNotice, Origin: storage.OriginBot, Quotes: []engine.Quote{{Kind: "eta", Name: "orders", Due: w.now.Add(5 * time.Minute)}}})
		return d.Handoff(engine.Handoff{Queue: "orders", Priority: "high", Cause: dm.CauseAskedForPerson, Reason: "asked", Rule: "flows/welcome.yaml:88",
			Summary: "Order AB123456\n\nis late", Promised: true}, engine.Trace{Event: "message"})
	})
}

func TestPacket_Golden(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p, err := w.handedOff(t).Packet()
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	uuids := regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}`)
	got = append(uuids.ReplaceAll(got, []byte("UUID")), '\n')
	golden := filepath.Join("testdata", "packet.json")
	if *update {
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("packet differs from %s (-update rewrites it):\n%s", golden, got)
	}
	if strings.Contains(string(got), "4242") {
		t.Error("the value of a secret slot is in the packet")
	}
}

func TestPacket_IsSealedForItsPlace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.handedOff(t)
	box := string(v.Snap.Handoff.Packet)
	for _, word := range []string{"AB123456", "Mia", "orders"} {
		if strings.Contains(box, word) {
			t.Errorf("%q is readable in the stored packet", word)
		}
	}
	other := *v.Snap.Handoff
	if _, err := v.Reader().Packet(storage.UID{1}, other); err == nil {
		t.Error("a packet opened under another conversation")
	}
}

func TestHandoff_IsNeverBlankSilentOrParked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.handedOff(t)
	h := v.Snap.Handoff
	switch {
	case h == nil:
		t.Fatal("no handoff row")
	case h.Queue != "orders" || h.Cause != dm.CauseAskedForPerson || h.Priority != 2 || h.ClaimedAt != 0:
		t.Errorf("handoff %+v", h)
	case v.Snap.Conv.Priority != 2 || v.Snap.Conv.FirstReplyDue != w.now.Add(5*time.Minute).UnixMilli():
		t.Errorf("priority %d, first reply due %d", v.Snap.Conv.Priority, v.Snap.Conv.FirstReplyDue)
	case v.Snap.Interval.Handoff != h.ID:
		t.Errorf("interval serves handoff %d, want %d", v.Snap.Interval.Handoff, h.ID)
	}
	names := map[string]bool{}
	for _, tm := range v.Snap.Timers {
		names[tm.Name] = true
	}
	if !names[timerFirst] || !names[timerPromise] {
		t.Errorf("timers %v: no timer moves it", names)
	}
	work, _, err := w.store.Lease(t.Context(), storage.LeaseQuery{What: "outbox", Now: w.now.UnixMilli(), Node: 1, For: time.Minute, N: 10})
	if err != nil || len(work) != 1 {
		t.Fatalf("%d rows to send, %v; want the handoff sentence", len(work), err)
	}
	if work[0].Row.Epoch != v.Snap.Conv.Epoch {
		t.Errorf("the handoff sentence has epoch %d, the conversation %d: it would never leave", work[0].Row.Epoch, v.Snap.Conv.Epoch)
	}
}

func TestTransfer_MakesAChildThatKeepsWhatWasLearnt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.handedOff(t)
	old := v.Snap.Handoff.ID
	v = w.fire(t, v, Shift{Edge: EdgeClaim, By: "ana"})
	v = w.fire(t, v, Shift{Edge: EdgeTransferQueue, By: "ana", OwnerID: "general"})
	h := v.Snap.Handoff
	if h.ID == old || h.Parent != old || h.Cause != dm.CauseTransferred || h.Queue != "general" || h.ClaimedAt != 0 {
		t.Fatalf("child %+v of %d", h, old)
	}
	p, err := v.Packet()
	if err != nil || len(p.Slots) != 3 || p.Cause != dm.CauseAskedForPerson || p.Queue != "general" {
		t.Errorf("packet %+v, %v", p, err)
	}
	if v.Snap.Conv.FirstReplyDue != w.now.Add(5*time.Minute).UnixMilli() {
		t.Error("the tighter due time did not survive the transfer")
	}
	if err := w.view(t, storage.Key{ID: v.Snap.Conv.ID}).Draft().Fire(Shift{Edge: EdgeTransferQueue, By: "ana", OwnerID: "general"}); err == nil {
		t.Error("a transfer to the same queue went through")
	}
}

func TestRelease_KeepsTheSameHandoff(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.handedOff(t)
	old, created := v.Snap.Handoff.ID, v.Snap.Handoff.CreatedAt
	v = w.fire(t, v, Shift{Edge: EdgeClaim, By: "ana"})
	w.now = w.now.Add(time.Minute)
	v = w.fire(t, v, Shift{Edge: EdgeRelease, By: "ana"})
	if h := v.Snap.Handoff; h.ID != old || h.CreatedAt != created || h.ClaimedAt != 0 || v.Snap.Conv.OwnerID != "orders" {
		t.Errorf("after release %+v, owner %q", h, v.Snap.Conv.OwnerID)
	}
}
