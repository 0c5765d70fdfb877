package desk

import (
	"context"
	"slices"
	"strings"
	"time"

	"dispatcher/inbox"
	"dispatcher/storage"
)

// Watched is one event as a console gets it: a hint for lists, a fact for the
// open timeline. It holds no personal data.
type Watched struct {
	Cursor  storage.Cursor `json:"cursor"`
	Type    string         `json:"type"`
	Conv    string         `json:"conv,omitempty"`
	ConvSeq int64          `json:"conv_seq,omitempty"`
	Ref     string         `json:"ref,omitempty"`
	At      time.Time      `json:"at"`
}

// Times of desk.md 3.13.
const (
	watchPoll  = 2 * time.Second
	watchTick  = 50 * time.Millisecond // changes are gathered for that long
	watchBatch = 256
)

// Watch gives events after a cursor to emit, in order, until its context ends
// or emit fails. after < 0 = from now on. topics nil = every one the actor may
// see. A reader at cursor c is never given an event ≤ c. storage.ErrNotFound:
// the cursor is older than what is kept; the reader starts anew.
func (s *Service) Watch(ctx context.Context, a Actor, after storage.Cursor, topics []string, emit func(Watched) error) error {
	if !a.reads() {
		return forbidden("You may not read conversations.")
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	hints := s.inbox.Bus().Subscribe(ctx, "all")
	poll := time.NewTicker(watchPoll)
	defer poll.Stop()
	for {
		var err error
		if after, err = s.catchUp(ctx, a, after, topics, emit); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-poll.C:
		case _, ok := <-hints:
			if !ok {
				return ctx.Err()
			}
			if err := gather(ctx, hints); err != nil {
				return err
			}
		}
	}
}

// gather lets hints of the same moment come together.
func gather(ctx context.Context, hints <-chan inbox.Hint) error {
	tick := time.NewTimer(watchTick)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
			return nil
		case _, ok := <-hints:
			if !ok {
				return ctx.Err()
			}
		}
	}
}

func (s *Service) catchUp(ctx context.Context, a Actor, after storage.Cursor, topics []string, emit func(Watched) error) (storage.Cursor, error) {
	for {
		events, head, err := s.store.Changes(ctx, after, watchBatch)
		if err != nil {
			return after, err
		}
		if after < 0 {
			return head, nil
		}
		for _, e := range events {
			after = e.Cursor
			if !s.mayWatch(a, e) || !wanted(e, topics) {
				continue
			}
			w := Watched{Cursor: e.Cursor, Type: e.Type, ConvSeq: e.Seq, Ref: e.Ref, At: ms(e.At)}
			if e.Conversation != 0 {
				w.Conv = inbox.UIDText(e.UID)
			}
			if err := emit(w); err != nil {
				return after, err
			}
		}
		if len(events) < watchBatch {
			return after, nil
		}
	}
}

func wanted(e storage.Event, topics []string) bool {
	return len(topics) == 0 || slices.ContainsFunc(topics, func(t string) bool { return t == e.Type || slices.Contains(e.Topics, t) })
}

// mayWatch is the permission of one event, by the topics its turn wrote: who
// owned the conversation before and after, and its queue. One that never had
// a queue belongs to the default one.
func (s *Service) mayWatch(a Actor, e storage.Event) bool {
	if e.Conversation == 0 {
		return true // flows, channels, switches: no conversation is named
	}
	queues := 0
	for _, t := range e.Topics {
		if t == "agent:"+a.ID {
			return true
		}
		if q, ok := strings.CutPrefix(t, "queue:"); ok {
			queues++
			if s.mayQueue(a, q) {
				return true
			}
		}
	}
	return queues == 0 && s.mayQueue(a, s.queueOf(storage.Conversation{}, nil, ""))
}
