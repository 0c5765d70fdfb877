package storagetest

import (
	"context"
	"slices"
	"time"

	"dispatcher/storage"
)

func outboxCases() []testCase {
	return []testCase{
		{"order and one in flight per conversation", sendOrder},
		{"priority, then due", sendPriority},
		{"mark refused under a stale epoch", staleMark},
		{"mark refused while a switch is on", switchedOff},
		{"mark refused behind an earlier row", notFirst},
		{"an old attempt changes nothing", fencing},
		{"a retry waits for its time", retries},
		{"a lease ends", leaseEnds},
		{"found sending after its lease", lostRow},
		{"unknown holds the line while it is reconciled", unknownRow},
		{"delivery never goes back", deliveryRank},
		{"dead letters stay, can be retried and discarded", deadLetters},
		{"a message of parts is sent with its last", parts},
		{"pull hands out a conversation's rows together", pulls},
		{"a pulled row keeps its number until it is settled", pullNumbers},
		{"calls wait for nobody", calls},
	}
}

// conversation opens person n and says k things.
func (w *world) sayings(n, k int) storage.Snapshot {
	w.Helper()
	snap := w.open(n)
	for range k {
		snap = w.say(snap, storage.OriginBot)
	}
	return snap
}

// send takes a leased row through mark to sent.
func (w *world) send(row *storage.OutboxRow, now int64) {
	w.Helper()
	got := w.settle(storage.Settlement{Do: "mark", Row: row.ID, Attempt: row.Attempt, Now: now},
		storage.Settlement{Do: "sent", Row: row.ID, Attempt: row.Attempt, Now: now})
	w.check(got[0].OK && got[1].OK, "send row %d: %+v", row.ID, got)
}

func sendOrder(w *world) {
	a, b := w.sayings(1, 3), w.sayings(2, 1)
	for seq := int64(2); seq <= 4; seq++ {
		work := w.outbox(base)
		want := 1
		if seq == 2 {
			want = 2 // the other conversation does not wait
		}
		if len(work) != want || work[0].Row.Seq != seq || work[0].Conv != a.Conv.ID {
			w.Fatalf("at %d: work %+v", seq, work)
		}
		w.check(len(w.outbox(base)) == 0, "two in flight")
		w.send(work[0].Row, base)
		if seq == 2 {
			w.send(work[1].Row, base)
		}
	}
	w.check(w.rows("outbox") == 0, "finished rows stayed")
	for _, m := range w.thread(a.Conv.ID)[1:] {
		w.check(m.Delivery == storage.DeliverySent, "message %d is in state %d", m.Seq, m.Delivery)
	}
	w.check(w.message(b.Conv.ID, 2).Delivery == storage.DeliverySent, "the other conversation's message")
}

func sendPriority(w *world) {
	for n := 1; n <= 4; n++ {
		snap := w.open(n)
		w.do(snap, func(t *storage.Turn) {
			row := sendRow(2, 1, storage.OriginBot)
			row.Priority, row.DueAt = int16(3-(n-1)/2), base-int64(n)
			t.Messages, t.Outbox = []storage.Message{outbound(2)}, []storage.OutboxRow{row}
		})
	}
	var last storage.OutboxRow
	for i, item := range w.outbox(base) {
		r := *item.Row
		w.check(i == 0 || r.Priority > last.Priority || (r.Priority == last.Priority && r.DueAt >= last.DueAt), "priority %d due %d after %d due %d", r.Priority, r.DueAt, last.Priority, last.DueAt)
		last = r
	}
	w.check(last.Priority == 3, "not every row came")
}

func staleMark(w *world) {
	snap := w.sayings(1, 1)
	row := w.outbox(base)[0].Row
	snap = w.do(snap, own(storage.OwnerAgent, storage.PhaseAgent, "ana", "take_over"))
	got := w.settle(storage.Settlement{Do: "mark", Row: row.ID, Now: base})[0]
	w.check(!got.OK && got.Why == "stale_epoch" && got.Epoch == snap.Conv.Epoch, "mark: %+v", got)
	w.check(w.settle(storage.Settlement{Do: "cancel", Row: row.ID, Now: base, Error: "owner_changed"})[0].OK, "cancel")
	m := w.message(snap.Conv.ID, 2)
	w.check(m.Delivery == storage.DeliveryCancelled && m.Reason == "owner_changed", "message %+v", m)
}

func switchedOff(w *world) {
	w.sayings(1, 1)
	row := w.outbox(base)[0].Row
	sw := storage.Record{Kind: storage.KindSwitch, ID: []byte("channel:x"), Body: []byte("{}")}
	w.must(w.s.Put(context.Background(), []storage.Record{sw}, nil))
	mark := storage.Settlement{Do: "mark", Row: row.ID, Now: base, Switches: []string{"all", "channel:x"}}
	got := w.settle(mark)[0]
	w.check(!got.OK && got.Why == "switched_off", "mark: %+v", got)
	sw.Version, sw.Delete = 1, true
	w.must(w.s.Put(context.Background(), []storage.Record{sw}, nil))
	w.check(w.settle(mark)[0].OK, "mark after the switch")
}

