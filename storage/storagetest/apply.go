package storagetest

import (
	"bytes"
	"context"
	"strings"
	"sync"

	"dispatcher/storage"
)

func applyCases() []testCase {
	return []testCase{
		{"new contact and conversation in one turn", firstTurn},
		{"racing firsts make one conversation", racingFirsts},
		{"a contact has one open conversation", oneOpen},
		{"version rises by one", versions},
		{"stale returns the newer snapshot", staleSnapshot},
		{"a wrong seq is refused, not lost", seqClash},
		{"empty turn refused", emptyTurn},
		{"0, 1, 16 and 1000 messages", manyMessages},
		{"large and odd bytes come back", oddBytes},
		{"found by uid, address and receipt", keysOf},
		{"edit and removal of an earlier message", edits},
		{"our own commit is recognised", ownCommit},
		{"an outcome per episode", outcomes},
		{"parked alone and consumed once", parkedAlone},
	}
}

func firstTurn(w *world) {
	t := w.opening(1)
	t.Events = []storage.Event{{Type: "message.created", Seq: 1, Topics: []string{"queue:orders"}}}
	out := w.apply(t)[0]
	w.want(out, storage.Applied)
	w.check(out.Version == 1 && out.Conversation > 0 && out.Contact > 0 && out.Cursor == 1, "outcome %+v", out)
	w.check(out.UID != storage.UID{}, "no public id")
	snap := w.load(out.Conversation)
	c := snap.Conv
	w.check(c.Version == 1 && c.LastSeq == 1 && c.Epoch == 1 && c.Owner == storage.OwnerBot && c.Position == "main.start" && string(c.State) == "state", "conversation %+v", c)
	w.check(string(snap.Contact.Wrapped) == "wrapped key" && snap.Contact.KeyID == 7 && string(snap.Contact.Profile) == "sealed name", "contact %+v", snap.Contact)
	w.check(bytes.Equal(snap.Identity.Addr, addrOf(1)) && snap.Identity.Contact == out.Contact, "identity %+v", snap.Identity)
	w.check(snap.Interval.Epoch == 1 && snap.Interval.Until == 0, "interval %+v", snap.Interval)
	w.check(snap.Prev == nil && snap.Handoff == nil, "a first conversation has nothing before it")
}

func racingFirsts(w *world) {
	const n = 10
	var wg sync.WaitGroup
	status := make([]storage.Status, n)
	for i := range n {
		t := w.opening(1)
		t.Seen = []storage.SeenKey{seenOf(i)}
		wg.Go(func() {
			out, err := w.s.Apply(context.Background(), []storage.Turn{t})
			if err != nil {
				w.Error(err)
				return
			}
			status[i] = out[0].Status
			if out[0].Status == storage.Stale && (out[0].Now == nil || out[0].Now.Conv.ID == 0) {
				w.Error("the loser is not told which conversation won")
			}
		})
	}
	wg.Wait()
	won := 0
	for _, s := range status {
		if s == storage.Applied {
			won++
		}
	}
	w.check(won == 1, "%d of %d first turns applied", won, n)
	w.check(w.rows("conversations") == 1 && w.rows("contacts") == 1 && w.rows("seen") == 1, "rows of losers stayed")
}

func oneOpen(w *world) {
	snap := w.open(1)
	second := storage.Turn{ID: w.turnID(), Conv: &storage.Conversation{Contact: snap.Contact.ID, Channel: 1, Addr: addrOf(1), Status: storage.Open,
		Owner: storage.OwnerBot, Phase: storage.PhaseBot, Epoch: 1}}
	second.Key = storage.Key{Channel: 1, Addr: addrOf(1)}
	out := w.apply(second)[0]
	w.want(out, storage.Stale)
	w.check(out.Now != nil && out.Now.Conv.ID == snap.Conv.ID, "stale without the open one")
}

func versions(w *world) {
	snap := w.open(1)
	for range 5 {
		before := snap.Conv.Version
		snap = w.say(snap, storage.OriginBot)
		w.check(snap.Conv.Version == before+1, "version %d after %d", snap.Conv.Version, before)
	}
	w.check(snap.Conv.LastSeq == 6 && snap.Held == 5, "last seq %d, held %d", snap.Conv.LastSeq, snap.Held)
	for i, m := range w.thread(snap.Conv.ID) {
		w.check(m.Seq == int64(i+1), "message %d has seq %d", i, m.Seq)
	}
}

