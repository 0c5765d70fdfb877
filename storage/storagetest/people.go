package storagetest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"time"

	"dispatcher/storage"
)

func peopleCases() []testCase {
	return []testCase{
		{"erase leaves counts only", eraseAll}, {"erase includes the merged", eraseMerged}, {"erase during a turn makes it stale", eraseDuringTurn},
		{"export equals what was written", exportOne}, {"rewrap resumes after a stop", rewrap},
	}
}

// full gives person n a row in every table that hangs on a person.
func (w *world) full(n int) storage.Snapshot {
	w.Helper()
	snap := w.queued(n, "orders", 1, base)
	return w.do(snap, func(t *storage.Turn) {
		t.Messages = []storage.Message{outbound(2)}
		t.Messages[0].External = addrOf(4000 + n)
		t.Outbox = []storage.OutboxRow{sendRow(2, t.Conv.Epoch, storage.OriginBot)}
		t.Timers = []storage.Timer{timer("promise", int64(n), base)}
		t.Desk = []storage.DeskRow{{Table: "draft", ID: "ana", Body: []byte("sealed draft")}}
		t.Receipts = []storage.Receipt{{Channel: 1, Hash: addrOf(1000 + n), Seq: 1}, {Channel: 1 + int64(n), Hash: addrOf(4000 + n), Seq: 2}}
		t.Lookups = []storage.Lookup{{Kind: 3, Hash: addrOf(2000 + n)}}
		t.Media = []storage.MediaRow{{Seq: 1, Type: "image/png", Name: []byte("sealed"), FileKey: []byte("sealed"), Path: fmt.Sprintf("aa/%d", n)}}
		t.Events = []storage.Event{{Type: "message.created"}}
		t.Outcome = &storage.EpisodeOutcome{Outcome: "person_resolved", Turns: 1}
		t.Records = []storage.Record{{Kind: storage.KindButtons, ID: append(bytes.Clone(t.Conv.UID[:]), 0, 0, 0, 2), Body: []byte("options")},
			{Kind: storage.KindWidget, ID: addrOf(3000 + n), Lookup: addrOf(n), Body: []byte("sealed session")}}
	})
}

func eraseAll(w *world) {
	ctx := context.Background()
	gone, stays := w.full(1), w.full(2)
	e := storage.Erasure{Contact: gone.Contact.ID, Tag: []byte("tag"), At: base, By: "admin", Audit: []storage.AuditEntry{{Verb: "erase"}}}
	erased, err := w.s.Erase(ctx, e)
	w.must(err)
	w.check(len(erased.Media) == 1 && erased.Media[0] == "aa/1", "files to unlink: %v", erased.Media)
	for _, table := range []string{"contacts", "contact_keys", "identities", "lookups", "conversations", "messages", "outbox", "timers", "handoffs",
		"ownership", "desk", "media", "receipts", "events", "records"} {
		w.check(w.rows(table) > 0, "%s: the other person lost rows", table)
		w.check(erased.Tables[table] > 0, "%s: nothing counted", table)
	}
	w.check(erased.Tables["receipts"] == 2 && w.rows("receipts") == 2, "receipts: %d erased, %d left", erased.Tables["receipts"], w.rows("receipts"))
	_, err = w.s.Get(ctx, storage.KindWidget, addrOf(3001))
	w.check(errors.Is(err, storage.ErrNotFound), "the widget session of an erased person: %v", err)
	_, err = w.s.Get(ctx, storage.KindWidget, addrOf(3002))
	w.must(err)
	n := 0
	w.must(w.s.Walk(ctx, storage.WalkQuery{Contact: gone.Contact.ID}, func(r storage.Row) error { n++; return nil }))
	w.check(n == 0, "%d rows of an erased person", n)
	w.check(w.rows("outcomes") == 2 && w.rows("erasures") == 1 && w.rows("audit") == 1, "the counts changed, or the receipt is missing")
	w.check(w.load(stays.Conv.ID).Contact.ID == stays.Contact.ID, "the other person")
	again, err := w.s.Erase(ctx, e)
	w.must(err)
	w.check(len(again.Tables) == 0 && w.rows("erasures") == 1, "the second erase did something")
	_, err = w.s.Erase(ctx, storage.Erasure{Contact: 999, Tag: []byte("other")})
	w.check(errors.Is(err, storage.ErrNotFound), "erase of nobody: %v", err)
}

func eraseMerged(w *world) {
	a, b := w.open(1), w.open(2)
	w.do(b, func(t *storage.Turn) {
		c := b.Contact
		c.Merged = a.Contact.ID
		t.Contact = &c
	})
	w.do(a, func(t *storage.Turn) {
		t.Identities = []storage.Identity{{Channel: 1, Addr: addrOf(2), Contact: a.Contact.ID}}
	})
	// Whichever of the two is named, it is the same person.
	erased, err := w.s.Erase(context.Background(), storage.Erasure{Contact: b.Contact.ID, Tag: []byte("t")})
	w.must(err)
	w.check(erased.Tables["identities"] == 2, "addresses: %v", erased.Tables)
	w.check(erased.Tables["contact_keys"] == 2 && w.rows("contacts") == 0, "%v", erased.Tables)
}

