package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"dispatcher/storage"
)

// leases says which work was handed out, in memory: the folder lock makes
// this the only process, and when it ends so do its leases.
type leases struct {
	mu    sync.Mutex
	until map[leaseKey]lease
}

type leaseKey struct {
	what byte // t timer, o outbox, p parked
	id   int64
}

type lease struct {
	end  int64 // ms
	span int64 // ms, to know how long a mark holds
}

func (l *leases) init() { l.until = map[leaseKey]lease{} }

// prune forgets leases that are over.
func (l *leases) prune(now int64) {
	for k, v := range l.until {
		if v.end <= now {
			delete(l.until, k)
		}
	}
}

func (l *leases) drop(k leaseKey) {
	l.mu.Lock()
	delete(l.until, k)
	l.mu.Unlock()
}

// held says whether this process has row id in its hands, and for how long
// its lease was given.
func (l *leases) held(k leaseKey, now int64) (span int64, held bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	v, ok := l.until[k]
	return v.span, ok && v.end > now
}

// hold extends the lease of a row that is being written.
func (l *leases) hold(k leaseKey, now, span int64) {
	l.mu.Lock()
	l.until[k] = lease{now + span, span}
	l.mu.Unlock()
}

// defaultLease holds work whose query names no length.
const defaultLease = 30 * time.Second

// Lease implements storage.Store.
func (s *Store) Lease(ctx context.Context, q storage.LeaseQuery) ([]storage.Work, time.Time, error) {
	if q.N <= 0 {
		q.N = 256
	}
	if q.For <= 0 {
		q.For = defaultLease
	}
	s.leases.mu.Lock()
	s.leases.prune(q.Now)
	s.leases.mu.Unlock()
	var work []storage.Work
	var next int64
	var err error
	switch {
	case q.What == "timers":
		work, next, err = s.leaseFrom(ctx, q, 't', leaseTimers)
	case q.What == "parked":
		work, next, err = s.leaseFrom(ctx, q, 'p', leaseParked)
	case q.What == "handed":
		work, err = s.handed(ctx, q)
	case q.What == "outbox" && q.Any:
		work, next, err = s.leaseLost(ctx, q)
	case q.What == "outbox":
		work, next, err = s.leaseFrom(ctx, q, 'o', leaseOutbox)
	default:
		err = fmt.Errorf("storage: lease: no work called %q", q.What)
	}
	if err != nil || next == 0 {
		return work, time.Time{}, err
	}
	return work, time.UnixMilli(next), nil
}

// candidates reads due work, at most n, and the time of the first that is not
// due yet (0: none).
type candidates func(t *tx, q storage.LeaseQuery, n int) ([]storage.Work, int64, error)

// leaseFrom hands out candidates that nobody has. The lock is held over the
// read, so that two lessees cannot pick the same row.
func (s *Store) leaseFrom(ctx context.Context, q storage.LeaseQuery, what byte, find candidates) (work []storage.Work, next int64, err error) {
	s.leases.mu.Lock()
	defer s.leases.mu.Unlock()
	var found []storage.Work
	err = s.read(ctx, "lease "+q.What, func(t *tx) (err error) {
		found, next, err = find(t, q, q.N+len(s.leases.until)+1)
		return err
	})
	if err != nil {
		return nil, 0, err
	}
	for i := range found {
		k := leaseKey{what, workID(&found[i])}
		if held, ok := s.leases.until[k]; ok {
			next = sooner(next, held.end)
			continue
		}
		if len(work) == q.N {
			next = q.Now // more is due already
			break
		}
		s.leases.until[k] = lease{q.Now + q.For.Milliseconds(), q.For.Milliseconds()}
		work = append(work, found[i])
	}
	return work, next, nil
}

func workID(w *storage.Work) int64 {
	switch {
	case w.Timer != nil:
		return w.Timer.ID
	case w.Parked != nil:
		return w.Parked.ID
	}
	return w.Row.ID
}

func sooner(a, b int64) int64 {
	if a == 0 || (b != 0 && b < a) {
		return b
	}
	return a
}

func leaseTimers(t *tx, q storage.LeaseQuery, n int) (work []storage.Work, next int64, err error) {
	var m storage.Timer
	var w storage.Work
	into := append(timerInto(&m), &w.Chan, &w.Addr)
	err = t.each(`SELECT m.conversation_id, m.name, m.id, m.due_at, m.spec, m.attempt, coalesce(c.channel_id, 0), c.identity
 FROM timers m LEFT JOIN conversations c ON c.id = m.conversation_id WHERE m.due_at <= ? ORDER BY m.due_at LIMIT ?`, []any{q.Now, n}, into, func() error {
		timer := m
		work = append(work, storage.Work{Timer: &timer, Addr: w.Addr, Chan: w.Chan, Conv: m.Conversation})
		return nil
	})
	if err == nil {
		_, err = t.one("SELECT min(due_at) FROM timers WHERE due_at > ?", []any{q.Now}, orZero{&next})
	}
	return work, next, err
}

