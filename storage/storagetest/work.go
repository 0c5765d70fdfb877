package storagetest

import (
	"context"
	"sync"
	"time"

	"dispatcher/storage"
)

func ownershipCases() []testCase {
	return []testCase{
		{"claim against claim", claimRace},
		{"claim against a bot turn", claimAgainstBot},
		{"one open interval, epoch + 1 each time", intervals},
		{"cancel touches pending bot and notice rows only", cancelRows},
		{"re-stamp keeps what was said before the handoff", restampRows},
		{"handoff opens, is claimed and ends", handoffLife},
		{"Opens is all or nothing", opens},
		{"desk rows", deskRows},
	}
}

func claimRace(w *world) {
	snap := w.do(w.open(1), own(storage.OwnerQueue, storage.PhaseQueue, "orders", "handoff"))
	var wg sync.WaitGroup
	outs := make([]storage.Outcome, 2)
	for i, agent := range []string{"ana", "bo"} {
		t := w.next(snap, own(storage.OwnerAgent, storage.PhaseAgent, agent, "claim"))
		wg.Go(func() {
			out, err := w.s.Apply(context.Background(), []storage.Turn{t})
			if err != nil {
				w.Error(err)
				return
			}
			outs[i] = out[0]
		})
	}
	wg.Wait()
	winner, loser := outs[0], outs[1]
	if winner.Status != storage.Applied {
		winner, loser = loser, winner
	}
	w.want(winner, storage.Applied)
	w.want(loser, storage.Stale)
	w.check(loser.Now.Conv.Owner == storage.OwnerAgent && loser.Now.Conv.OwnerID != "", "the loser is not told who won")
}

func claimAgainstBot(w *world) {
	snap := w.open(1)
	bot := w.next(snap, func(t *storage.Turn) {
		t.Messages, t.Outbox = []storage.Message{outbound(2)}, []storage.OutboxRow{sendRow(2, 1, storage.OriginBot)}
	})
	w.do(snap, own(storage.OwnerAgent, storage.PhaseAgent, "ana", "take_over"))
	w.want(w.apply(bot)[0], storage.Stale)
	w.check(len(w.outbox(base+10)) == 0, "a bot row after the claim")
}

func intervals(w *world) {
	snap := w.open(1)
	for i, owner := range []int16{storage.OwnerQueue, storage.OwnerAgent, storage.OwnerBot, storage.OwnerAgent} {
		before := snap.Conv.Epoch
		snap = w.do(snap, own(owner, storage.PhaseBot, "x", "edge"))
		w.check(snap.Conv.Epoch == before+1 && snap.Interval.Epoch == snap.Conv.Epoch && snap.Interval.Owner == owner, "step %d: interval %+v", i, snap.Interval)
	}
	open, all := 0, 0
	w.must(w.s.Walk(context.Background(), storage.WalkQuery{Tables: []string{"ownership"}}, func(r storage.Row) error {
		all++
		if valueOf(r, "until") == int64(0) {
			open++
		} else if valueOf(r, "until_cause") != "edge" {
			w.Errorf("closed by %v", valueOf(r, "until_cause"))
		}
		return nil
	}))
	w.check(open == 1 && all == 5, "%d intervals, %d open", all, open)
}

// valueOf is one column of a row.
func valueOf(r storage.Row, col string) any {
	for i, c := range r.Cols {
		if c == col {
			return r.Vals[i]
		}
	}
	return nil
}

// talk leaves five rows: one being written, then bot, notice, agent and call.
func (w *world) talk() (snap storage.Snapshot, sending storage.Work) {
	w.Helper()
	snap = w.say(w.open(1), storage.OriginBot)
	sending = w.outbox(base)[0]
	w.check(w.settle(storage.Settlement{Do: "mark", Row: sending.Row.ID, Now: base})[0].OK, "mark")
	snap = w.do(snap, func(t *storage.Turn) {
		e := t.Conv.Epoch
		t.Messages = []storage.Message{outbound(3), outbound(4), outbound(5)}
		notice, call := sendRow(4, e, storage.OriginSystem), sendRow(0, e, storage.OriginBot)
		notice.Kind, call.Kind = storage.RowNotice, storage.RowCall
		t.Outbox = []storage.OutboxRow{sendRow(3, e, storage.OriginBot), notice, sendRow(5, e, storage.OriginAgent), call}
	})
	return snap, sending
}

