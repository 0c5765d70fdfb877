package server

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"dispatcher/inbox"
	"dispatcher/storage"
)

const (
	coalesce    = 50 * time.Millisecond // hints that come together are read together
	pollEvents  = 2 * time.Second       // floor under lost hints
	ringSize    = 4096                  // events kept in memory for readers that keep up
	changesPage = 500
	noticesKept = 16
	atOnce      = 100              // streams that are woken together
	breath      = time.Millisecond // for everything else, before the next are
)

// hub reads the store's events once per process. Readers hold a cursor and
// take what is newer, from memory while they keep up and from the store when
// they do not: nobody's buffer can overflow and nothing is skipped.
// While nobody reads, nothing is read for them.
type hub struct {
	s *Server

	mu      sync.Mutex
	now     news // what shown points to is a copy
	streams map[string]int
	wakes   map[*stream]bool

	shown atomic.Pointer[news]
	nudge chan struct{} // wake everybody although nothing was stored
}

// news is what memory holds for streams; one that is shown never changes.
type news struct {
	ring    []rendered
	newest  storage.Cursor
	started bool
	notices []string // the last types of what is not stored: flows, switches
	said    int      // how many there were
}

func newHub(s *Server) *hub {
	h := &hub{s: s, streams: map[string]int{}, wakes: map[*stream]bool{}, nudge: make(chan struct{}, 1)}
	h.shown.Store(&news{})
	return h
}

// change changes what memory holds, for every stream at once.
func (h *hub) change(f func(n *news)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f(&h.now)
	shown := h.now
	h.shown.Store(&shown)
}

// run follows the store until ctx ends.
func (h *hub) run(ctx context.Context) {
	hints := h.s.cfg.Inbox.Bus().Subscribe(ctx, "all")
	flows := h.s.cfg.Inbox.Bus().Subscribe(ctx, "flows")
	tick := time.NewTicker(pollEvents)
	defer tick.Stop()
	var looked int64
	for {
		h.read(ctx)
		select {
		case <-ctx.Done():
			h.wake(0)
			return
		case <-h.nudge:
			h.wake(breath)
		case <-tick.C:
			var left bool
			if looked, left = h.s.presence.lapsed(looked); left {
				h.wake(breath)
			}
		case _, ok := <-flows:
			if !ok {
				flows = nil
				continue
			}
			h.announce("flows.changed")
		case hint, ok := <-hints:
			if !ok {
				hints = nil
			}
			h.s.presence.hint(hint)
			h.settle(ctx, hints)
		}
	}
}

// settle lets hints that come together pass together.
func (h *hub) settle(ctx context.Context, hints <-chan inbox.Hint) {
	limit := time.NewTimer(coalesce)
	defer limit.Stop()
	for {
		select {
		case hint := <-hints:
			h.s.presence.hint(hint)
		case <-limit.C:
			return
		case <-ctx.Done():
			return
		}
	}
}

// read takes every event after the newest one known.
func (h *hub) read(ctx context.Context) {
	for {
		after, ok := h.from()
		if !ok {
			return
		}
		events, next, err := h.s.cfg.Store.Changes(ctx, after, changesPage)
		if errors.Is(err, storage.ErrNotFound) {
			events, next, err = h.s.cfg.Store.Changes(ctx, -1, changesPage)
		}
		if err != nil {
			return
		}
		h.push(events, next)
		if len(events) < changesPage {
			return
		}
	}
}

// from is where to read on: at the end of the store when nothing is in memory.
// Without a stream there is no need to, and what is in memory goes. The first
// stream asks the store for what was left out: a reader counts as one before
// it looks for its place, and what is stored after that is hinted after that.
func (h *hub) from() (after storage.Cursor, ok bool) {
	h.change(func(n *news) {
		switch {
		case len(h.streams) == 0:
			n.started, n.ring = false, nil
		case !n.started:
			after, ok = -1, true
		default:
			after, ok = n.newest, true
		}
	})
	return after, ok
}

func (h *hub) push(events []storage.Event, next storage.Cursor) {
	more := len(events) > 0
	h.change(func(n *news) {
		more = more || !n.started // the end of the store may be past a reader
		n.started = true
		n.ring = append(n.ring, renderAll(events, n.newest)...)
		if len(events) > 0 {
			n.newest = max(n.newest, events[len(events)-1].Cursor)
		}
		n.newest = max(n.newest, next)
		if extra := len(n.ring) - ringSize; extra > 0 {
			n.ring = slices.Clone(n.ring[extra:])
		}
	})
	if more {
		h.wake(breath)
	}
}

// wake wakes every stream, some at a time: what came in meanwhile is answered
// in the pause between, and not after a thousand writes.
func (h *hub) wake(pause time.Duration) {
	h.mu.Lock()
	all := slices.Collect(maps.Keys(h.wakes))
	h.mu.Unlock()
	for i, st := range all {
		if i > 0 && i%atOnce == 0 && pause > 0 {
			time.Sleep(pause)
		}
		select {
		case st.wake <- struct{}{}:
		default: // it has not looked yet since the last time
		}
	}
}

// announce tells every reader that something of the whole project changed. It
// is a hint without an id: who misses it sees it at the next look.
func (h *hub) announce(typ string) {
	h.change(func(n *news) {
		n.said++
		n.notices = append(slices.Clone(n.notices), typ)
		n.notices = n.notices[max(0, len(n.notices)-noticesKept):]
	})
	h.broadcast()
}

// told gives the notices after the n-th.
func (h *hub) told(n int) (types []string, now int) {
	shown := h.shown.Load()
	missed := min(shown.said-n, len(shown.notices))
	return shown.notices[len(shown.notices)-missed:], shown.said
}

// broadcast has every reader woken although nothing was stored: presence
// changed, or something that is only announced.
func (h *hub) broadcast() {
	select {
	case h.nudge <- struct{}{}:
	default:
	}
}

// since gives what memory holds after a cursor; ok is false when the store has
// to be asked.
func (h *hub) since(after storage.Cursor) (events []rendered, ok bool) {
	n := h.shown.Load()
	if after == n.newest && n.started {
		return nil, true
	}
	if !n.started || after > n.newest || len(n.ring) == 0 || n.ring[0].Cursor > after+1 {
		return nil, false
	}
	i, _ := slices.BinarySearchFunc(n.ring, after+1, func(r rendered, c storage.Cursor) int { return int(r.Cursor - c) })
	return n.ring[i:len(n.ring):len(n.ring)], true
}

func (h *hub) enter(st *stream, limit int) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.streams[st.who.ID] >= limit {
		return false
	}
	h.streams[st.who.ID]++
	h.wakes[st] = true
	return true
}

func (h *hub) leave(st *stream) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.wakes, st)
	if h.streams[st.who.ID]--; h.streams[st.who.ID] <= 0 {
		delete(h.streams, st.who.ID)
	}
}

// live says whether somebody has a live connection.
func (h *hub) live(user string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.streams[user] > 0
}