func eraseDuringTurn(w *world) {
	snap := w.open(1)
	t := w.next(snap, func(t *storage.Turn) { t.Messages = []storage.Message{inbound(2)} })
	contact := w.next(snap, func(t *storage.Turn) { t.Contact = &snap.Contact })
	fresh := storage.Turn{Key: storage.Key{Channel: 1, Addr: addrOf(1)}, ID: w.turnID(), Conv: &storage.Conversation{Contact: snap.Contact.ID, Channel: 1, Addr: addrOf(1), Status: 1, Epoch: 1}}
	_, err := w.s.Erase(context.Background(), storage.Erasure{Contact: snap.Contact.ID, Tag: []byte("t")})
	w.must(err)
	for i, out := range w.apply(t, contact, fresh) {
		w.want(out, storage.Stale)
		w.check(out.Now != nil && out.Now.Conv.ID == 0 && out.Now.Contact.ID == 0, "turn %d sees %+v", i, out.Now)
	}
	w.check(w.rows("messages") == 0, "a message of an erased person")
}

func exportOne(w *world) {
	w.full(1)
	snap := w.full(2)
	tables := map[string]int{}
	var last string
	w.must(w.s.Walk(context.Background(), storage.WalkQuery{Contact: snap.Contact.ID}, func(r storage.Row) error {
		tables[r.Table]++
		last = r.Table
		if len(r.Cols) != len(r.Vals) {
			w.Errorf("%s: %d columns, %d values", r.Table, len(r.Cols), len(r.Vals))
		}
		if id := valueOf(r, "conversation_id"); id != nil && id != snap.Conv.ID {
			w.Errorf("%s: row of conversation %v", r.Table, id)
		}
		if r.Table == "messages" && !bytes.HasPrefix(valueOf(r, "body").([]byte), []byte("sealed")) {
			w.Errorf("message body changed: %v", valueOf(r, "body"))
		}
		return nil
	}))
	w.check(tables["messages"] == 2 && tables["identities"] == 1 && tables["contact_keys"] == 1 && tables["media"] == 1 && tables["receipts"] == 2 && last != "", "export %v", tables)
	stop := errors.New("stop")
	err := w.s.Walk(context.Background(), storage.WalkQuery{}, func(storage.Row) error { return stop })
	w.check(errors.Is(err, stop), "the reader's error is lost: %v", err)
	w.check(w.s.Walk(context.Background(), storage.WalkQuery{Tables: []string{"nothing"}}, nil) != nil, "an unknown table is walked")
}

func rewrap(w *world) {
	ctx := context.Background()
	const n = 10
	for i := range n {
		w.open(i + 1)
	}
	broken := errors.New("stopped")
	calls := 0
	_, err := w.s.Rewrap(ctx, 7, 4, func(wrapped []byte) ([]byte, storage.KeyID, error) {
		if calls++; calls > 2 {
			return nil, 0, broken
		}
		return append([]byte("new "), wrapped...), 8, nil
	})
	w.check(errors.Is(err, broken), "error %v", err)
	for want := n - 4; ; want = max(0, want-4) {
		left, err := w.s.Rewrap(ctx, 7, 4, func(wrapped []byte) ([]byte, storage.KeyID, error) { return append([]byte("new "), wrapped...), 8, nil })
		w.must(err)
		w.check(left == want, "%d left, want %d", left, want)
		if left == 0 {
			break
		}
	}
	c, err := w.s.Contact(ctx, storage.ContactQuery{ID: 1})
	w.must(err)
	w.check(string(c.Wrapped) == "new wrapped key" && c.KeyID == 8, "key %q of %d", c.Wrapped, c.KeyID)
}

func upkeepCases() []testCase {
	return []testCase{
		{"purge respects open conversations", purgeOpen}, {"purge forgets people without conversations", purgeFacts}, {"purge keeps to its budget", purgeBudget},
		{"backup under load is whole", backupUnderLoad}, {"health and reports", health},
	}
}

func (w *world) resolve(snap storage.Snapshot, at int64) storage.Snapshot {
	w.Helper()
	return w.do(snap, func(t *storage.Turn) {
		own(storage.OwnerNone, storage.PhaseClosed, "", "resolve")(t)
		t.Conv.Status, t.Conv.ResolvedAt, t.Conv.ResolvedWhy = storage.Resolved, at, "answered"
	})
}

