package inbox

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"dispatcher/dm"
	"dispatcher/engine"
	"dispatcher/storage"
)

func (w *world) customer(t testing.TB, v *View, text string) *View {
	t.Helper()
	return w.do(t, v, func(d *Draft) error {
		d.Append(NewMessage{Kind: storage.MsgText, Dir: storage.DirIn, Author: storage.AuthorCustomer, Body: Body{Text: text}})
		return nil
	})
}

// reply sends an agent's message and lets it reach sent at once.
func (w *world) reply(t testing.TB, v *View, text string) *View {
	t.Helper()
	var seq int64
	v = w.do(t, v, func(d *Draft) error {
		seq = d.Send(Outgoing{NewMessage: NewMessage{AuthorID: "ana", Body: Body{Text: text}}, Origin: storage.OriginAgent})
		return nil
	})
	return w.do(t, v, func(d *Draft) error { d.Sent(seq, w.now); return nil })
}

// deskRow reads one row of the desk's tables, ended or not.
func (w *world) deskRows(t testing.TB, table string) (states []string, bodies []ClockBody) {
	t.Helper()
	err := w.store.Walk(t.Context(), storage.WalkQuery{Tables: []string{"desk"}}, func(r storage.Row) error {
		cols := map[string]any{}
		for n, c := range r.Cols {
			cols[c] = r.Vals[n]
		}
		if cols["tbl"] == table {
			states = append(states, cols["state"].(string))
			var b ClockBody
			raw, _ := cols["body"].([]byte)
			_ = json.Unmarshal(raw, &b)
			bodies = append(bodies, b)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return states, bodies
}

func TestClock_FirstThenNextResponse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.handedOff(t)
	v = w.fire(t, v, Shift{Edge: EdgeClaim, By: "ana"})
	if v.Snap.Conv.WaitingSince != w.now.UnixMilli() {
		t.Errorf("waiting since %d", v.Snap.Conv.WaitingSince)
	}
	w.now = w.now.Add(3 * time.Minute)
	v = w.reply(t, v, "Hi Mia, Ana here.")
	if c := v.Snap.Conv; c.FirstReplyDue != 0 || c.NextReplyDue != 0 || c.WaitingSince != 0 || c.Unread != 0 {
		t.Errorf("after the first reply: first %d next %d waiting %d unread %d", c.FirstReplyDue, c.NextReplyDue, c.WaitingSince, c.Unread)
	}
	w.now = w.now.Add(time.Minute)
	v = w.customer(t, v, "and when?")
	due := w.now.Add(10 * time.Minute).UnixMilli()
	w.now = w.now.Add(time.Minute)
	v = w.customer(t, v, "hello?")
	if c := v.Snap.Conv; c.NextReplyDue != due || c.Unread != 2 {
		t.Errorf("next due %d, want %d of the oldest unanswered; unread %d", c.NextReplyDue, due, c.Unread)
	}
	w.now = w.now.Add(20 * time.Minute)
	w.reply(t, v, "sorry")
	_, clocks := w.deskRows(t, "clock")
	got := map[string]ClockBody{}
	for _, b := range clocks {
		got[b.Clock] = b
	}
	if f := got[ClockFirst]; f.Wall != 180 || f.Open != 180 || f.Breached {
		t.Errorf("first reply %+v", f)
	}
	if n := got[ClockNext]; n.Wall != 21*60 || !n.Breached || n.BreachedAt != due {
		t.Errorf("next reply %+v", n)
	}
}

// A reply answers what was written before it, not what came while it left.
func TestClock_MessageThatCrossesTheReplyStaysUnanswered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.fire(t, w.handedOff(t), Shift{Edge: EdgeClaim, By: "ana"})
	var seq int64
	v = w.do(t, v, func(d *Draft) error {
		seq = d.Send(Outgoing{NewMessage: NewMessage{AuthorID: "ana", Body: Body{Text: "hi"}}, Origin: storage.OriginAgent})
		return nil
	})
	w.now = w.now.Add(time.Second)
	v = w.customer(t, v, "one more thing")
	crossed := w.now.UnixMilli()
	w.now = w.now.Add(time.Second)
	v = w.do(t, v, func(d *Draft) error { d.Sent(seq, w.now); return nil })
	if v.Snap.Conv.WaitingSince != crossed || v.Snap.Conv.NextReplyDue == 0 {
		t.Errorf("waiting since %d, next due %d", v.Snap.Conv.WaitingSince, v.Snap.Conv.NextReplyDue)
	}
}

func TestClock_WarnsThenBreaches(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.handedOff(t)
	due := func(name string) storage.Timer {
		for _, tm := range v.Snap.Timers {
			if tm.Name == name {
				return tm
			}
		}
		t.Fatalf("no timer %s", name)
		return storage.Timer{}
	}
	tm := due(timerFirst)
	if want := w.now.Add(225 * time.Second).UnixMilli(); tm.DueAt != want {
		t.Fatalf("warning at %d, want 75 %% of 5 min", tm.DueAt)
	}
	for range 2 {
		tm = due(timerFirst)
		w.now = time.UnixMilli(tm.DueAt)
		v = w.do(t, v, func(d *Draft) error {
			d.Drop(tm)
			ok, err := d.Due(tm, nil)
			if !ok {
				t.Error("the timer was not handled")
			}
			return err
		})
	}
	_, clocks := w.deskRows(t, "clock")
	for _, b := range clocks {
		if b.Clock == ClockFirst && !b.Breached {
			t.Error("the clock did not breach at its target")
		}
	}
	events, _, err := w.store.Changes(t.Context(), 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for _, e := range events {
		seen[e.Type]++
	}
	if seen[EventWarning] != 1 || seen[EventDue] != 1 {
		t.Errorf("events %v", seen)
	}
}

func TestHandBack_VoidsFirstAndPausesResolve(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.fire(t, w.handedOff(t), Shift{Edge: EdgeClaim, By: "ana"})
	v = w.fire(t, v, Shift{Edge: EdgeHandBack, By: "ana"})
	if c := v.Snap.Conv; c.Owner != storage.OwnerBot || c.FirstReplyDue != 0 || v.Snap.Handoff != nil {
		t.Errorf("after hand back: owner %d, first due %d, handoff %v", c.Owner, c.FirstReplyDue, v.Snap.Handoff)
	}
	w.now = w.now.Add(time.Hour)
	v = w.do(t, v, func(d *Draft) error {
		return d.Handoff(engine.Handoff{Queue: "general", Cause: dm.CauseFlow}, engine.Trace{})
	})
	if want := w.now.Add(15 * time.Minute).UnixMilli(); v.Snap.Conv.FirstReplyDue != want {
		t.Errorf("first reply due %d, want a new clock %d", v.Snap.Conv.FirstReplyDue, want)
	}
	_, clocks := w.deskRows(t, "clock")
	for _, b := range clocks {
		if b.Clock == ClockResolve && (b.Paused != time.Hour.Milliseconds() || b.PausedAt != 0) {
			t.Errorf("resolve clock %+v, want the hour with the bot left out", b)
		}
	}
}

func TestPromise_KeptBrokenAndCorrectedOnce(t *testing.T) {
	t.Parallel()
	late := func(string) *int { n := 10; return &n }
	fire := func(w *world, v *View) *View {
		for _, tm := range v.Snap.Timers {
			if tm.Name == timerPromise {
				w.now = time.UnixMilli(tm.DueAt)
				return w.do(t, v, func(d *Draft) error { d.Drop(tm); _, err := d.Due(tm, late); return err })
			}
		}
		t.Fatal("no promise timer")
		return nil
	}
	t.Run("kept", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		v := w.fire(t, w.handedOff(t), Shift{Edge: EdgeClaim, By: "ana"})
		w.now = w.now.Add(4 * time.Minute)
		v = w.reply(t, v, "hi")
		if states, _ := w.deskRows(t, "promise"); len(states) != 1 || states[0] != PromiseKept {
			t.Errorf("promise %v", states)
		}
		for _, tm := range v.Snap.Timers {
			if tm.Name == timerPromise {
				t.Error("the timer of a kept promise goes on")
			}
		}
	})
	t.Run("answered too late", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		v := w.fire(t, w.handedOff(t), Shift{Edge: EdgeClaim, By: "ana"})
		w.now = w.now.Add(6 * time.Minute)
		w.reply(t, v, "hi")
		if states, _ := w.deskRows(t, "promise"); len(states) != 1 || states[0] != PromiseBroken {
			t.Errorf("promise %v", states)
		}
	})
	t.Run("corrected", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		v := w.handedOff(t)
		v = fire(w, v)
		notices := w.notices(t, v)
		if len(notices) != 2 || notices[1] != "Sorry, this is taking longer than we said. You are still in line. It is now about 10 minutes." {
			t.Fatalf("notices %q", notices)
		}
		if v.Snap.Handoff.Priority != 3 {
			t.Errorf("priority %d, want one step more", v.Snap.Handoff.Priority)
		}
		v = fire(w, v)
		v = w.view(t, storage.Key{ID: v.Snap.Conv.ID})
		if states, _ := w.deskRows(t, "promise"); len(states) != 2 || states[0] != PromiseBroken || states[1] != PromiseBroken {
			t.Errorf("promises %v", states)
		}
		if n := len(w.notices(t, v)); n != 3 {
			t.Errorf("%d notices, want the handoff sentence and two corrections at most", n)
		}
	})
}