func leaseParked(t *tx, q storage.LeaseQuery, n int) (work []storage.Work, next int64, err error) {
	var p storage.ParkedRow
	var seen []byte
	err = t.each(`SELECT id, channel_id, event, error, attempt, next_at, created_at, seen FROM parked WHERE next_at > 0 AND next_at <= ?
 ORDER BY next_at, id LIMIT ?`, []any{q.Now, n},
		[]any{&p.ID, &p.Channel, &p.Event, &p.Error, &p.Attempt, &p.NextAt, &p.CreatedAt, &seen}, func() (err error) {
			row := p
			row.Seen, err = unpackSeen(seen)
			work = append(work, storage.Work{Parked: &row, Chan: row.Channel})
			return err
		})
	if err == nil {
		_, err = t.one("SELECT min(next_at) FROM parked WHERE next_at > ?", []any{q.Now}, orZero{&next})
	}
	return work, next, err
}

const selectRows = `SELECT o.id, o.uid, o.conversation_id, o.seq, o.part, o.kind, o.channel_id, o.origin, o.epoch, o.status, o.attempt, o.due_at,
 o.expires_at, o.lease_node, o.lease_until, o.marked_at, o.priority, o.request, o.error, coalesce(c.channel_id, 0), c.identity
 FROM outbox o LEFT JOIN conversations c ON c.id = o.conversation_id WHERE `

// firstInLine: no earlier send of the conversation waits, is being written, or
// is unknown and still being reconciled: due at some time, decided by nobody.
const firstInLine = `(o.kind > 2 OR NOT EXISTS (SELECT 1 FROM outbox e WHERE e.conversation_id = o.conversation_id AND e.id < o.id AND e.kind <= 2
 AND (e.status IN (1, 2) OR (e.status = 3 AND e.due_at > 0))))`

// pullable: what is handed out together is asked for in order, so only an
// earlier row that is not due yet holds a row back.
const pullable = `(o.kind > 2 OR NOT EXISTS (SELECT 1 FROM outbox e WHERE e.conversation_id = o.conversation_id AND e.id < o.id AND e.kind <= 2
 AND e.status = 1 AND e.due_at > ?1))`

func leaseOutbox(t *tx, q storage.LeaseQuery, n int) (work []storage.Work, next int64, err error) {
	channel := "?2 = 0" // every channel
	if q.Channel != 0 {
		channel = "o.channel_id = ?2"
	}
	pending, later, err := leasePending(t, q, n, channel)
	if err != nil {
		return nil, 0, err
	}
	// Unknown rows whose reconcile time is over: somebody decides what now.
	unknown, err := readRows(t, selectRows+"o.status = 3 AND o.due_at > 0 AND o.due_at <= ?1 AND "+channel+" ORDER BY o.due_at, o.id LIMIT ?3",
		q.Now, q.Channel, n)
	if err != nil {
		return nil, 0, err
	}
	var settled int64
	_, err = t.one("SELECT min(o.due_at) FROM outbox o WHERE o.status = 3 AND o.due_at > ?1 AND "+channel, []any{q.Now, q.Channel}, orZero{&settled})
	work = append(unknown, pending...)
	if !q.Pull {
		slices.SortStableFunc(work, func(a, b storage.Work) int {
			return cmp.Or(cmp.Compare(a.Row.Priority, b.Row.Priority), cmp.Compare(a.Row.DueAt, b.Row.DueAt), cmp.Compare(a.Row.ID, b.Row.ID))
		})
	}
	return work, sooner(later, settled), err
}

// leasePending reads rows that wait, and when the first that is not due yet is.
// A channel's line is walked priority by priority along its index, so that a
// look costs what it takes and not the length of the line.
func leasePending(t *tx, q storage.LeaseQuery, n int, channel string) (work []storage.Work, later int64, err error) {
	if q.Pull || q.Channel == 0 {
		line, order := firstInLine, " ORDER BY o.priority, o.due_at, o.id LIMIT ?3"
		if q.Pull {
			line, order = pullable, " ORDER BY o.conversation_id, o.id LIMIT ?3"
		}
		if work, err = readRows(t, selectRows+"o.status = 1 AND o.due_at <= ?1 AND "+channel+" AND "+line+order, q.Now, q.Channel, n); err == nil {
			_, err = t.one("SELECT min(o.due_at) FROM outbox o WHERE o.status = 1 AND o.due_at > ?1 AND "+channel, []any{q.Now, q.Channel}, orZero{&later})
		}
		return work, later, err
	}
	for priority := int64(math.MinInt64); ; priority++ {
		var first sql.NullInt64
		if _, err = t.one(nextPriority, []any{q.Channel, priority}, &first); err != nil || !first.Valid {
			return work, later, err
		}
		priority = first.Int64
		if n > len(work) {
			found, err := readRows(t, selectRows+lineOfPriority, q.Now, q.Channel, n-len(work), priority)
			if err != nil {
				return nil, 0, err
			}
			work = append(work, found...)
		}
		var soon int64
		if _, err = t.one(laterOfPriority, []any{q.Now, q.Channel, priority}, orZero{&soon}); err != nil {
			return nil, 0, err
		}
		later = sooner(later, soon)
	}
}

