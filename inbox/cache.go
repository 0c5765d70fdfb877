package inbox

import (
	"container/list"
	"slices"
	"sync"

	"dispatcher/storage"
)

// cacheBytes bounds the hot cache.
const cacheBytes = 64 << 20

// cache holds the newest snapshot of hot conversations by the address they
// run on. It is written after a turn was applied and dropped on anything else;
// what it holds of people is sealed, and what a turn unsealed stays beside it.
// A stale entry costs one more decision, never a wrong one: Apply compares the
// version.
type cache struct {
	mu    sync.Mutex
	max   int
	bytes int
	order *list.List // of *cached, newest first
	byKey map[laneKey]*list.Element
}

type cached struct {
	key  laneKey
	snap *storage.Snapshot
	open *opened // nil: not known
	size int
}

func newCache(max int) *cache {
	return &cache{max: max, order: list.New(), byKey: map[laneKey]*list.Element{}}
}

func (c *cache) get(k laneKey) (storage.Snapshot, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	el, ok := c.byKey[k]
	if !ok {
		return storage.Snapshot{}, false
	}
	c.order.MoveToFront(el)
	return *el.Value.(*cached).snap, true
}

// opened is what is open of the person whose address this is; nil = nothing.
func (c *cache) opened(k laneKey) *opened {
	c.mu.Lock()
	defer c.mu.Unlock()
	if el, ok := c.byKey[k]; ok {
		return el.Value.(*cached).open
	}
	return nil
}

func (c *cache) put(k laneKey, snap *storage.Snapshot, o *opened) {
	e := &cached{key: k, snap: snap, open: o, size: snapshotSize(snap) + o.size()}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.remove(k)
	c.byKey[k] = c.order.PushFront(e)
	for c.bytes += e.size; c.bytes > c.max && c.order.Len() > 1; {
		c.remove(c.order.Back().Value.(*cached).key)
	}
}

func (c *cache) drop(k laneKey) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.remove(k)
}

func (c *cache) remove(k laneKey) {
	if el, ok := c.byKey[k]; ok {
		c.bytes -= el.Value.(*cached).size
		c.order.Remove(el)
		delete(c.byKey, k)
	}
}

// flush forgets everything.
func (c *cache) flush() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.order.Init()
	clear(c.byKey)
	c.bytes = 0
}

func snapshotSize(s *storage.Snapshot) int {
	n := 1024 + len(s.Contact.Profile) + len(s.Identity.Address) + len(s.Conv.State) + len(s.Conv.Card) + 128*len(s.Timers)
	for _, d := range s.Desk {
		n += 160 + len(d.Body)
	}
	if s.Handoff != nil {
		n += len(s.Handoff.Packet)
	}
	if s.Prev != nil {
		n += len(s.Prev.State) + len(s.Prev.Card)
	}
	return n
}

// after is the snapshot that a turn leaves, where that is known without asking
// the store: not when the store chose the id of a handoff or when the turn
// touched another conversation. Held is not kept.
func after(snap storage.Snapshot, t storage.Turn, out storage.Outcome) (storage.Snapshot, bool) {
	if t.Conv == nil || t.Opens != nil || len(t.Handoffs) > 0 || len(t.Parked) > 0 || t.Conv.Status != storage.Open {
		return storage.Snapshot{}, false // a closed one is read again
	}
	next := snap
	switch {
	case t.Expect != 0 && t.Conv.ID == snap.Conv.ID:
	case t.Expect == 0 && snap.Conv.ID == 0: // the first of this address
		next.Interval.Conversation = out.Conversation
	default:
		return storage.Snapshot{}, false
	}
	next.Known, next.Seq = nil, 0
	next.Conv = *t.Conv
	next.Conv.ID, next.Conv.UID, next.Conv.Contact, next.Conv.Version = out.Conversation, out.UID, out.Contact, out.Version
	if t.Contact != nil {
		next.Contact = *t.Contact
		next.Contact.ID, next.Contact.Version = out.Contact, snap.Contact.Version+1
	}
	for _, id := range t.Identities {
		if id.Channel == next.Conv.Channel && slices.Equal(id.Addr, next.Conv.Addr) {
			next.Identity = id
			next.Identity.Contact = out.Contact
		}
	}
	for _, i := range t.Intervals {
		if i.Until == 0 {
			i.Conversation = out.Conversation
			next.Interval = i
		}
	}
	next.Timers = timersAfter(snap.Timers, t)
	next.Desk = deskAfter(snap.Desk, t.Desk)
	return next, true
}

func timersAfter(have []storage.Timer, t storage.Turn) []storage.Timer {
	out := slices.DeleteFunc(slices.Clone(have), func(x storage.Timer) bool {
		return slices.ContainsFunc(t.Drop, func(d storage.TimerDrop) bool { return d.Name == x.Name && d.ID == x.ID }) ||
			slices.ContainsFunc(t.Cancel, func(name string) bool { return nameMatches(x.Name, name) })
	})
	for _, set := range t.Timers {
		if i := slices.IndexFunc(out, func(x storage.Timer) bool { return x.Name == set.Name }); i >= 0 {
			out[i] = set
			continue
		}
		out = append(out, set)
	}
	return out
}

// nameMatches says whether a name of Turn.Cancel, which may end in *, means this timer.
func nameMatches(name, pattern string) bool {
	if n := len(pattern); n > 0 && pattern[n-1] == '*' {
		return len(name) >= n-1 && name[:n-1] == pattern[:n-1]
	}
	return name == pattern
}

func deskAfter(have, put []storage.DeskRow) []storage.DeskRow {
	out := slices.Clone(have)
	for _, row := range put {
		out = slices.DeleteFunc(out, func(x storage.DeskRow) bool { return x.Table == row.Table && x.ID == row.ID })
		if !row.Delete && row.End == 0 {
			out = append(out, row)
		}
	}
	return out
}
