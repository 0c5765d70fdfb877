package inbox

import (
	"context"
	"errors"
	"sync"
	"time"

	"dispatcher/storage"
)

// Limits of one batch (runtime.md 1.2). The wait is 0: while one batch syncs
// the next gathers by itself.
const (
	batchTurns = 256
	batchBytes = 2 << 20
	batchQueue = 1024
)

// errStopped says that the process is shutting down; nothing was written.
var errStopped = errors.New("inbox: stopping")

// committer is the part of storage.Store that a batcher needs.
type committer interface {
	Apply(ctx context.Context, turns []storage.Turn) ([]storage.Outcome, error)
	Settle(ctx context.Context, s []storage.Settlement) ([]storage.Settled, error)
}

type waitingTurn struct {
	turn *storage.Turn
	size int
	done chan turnAnswer
}

type turnAnswer struct {
	out storage.Outcome
	err error
}

type waitingSettle struct {
	items []storage.Settlement
	done  chan settleAnswer
}

type settleAnswer struct {
	out []storage.Settled
	err error
}

// batcher commits turns and settlements of everybody who waits at one moment
// together, each kind in its own batch. The two kinds are served in turn, so
// an acknowledgement never waits behind more than one batch of turns.
type batcher struct {
	store   committer
	turns   chan *waitingTurn
	settles chan *waitingSettle
	quit    chan struct{}
	closed  sync.Once
	ended   chan struct{}
	seen    func(n int, took time.Duration, err error)
	now     func() time.Time
}

func newBatcher(store committer, now func() time.Time, seen func(n int, took time.Duration, err error)) *batcher {
	return &batcher{
		store: store, now: now, seen: seen,
		turns: make(chan *waitingTurn, batchQueue), settles: make(chan *waitingSettle, batchQueue),
		quit: make(chan struct{}), ended: make(chan struct{}),
	}
}

// run serves until stop, and then what is still queued.
func (b *batcher) run() {
	defer close(b.ended)
	for {
		select {
		case t := <-b.turns:
			b.apply(t)
			b.settleWaiting()
		case s := <-b.settles:
			b.settle(s)
			b.applyWaiting()
		case <-b.quit:
			b.drain()
			return
		}
	}
}

func (b *batcher) drain() {
	for b.applyWaiting() || b.settleWaiting() {
		continue
	}
}

func (b *batcher) applyWaiting() bool {
	select {
	case t := <-b.turns:
		b.apply(t)
		return true
	default:
		return false
	}
}

func (b *batcher) settleWaiting() bool {
	select {
	case s := <-b.settles:
		b.settle(s)
		return true
	default:
		return false
	}
}

func (b *batcher) apply(first *waitingTurn) {
	batch := []*waitingTurn{first}
	for size := first.size; len(batch) < batchTurns && size < batchBytes; {
		select {
		case t := <-b.turns:
			batch, size = append(batch, t), size+t.size
			continue
		default:
		}
		break
	}
	turns := make([]storage.Turn, len(batch))
	for i, t := range batch {
		turns[i] = *t.turn
	}
	start := b.now()
	out, err := b.store.Apply(context.Background(), turns) // nobody's deadline may take the others' commit away
	b.seen(len(batch), b.now().Sub(start), err)
	if err == nil && len(out) != len(batch) {
		err = errors.New("inbox: store answered fewer turns than it was given")
	}
	for i, t := range batch {
		if err != nil {
			t.done <- turnAnswer{err: err}
			continue
		}
		t.done <- turnAnswer{out: out[i]}
	}
}

func (b *batcher) settle(first *waitingSettle) {
	batch, items := []*waitingSettle{first}, append([]storage.Settlement(nil), first.items...)
	for len(items) < batchTurns {
		select {
		case s := <-b.settles:
			batch, items = append(batch, s), append(items, s.items...)
			continue
		default:
		}
		break
	}
	out, err := b.store.Settle(context.Background(), items)
	if err != nil {
		b.seen(0, 0, err)
	}
	if err == nil && len(out) != len(items) {
		err = errors.New("inbox: store answered fewer settlements than it was given")
	}
	for _, s := range batch {
		if err != nil {
			s.done <- settleAnswer{err: err}
			continue
		}
		s.done <- settleAnswer{out: out[:len(s.items)]}
		out = out[len(s.items):]
	}
}

// Apply commits one turn together with whatever else waits, and gives its own
// outcome. It does not look at a deadline: whoever gave up waiting learns by
// redelivery what became of it.
func (b *batcher) Apply(t storage.Turn) (storage.Outcome, error) { return b.commit(&t) }

// commit is Apply of a turn that stays where it is; after an error it may
// still be read.
func (b *batcher) commit(t *storage.Turn) (storage.Outcome, error) {
	w := &waitingTurn{turn: t, size: turnSize(t), done: make(chan turnAnswer, 1)}
	select {
	case b.turns <- w:
	case <-b.ended:
		return storage.Outcome{}, errStopped
	}
	select {
	case a := <-w.done:
		return a.out, a.err
	case <-b.ended:
	}
	select { // the last drain may have answered
	case a := <-w.done:
		return a.out, a.err
	default:
		return storage.Outcome{}, errStopped
	}
}

// Settle commits settlements together with whatever else waits.
func (b *batcher) Settle(items ...storage.Settlement) ([]storage.Settled, error) {
	w := &waitingSettle{items: items, done: make(chan settleAnswer, 1)}
	select {
	case b.settles <- w:
	case <-b.ended:
		return nil, errStopped
	}
	select {
	case a := <-w.done:
		return a.out, a.err
	case <-b.ended:
	}
	select {
	case a := <-w.done:
		return a.out, a.err
	default:
		return nil, errStopped
	}
}

// stop serves what is queued and ends run.
func (b *batcher) stop() {
	b.closed.Do(func() { close(b.quit) })
	<-b.ended
}

// turnSize is the payload of a turn in bytes, near enough for a batch's bound.
func turnSize(t *storage.Turn) int {
	n := 512
	for _, m := range t.Messages {
		n += 128 + len(m.Body) + len(m.Trace)
	}
	for _, r := range t.Outbox {
		n += 128 + len(r.Request)
	}
	for _, h := range t.Handoffs {
		n += len(h.Packet)
	}
	for _, p := range t.Parked {
		n += len(p.Event)
	}
	for _, r := range t.Records {
		n += len(r.Body)
	}
	if t.Conv != nil {
		n += len(t.Conv.State) + len(t.Conv.Card)
	}
	if t.Opens != nil {
		n += turnSize(t.Opens)
	}
	return n
}
