package inbox

import (
	"sync"
	"time"

	"dispatcher/storage"
)

// fence keeps the begin of a bot's request and a change of owner apart inside
// this process (runtime.md 3.4). Mark and claim are two commits; without it a
// claim could fall between the mark of a row and the first byte of its
// request. A sender enters before it marks and leaves when its request is
// written; a change of owner shuts the conversation, waits for those inside,
// at most a second, and lets nobody in until it is committed. It holds no
// truth: the version and the epoch in the store decide, this only orders.
type fence struct {
	mu    sync.Mutex
	convs map[int64]*fenced
}

type fenced struct {
	inside  int           // senders between mark and request
	shut    int           // changes of owner that wait or commit
	changed chan struct{} // closed when either falls to 0
}

func newFence() *fence { return &fence{convs: map[int64]*fenced{}} }

// of gives a conversation's entry; the caller holds the lock.
func (f *fence) of(conversation int64) *fenced {
	x := f.convs[conversation]
	if x == nil {
		x = &fenced{changed: make(chan struct{})}
		f.convs[conversation] = x
	}
	return x
}

// fell wakes who waits, and forgets an entry that nobody needs; the caller holds the lock.
func (f *fence) fell(conversation int64, x *fenced) {
	close(x.changed)
	x.changed = make(chan struct{})
	if x.inside == 0 && x.shut == 0 {
		delete(f.convs, conversation)
	}
}

// enter waits until no change of owner is under way. leave may be called more than once.
func (f *fence) enter(conversation int64) (leave func()) {
	for {
		f.mu.Lock()
		x := f.of(conversation)
		if x.shut == 0 {
			x.inside++
			f.mu.Unlock()
			return sync.OnceFunc(func() { f.leave(conversation) })
		}
		wait := x.changed
		f.mu.Unlock()
		<-wait
	}
}

func (f *fence) leave(conversation int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	x := f.of(conversation)
	if x.inside--; x.inside == 0 {
		f.fell(conversation, x)
	}
}

// shut keeps senders out until open is called, and returns when those inside
// have begun to write, or after most: from then on they give up by themselves.
func (f *fence) shut(conversation int64, most time.Duration) (open func()) {
	f.mu.Lock()
	f.of(conversation).shut++
	f.mu.Unlock()
	t := time.NewTimer(most)
	defer t.Stop()
	for {
		f.mu.Lock()
		x := f.of(conversation)
		inside, wait := x.inside, x.changed
		f.mu.Unlock()
		if inside == 0 {
			break
		}
		select {
		case <-wait:
			continue
		case <-t.C:
		}
		break
	}
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		x := f.of(conversation)
		if x.shut--; x.shut == 0 {
			f.fell(conversation, x)
		}
	}
}

// apply commits a turn. One that takes the bot's pending words back waits for
// the words of this process that are about to be written.
func (s *Service) apply(t *storage.Turn) (storage.Outcome, error) {
	if t.Settle != storage.SettleCancel || t.Key.ID == 0 {
		return s.batcher.commit(t)
	}
	if epochUnchecked() {
		t.Settle = storage.SettleNone
		return s.batcher.commit(t)
	}
	open := s.fence.shut(t.Key.ID, beginWithin)
	defer open()
	return s.batcher.commit(t)
}

// countFenced counts what a new owner kept from being said: rows that the store
// took back, and those that waited without one.
func (s *Service) countFenced(d *Draft, rows int) {
	if d == nil || d.View.Account == nil {
		return
	}
	if n := rows + d.fenced; n > 0 {
		s.metrics.fenced.WithLabelValues(d.View.Account.Alias).Add(float64(n))
	}
}