// notices are the texts that were said while nobody had claimed it.
func (w *world) notices(t testing.TB, v *View) (out []string) {
	t.Helper()
	page, err := w.store.Thread(t.Context(), storage.ThreadQuery{Conversation: v.Snap.Conv.ID})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range page.Items {
		if m.Dir == storage.DirOut {
			b, err := v.Reader().Body(v.Snap.Conv.UID, m)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, b.Text)
		}
	}
	return out
}

// Only what a handoff or its unanswered ladder says is a promise.
func TestPromise_NoticesOfTheLadderOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.handedOff(t)
	notice := Outgoing{NewMessage: NewMessage{Body: Body{Text: "still about 9 minutes"}}, Kind: storage.RowNotice, Origin: storage.OriginBot,
		Quotes: []engine.Quote{{Kind: "eta", Name: "orders", Due: w.now.Add(9 * time.Minute)}}}
	v = w.do(t, v, func(d *Draft) error { d.Send(notice); return nil })
	if states, _ := w.deskRows(t, "promise"); len(states) != 1 {
		t.Errorf("an answer in the queue made a promise: %v", states)
	}
	v = w.do(t, v, func(d *Draft) error { d.Timer("unanswered:0", w.now); return nil })
	for _, tm := range v.Snap.Timers {
		if tm.Name == "unanswered:0" {
			w.do(t, v, func(d *Draft) error { d.Drop(tm); d.Send(notice); return nil })
		}
	}
	if states, _ := w.deskRows(t, "promise"); len(states) != 2 {
		t.Errorf("the ladder's words made no promise: %v", states)
	}
}