func cancelRows(w *world) {
	snap, sending := w.talk()
	snap = w.do(snap, func(t *storage.Turn) {
		own(storage.OwnerAgent, storage.PhaseAgent, "ana", "take_over")(t)
		t.Settle = storage.SettleCancel
	})
	for seq, want := range map[int64]int16{2: storage.DeliverySending, 3: storage.DeliveryCancelled, 4: storage.DeliveryCancelled, 5: storage.DeliveryPending} {
		m := w.message(snap.Conv.ID, seq)
		w.check(m.Delivery == want, "message %d is in state %d, want %d", seq, m.Delivery, want)
		w.check(want != storage.DeliveryCancelled || m.Reason != "", "cancelled without a reason")
	}
	w.check(w.rows("outbox") == 3, "%d rows, want the one being written, the agent's and the call", w.rows("outbox"))
	w.check(w.settle(storage.Settlement{Do: "sent", Row: sending.Row.ID, Now: base})[0].OK, "what was being written is finished")
	work := w.outbox(base)
	for _, item := range work {
		if item.Row.Seq == 5 {
			w.check(w.settle(storage.Settlement{Do: "mark", Row: item.Row.ID, Now: base})[0].OK, "the agent's row has no fence")
			return
		}
	}
	w.Errorf("the agent's row did not come: %d rows of work", len(work))
}

func restampRows(w *world) {
	snap := w.say(w.open(1), storage.OriginBot)
	snap = w.do(snap, func(t *storage.Turn) {
		own(storage.OwnerQueue, storage.PhaseQueue, "orders", "handoff")(t)
		t.Messages = []storage.Message{outbound(3)}
		t.Outbox = []storage.OutboxRow{sendRow(3, t.Conv.Epoch, storage.OriginBot)}
		t.Settle = storage.SettleRestamp
	})
	for _, seq := range []int64{2, 3} {
		work := w.outbox(base)
		if len(work) != 1 || work[0].Row.Seq != seq {
			w.Fatalf("work %+v, want message %d", work, seq)
		}
		row := work[0].Row
		w.check(row.Epoch == snap.Conv.Epoch, "row has epoch %d, conversation %d", row.Epoch, snap.Conv.Epoch)
		got := w.settle(storage.Settlement{Do: "mark", Row: row.ID, Now: base}, storage.Settlement{Do: "sent", Row: row.ID, Now: base})
		w.check(got[0].OK && got[1].OK, "handoff sentence swallowed: %+v", got)
	}
}

func handoffLife(w *world) {
	snap := w.do(w.open(1), func(t *storage.Turn) {
		own(storage.OwnerQueue, storage.PhaseQueue, "orders", "handoff")(t)
		t.Handoffs = []storage.Handoff{{Queue: "orders", Cause: "asked_for_person", Priority: 2, Skills: []string{"de"}, Packet: []byte("sealed"), CreatedAt: base}}
		t.Intervals[0].Handoff = -1
	})
	h := snap.Handoff
	if h == nil || h.Cause != "asked_for_person" || h.Queue != "orders" || string(h.Packet) != "sealed" || len(h.Skills) != 1 {
		w.Fatalf("handoff %+v", h)
	}
	w.check(snap.Interval.Handoff == h.ID, "interval of handoff %d, want %d", snap.Interval.Handoff, h.ID)
	snap = w.do(snap, func(t *storage.Turn) {
		claimed := *h
		claimed.ClaimedAt, claimed.ClaimedBy = base+5, "ana"
		t.Handoffs = []storage.Handoff{claimed}
	})
	w.check(snap.Handoff != nil && snap.Handoff.ClaimedBy == "ana", "claimed handoff %+v", snap.Handoff)
	snap = w.do(snap, func(t *storage.Turn) {
		ended := *snap.Handoff
		ended.EndedAt, ended.Ended = base+9, "resolved"
		t.Handoffs = []storage.Handoff{ended}
	})
	w.check(snap.Handoff == nil, "an ended handoff is still open")
	stays, err := w.s.List(context.Background(), storage.ListQuery{View: "handoffs", Queues: []string{"orders"}})
	w.must(err)
	w.check(len(stays.Items) == 1 && stays.Items[0].Handoff.EndedAt != 0 && stays.Items[0].Conv.ID == snap.Conv.ID, "stays %+v", stays.Items)
	bad := w.next(snap, func(t *storage.Turn) { t.Handoffs = []storage.Handoff{{Queue: "x", Cause: "because"}} })
	w.want(w.apply(bad)[0], storage.Refused)
}