func notFirst(w *world) {
	w.sayings(1, 2)
	first := w.outbox(base)[0].Row
	got := w.settle(storage.Settlement{Do: "mark", Row: first.ID + 1, Now: base})[0]
	w.check(!got.OK && got.Why == "not_first", "mark: %+v", got)
	w.check(w.settle(storage.Settlement{Do: "mark", Row: 999, Now: base})[0].Why == "gone", "mark of nothing")
	w.check(w.settle(storage.Settlement{Do: "mark", Row: first.ID, Now: base})[0].OK, "mark")
	w.check(!w.settle(storage.Settlement{Do: "mark", Row: first.ID, Now: base})[0].OK, "marked twice")
}

func fencing(w *world) {
	w.sayings(1, 1)
	row := w.outbox(base)[0].Row
	w.settle(storage.Settlement{Do: "mark", Row: row.ID, Now: base}, storage.Settlement{Do: "retry", Row: row.ID, Now: base, DueAt: base + 1})
	for _, do := range []string{"mark", "sent", "failed", "unknown", "cancel", "retry", "release"} {
		got := w.settle(storage.Settlement{Do: do, Row: row.ID, Attempt: 0, Now: base})[0]
		w.check(!got.OK && got.Why == "attempt", "%s with an old attempt: %+v", do, got)
	}
	work := w.outbox(base + 1)
	w.check(len(work) == 1 && work[0].Row.Attempt == 1 && work[0].Row.Status == storage.RowPending, "work %+v", work)
}

func retries(w *world) {
	snap := w.sayings(1, 2)
	row := w.outbox(base)[0].Row
	w.settle(storage.Settlement{Do: "mark", Row: row.ID, Now: base})
	w.check(w.message(snap.Conv.ID, 2).Delivery == storage.DeliverySending, "a row being written does not show")
	w.settle(storage.Settlement{Do: "retry", Row: row.ID, Now: base, DueAt: base + 5000, Error: "rate_limited"})
	work, next, err := w.s.Lease(context.Background(), storage.LeaseQuery{What: "outbox", Channel: 1, Now: base + 1, N: 10})
	w.must(err)
	w.check(len(work) == 0 && next.UnixMilli() == base+5000, "before its time: %+v, next %v", work, next)
	w.check(len(w.lease(storage.LeaseQuery{What: "outbox", Channel: 2, Now: base + 9000})) == 0, "a row of another channel")
	w.send(w.outbox(base + 5000)[0].Row, base+5000)
	row = w.outbox(base + 5000)[0].Row
	w.settle(storage.Settlement{Do: "mark", Row: row.ID, Now: base}, storage.Settlement{Do: "release", Row: row.ID, Now: base, DueAt: base + 6000})
	w.check(w.outbox(base + 6000)[0].Row.Attempt == 0, "release spent an attempt")
}

func leaseEnds(w *world) {
	w.sayings(1, 1)
	q := storage.LeaseQuery{What: "outbox", Now: base, N: 5, For: 10 * time.Second}
	w.check(len(w.lease(q)) == 1, "no work")
	q.Now += 9_000
	w.check(len(w.lease(q)) == 0, "handed out twice")
	q.Now += 2_000
	w.check(len(w.lease(q)) == 1, "not handed out after the lease")
}

func lostRow(w *world) {
	snap := w.sayings(1, 1)
	q := storage.LeaseQuery{What: "outbox", Now: base, N: 5, For: 10 * time.Second}
	row := w.lease(q)[0].Row
	w.settle(storage.Settlement{Do: "mark", Row: row.ID, Now: base})
	q.Any = true
	w.check(len(w.lease(q)) == 0, "taken from who is writing it")
	q.Now += 11_000
	lost := w.lease(q)
	if len(lost) != 1 || lost[0].Row.Status != storage.RowSending || lost[0].Row.Attempt != 1 {
		w.Fatalf("lost rows %+v", lost)
	}
	w.check(w.settle(storage.Settlement{Do: "sent", Row: row.ID, Attempt: 0, Now: q.Now})[0].Why == "attempt", "who slept past its lease changed something")
	w.settle(storage.Settlement{Do: "unknown", Row: row.ID, Attempt: 1, Now: q.Now})
	w.check(w.message(snap.Conv.ID, 2).Delivery == storage.DeliveryUnknown, "not unknown")
	w.check(len(w.lease(q)) == 0 && len(w.outbox(q.Now+100_000)) == 0, "a held row was handed out")
}

