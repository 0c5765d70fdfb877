package storagetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"dispatcher/storage"
)

func recordCases() []testCase {
	return []testCase{{"compare and set", recordVersions}, {"all or nothing with the audit", recordsTogether}, {"lookup, expiry and pages", recordFind}, {"inside a turn", recordInTurn}}
}

func recordVersions(w *world) {
	ctx := context.Background()
	id := []byte("ana")
	_, err := w.s.Get(ctx, storage.KindUser, id)
	w.check(errors.Is(err, storage.ErrNotFound), "error %v", err)
	r := storage.Record{Kind: storage.KindUser, ID: id, Body: []byte("1"), Expires: base}
	w.must(w.s.Put(ctx, []storage.Record{r}, nil))
	w.check(errors.Is(w.s.Put(ctx, []storage.Record{r}, nil), storage.ErrConflict), "version 0 replaced something")
	got, err := w.s.Get(ctx, storage.KindUser, id)
	w.must(err)
	w.check(got.Version == 1 && string(got.Body) == "1" && got.Expires == base && got.Lookup == nil, "record %+v", got)
	got.Body = []byte("2")
	w.must(w.s.Put(ctx, []storage.Record{got}, nil))
	w.check(errors.Is(w.s.Put(ctx, []storage.Record{got}, nil), storage.ErrConflict), "an old version replaced a newer one")
	got.Version, got.Delete = 2, true
	w.must(w.s.Put(ctx, []storage.Record{got}, nil))
	_, err = w.s.Get(ctx, storage.KindUser, id)
	w.check(errors.Is(err, storage.ErrNotFound), "deleted record: %v", err)
}

func recordsTogether(w *world) {
	ctx := context.Background()
	good := storage.Record{Kind: storage.KindUser, ID: []byte("a")}
	bad := storage.Record{Kind: storage.KindUser, ID: []byte("b"), Version: 7}
	err := w.s.Put(ctx, []storage.Record{good, bad}, []storage.AuditEntry{{Actor: "ana", Verb: "user.add"}})
	w.check(errors.Is(err, storage.ErrConflict), "error %v", err)
	w.check(w.rows("records") == 0 && w.rows("audit") == 0, "half of it stayed")
	w.must(w.s.Put(ctx, []storage.Record{good}, []storage.AuditEntry{{Actor: "ana", Verb: "user.add", Object: "a", Detail: []byte("sealed"), At: base}, {Actor: "bo", Verb: "login", At: base + 1}}))
	page, err := w.s.Trail(ctx, storage.TrailQuery{Verb: "user.add"})
	w.must(err)
	w.check(len(page.Items) == 1 && page.Items[0].Actor == "ana" && string(page.Items[0].Detail) == "sealed", "trail %+v", page.Items)
	page, err = w.s.Trail(ctx, storage.TrailQuery{N: 1})
	w.must(err)
	w.check(len(page.Items) == 1 && page.Items[0].Actor == "bo" && page.Next != "", "newest first: %+v", page)
}

func recordFind(w *world) {
	ctx := context.Background()
	var records []storage.Record
	for i := range 10 {
		records = append(records, storage.Record{Kind: storage.KindSession, ID: []byte{byte(i)}, Lookup: []byte{byte(i % 2)}, Expires: base + int64(i)})
	}
	w.must(w.s.Put(ctx, records, nil))
	page, err := w.s.Find(ctx, storage.RecordQuery{Kind: storage.KindSession, Lookup: []byte{1}, Now: base + 3})
	w.must(err)
	w.check(len(page.Items) == 3, "%d live records of that lookup, want 5, 7, 9", len(page.Items))
	page, err = w.s.Find(ctx, storage.RecordQuery{Kind: storage.KindSession, IDs: [][]byte{{7}, {2}, {77}}, N: 2})
	w.must(err)
	w.check(len(page.Items) == 2 && page.Items[0].ID[0] == 2 && page.Items[1].ID[0] == 7 && page.Next == "", "by ids: %+v", page)
	var ids []byte
	for q := (storage.RecordQuery{Kind: storage.KindSession, N: 4}); ; q.Cursor = page.Next {
		page, err = w.s.Find(ctx, q)
		w.must(err)
		for _, r := range page.Items {
			ids = append(ids, r.ID...)
		}
		if page.Next == "" {
			break
		}
	}
	w.check(bytes.Equal(ids, []byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}), "pages gave %v", ids)
	_, err = w.s.Purge(ctx, storage.Retention{Now: base + 5}, 0)
	w.must(err)
	w.check(w.rows("records") == 5, "%d records after their time", w.rows("records"))
}