func opens(w *world) {
	snap := w.open(1)
	reopen := func(owner int16) storage.Turn {
		return w.next(snap, func(t *storage.Turn) {
			t.Conv.Status, t.Conv.Owner, t.Conv.Phase, t.Conv.ResolvedAt = storage.Resolved, storage.OwnerNone, storage.PhaseClosed, base
			first := snap.Conv.LastSeq
			t.Opens = &storage.Turn{ID: w.turnID(), Conv: &storage.Conversation{Channel: 1, Addr: addrOf(1), Status: storage.Open, Owner: owner, Phase: storage.PhaseBot,
				Epoch: 1, FirstSeq: first, Continues: snap.Conv.ID, OpenedAt: base + 99}, Messages: []storage.Message{inbound(first + 1)},
				Intervals: []storage.Interval{{Epoch: 1, Owner: owner}}, Events: []storage.Event{{Type: "conversation.opened"}}}
		})
	}
	w.want(w.apply(reopen(99))[0], storage.Refused)
	w.check(w.load(snap.Conv.ID).Conv.Status == storage.Open && w.rows("conversations") == 1, "half of a refused turn stayed")
	out := w.apply(reopen(storage.OwnerBot))[0]
	w.want(out, storage.Applied)
	next := w.load(out.Opened)
	w.check(next.Conv.Continues == snap.Conv.ID && next.Contact.ID == snap.Contact.ID && next.Conv.LastSeq == 2 && next.Conv.FirstSeq == 1, "opened %+v", next.Conv)
	w.check(next.Prev != nil && next.Prev.ID == snap.Conv.ID && next.Conv.UID == out.OpenedUID, "the one before: %+v", next.Prev)
	w.check(out.Cursor > 0, "no cursor of the opened conversation")
}

func deskRows(w *world) {
	row := storage.DeskRow{Table: "promise", ID: "p1", At: base, Due: base + 5, Queue: "orders", State: "open", Body: []byte(`{}`)}
	snap := w.do(w.open(1), func(t *storage.Turn) { t.Desk = []storage.DeskRow{row, {Table: "clock", ID: "c1", At: base}} })
	w.check(len(snap.Desk) == 2 && snap.Desk[1].Table == "promise" && snap.Desk[1].Due == base+5, "desk rows %+v", snap.Desk)
	row.End, row.State = base+4, "kept"
	snap = w.do(snap, func(t *storage.Turn) {
		t.Desk = []storage.DeskRow{row, {Table: "clock", ID: "c1", Delete: true}}
	})
	w.check(len(snap.Desk) == 0 && w.rows("desk") == 1, "ended and deleted rows: %+v", snap.Desk)
}

func timerCases() []testCase {
	return []testCase{
		{"put, replace, drop and cancel", timerLife},
		{"due order, slices and the next due", timerOrder},
		{"fires once with two lessees", timerOnce},
		{"a gone timer makes the turn stale", timerGone},
	}
}

func timer(name string, id, due int64) storage.Timer {
	return storage.Timer{Name: name, ID: id, DueAt: due, Spec: []byte("sealed rule")}
}

