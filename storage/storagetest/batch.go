package storagetest

import (
	"context"
	"errors"
	"sync"
	"time"

	"dispatcher/storage"
)

func batchCases() []testCase {
	return []testCase{
		{"256 good turns", goodBatch},
		{"bad turns fail alone, at every position", badBatch},
		{"the same conversation twice", twiceInBatch},
		{"cancelled before it begins", cancelled},
		{"64 writers", manyWriters},
	}
}

func goodBatch(w *world) {
	var turns []storage.Turn
	for n := range 256 {
		turns = append(turns, w.opening(n+1))
	}
	out := w.apply(turns...)
	ids := map[int64]bool{}
	for i, o := range out {
		w.want(o, storage.Applied)
		ids[o.Conversation] = true
		got := w.load(o.Conversation)
		w.check(string(got.Conv.Addr) == string(turns[i].Conv.Addr), "outcome %d belongs to another turn", i)
	}
	w.check(len(ids) == 256, "%d conversations", len(ids))
}

func badBatch(w *world) {
	old := w.open(1)
	w.say(old, storage.OriginBot)
	dup := w.opening(2)
	dup.Seen = []storage.SeenKey{seenOf(1000)} // person 1's first event
	stale := w.next(old, func(t *storage.Turn) { t.Messages = []storage.Message{inbound(2)} })
	broken := w.opening(3)
	broken.Messages[0].Kind = 99
	for at := range 4 {
		var turns []storage.Turn
		for i := range 4 {
			if i == at {
				turns = append(turns, dup, stale, broken)
			}
			turns = append(turns, w.opening(100+at*10+i))
		}
		out := w.apply(turns...)
		var bad []storage.Outcome
		for i, o := range out {
			if i >= at && i < at+3 {
				bad = append(bad, o)
				continue
			}
			w.want(o, storage.Applied)
		}
		w.want(bad[0], storage.Duplicate)
		w.want(bad[1], storage.Stale)
		w.want(bad[2], storage.Refused)
		w.check(len(bad[0].Dup) == 1 && bad[0].Dup[0] == seenOf(1000), "duplicate keys %+v", bad[0].Dup)
		w.check(bad[2].Err != nil, "refused without a reason")
	}
	w.check(w.rows("conversations") == 1+16 && w.rows("contacts") == 1+16, "rows of bad turns stayed")
}

func twiceInBatch(w *world) {
	snap := w.open(1)
	a := w.next(snap, func(t *storage.Turn) { t.Messages = []storage.Message{inbound(2)} })
	b := w.next(snap, func(t *storage.Turn) { t.Messages = []storage.Message{inbound(2)} })
	out := w.apply(a, b)
	w.want(out[0], storage.Applied)
	w.want(out[1], storage.Stale)
	w.check(out[1].Now.Conv.Version == 2, "the loser sees version %d", out[1].Now.Conv.Version)
}

func cancelled(w *world) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := w.s.Apply(ctx, []storage.Turn{w.opening(1)})
	w.check(errors.Is(err, context.Canceled), "error %v", err)
	w.check(w.rows("conversations") == 0, "a cancelled batch left a conversation")
}

// manyWriters: every message of every writer is there once, in order.
func manyWriters(w *world) {
	const writers, turns = 64, 4
	var wg sync.WaitGroup
	start := time.Now()
	for n := range writers {
		wg.Go(func() {
			out, err := w.s.Apply(context.Background(), []storage.Turn{w.opening(n + 1)})
			for i := 1; err == nil && i < turns; i++ {
				var snaps []storage.Snapshot
				if snaps, err = w.s.Load(context.Background(), []storage.Key{{ID: out[0].Conversation}}); err == nil {
					out, err = w.s.Apply(context.Background(), []storage.Turn{w.next(snaps[0], func(t *storage.Turn) {
						t.Messages = []storage.Message{inbound(snaps[0].Conv.LastSeq + 1)}
					})})
				}
				if err == nil && out[0].Status != storage.Applied {
					err = errors.New("a turn nobody raced was not applied")
				}
			}
			if err != nil {
				w.Error(err)
			}
		})
	}
	wg.Wait()
	w.Logf("%d turns by %d writers in %v", writers*turns, writers, time.Since(start))
	w.check(w.rows("messages") == writers*turns, "%d messages", w.rows("messages"))
}