func staleSnapshot(w *world) {
	old := w.open(1)
	newer := w.say(old, storage.OriginBot)
	t := w.next(old, func(t *storage.Turn) {
		t.Messages = []storage.Message{inbound(2)}
		t.Seen = []storage.SeenKey{seenOf(5)}
	})
	out := w.apply(t)[0]
	w.want(out, storage.Stale)
	w.check(out.Now != nil && out.Now.Conv.Version == newer.Conv.Version && out.Now.Conv.LastSeq == 2, "snapshot of a stale turn: %+v", out.Now)
	w.check(len(out.Now.Known) == 0, "the stale turn's own key stayed")
	w.check(w.rows("seen") == 1, "a stale turn left a dedupe key")
}

func seqClash(w *world) {
	snap := w.open(1)
	for _, seq := range []int64{1, 3} {
		out := w.apply(w.next(snap, func(t *storage.Turn) { t.Messages = []storage.Message{inbound(seq)} }))[0]
		w.want(out, storage.Refused)
		w.check(out.Err != nil, "refused without a reason")
	}
	gap := w.next(snap, func(t *storage.Turn) { t.Messages = []storage.Message{inbound(2), inbound(4)} })
	w.want(w.apply(gap)[0], storage.Refused)
	w.check(len(w.thread(snap.Conv.ID)) == 1 && w.load(snap.Conv.ID).Conv.Version == 1, "a refused turn changed something")
}

func emptyTurn(w *world) {
	w.want(w.apply(storage.Turn{ID: 1})[0], storage.Refused)
	w.want(w.apply(storage.Turn{ID: 1, Messages: []storage.Message{inbound(1)}})[0], storage.Refused)
	twice := w.opening(1)
	twice.Seen = []storage.SeenKey{seenOf(1), seenOf(1)}
	w.want(w.apply(twice)[0], storage.Refused)
}

func manyMessages(w *world) {
	snap := w.open(1)
	total := 1
	for _, n := range []int{0, 1, 16, 1000} {
		snap = w.do(snap, func(t *storage.Turn) {
			for i := range n {
				t.Messages = append(t.Messages, inbound(snap.Conv.LastSeq+1+int64(i)))
			}
		})
		total += n
		w.check(snap.Conv.LastSeq == int64(total), "last seq %d, want %d", snap.Conv.LastSeq, total)
	}
	page, err := w.s.Thread(context.Background(), storage.ThreadQuery{Conversation: snap.Conv.ID, N: 1000})
	w.must(err)
	w.check(len(page.Items) == 1000 && page.Next != "", "%d messages, next %q", len(page.Items), page.Next)
	page, err = w.s.Thread(context.Background(), storage.ThreadQuery{Conversation: snap.Conv.ID, Before: int64(total) + 1, N: 10})
	w.must(err)
	w.check(len(page.Items) == 10 && page.Items[9].Seq == int64(total) && page.Items[0].Seq == int64(total)-9, "newest ten: %+v", page.Items)
}

func oddBytes(w *world) {
	snap := w.open(1)
	bodies := [][]byte{[]byte(strings.Repeat("ä", 10_000)), {0, 0, 1, 0}, []byte("\x00NUL\x00 👩‍👩‍👧 \u200fעברית"), {}}
	snap = w.do(snap, func(t *storage.Turn) {
		t.Conv.State, t.Conv.Card = bytes.Repeat([]byte{0xfe}, 136<<10), bytes.Repeat([]byte{1}, 8<<10)
		t.Conv.Position, t.Conv.Labels = "flöw.ställe", []string{`"quoted"`, "späte Ware"}
		for i, b := range bodies {
			m := inbound(int64(i + 2))
			m.Body = b
			t.Messages = append(t.Messages, m)
		}
	})
	w.check(len(snap.Conv.State) == 136<<10 && snap.Conv.Position == "flöw.ställe" && len(snap.Conv.Labels) == 2 && snap.Conv.Labels[0] == `"quoted"`, "conversation changed its bytes")
	for i, m := range w.thread(snap.Conv.ID)[1:] {
		w.check(bytes.Equal(m.Body, bodies[i]), "body %d changed", i)
	}
}

