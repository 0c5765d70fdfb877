package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"dispatcher/storage"
	"dispatcher/storage/sqlite"
)

// raw writes copies of sampled turns straight to a store: no engine, no HTTP,
// no sealing. Each waiter has conversations of its own.
type raw struct {
	store   storage.Store
	sample  *sample
	places  [][]*place // by waiter
	at      []int
	queue   chan waiting
	stopped chan struct{}
	once    sync.Once
}

// waiting is one turn and where its waiter hears of it.
type waiting struct {
	turn storage.Turn
	done chan storage.Outcome
}

const (
	batchTurns = 256  // of one group commit, as in inbox
	batchQueue = 1024 // turns that may wait
)

// newRaw opens a store of its own, FULL, with so many conversations.
func (b *bench) newRaw(name string, conversations int) (*raw, error) {
	s, err := b.sampled()
	if err != nil {
		return nil, err
	}
	dir, err := b.folder(name)
	if err != nil {
		return nil, err
	}
	store, err := sqlite.Open(b.ctx, sqlite.Options{Dir: dir})
	if err != nil {
		return nil, err
	}
	r := &raw{store: store, sample: s, places: make([][]*place, clients), at: make([]int, clients), queue: make(chan waiting, batchQueue), stopped: make(chan struct{})}
	b.running = append(b.running, r)
	go r.group()
	for made := 0; made < conversations; made += batchTurns {
		if err := r.open(min(batchTurns, conversations-made)); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// open writes n opening turns in one batch.
func (r *raw) open(n int) error {
	turns := make([]storage.Turn, n)
	for i := range turns {
		turns[i] = r.sample.open()
	}
	out, err := r.store.Apply(context.Background(), turns)
	if err != nil {
		return err
	}
	for i, o := range out {
		if o.Status != storage.Applied {
			return fmt.Errorf("raw: opening turn has status %d: %w", o.Status, o.Err)
		}
		who := i % len(r.places)
		r.places[who] = append(r.places[who], after(&turns[i], o))
	}
	return nil
}

// group is the batcher of runtime.md 1.2 and nothing else: it drains what
// waits, without waiting.
func (r *raw) group() {
	defer close(r.stopped)
	for first := range r.queue {
		batch := []waiting{first}
		for more := true; more && len(batch) < batchTurns; {
			select {
			case w, ok := <-r.queue:
				if more = ok; ok {
					batch = append(batch, w)
				}
			default:
				more = false
			}
		}
		turns := make([]storage.Turn, len(batch))
		for i := range batch {
			turns[i] = batch[i].turn
		}
		out, err := r.store.Apply(context.Background(), turns)
		for i := range batch {
			if err != nil {
				batch[i].done <- storage.Outcome{Status: storage.Refused, Err: err}
				continue
			}
			batch[i].done <- out[i]
		}
	}
}

// turn takes the next conversation of a waiter.
func (r *raw) turn(who int) (*place, storage.Turn) {
	p := r.places[who][r.at[who]%len(r.places[who])]
	r.at[who]++
	return p, r.sample.next(p)
}

// grouped writes one turn together with whoever else waits.
func (r *raw) grouped(who int) error {
	p, t := r.turn(who)
	w := waiting{t, make(chan storage.Outcome, 1)}
	r.queue <- w
	return p.settled(&t, <-w.done)
}

// alone writes one turn in a transaction of its own.
func (r *raw) alone(who int) error {
	p, t := r.turn(who)
	out, err := r.store.Apply(context.Background(), []storage.Turn{t})
	if err != nil {
		return err
	}
	return p.settled(&t, out[0])
}

func (p *place) settled(t *storage.Turn, out storage.Outcome) error {
	if out.Status != storage.Applied {
		return fmt.Errorf("raw: turn has status %d: %w", out.Status, out.Err)
	}
	p.applied(t)
	return nil
}

// ceiling is turns a second of 64 waiters with group commit.
func (r *raw) ceiling(ctx context.Context, d time.Duration) (float64, error) {
	o, err := closedLoop(ctx, clients, d, r.grouped)
	return o.rate(), err
}

// one is the latencies of one waiter.
func (r *raw) one(ctx context.Context, d time.Duration) ([]time.Duration, error) {
	var took []time.Duration
	_, err := closedLoop(ctx, 1, d, func(who int) error {
		begun := time.Now()
		err := r.alone(who)
		took = append(took, time.Since(begun))
		return err
	})
	return took, err
}

func (r *raw) close() {
	r.once.Do(func() {
		close(r.queue)
		<-r.stopped
		_ = r.store.Close()
	})
}