func unknownRow(w *world) {
	w.sayings(1, 2)
	row := w.outbox(base)[0].Row
	w.settle(storage.Settlement{Do: "mark", Row: row.ID, Now: base}, storage.Settlement{Do: "unknown", Row: row.ID, Now: base, DueAt: base + 60_000, Error: "timeout"})
	_, next, err := w.s.Lease(context.Background(), storage.LeaseQuery{What: "outbox", Now: base + 59_000})
	w.must(err)
	w.check(len(w.outbox(base+59_000)) == 0 && next.UnixMilli() == base+60_000, "the next message overtook an unknown one")
	work := w.outbox(base + 60_000)
	if len(work) != 1 || work[0].Row.Status != storage.RowUnknown {
		w.Fatalf("nobody is told that reconciling is over, or the next message overtook: %+v", work)
	}
	w.check(w.settle(storage.Settlement{Do: "unknown", Row: row.ID, Now: base + 60_000})[0].OK, "held for a person")
	next2 := w.outbox(base + 60_000)
	w.check(len(next2) == 1 && next2[0].Row.Seq == 3, "a held row stands in the way: %+v", next2)
	w.check(w.settle(storage.Settlement{Do: "sent", Row: row.ID, Now: base + 60_000})[0].OK, "settled by proof")
}

func deliveryRank(w *world) {
	snap := w.sayings(1, 1)
	w.send(w.outbox(base)[0].Row, base)
	change := func(d int16) {
		snap = w.do(w.load(snap.Conv.ID), func(t *storage.Turn) { t.Changes = []storage.MessageChange{{Seq: 2, Delivery: d, Reason: "r"}} })
	}
	for _, step := range []struct{ set, want int16 }{
		{storage.DeliverySending, storage.DeliverySent}, {storage.DeliveryRead, storage.DeliveryRead}, {storage.DeliveryDelivered, storage.DeliveryRead},
		{storage.DeliverySent, storage.DeliveryRead}, {storage.DeliveryFailed, storage.DeliveryRead}, {storage.DeliveryCancelled, storage.DeliveryRead},
	} {
		change(step.set)
		got := w.message(snap.Conv.ID, 2).Delivery
		w.check(got == step.want, "state %d after %d, want %d", got, step.set, step.want)
	}
}

func deadLetters(w *world) {
	snap := w.sayings(1, 2)
	row := w.outbox(base)[0].Row
	w.settle(storage.Settlement{Do: "mark", Row: row.ID, Now: base}, storage.Settlement{Do: "failed", Row: row.ID, Now: base, Error: "blocked"})
	m := w.message(snap.Conv.ID, 2)
	w.check(m.Delivery == storage.DeliveryFailed && m.Reason == "blocked", "message %+v", m)
	work := w.outbox(base)
	w.check(len(work) == 1 && work[0].Row.Seq == 3, "a dead letter stands in the way: %+v", work)
	table, err := w.s.Report(context.Background(), storage.ReportQuery{Name: "outbox"})
	w.must(err)
	w.check(len(table.Rows) == 2 && table.Rows[0][1] == "failed", "dead letters are not listed: %+v", table)
	w.send(work[0].Row, base)
	w.settle(storage.Settlement{Do: "retry", Row: row.ID, Now: base, DueAt: base})
	w.send(w.outbox(base)[0].Row, base)
	w.check(w.message(snap.Conv.ID, 2).Delivery == storage.DeliverySent && w.rows("outbox") == 0, "a retried dead letter that went")
}

func parts(w *world) {
	snap := w.do(w.open(1), func(t *storage.Turn) {
		one, two := sendRow(2, 1, storage.OriginBot), sendRow(2, 1, storage.OriginBot)
		two.Part = 1
		t.Messages, t.Outbox = []storage.Message{outbound(2)}, []storage.OutboxRow{one, two}
	})
	w.send(w.outbox(base)[0].Row, base)
	w.check(w.message(snap.Conv.ID, 2).Delivery == storage.DeliverySending, "sent after its first part")
	row := w.outbox(base)[0].Row
	got := w.settle(storage.Settlement{Do: "mark", Row: row.ID, Now: base},
		storage.Settlement{Do: "sent", Row: row.ID, Now: base, External: addrOf(5), Receipts: []storage.Receipt{{Channel: 1, Hash: addrOf(5)}}})
	w.check(got[1].OK, "%+v", got)
	m := w.message(snap.Conv.ID, 2)
	w.check(m.Delivery == storage.DeliverySent && string(m.External) == string(addrOf(5)), "message %+v", m)
	found, err := w.s.Load(context.Background(), []storage.Key{{Channel: 1, Receipt: addrOf(5)}})
	w.must(err)
	w.check(found[0].Conv.ID == snap.Conv.ID && found[0].Seq == 2, "receipt leads to %d-%d", found[0].Conv.ID, found[0].Seq)
}

