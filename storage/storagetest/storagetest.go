// Package storagetest is the conformance suite of storage.Store: what every
// engine promises, case by case (runtime.md 2.11). An engine's own test calls
// Run with a function that opens an empty store; every case gets one of its
// own, runs in parallel and never sleeps.
package storagetest

import (
	"context"
	"encoding/binary"
	"sync/atomic"
	"testing"

	"dispatcher/storage"
)

// Open makes an empty store that is closed when the test ends.
type Open func(t *testing.T) storage.Store

// testCase is one promise.
type testCase struct {
	name string
	run  func(w *world)
}

// Run runs every case against stores that open makes.
func Run(t *testing.T, open Open) {
	groups := map[string][]testCase{
		"apply": applyCases(), "batch": batchCases(), "dedupe": dedupeCases(), "ownership": ownershipCases(),
		"outbox": outboxCases(), "timers": timerCases(), "records": recordCases(), "lists": listCases(),
		"events": eventCases(), "people": peopleCases(), "upkeep": upkeepCases(), "trouble": troubleCases(),
	}
	for group, cases := range groups {
		for _, c := range cases {
			t.Run(group+"/"+c.name, func(t *testing.T) {
				t.Parallel()
				c.run(&world{T: t, s: open(t)})
			})
		}
	}
	t.Run("text/model", func(t *testing.T) {
		t.Parallel()
		runModel(t, open)
	})
}

// world is one store with the shorthands the cases are written in.
type world struct {
	*testing.T
	s    storage.Store
	turn atomic.Uint64
}

// base is the time at which every case begins: 2026-01-01, in ms.
const base = int64(1_767_225_600_000)

func addrOf(n int) []byte {
	addr := make([]byte, 16)
	binary.BigEndian.PutUint64(addr, uint64(n)*0x9E3779B97F4A7C15)
	binary.BigEndian.PutUint64(addr[8:], uint64(n))
	return addr
}