func timerLife(w *world) {
	snap := w.do(w.open(1), func(t *storage.Turn) {
		t.Timers = []storage.Timer{timer("silence:1", 1, base), timer("silence:2", 2, base), timer("promise", 3, base), timer("close", 4, base)}
	})
	w.check(len(snap.Timers) == 4, "%d timers", len(snap.Timers))
	snap = w.do(snap, func(t *storage.Turn) {
		t.Timers = []storage.Timer{timer("promise", 5, base+9)}
		t.Cancel = []string{"silence:*", "not there"}
		t.Drop = []storage.TimerDrop{{Name: "close", ID: 4}}
	})
	w.check(len(snap.Timers) == 1 && snap.Timers[0].ID == 5 && snap.Timers[0].DueAt == base+9, "timers %+v", snap.Timers)
}

func timerOrder(w *world) {
	snap := w.open(1)
	const n = 500
	snap = w.do(snap, func(t *storage.Turn) {
		for i := range n {
			t.Timers = append(t.Timers, timer("link:"+string(rune('a'+i%26))+string(rune('a'+i/26)), int64(i+1), base+int64((i*7)%n)))
		}
		t.Timers = append(t.Timers, timer("late", 9999, base+60_000))
	})
	last, total := int64(0), 0
	for {
		work, next, err := w.s.Lease(context.Background(), storage.LeaseQuery{What: "timers", Now: base + n, N: 64})
		w.must(err)
		if len(work) == 0 {
			w.check(!next.IsZero(), "no next due")
			break
		}
		w.check(len(work) <= 64, "%d in one slice", len(work))
		for _, item := range work {
			w.check(item.Timer.DueAt >= last, "timer due %d after %d", item.Timer.DueAt, last)
			w.check(item.Conv == snap.Conv.ID && string(item.Addr) == string(addrOf(1)) && item.Chan == 1, "lane of a timer: %+v", item)
			last = item.Timer.DueAt
		}
		total += len(work)
	}
	w.check(total == n, "%d of %d timers", total, n)
	_, next, err := w.s.Lease(context.Background(), storage.LeaseQuery{What: "timers", Now: base - 10, N: 5})
	w.must(err)
	w.check(next.UnixMilli() == base, "next due %d, want %d", next.UnixMilli(), base)
}

func timerOnce(w *world) {
	snap := w.do(w.open(1), func(t *storage.Turn) { t.Timers = []storage.Timer{timer("close", 1, base)} })
	q := storage.LeaseQuery{What: "timers", Now: base, N: 10, For: 10 * time.Second}
	var wg sync.WaitGroup
	var mu sync.Mutex
	got := 0
	for node := range 8 {
		wg.Go(func() {
			q := q
			q.Node = int64(node)
			work, _, err := w.s.Lease(context.Background(), q)
			if err != nil {
				w.Error(err)
			}
			mu.Lock()
			got += len(work)
			mu.Unlock()
		})
	}
	wg.Wait()
	w.check(got == 1, "handed out %d times", got)
	q.Now += 20_000 // the lessee died
	w.check(len(w.lease(q)) == 1, "not handed out again after the lease")
	w.do(snap, func(t *storage.Turn) { t.Drop = []storage.TimerDrop{{Name: "close", ID: 1}} })
	q.Now += 20_000
	w.check(len(w.lease(q)) == 0, "fired again")
}

func timerGone(w *world) {
	snap := w.do(w.open(1), func(t *storage.Turn) { t.Timers = []storage.Timer{timer("close", 1, base)} })
	drop := func(t *storage.Turn) {
		t.Drop = []storage.TimerDrop{{Name: "close", ID: 1}}
		t.Messages = []storage.Message{outbound(2)}
	}
	snap = w.do(snap, func(t *storage.Turn) { t.Timers = []storage.Timer{timer("close", 2, base)} }) // pushed
	w.want(w.apply(w.next(snap, drop))[0], storage.Stale)
	w.check(len(w.thread(snap.Conv.ID)) == 1, "a stale firing had an effect")
}