func keysOf(w *world) {
	snap := w.open(1)
	snap = w.do(snap, func(t *storage.Turn) {
		t.Messages = []storage.Message{inbound(2)}
		t.Receipts = []storage.Receipt{{Channel: 1, Hash: addrOf(77), Seq: 2}}
	})
	got, err := w.s.Load(context.Background(), []storage.Key{
		{UID: snap.Conv.UID}, {Channel: 1, Addr: addrOf(1)}, {Channel: 1, Receipt: addrOf(77)}, {Channel: 1, Addr: addrOf(9)}, {Channel: 2, Receipt: addrOf(77)},
	})
	w.must(err)
	for i, g := range got[:3] {
		w.check(g.Conv.ID == snap.Conv.ID && g.Contact.ID == snap.Contact.ID, "key %d found conversation %d", i, g.Conv.ID)
	}
	w.check(got[2].Seq == 2, "receipt stands for seq %d", got[2].Seq)
	w.check(got[3].Conv.ID == 0 && got[3].Contact.ID == 0 && got[4].Conv.ID == 0, "an unknown key found somebody")
}

func edits(w *world) {
	snap := w.open(1)
	w.do(snap, func(t *storage.Turn) {
		t.Changes = []storage.MessageChange{{Seq: 1, Body: []byte("edited"), Edited: true}}
	})
	m := w.message(snap.Conv.ID, 1)
	w.check(string(m.Body) == "edited" && m.Edited && !m.Removed, "message %+v", m)
	out := w.apply(w.next(w.load(snap.Conv.ID), func(t *storage.Turn) { t.Changes = []storage.MessageChange{{Seq: 9, Removed: true}} }))[0]
	w.want(out, storage.Refused)
}

func ownCommit(w *world) {
	snap := w.open(1)
	t := w.next(snap, func(t *storage.Turn) {
		t.Messages, t.Seen = []storage.Message{inbound(2)}, []storage.SeenKey{seenOf(5)}
	})
	first := w.apply(t)[0]
	again := w.apply(t)[0] // as after a connection cut at COMMIT
	w.want(first, storage.Applied)
	w.want(again, storage.Applied)
	w.check(again.Version == first.Version, "version %d, then %d", first.Version, again.Version)
	w.check(len(w.thread(snap.Conv.ID)) == 2 && w.rows("seen") == 2, "the turn took effect twice")
}

func outcomes(w *world) {
	snap := w.open(1)
	for _, reopened := range []bool{false, true} {
		snap = w.do(snap, func(t *storage.Turn) {
			t.Outcome = &storage.EpisodeOutcome{Day: 20_000, Channel: 1, Entry: "direct", Outcome: "bot_resolved", Turns: 3, Reopened: reopened, BotSpoke: true}
		})
	}
	w.check(w.rows("outcomes") == 1, "%d outcome rows for one episode", w.rows("outcomes"))
	table, err := w.s.Report(context.Background(), storage.ReportQuery{Name: "outcomes"})
	w.must(err)
	w.check(len(table.Rows) == 1 && table.Rows[0][0] == "bot_resolved", "report %+v", table)
}

func parkedAlone(w *world) {
	t := storage.Turn{ID: w.turnID(), Parked: []storage.ParkedRow{{Channel: 1, Event: []byte("sealed"), Error: "no_parent", NextAt: base + 5, Seen: []storage.SeenKey{seenOf(3)}}}}
	w.want(w.apply(t)[0], storage.Applied)
	again := w.apply(t)[0]
	w.want(again, storage.Duplicate)
	w.check(len(w.lease(storage.LeaseQuery{What: "parked", Now: base})) == 0, "parked event before its time")
	work := w.lease(storage.LeaseQuery{What: "parked", Now: base + 10})
	if len(work) != 1 || work[0].Parked == nil || len(work[0].Parked.Seen) != 1 || work[0].Parked.Seen[0] != seenOf(3) {
		w.Fatalf("parked work %+v", work)
	}
	id := work[0].Parked.ID
	w.check(w.settle(storage.Settlement{Do: "park-again", Row: id, DueAt: base + 50, Error: "later"})[0].OK, "park again")
	w.check(w.lease(storage.LeaseQuery{What: "parked", Now: base + 60})[0].Parked.Attempt == 1, "attempt not counted")
	snap := w.open(1)
	snap = w.do(snap, func(t *storage.Turn) { t.Unpark = []int64{id} })
	w.want(w.apply(w.next(snap, func(t *storage.Turn) { t.Unpark = []int64{id} }))[0], storage.Stale)
	w.check(!w.settle(storage.Settlement{Do: "unpark", Row: id})[0].OK, "a gone event was unparked")
}