func recordInTurn(w *world) {
	snap := w.open(1)
	once := func(t *storage.Turn) {
		t.Records = []storage.Record{{Kind: storage.KindLink, ID: []byte("token")}}
		t.Messages = []storage.Message{inbound(t.Conv.LastSeq + 1)}
	}
	snap = w.do(snap, once)
	w.want(w.apply(w.next(snap, once))[0], storage.Stale)
	w.check(len(w.thread(snap.Conv.ID)) == 2, "a token was used twice")
}

func listCases() []testCase {
	return []testCase{
		{"queue order", queueOrder}, {"every view", views}, {"permission is part of the query", permissions},
		{"pages are stable while rows change", stablePages}, {"by contact, position and blind index", findLists},
		{"stays in queues", stays},
	}
}

func (w *world) list(q storage.ListQuery) (ids []int64) {
	w.Helper()
	page, err := w.s.List(context.Background(), q)
	w.must(err)
	for _, item := range page.Items {
		ids = append(ids, item.Conv.ID)
	}
	return ids
}

// stays lists handoffs, newest first, page by page, by the queue they were in.
func stays(w *world) {
	ctx := context.Background()
	for n, queue := range []string{"orders", "returns", "orders"} {
		w.queued(n+1, queue, 1, base+int64(n))
	}
	var created []int64
	for q := (storage.ListQuery{View: "handoffs", N: 2}); ; {
		page, err := w.s.List(ctx, q)
		w.must(err)
		for _, row := range page.Items {
			created = append(created, row.Handoff.CreatedAt-base)
			w.check(row.Handoff.Conversation == row.Conv.ID && len(row.Contact.Wrapped) > 0, "row %+v", row)
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			break
		}
	}
	w.check(slices.Equal(created, []int64{2, 1, 0}), "stays in the order %v", created)
	page, err := w.s.List(ctx, storage.ListQuery{View: "handoffs", Queues: []string{"returns"}})
	w.must(err)
	w.check(len(page.Items) == 1 && page.Items[0].Handoff.Queue == "returns", "of one queue: %+v", page.Items)
}

// queued puts person n into a queue.
func (w *world) queued(n int, queue string, priority int16, at int64) storage.Snapshot {
	w.Helper()
	return w.do(w.open(n), func(t *storage.Turn) {
		own(storage.OwnerQueue, storage.PhaseQueue, queue, "handoff")(t)
		t.Conv.Priority, t.Conv.WaitingSince = priority, at
		t.Handoffs = []storage.Handoff{{Queue: queue, Cause: "flow", Priority: priority, CreatedAt: at, Packet: []byte("sealed packet")}}
	})
}

func queueOrder(w *world) {
	a := w.queued(1, "orders", 1, base+30).Conv.ID
	b := w.queued(2, "orders", 3, base+40).Conv.ID
	c := w.queued(3, "orders", 1, base+10).Conv.ID
	d := w.do(w.queued(4, "orders", 1, base+50), func(t *storage.Turn) { t.Conv.FirstReplyDue = base + 60 }).Conv.ID
	got := w.list(storage.ListQuery{View: "queue", Queues: []string{"orders"}})
	w.check(slices.Equal(got, []int64{b, d, c, a}), "order %v, want %v", got, []int64{b, d, c, a})
	page, err := w.s.List(context.Background(), storage.ListQuery{View: "queue", N: 1})
	w.must(err)
	row := page.Items[0]
	w.check(row.Handoff != nil && row.Handoff.Queue == "orders" && string(row.Contact.Wrapped) == "wrapped key" && string(row.Conv.Card) == "card", "row %+v", row)
}