func purgeOpen(w *world) {
	open, old, recent := w.full(1), w.resolve(w.full(2), base), w.resolve(w.full(3), base+100)
	purged, err := w.s.Purge(context.Background(), storage.Retention{Messages: base + 50, Now: base}, time.Minute)
	w.must(err)
	w.check(purged.Rows["messages"] == 2 && purged.Rows["handoffs"] == 1 && len(purged.Media) == 1, "purged %+v", purged)
	w.check(w.message(old.Conv.ID, 1).Body == nil, "an old body stayed")
	w.check(w.message(open.Conv.ID, 1).Body != nil && w.message(recent.Conv.ID, 1).Body != nil, "a body that shall stay went")
	w.check(len(w.thread(old.Conv.ID)) == 2, "rows went with the bodies")
}

func purgeFacts(w *world) {
	w.resolve(w.open(1), base)
	w.open(2)
	_, err := w.s.Purge(context.Background(), storage.Retention{Facts: 1 << 60}, time.Minute)
	w.must(err)
	w.check(w.rows("contacts") == 1 && w.rows("contact_keys") == 1 && w.rows("messages") == 1, "who has an open conversation stays")
}

func purgeBudget(w *world) {
	snap := w.open(1)
	w.do(snap, func(t *storage.Turn) {
		for i := range 3000 {
			t.Seen = append(t.Seen, seenOf(50_000+i))
		}
	})
	purged, err := w.s.Purge(context.Background(), storage.Retention{Seen: 1 << 60}, time.Nanosecond)
	w.must(err)
	n := purged.Rows["seen"]
	w.check(n > 0 && n <= 500, "%d rows in one slice", n)
	_, err = w.s.Purge(context.Background(), storage.Retention{Seen: 1 << 60}, time.Minute)
	w.must(err)
	w.check(w.rows("seen") == 0, "%d rows left", w.rows("seen"))
}

func backupUnderLoad(w *world) {
	w.full(1)
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		for n := 2; ctx.Err() == nil && n < 400; n++ {
			if _, err := w.s.Apply(context.Background(), []storage.Turn{w.opening(n)}); err != nil {
				w.Error(err)
				return
			}
		}
	})
	var copied bytes.Buffer
	m, err := w.s.Backup(context.Background(), &copied)
	stop()
	wg.Wait()
	w.must(err)
	sum := sha256.Sum256(copied.Bytes())
	w.check(m.SHA256 == hex.EncodeToString(sum[:]) && m.Bytes == int64(copied.Len()) && m.Bytes > 0, "manifest %+v of %d bytes", m, copied.Len())
	w.check(m.Counts["contacts"] == m.Counts["conversations"] && m.Counts["contacts"] >= 1, "not one moment: %v", m.Counts)
}

func health(w *world) {
	ctx := context.Background()
	w.full(1)
	h, err := w.s.Health(ctx)
	w.must(err)
	w.check(h.OK && h.Schema > 0 && h.Engine != "" && h.Bytes > 0 && h.DiskFree > 0, "health %+v", h)
	for _, name := range []string{"owners", "queues", "outcomes", "outbox", "parked", "timers", "schema", "position", "revisions"} {
		table, err := w.s.Report(ctx, storage.ReportQuery{Name: name, Now: base})
		w.must(err)
		w.check(len(table.Cols) > 0, "report %s has no columns", name)
	}
	_, err = w.s.Report(ctx, storage.ReportQuery{Name: "nothing"})
	w.check(err != nil, "an unknown report")
}

func troubleCases() []testCase {
	return []testCase{{"close during apply", closeDuring}, {"closed", closedStore}}
}

func closeDuring(w *world) {
	var wg sync.WaitGroup
	var mu sync.Mutex
	acked := 0
	for n := range 8 {
		wg.Go(func() {
			for i := 0; ; i++ {
				_, err := w.s.Apply(context.Background(), []storage.Turn{w.opening(n*10_000 + i + 1)})
				if err != nil {
					w.check(errors.Is(err, storage.ErrClosed), "error %v", err)
					return
				}
				mu.Lock()
				acked++
				mu.Unlock()
			}
		})
	}
	for {
		mu.Lock()
		enough := acked > 20
		mu.Unlock()
		if enough {
			break
		}
		w.must(firstErr(w.s.Health(context.Background())))
	}
	w.must(w.s.Close())
	wg.Wait()
}

func firstErr(_ storage.Health, err error) error { return err }

func closedStore(w *world) {
	ctx := context.Background()
	w.must(w.s.Close())
	w.must(w.s.Close())
	_, err := w.s.Load(ctx, []storage.Key{{ID: 1}})
	w.check(errors.Is(err, storage.ErrClosed), "Load: %v", err)
	w.check(errors.Is(w.s.Put(ctx, nil, nil), storage.ErrClosed), "Put")
	_, err = w.s.Health(ctx)
	w.check(errors.Is(err, storage.ErrClosed), "Health: %v", err)
	w.check(errors.Is(w.s.Walk(ctx, storage.WalkQuery{}, nil), storage.ErrClosed), "Walk")
}
