package inbox

import (
	"testing"
	"time"

	"dispatcher/dm"
	"dispatcher/storage"
)

func TestPayload_KnownAnswerAndForgeries(t *testing.T) {
	t.Parallel()
	secret := []byte("example-option-secret")
	p := payload(secret, "conv-1", 100, 0)
	if p != "o1.2s.0.4J1KFSGb" { // channels.md 3.6
		t.Fatalf("payload %q", p)
	}
	if seq, n, ok := checkPayload(secret, "conv-1", p); !ok || seq != 100 || n != 0 {
		t.Errorf("own payload: %d %d %v", seq, n, ok)
	}
	for _, bad := range []string{"", "o1.2s.0.", "o1.2s.1.4J1KFSGb", "o1.2t.0.4J1KFSGb", "o1.2S.0.4J1KFSGb", "o2.2s.0.4J1KFSGb", "o1.-1.0.4J1KFSGb", "o1.2s.0.4J1KFSGb.x"} {
		if _, _, ok := checkPayload(secret, "conv-1", bad); ok {
			t.Errorf("%q was taken for a button", bad)
		}
	}
	if _, _, ok := checkPayload(secret, "conv-2", p); ok {
		t.Error("a button of another conversation was accepted")
	}
	if p := payload(secret, "conv-1", 1<<62, 12); len(p) > 40 {
		t.Errorf("payload of %d bytes", len(p))
	}
}

// The buttons of a message that leaves are those that come back as known.
func TestPayloadsAreThoseThatAreChecked(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for range 2 { // the keyed hash is used again
		for n, p := range payloads(r.vault, "web", "conv-1", 100, 3) {
			if want := payload(optionSecret(r.vault, "web"), "conv-1", 100, n); p != want {
				t.Errorf("button %d carries %q, not %q", n, p, want)
			}
		}
	}
}

func botSays(text string) Outgoing {
	return Outgoing{NewMessage: NewMessage{Author: storage.AuthorBot, Body: Body{Text: text}}, Kind: storage.RowSend, Origin: storage.OriginBot}
}

func TestSend_OnlyTheOwnerSpeaks(t *testing.T) {
	t.Parallel()
	notice := botSays("notice")
	notice.Kind = storage.RowNotice
	for phase, want := range map[Edge][2]bool{ // opening edge → may say, may give notice
		EdgeOpenBot: {true, true}, EdgeOpenQueue: {false, true}, EdgeOpenAgent: {false, false},
	} {
		w := newWorld(t)
		d := w.open(t, phase).Draft()
		said, noticed := d.Send(botSays("bot")) != 0, d.Send(notice) != 0
		if said != want[0] || noticed != want[1] {
			t.Errorf("%s: bot spoke %v, notice %v; want %v", phase, said, noticed, want)
		}
	}
}

func TestSend_TakeOverCancelsWhatTheBotWasAboutToSay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.open(t, EdgeOpenBot)
	v = w.do(t, v, func(d *Draft) error { d.Send(botSays("let me see")); return nil })
	v = w.fire(t, v, Shift{Edge: EdgeTakeOver, By: "ana", ByName: "Ana"})
	page, err := w.store.Thread(t.Context(), storage.ThreadQuery{Conversation: v.Snap.Conv.ID})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range page.Items {
		if m.Author == storage.AuthorBot && m.Delivery != storage.DeliveryCancelled {
			t.Errorf("bot message is %s after a take-over", DeliveryWord(m.Delivery))
		}
	}
	if h := v.Snap.Handoff; h == nil || h.Cause != dm.CauseTakenOver || h.ClaimedBy != "ana" {
		t.Errorf("handoff %+v", h)
	}
}