func views(w *world) {
	bot := w.open(1).Conv.ID
	queue := w.queued(2, "orders", 1, base).Conv.ID
	agent := w.do(w.open(3), own(storage.OwnerAgent, storage.PhaseAgent, "ana", "claim")).Conv.ID
	snoozed := w.do(w.open(4), func(t *storage.Turn) {
		own(storage.OwnerAgent, storage.PhaseParked, "ana", "snooze")(t)
		t.Conv.SnoozedUntil = base + 99
	}).Conv.ID
	public := w.do(w.open(5), func(t *storage.Turn) {
		m := inbound(2)
		m.Public = true
		t.Messages = []storage.Message{m}
	}).Conv.ID
	closed := w.do(w.open(6), func(t *storage.Turn) {
		own(storage.OwnerNone, storage.PhaseClosed, "", "resolve")(t)
		t.Conv.Status, t.Conv.ResolvedAt = storage.Resolved, base
	}).Conv.ID
	for view, want := range map[string][]int64{
		"assistant": {public, bot}, "queue": {queue}, "unassigned": {queue}, "mine": {agent}, "snoozed": {snoozed}, "waiting": {queue},
		"public": {public}, "closed": {closed}, "all": {closed, public, snoozed, agent, queue, bot},
	} {
		got := w.list(storage.ListQuery{View: view, Owner: "ana"})
		w.check(sameSet(got, want), "view %s gives %v, want %v", view, got, want)
	}
	w.check(len(w.list(storage.ListQuery{View: "mine", Owner: "bo"})) == 0, "somebody else's conversations are mine")
	w.check(len(w.list(storage.ListQuery{View: "all", Status: storage.Resolved})) == 1, "filter by status")
}

func sameSet(a, b []int64) bool {
	a, b = slices.Clone(a), slices.Clone(b)
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(a, b)
}

func permissions(w *world) {
	orders, legal := w.queued(1, "orders", 1, base), w.queued(2, "legal", 1, base)
	taken := w.do(w.queued(3, "legal", 1, base), own(storage.OwnerAgent, storage.PhaseAgent, "ana", "claim"))
	bot := w.open(4)
	w.check(sameSet(w.list(storage.ListQuery{Queues: []string{"orders"}}), []int64{orders.Conv.ID}), "another queue's rows are visible")
	w.check(sameSet(w.list(storage.ListQuery{Queues: []string{"orders"}, Agent: "ana"}), []int64{orders.Conv.ID, taken.Conv.ID}), "the agent's own row")
	w.check(sameSet(w.list(storage.ListQuery{Queues: []string{"orders", "legal"}}), []int64{orders.Conv.ID, legal.Conv.ID, taken.Conv.ID}), "two queues")
	w.check(len(w.list(storage.ListQuery{Queues: []string{}})) == 0, "no queue gives no row")
	w.check(len(w.list(storage.ListQuery{})) == 4 && bot.Conv.ID != 0, "without a limit every row")
}

func stablePages(w *world) {
	var all []int64
	snaps := map[int64]storage.Snapshot{}
	for n := range 9 {
		s := w.queued(n+1, "orders", int16(n%3), base+int64(n))
		all = append(all, s.Conv.ID)
		snaps[s.Conv.ID] = s
	}
	var got []int64
	q := storage.ListQuery{View: "queue", N: 2}
	for i := 0; ; i++ {
		page, err := w.s.List(context.Background(), q)
		w.must(err)
		for _, item := range page.Items {
			got = append(got, item.Conv.ID)
		}
		if page.Next == "" {
			break
		}
		q.Cursor = page.Next
		// What was shown leaves the queue: nothing behind it may be skipped.
		w.do(snaps[got[len(got)-1]], own(storage.OwnerAgent, storage.PhaseAgent, "ana", "claim"))
	}
	w.check(sameSet(got, all), "pages gave %v, want each of %v once", got, all)
	_, err := w.s.List(context.Background(), storage.ListQuery{View: "all", Order: "newest", Cursor: q.Cursor})
	w.check(err != nil, "a cursor of another list is accepted")
}