// Figures of clocks and promises wait for the commit: the draft keeps them.
func TestFigures_OfClocks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.fire(t, w.handedOff(t), Shift{Edge: EdgeClaim, By: "ana"})
	w.now = w.now.Add(6 * time.Minute)
	v.Now = w.now
	d := v.Draft()
	seq := d.Send(Outgoing{NewMessage: NewMessage{AuthorID: "ana", Body: Body{Text: "hi"}}, Origin: storage.OriginAgent})
	d.Sent(seq, w.now)
	want := []figure{{of: figureBreach, name: ClockFirst, queue: "orders"}, {of: figureClock, name: ClockFirst, queue: "orders", seconds: 360},
		{of: figurePromise, name: PromiseBroken, queue: "orders"}}
	if !slices.Equal(d.figures, want) {
		t.Errorf("figures %+v, want %+v", d.figures, want)
	}
	d = v.Draft()
	if err := d.Fire(Shift{Edge: EdgeHandBack, By: "ana"}); err != nil {
		t.Fatal(err)
	}
	if slices.ContainsFunc(d.figures, func(f figure) bool { return f.of == figureClock }) {
		t.Errorf("a clock that nobody answered was counted: %+v", d.figures)
	}
}

// A queue without a target for the next response has the clock all the same.
func TestClock_NextWithoutTarget(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.project.Set.Queues["orders"].Next = 0
	v := w.fire(t, w.handedOff(t), Shift{Edge: EdgeClaim, By: "ana"})
	v = w.reply(t, v, "Hi Mia")
	w.customer(t, v, "and when?")
	_, clocks := w.deskRows(t, "clock")
	if !slices.ContainsFunc(clocks, func(b ClockBody) bool { return b.Clock == ClockNext && b.Stopped == 0 && b.Due == 0 }) {
		t.Errorf("clocks %+v", clocks)
	}
}