func dedupeCases() []testCase {
	return []testCase{
		{"the same event twice", sameEvent},
		{"the same id on another channel is another event", otherChannel},
		{"events without a time", noTime},
		{"64 equal events at once", equalAtOnce},
		{"purge at 34 and 36 days", purgeSeen},
		{"10,000 ids are all still known", manyIDs},
	}
}

func withSeen(t storage.Turn, keys ...storage.SeenKey) storage.Turn {
	t.Seen = keys
	return t
}

func sameEvent(w *world) {
	w.want(w.apply(withSeen(w.opening(1), seenOf(1)))[0], storage.Applied)
	out := w.apply(withSeen(w.opening(2), seenOf(2), seenOf(1), seenOf(3)))[0]
	w.want(out, storage.Duplicate)
	w.check(len(out.Dup) == 1 && out.Dup[0] == seenOf(1), "duplicate keys %+v", out.Dup)
	both := w.apply(withSeen(w.opening(3), seenOf(4)), withSeen(w.opening(4), seenOf(4)))
	w.want(both[0], storage.Applied)
	w.want(both[1], storage.Duplicate)
	snaps, err := w.s.Load(context.Background(), []storage.Key{{Channel: 1, Addr: addrOf(9), Seen: []storage.SeenKey{seenOf(1), seenOf(99)}}})
	w.must(err)
	w.check(len(snaps[0].Known) == 1 && snaps[0].Known[0] == seenOf(1), "Load knows %+v", snaps[0].Known)
}

func otherChannel(w *world) {
	k := seenOf(1)
	w.want(w.apply(withSeen(w.opening(1), k))[0], storage.Applied)
	k.Channel = 2
	w.want(w.apply(withSeen(w.opening(2), k))[0], storage.Applied)
}

func noTime(w *world) {
	k := seenOf(1)
	k.AtS = 0
	w.want(w.apply(withSeen(w.opening(1), k))[0], storage.Applied)
	w.want(w.apply(withSeen(w.opening(2), k))[0], storage.Duplicate)
}

func equalAtOnce(w *world) {
	var wg sync.WaitGroup
	var mu sync.Mutex
	count := map[storage.Status]int{}
	for range 64 {
		t := w.opening(1)
		wg.Go(func() {
			out, err := w.s.Apply(context.Background(), []storage.Turn{t})
			if err != nil {
				w.Error(err)
				return
			}
			mu.Lock()
			count[out[0].Status]++
			mu.Unlock()
		})
	}
	wg.Wait()
	w.check(count[storage.Applied] == 1 && count[storage.Duplicate] == 63, "outcomes %v", count)
	w.check(w.rows("messages") == 1, "%d messages", w.rows("messages"))
}

func purgeSeen(w *world) {
	const day = int64(86_400_000)
	old, recent := seenOf(1), seenOf(2)
	old.AtS, recent.AtS = (base-36*day)/1000, (base-34*day)/1000
	w.want(w.apply(withSeen(w.opening(1), old, recent))[0], storage.Applied)
	_, err := w.s.Purge(context.Background(), storage.Retention{Seen: base - 35*day, Now: base}, time.Minute)
	w.must(err)
	snaps, err := w.s.Load(context.Background(), []storage.Key{{ID: 1, Seen: []storage.SeenKey{old, recent}}})
	w.must(err)
	w.check(len(snaps[0].Known) == 1 && snaps[0].Known[0] == recent, "after the purge known: %+v", snaps[0].Known)
}

func manyIDs(w *world) {
	snap := w.open(1)
	const n = 10_000
	for from := 0; from < n; from += 1000 {
		snap = w.do(snap, func(t *storage.Turn) {
			for i := range 1000 {
				t.Seen = append(t.Seen, seenOf(100_000+from+i))
			}
		})
	}
	for _, at := range []int{0, 1049, 1050, 1051, n - 1} {
		w.want(w.apply(withSeen(w.opening(2), seenOf(100_000+at)))[0], storage.Duplicate)
	}
}