func findLists(w *world) {
	snap := w.do(w.open(1), func(t *storage.Turn) {
		t.Conv.Position = "orders.ask"
		t.Lookups = []storage.Lookup{{Kind: 2, Hash: addrOf(50)}}
	})
	w.open(2)
	for name, q := range map[string]storage.ListQuery{
		"contact": {View: "contact", Contact: snap.Contact.ID}, "position": {View: "position", Flow: "orders."}, "lookup": {View: "lookup", Lookup: addrOf(50)},
		"public id": {View: "all", From: snap.Conv.UID, To: snap.Conv.UID},
	} {
		w.check(slices.Equal(w.list(q), []int64{snap.Conv.ID}), "by %s: %v", name, w.list(q))
	}
	c, err := w.s.Contact(context.Background(), storage.ContactQuery{Lookup: addrOf(50)})
	w.must(err)
	w.check(c.ID == snap.Contact.ID && len(c.Addresses) == 1, "contact %+v", c)
	c, err = w.s.Contact(context.Background(), storage.ContactQuery{UID: snap.Contact.UID})
	w.must(err)
	w.check(c.ID == snap.Contact.ID, "by uid: %d", c.ID)
	_, err = w.s.Contact(context.Background(), storage.ContactQuery{ID: 999})
	w.check(errors.Is(err, storage.ErrNotFound), "error %v", err)
}

func eventCases() []testCase {
	return []testCase{{"nothing missed, nothing late", cursors}, {"a trimmed cursor is told", trimmed}}
}

func cursors(w *world) {
	const writers, each = 16, 6
	var writing, reading sync.WaitGroup
	done := make(chan struct{})
	for n := range writers {
		writing.Go(func() {
			for i := range each {
				t := w.opening(1 + n*each + i)
				t.Events = []storage.Event{{Type: "a", Ref: fmt.Sprint(n, "-", i)}, {Type: "b"}}
				if _, err := w.s.Apply(context.Background(), []storage.Turn{t}); err != nil {
					w.Error(err)
				}
			}
		})
	}
	for range 3 {
		reading.Go(func() {
			var at storage.Cursor
			for last := false; ; {
				events, next, err := w.s.Changes(context.Background(), at, 50)
				if err != nil {
					w.Error(err)
					return
				}
				for _, e := range events {
					if e.Cursor != at+1 {
						w.Errorf("event %d follows %d", e.Cursor, at)
					}
					at = e.Cursor
				}
				w.check(next == at, "cursor %d after event %d", next, at)
				if len(events) == 0 && last {
					break
				}
				select {
				case <-done:
					last = len(events) == 0
				default:
				}
			}
			w.check(at == 2*writers*each, "a reader saw %d events", at)
		})
	}
	writing.Wait()
	close(done)
	reading.Wait()
	_, head, err := w.s.Changes(context.Background(), -1, 0)
	w.must(err)
	w.check(head == 2*writers*each, "newest cursor %d", head)
}

func trimmed(w *world) {
	for n := range 5 {
		t := w.opening(n + 1)
		t.Events = []storage.Event{{Type: "a", At: base + int64(n)}}
		w.apply(t)
	}
	_, err := w.s.Purge(context.Background(), storage.Retention{Events: base + 3}, 0)
	w.must(err)
	for after, gone := range map[storage.Cursor]bool{0: true, 2: true, 3: false, 5: false, 6: true} {
		_, _, err := w.s.Changes(context.Background(), after, 10)
		w.check(errors.Is(err, storage.ErrNotFound) == gone, "after %d: %v", after, err)
	}
}