func seenOf(n int) storage.SeenKey {
	k := storage.SeenKey{Channel: 1, AtS: base/1000 + int64(n)}
	binary.BigEndian.PutUint64(k.Key[:], uint64(n))
	return k
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// check fails the case without ending it.
func (w *world) check(ok bool, format string, args ...any) {
	w.Helper()
	if !ok {
		w.Errorf(format, args...)
	}
}

func (w *world) turnID() uint64 { return w.turn.Add(1) }

// opening is the turn in which person n writes for the first time and the bot
// takes the conversation.
func (w *world) opening(n int) storage.Turn {
	return storage.Turn{
		Key: storage.Key{Channel: 1, Addr: addrOf(n)}, ID: w.turnID(), Seen: []storage.SeenKey{seenOf(n * 1000)},
		Contact:    &storage.Contact{Profile: []byte("sealed name"), KeyID: 7, Wrapped: []byte("wrapped key"), CreatedAt: base},
		Identities: []storage.Identity{{Channel: 1, Addr: addrOf(n), Address: []byte("sealed"), LastInAt: base}},
		Conv: &storage.Conversation{Channel: 1, Addr: addrOf(n), Status: storage.Open, Owner: storage.OwnerBot, Phase: storage.PhaseBot, Epoch: 1,
			Priority: 1, Position: "main.start", State: []byte("state"), Card: []byte("card"), OpenedAt: base + int64(n), UpdatedAt: base + int64(n)},
		Messages:  []storage.Message{inbound(1)},
		Intervals: []storage.Interval{{Epoch: 1, Owner: storage.OwnerBot, Phase: storage.PhaseBot, Since: base, SinceCause: "open"}},
	}
}

func inbound(seq int64) storage.Message {
	return storage.Message{Seq: seq, Kind: storage.MsgText, Dir: storage.DirIn, Author: storage.AuthorCustomer, At: base + seq, Body: []byte("sealed words")}
}

func outbound(seq int64) storage.Message {
	return storage.Message{Seq: seq, Kind: storage.MsgText, Dir: storage.DirOut, Author: storage.AuthorBot, At: base + seq, Body: []byte("sealed answer"),
		Delivery: storage.DeliveryPending}
}

func sendRow(seq, epoch int64, origin int16) storage.OutboxRow {
	return storage.OutboxRow{Seq: seq, Kind: storage.RowSend, Origin: origin, Channel: 1, Epoch: epoch, DueAt: base, ExpiresAt: base + 3_600_000,
		Priority: 2, Request: []byte("sealed request")}
}

// open applies the opening of person n.
func (w *world) open(n int) storage.Snapshot {
	w.Helper()
	out := w.apply(w.opening(n))
	w.want(out[0], storage.Applied)
	return w.load(out[0].Conversation)
}

func (w *world) apply(turns ...storage.Turn) []storage.Outcome {
	w.Helper()
	out, err := w.s.Apply(context.Background(), turns)
	w.must(err)
	if len(out) != len(turns) {
		w.Fatalf("%d outcomes for %d turns", len(out), len(turns))
	}
	return out
}

func (w *world) want(o storage.Outcome, status storage.Status) {
	w.Helper()
	if o.Status != status {
		w.Fatalf("status %d, want %d (error %v)", o.Status, status, o.Err)
	}
}

func (w *world) load(conv int64) storage.Snapshot {
	w.Helper()
	snaps, err := w.s.Load(context.Background(), []storage.Key{{ID: conv}})
	w.must(err)
	return snaps[0]
}

// next is a turn decided on snap; change says what it does.
func (w *world) next(snap storage.Snapshot, change func(t *storage.Turn)) storage.Turn {
	conv := snap.Conv
	t := storage.Turn{Key: storage.Key{ID: conv.ID}, Expect: conv.Version, ID: w.turnID(), Conv: &conv}
	change(&t)
	return t
}

// do applies a turn that must go through and gives what is there then.
func (w *world) do(snap storage.Snapshot, change func(t *storage.Turn)) storage.Snapshot {
	w.Helper()
	w.want(w.apply(w.next(snap, change))[0], storage.Applied)
	return w.load(snap.Conv.ID)
}

// say appends one message of the bot with its outbox row.
func (w *world) say(snap storage.Snapshot, origin int16) storage.Snapshot {
	w.Helper()
	seq := snap.Conv.LastSeq + 1
	return w.do(snap, func(t *storage.Turn) {
		t.Messages = []storage.Message{outbound(seq)}
		t.Outbox = []storage.OutboxRow{sendRow(seq, snap.Conv.Epoch, origin)}
	})
}

// own changes the owner: epoch + 1 and a new interval.
func own(owner, phase int16, id, cause string) func(t *storage.Turn) {
	return func(t *storage.Turn) {
		t.Conv.Epoch++
		t.Conv.Owner, t.Conv.Phase, t.Conv.OwnerID = owner, phase, id
		t.Intervals = []storage.Interval{{Epoch: t.Conv.Epoch, Owner: owner, Phase: phase, OwnerID: id, Since: base + t.Conv.Epoch, SinceCause: cause}}
	}
}

func (w *world) thread(conv int64) []storage.Message {
	w.Helper()
	page, err := w.s.Thread(context.Background(), storage.ThreadQuery{Conversation: conv})
	w.must(err)
	return page.Items
}

func (w *world) message(conv, seq int64) storage.Message {
	w.Helper()
	for _, m := range w.thread(conv) {
		if m.Seq == seq {
			return m
		}
	}
	w.Fatalf("no message %d in conversation %d", seq, conv)
	return storage.Message{}
}

func (w *world) lease(q storage.LeaseQuery) []storage.Work {
	w.Helper()
	work, _, err := w.s.Lease(context.Background(), q)
	w.must(err)
	return work
}

// outbox leases due sends at now.
func (w *world) outbox(now int64) []storage.Work {
	w.Helper()
	return w.lease(storage.LeaseQuery{What: "outbox", Now: now, N: 100})
}

func (w *world) settle(list ...storage.Settlement) []storage.Settled {
	w.Helper()
	out, err := w.s.Settle(context.Background(), list)
	w.must(err)
	if len(out) != len(list) {
		w.Fatalf("%d answers for %d settlements", len(out), len(list))
	}
	return out
}

// rows counts what Walk gives of one table.
func (w *world) rows(table string) (n int) {
	w.Helper()
	w.must(w.s.Walk(context.Background(), storage.WalkQuery{Tables: []string{table}}, func(storage.Row) error {
		n++
		return nil
	}))
	return n
}