func TestSend_SealsTheRequestAndSignsButtons(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.account.Caps.Window = 24 * time.Hour
	v := w.open(t, EdgeOpenBot)
	var seq int64
	v = w.do(t, v, func(d *Draft) error {
		o := botSays("choose")
		o.Options = []BodyOption{{ID: "order", Label: "Order"}, {ID: "return", Label: "Return"}}
		seq = d.Send(o)
		return nil
	})
	work, _, err := w.store.Lease(t.Context(), storage.LeaseQuery{What: "outbox", Now: w.now.UnixMilli(), Node: 1, For: time.Minute, N: 10})
	if err != nil || len(work) != 1 {
		t.Fatalf("%d rows, %v", len(work), err)
	}
	out, err := v.Reader().Request(v.Snap.Conv.UID, *work[0].Row)
	if err != nil {
		t.Fatal(err)
	}
	if out.Key != UIDText(work[0].Row.UID) || out.Thread != "thread-1" || out.Text != "choose" || out.Author != dm.AuthorBot || out.Window == nil || len(out.Options) != 2 {
		t.Errorf("request %+v", out)
	}
	secret := optionSecret(w.vault, "web")
	if s, n, ok := checkPayload(secret, v.UID(), out.Options[1].Payload); !ok || s != seq || n != 1 {
		t.Errorf("payload %q names %d.%d", out.Options[1].Payload, s, n)
	}
	if exp := work[0].Row.ExpiresAt; exp != w.now.Add(botTTL).UnixMilli() {
		t.Errorf("expires at %d", exp)
	}
}

func TestSend_NativeChannel(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.account.Caps.Native = true
	v := w.open(t, EdgeOpenBot)
	v = w.do(t, v, func(d *Draft) error {
		d.Send(botSays("now"))
		later := botSays("later")
		later.DueAt = w.now.Add(3 * time.Second)
		if seq := d.Send(later); seq != 0 {
			t.Errorf("a message that waits has seq %d", seq)
		}
		if seq := d.Send(botSays("last")); seq != 0 {
			t.Error("a message overtook one that waits")
		}
		return nil
	})
	if got := w.notices(t, v); len(got) != 1 || got[0] != "now" {
		t.Fatalf("said %q", got)
	}
	if len(v.Snap.Timers) != 2 {
		t.Fatalf("timers %v", v.Snap.Timers)
	}
	w.now = w.now.Add(3 * time.Second)
	for _, tm := range v.Snap.Timers {
		v = w.do(t, v, func(d *Draft) error { d.Drop(tm); _, err := d.Due(tm, nil); return err })
	}
	if got := w.notices(t, v); len(got) != 3 || got[1] != "later" || got[2] != "last" {
		t.Errorf("said %q", got)
	}
}

// What waits on a native channel is gone when somebody takes over.
func TestSend_NativeHeldMessageIsCancelledByTakeOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.account.Caps.Native = true
	v := w.open(t, EdgeOpenBot)
	v = w.do(t, v, func(d *Draft) error {
		o := botSays("later")
		o.DueAt = w.now.Add(time.Minute)
		d.Send(o)
		return nil
	})
	v = w.fire(t, v, Shift{Edge: EdgeTakeOver, By: "ana"})
	for _, tm := range v.Snap.Timers {
		if len(tm.Name) > len(timerRelease) && tm.Name[:len(timerRelease)] == timerRelease {
			t.Errorf("timer %s survived the take-over", tm.Name)
		}
	}
}

// The survey leaves no earlier than the undo is over.
func TestSend_AfterCareWaitsForTheUndo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.fire(t, w.handedOff(t), Shift{Edge: EdgeClaim, By: "ana"})
	d := v.Draft()
	if err := d.Fire(Shift{Edge: EdgeResolve, By: "ana"}); err != nil {
		t.Fatal(err)
	}
	d.Send(botSays("how did we do?"))
	turn, err := d.Build()
	if err != nil {
		t.Fatal(err)
	}
	if due := turn.Outbox[0].DueAt; due != w.now.Add(UndoWithin).UnixMilli() {
		t.Errorf("survey due at %d", due)
	}
}

func FuzzReadPayload(f *testing.F) {
	for _, seed := range []string{"o1.2s.0.4J1KFSGb", "o1...", "g1.menu", "o1.zzzzzzzzzzzzzz.0.x", "o1.-5.0.4J1KFSGb", ""} {
		f.Add(seed)
	}
	secret := []byte("example-option-secret")
	f.Fuzz(func(t *testing.T, p string) {
		seq, n, ok := checkPayload(secret, "conv-1", p)
		if ok && payload(secret, "conv-1", seq, n) != p {
			t.Errorf("%q was accepted as %d.%d", p, seq, n)
		}
	})
}