// The parts of a channel's line, each a walk along one index.
const (
	nextPriority    = "SELECT min(priority) FROM outbox WHERE status = 1 AND channel_id = ?1 AND priority >= ?2"
	lineOfPriority  = "o.status = 1 AND o.channel_id = ?2 AND o.priority = ?4 AND o.due_at <= ?1 AND " + firstInLine + " ORDER BY o.due_at, o.id LIMIT ?3"
	laterOfPriority = "SELECT min(due_at) FROM outbox WHERE status = 1 AND channel_id = ?2 AND priority = ?3 AND due_at > ?1"
)

func readRows(t *tx, text string, args ...any) (work []storage.Work, err error) {
	var r storage.OutboxRow
	var channel int64
	var addr []byte
	err = t.each(text, args, append(rowInto(&r), &channel, &addr), func() error {
		row := r
		work = append(work, storage.Work{Row: &row, Addr: addr, Chan: channel, Conv: row.Conversation})
		return nil
	})
	return work, err
}

// handedRows are those of a channel that were handed out by number, ?1 being
// storage.Forever, as long as a state holds.
const handedRows = `o.lease_until = ?1 AND o.channel_id = ?2 AND o.lease_node > ?3 ORDER BY o.lease_node LIMIT ?4`

// handed reads rows that were handed out by number.
func (s *Store) handed(ctx context.Context, q storage.LeaseQuery) (work []storage.Work, err error) {
	states := []string{"o.status = 2 AND "}
	if q.Any {
		states = append(states, "o.status = 3 AND o.due_at <= 0 AND ")
	}
	err = s.read(ctx, "lease handed", func(t *tx) error {
		work = work[:0]
		for _, state := range states {
			found, err := readRows(t, selectRows+state+handedRows, storage.Forever, q.Channel, q.After, q.N)
			if err != nil {
				return err
			}
			work = append(work, found...)
		}
		return nil
	})
	slices.SortFunc(work, func(a, b storage.Work) int { return cmp.Compare(a.Row.Handed(), b.Row.Handed()) })
	return work[:min(len(work), q.N)], err
}

// leaseLost hands out rows that were being written when their process ended
// or their lease ran out. The attempt goes up, so that whoever still thinks
// to hold the row changes nothing any more.
func (s *Store) leaseLost(ctx context.Context, q storage.LeaseQuery) (work []storage.Work, next int64, err error) {
	span := q.For.Milliseconds()
	var found []storage.Work
	err = s.read(ctx, "lease lost", func(t *tx) (err error) {
		found, err = readRows(t, selectRows+"o.status = 2 AND o.lease_until < ?2 AND (?1 = 0 OR o.channel_id = ?1) ORDER BY o.lease_until, o.id",
			q.Channel, storage.Forever)
		return err
	})
	if err != nil {
		return nil, 0, err
	}
	for i := range found {
		k := leaseKey{'o', found[i].Row.ID}
		if _, ours := s.leases.held(k, q.Now); ours {
			next = sooner(next, found[i].Row.LeaseUntil)
			continue
		}
		if len(work) == q.N {
			next = q.Now
			break
		}
		work = append(work, found[i])
	}
	if len(work) == 0 {
		return nil, next, nil
	}
	work, err = s.takeOver(ctx, work, q, span)
	return work, next, err
}

func (s *Store) takeOver(ctx context.Context, work []storage.Work, q storage.LeaseQuery, span int64) (taken []storage.Work, err error) {
	err = s.write(ctx, "lease lost", func(t *tx) error {
		taken = taken[:0]
		for _, w := range work {
			n, err := t.change("UPDATE outbox SET attempt = attempt + 1, lease_node = ?, lease_until = ? WHERE id = ? AND status = 2 AND attempt = ?",
				q.Node, q.Now+span, w.Row.ID, w.Row.Attempt)
			if err != nil {
				return err
			}
			if n == 1 {
				w.Row.Attempt++
				w.Row.LeaseNode, w.Row.LeaseUntil = q.Node, q.Now+span
				taken = append(taken, w)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, w := range taken {
		s.leases.hold(leaseKey{'o', w.Row.ID}, q.Now, span)
	}
	return taken, nil
}