func pulls(w *world) {
	w.sayings(1, 3)
	work := w.lease(storage.LeaseQuery{What: "outbox", Channel: 1, Now: base, Pull: true, N: 10})
	if len(work) != 3 {
		w.Fatalf("%d rows", len(work))
	}
	for i, item := range work {
		w.check(item.Row.Seq == int64(i+2), "row %d carries message %d", i, item.Row.Seq)
		w.check(w.settle(storage.Settlement{Do: "pull", Row: item.Row.ID, Now: base})[0].OK, "pull %d", i)
	}
}

// pullNumbers: what was handed out by number keeps it until it is settled,
// nobody finds it lost, and it may leave again only under the owner it left under.
func pullNumbers(w *world) {
	snap := w.sayings(1, 3)
	work := w.lease(storage.LeaseQuery{What: "outbox", Channel: 1, Now: base, Pull: true, N: 10, For: time.Second})
	for i, item := range work {
		w.check(w.settle(storage.Settlement{Do: "pull", Row: item.Row.ID, Now: base, Number: int64(7 + i)})[0].OK, "pull %d", i)
	}
	numbers := func(q storage.LeaseQuery) (got []int64) {
		q.What, q.Channel, q.N = "handed", 1, 10
		for _, item := range w.lease(q) {
			got = append(got, item.Row.Handed())
		}
		return got
	}
	late := base + 90*24*3_600_000
	w.check(slices.Equal(numbers(storage.LeaseQuery{}), []int64{7, 8, 9}), "handed out %v", numbers(storage.LeaseQuery{}))
	w.check(slices.Equal(numbers(storage.LeaseQuery{After: 8}), []int64{9}), "after 8: %v", numbers(storage.LeaseQuery{After: 8}))
	w.check(len(w.lease(storage.LeaseQuery{What: "outbox", Now: late, N: 9, Any: true})) == 0, "found lost")
	w.check(len(w.outbox(late)) == 0, "leased again")
	again := func(i int) storage.Settled {
		return w.settle(storage.Settlement{Do: "pull", Row: work[i].Row.ID, Now: base, Number: 99})[0]
	}
	w.check(again(0).OK && slices.Equal(numbers(storage.LeaseQuery{}), []int64{7, 8, 9}), "the first number did not stay: %v", numbers(storage.LeaseQuery{}))
	w.settle(storage.Settlement{Do: "sent", Row: work[0].Row.ID, Now: base})
	restamp := own(storage.OwnerBot, storage.PhaseBot, "", "handoff")
	snap = w.do(w.load(snap.Conv.ID), func(t *storage.Turn) { restamp(t); t.Settle = storage.SettleRestamp })
	w.check(again(1).OK, "said before the engine's own step, and not given again")
	claim := own(storage.OwnerAgent, storage.PhaseAgent, "ana", "claim")
	snap = w.do(snap, func(t *storage.Turn) { claim(t); t.Settle = storage.SettleCancel })
	w.check(again(1).Why == "stale_epoch", "given again after a claim")
	snap = w.do(snap, func(t *storage.Turn) { restamp(t); t.Settle = storage.SettleRestamp })
	w.check(again(1).Why == "stale_epoch", "a later re-stamp revived it")
	w.settle(storage.Settlement{Do: "unknown", Row: work[1].Row.ID, Now: base})
	w.check(slices.Equal(numbers(storage.LeaseQuery{}), []int64{9}), "unknown and handed out: %v", numbers(storage.LeaseQuery{}))
	w.check(slices.Equal(numbers(storage.LeaseQuery{Any: true}), []int64{8, 9}), "an unknown row lost its number: %v", numbers(storage.LeaseQuery{Any: true}))
	w.settle(storage.Settlement{Do: "release", Row: work[2].Row.ID, Now: base})
	w.check(len(numbers(storage.LeaseQuery{})) == 0, "a released row kept its number")
	w.check(w.message(snap.Conv.ID, 2).Delivery == storage.DeliverySent, "not sent")
}

func calls(w *world) {
	w.sayings(1, 2)
	snap := w.load(1)
	w.do(snap, func(t *storage.Turn) {
		call := sendRow(0, t.Conv.Epoch, storage.OriginBot)
		call.Kind = storage.RowCall
		t.Outbox = []storage.OutboxRow{call}
	})
	kinds := map[int16]int{}
	for _, item := range w.outbox(base) {
		kinds[item.Row.Kind]++
	}
	w.check(kinds[storage.RowSend] == 1 && kinds[storage.RowCall] == 1, "work by kind: %v", kinds)
}
