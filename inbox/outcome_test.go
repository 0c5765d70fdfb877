package inbox

import (
	"testing"
	"time"

	"dispatcher/dm"
	"dispatcher/storage"
)

// outcomes reads the outcome rows: conversation → outcome.
func (w *world) outcomes(t testing.TB) map[int64]string {
	t.Helper()
	out := map[int64]string{}
	err := w.store.Walk(t.Context(), storage.WalkQuery{Tables: []string{"outcomes"}}, func(r storage.Row) error {
		cols := map[string]any{}
		for n, c := range r.Cols {
			cols[c] = r.Vals[n]
		}
		out[cols["conversation_id"].(int64)] = cols["outcome"].(string)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestOutcome_OneRowPerClosedConversation(t *testing.T) {
	t.Parallel()
	resolve := func(reason string, optional bool) func(*world, *View) {
		return func(w *world, v *View) {
			w.do(t, v, func(d *Draft) error { return d.Resolve(reason, optional) })
		}
	}
	claimed := func(w *world, v *View) *View { return w.fire(t, v, Shift{Edge: EdgeClaim, By: "ana"}) }
	for name, tc := range map[string]struct {
		open Edge
		do   func(*world, *View)
		want string // "" = counted nowhere
	}{
		"flow ends":            {EdgeOpenBot, resolve("done", false), OutcomeBot},
		"silent at a question": {EdgeOpenBot, resolve("idle", false), OutcomeLeftBot},
		"silent at the last":   {EdgeOpenBot, resolve("no_reply", true), OutcomeBot},
		"stop word":            {EdgeOpenBot, resolve("stopped", false), OutcomeStopped},
		"stop in the queue":    {EdgeOpenQueue, resolve("stopped", false), OutcomeLeftQueue},
		"person answered": {EdgeOpenQueue, func(w *world, v *View) {
			v = w.reply(t, claimed(w, v), "hi")
			w.fire(t, v, Shift{Edge: EdgeResolvePlain, By: "ana"})
		}, OutcomePerson},
		"after-care": {EdgeOpenQueue, func(w *world, v *View) {
			v = w.reply(t, claimed(w, v), "hi")
			v = w.fire(t, v, Shift{Edge: EdgeResolve, By: "ana"})
			if len(w.outcomes(t)) != 0 {
				t.Error("an outcome was written before the end")
			}
			w.do(t, v, func(d *Draft) error { return d.Resolve("done", false) })
		}, OutcomePerson},
		"we wrote first": {EdgeOpenAgent, func(w *world, v *View) { w.fire(t, v, Shift{Edge: EdgeResolvePlain, By: "ana"}) }, OutcomeProactive},
		"spam":           {EdgeOpenQueue, func(w *world, v *View) { w.fire(t, v, Shift{Edge: EdgeSpam, By: "ana"}) }, ""},
		"erased":         {EdgeOpenQueue, func(w *world, v *View) { w.fire(t, v, Shift{Edge: EdgeErase, By: "admin"}) }, ""},
		"blocked":        {EdgeOpenBlocked, func(*world, *View) {}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			v := w.open(t, tc.open)
			tc.do(w, v)
			after := w.view(t, storage.Key{ID: v.Snap.Conv.ID})
			if after.Snap.Conv.Status != storage.Resolved || len(after.Snap.Timers) != 0 {
				t.Fatalf("status %d, timers %v", after.Snap.Conv.Status, after.Snap.Timers)
			}
			got := w.outcomes(t)
			if got[v.Snap.Conv.ID] != tc.want || tc.want == "" && len(got) != 0 {
				t.Errorf("outcomes %v, want %q", got, tc.want)
			}
		})
	}
}

func TestResolve_UndoGoesOnAsIfNeverStopped(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.fire(t, w.handedOff(t), Shift{Edge: EdgeClaim, By: "ana"})
	before, timers := v.Snap, len(v.Snap.Timers)
	w.now = w.now.Add(time.Minute)
	v = w.fire(t, v, Shift{Edge: EdgeResolvePlain, By: "ana"})
	if v.Snap.Conv.FirstReplyDue != 0 || v.Snap.Handoff != nil || v.ClosedHandoff() == nil {
		t.Fatalf("after resolve: %+v", v.Snap.Conv)
	}
	w.now = w.now.Add(9 * time.Second)
	if err := v.Draft().Fire(Shift{Edge: EdgeUndoResolve, By: "ben"}); err == nil {
		t.Error("somebody else undid it")
	}
	v = w.fire(t, v, Shift{Edge: EdgeUndoResolve, By: "ana"})
	c := v.Snap.Conv
	if c.Status != storage.Open || c.OwnerID != "ana" || c.FirstReplyDue != before.Conv.FirstReplyDue || c.WaitingSince != before.Conv.WaitingSince || c.ResolvedAt != 0 {
		t.Errorf("after undo: %+v", c)
	}
	if h := v.Snap.Handoff; h == nil || h.ID != before.Handoff.ID {
		t.Errorf("handoff after undo: %+v", h)
	}
	if p, err := v.Packet(); err != nil || p == nil || len(p.Slots) != 3 {
		t.Errorf("the packet did not survive: %v, %v", p, err)
	}
	if len(v.Snap.Timers) != timers {
		t.Errorf("%d timers after undo, %d before", len(v.Snap.Timers), timers)
	}
	w.fire(t, v, Shift{Edge: EdgeResolvePlain, By: "ana"})
	w.now = w.now.Add(11 * time.Second)
	if err := w.view(t, storage.Key{ID: c.ID}).Draft().Fire(Shift{Edge: EdgeUndoResolve, By: "ana"}); err == nil {
		t.Error("undone after eleven seconds")
	}
}

func TestReopen_NewHandoffInTheOldQueue(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.reply(t, w.fire(t, w.handedOff(t), Shift{Edge: EdgeClaim, By: "ana"}), "hi")
	old := v.Snap.Handoff.ID
	v = w.fire(t, v, Shift{Edge: EdgeResolvePlain, By: "ana"})
	w.now = w.now.Add(time.Hour)
	v = w.fire(t, v, Shift{Edge: EdgeReopen, By: "ben"})
	if h := v.Snap.Handoff; h == nil || h.ID == old || h.Cause != dm.CauseReopened || h.Queue != "orders" || h.ClaimedBy != "ben" {
		t.Errorf("handoff after reopen: %+v", h)
	}
	if got := w.outcomes(t); len(got) != 1 {
		t.Errorf("outcomes %v", got)
	}
	v = w.fire(t, v, Shift{Edge: EdgeResolvePlain, By: "ben"})
	if got := w.outcomes(t); len(got) != 1 || got[v.Snap.Conv.ID] != OutcomePerson {
		t.Errorf("outcomes %v: counted twice or not at all", got)
	}
	w.now = w.now.Add(73 * time.Hour)
	if err := w.view(t, storage.Key{ID: v.Snap.Conv.ID}).Draft().Fire(Shift{Edge: EdgeReopen, By: "ben"}); err == nil {
		t.Error("reopened after 73 hours")
	}
}

func TestAfterCare_NewMatterOpensInTheSameTransaction(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.reply(t, w.fire(t, w.handedOff(t), Shift{Edge: EdgeClaim, By: "ana"}), "hi")
	v = w.fire(t, v, Shift{Edge: EdgeResolve, By: "ana"})
	d := v.Draft()
	if err := d.Fire(Shift{Edge: EdgeAfterNewIssue, By: "customer"}); err != nil {
		t.Fatal(err)
	}
	next := d.Next()
	seq := next.Append(NewMessage{Kind: storage.MsgText, Dir: storage.DirIn, Author: storage.AuthorCustomer, Body: Body{Text: "something else"}})
	if err := next.Fire(Shift{Edge: EdgeOpenBot, By: "customer"}); err != nil {
		t.Fatal(err)
	}
	d.Opens(next)
	out := w.apply(t, d)
	n := w.view(t, storage.Key{ID: out.Opened})
	if n.Snap.Conv.Continues != v.Snap.Conv.ID || seq != v.Snap.Conv.LastSeq+1 || n.Snap.Conv.Epoch != 1 || n.Snap.Prev == nil {
		t.Errorf("opened %+v at seq %d after %d", n.Snap.Conv, seq, v.Snap.Conv.LastSeq)
	}
	if got := w.outcomes(t); got[v.Snap.Conv.ID] != OutcomePerson || len(got) != 1 {
		t.Errorf("outcomes %v", got)
	}
}
