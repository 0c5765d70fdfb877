package sqlite

import (
	"context"
	"fmt"
	"slices"

	"dispatcher/storage"
)

// The answers of Settle when nothing was changed.
const (
	whyStale    = "stale_epoch"
	whySwitched = "switched_off"
	whyNotFirst = "not_first"
	whyGone     = "gone"
	whyAttempt  = "attempt"
)

// Settle implements storage.Store: all settlements share one transaction.
func (s *Store) Settle(ctx context.Context, list []storage.Settlement) ([]storage.Settled, error) {
	if len(list) == 0 {
		return nil, nil
	}
	if err := s.fail("settle.before"); err != nil {
		return nil, environment("settle", err)
	}
	out := make([]storage.Settled, len(list))
	audited := false
	err := s.write(ctx, "settle", func(t *tx) error {
		off, err := t.switches(list)
		if err != nil {
			return err
		}
		for i := range list {
			if out[i], err = s.settleOne(t, &list[i], off); err != nil {
				return fmt.Errorf("%s of row %d: %w", list[i].Do, list[i].Row, err)
			}
			audited = audited || len(list[i].Audit) > 0
		}
		_, err = t.writeGathered()
		return err
	})
	if err != nil {
		return nil, err
	}
	s.settleLeases(list, out)
	if audited {
		s.wakeChain()
	}
	return out, nil
}

// settleLeases lets go of what is finished and holds what is being written.
func (s *Store) settleLeases(list []storage.Settlement, out []storage.Settled) {
	for i := range list {
		k := leaseKey{'o', list[i].Row}
		switch do := list[i].Do; {
		case do == "unpark" || do == "park-again":
			s.leases.drop(leaseKey{'p', list[i].Row})
		case do == "mark" || do == "pull":
			if out[i].OK && list[i].Number > 0 {
				s.leases.drop(k) // the row itself says that it is handed out
			} else if out[i].OK {
				s.leases.hold(k, list[i].Now, s.spanOf(k))
			} else if out[i].Why == whyGone || out[i].Why == whyNotFirst {
				s.leases.drop(k)
			}
		case out[i].OK:
			s.leases.drop(k)
		}
	}
}

// spanOf is how long a lease of that row was given for.
func (s *Store) spanOf(k leaseKey) int64 {
	s.leases.mu.Lock()
	defer s.leases.mu.Unlock()
	if l, ok := s.leases.until[k]; ok && l.span > 0 {
		return l.span
	}
	return defaultLease.Milliseconds()
}

// settler is one settlement inside the transaction.
type settler struct {
	*tx
	set *storage.Settlement
	row storage.OutboxRow // what a settlement looks at, without the request
	uid storage.UID
	now int64
	off switches
}

func (s *Store) settleOne(t *tx, set *storage.Settlement, off switches) (storage.Settled, error) {
	w := settler{tx: t, set: set, now: set.Now, off: off}
	if w.now == 0 {
		w.now = s.nowMS()
	}
	switch set.Do {
	case "unpark", "park-again":
		return w.parked()
	}
	var epoch int64
	r := &w.row
	found, err := t.one(`SELECT o.id, o.conversation_id, o.seq, o.kind, o.origin, o.epoch, o.status, o.attempt, o.due_at, o.lease_node, o.lease_until, o.error,
 c.epoch, c.uid FROM outbox o LEFT JOIN conversations c ON c.id = o.conversation_id WHERE o.id = ?`, []any{set.Row},
		&r.ID, &r.Conversation, &r.Seq, &r.Kind, &r.Origin, &r.Epoch, &r.Status, &r.Attempt, &r.DueAt, &r.LeaseNode, &r.LeaseUntil, &r.Error,
		orZero{&epoch}, uidScan{&w.uid})
	if err != nil {
		return storage.Settled{}, err
	}
	if !found {
		return storage.Settled{Why: whyGone}, nil
	}
	if w.row.Attempt != set.Attempt {
		return storage.Settled{Why: whyAttempt, Epoch: epoch}, nil
	}
	why, err := w.do(epoch, s.spanOf(leaseKey{'o', set.Row}))
	if err != nil || why != "" {
		return storage.Settled{Why: why, Epoch: epoch}, err
	}
	t.rows.addAudit(set.Audit, w.now)
	t.rows.addEvents(set.Events, w.row.Conversation, w.uid, w.now)
	return storage.Settled{OK: true, Epoch: epoch}, nil
}

func (w *settler) do(epoch, span int64) (why string, err error) {
	switch w.set.Do {
	case "mark", "pull":
		return w.mark(epoch, span)
	case "sent":
		return w.sent()
	case "retry":
		return w.again(w.row.Attempt + 1)
	case "release":
		return w.again(w.row.Attempt)
	case "unknown":
		return w.unknown()
	case "failed":
		return w.failed()
	case "cancel":
		return w.cancel()
	}
	return "", refuse("no settlement called %q", w.set.Do)
}

// mark is the fence (runtime.md 3.2, 3.4): what is not marked is not written.
func (w *settler) mark(epoch, span int64) (why string, err error) {
	r := &w.row
	again := w.set.Do == "pull" && r.Status == storage.RowSending && r.Handed() > 0
	if r.Status != storage.RowPending && !again {
		return whyGone, nil // somebody else is at it, or it is settled
	}
	fenced := (r.Kind == storage.RowSend && r.Origin == storage.OriginBot) || r.Kind == storage.RowNotice
	if fenced && r.Epoch != epoch {
		return whyStale, nil
	}
	if w.off.any(w.set.Switches, w.now) {
		return whySwitched, nil
	}
	if again {
		return "", nil
	}
	if first, err := w.isFirst(); err != nil || !first {
		return whyNotFirst, err
	}
	node, until := w.set.Node, w.now+span
	if w.set.Do == "pull" && w.set.Number > 0 {
		node, until = w.set.Number, storage.Forever
	}
	_, err = w.exec("UPDATE outbox SET status = 2, lease_node = ?, lease_until = ?, marked_at = ? WHERE id = ?", node, until, w.now, r.ID)
	return "", err
}

// switches are the scopes that are switched off, and until when (0: for good).
// They are read once for all settlements of a transaction.
type switches map[string]int64

func (t *tx) switches(list []storage.Settlement) (switches, error) {
	off := switches{}
	if !slices.ContainsFunc(list, func(set storage.Settlement) bool { return len(set.Switches) > 0 }) {
		return off, nil
	}
	var id []byte
	var until int64
	err := t.each("SELECT id, expires_at FROM records WHERE kind = ?", []any{int64(storage.KindSwitch)}, []any{&id, orZero{&until}}, func() error {
		off[string(id)] = until
		return nil
	})
	return off, err
}

// any says whether one of the scopes is off at that time.
func (s switches) any(scopes []string, now int64) bool {
	return slices.ContainsFunc(scopes, func(scope string) bool {
		until, off := s[scope]
		return off && (until == 0 || until > now)
	})
}

// isFirst says whether the row's turn has come in its conversation.
func (w *settler) isFirst() (bool, error) {
	if w.row.Kind > storage.RowNotice {
		return true, nil
	}
	waits := "(?3 > 0 AND (e.status IN (1, 2) OR (e.status = 3 AND e.due_at > 0)))"
	if w.set.Do == "pull" {
		waits = "e.status = 1 AND e.due_at > ?3"
	}
	var earlier int64
	found, err := w.one("SELECT id FROM outbox e WHERE e.conversation_id = ?1 AND e.id < ?2 AND e.kind <= 2 AND "+waits+" LIMIT 1",
		[]any{w.row.Conversation, w.row.ID, w.now}, &earlier)
	return !found, err
}

func (w *settler) sent() (why string, err error) {
	if err := w.remove(); err != nil {
		return "", err
	}
	if w.row.Kind > storage.RowNotice || w.row.Seq == 0 {
		w.rows.addReceipts(w.set.Receipts, nil, w.row.Conversation, w.now)
		return "", nil
	}
	var part int64
	more, err := w.one("SELECT id FROM outbox WHERE conversation_id = ? AND seq = ? AND kind <= 2 LIMIT 1", []any{w.row.Conversation, w.row.Seq}, &part)
	if err != nil {
		return "", err
	}
	delivery := max(storage.DeliverySent, w.set.Delivery)
	switch {
	case more: // sent when its last part is
		delivery = storage.DeliverySending
	case w.row.Error == retriedLetter:
		// Somebody tried a dead letter again and it went: the one way back from failed.
		_, err = w.exec("UPDATE messages SET delivery = 1 WHERE conversation_id = ? AND seq = ? AND delivery = 7", w.row.Conversation, w.row.Seq)
		if err != nil {
			return "", err
		}
	}
	if err := w.deliver(w.row.Conversation, w.row.Seq, delivery, ""); err != nil {
		return "", err
	}
	if w.set.External != nil {
		_, err = w.exec("UPDATE messages SET external = ? WHERE conversation_id = ? AND seq = ?", w.set.External, w.row.Conversation, w.row.Seq)
		if err != nil {
			return "", err
		}
	}
	receipts := w.set.Receipts
	for i := range receipts {
		if receipts[i].Seq == 0 {
			receipts = append(receipts[:0:0], receipts...) // not the caller's array
			for j := range receipts {
				receipts[j].Seq = w.row.Seq
			}
			break
		}
	}
	w.rows.addReceipts(receipts, nil, w.row.Conversation, w.now)
	return "", nil
}

// retriedLetter marks a dead letter that a person tried again.
const retriedLetter = "retried"

func (w *settler) again(attempt int32) (why string, err error) {
	due, note := w.set.DueAt, w.set.Error
	if w.set.Do == "release" && due == 0 {
		due = w.row.DueAt
	}
	if w.row.Status == storage.RowFailed || w.row.Error == retriedLetter {
		note = retriedLetter
	}
	_, err = w.exec("UPDATE outbox SET status = 1, attempt = ?, due_at = ?, error = ?, lease_node = 0, lease_until = 0, marked_at = 0 WHERE id = ?",
		attempt, due, note, w.row.ID)
	return "", err
}

func (w *settler) unknown() (why string, err error) {
	node, until := int64(0), int64(0)
	if w.row.Handed() > 0 { // an acknowledgement of that number may still come
		node, until = w.row.LeaseNode, w.row.LeaseUntil
	}
	_, err = w.exec("UPDATE outbox SET status = 3, due_at = ?, error = ?, lease_node = ?, lease_until = ? WHERE id = ?", w.set.DueAt, w.set.Error, node, until, w.row.ID)
	if err != nil || w.row.Kind > storage.RowNotice {
		return "", err
	}
	return "", w.deliver(w.row.Conversation, w.row.Seq, storage.DeliveryUnknown, w.set.Error)
}

func (w *settler) failed() (why string, err error) {
	_, err = w.exec("UPDATE outbox SET status = 4, error = ?, lease_node = 0, lease_until = 0 WHERE id = ?", w.set.Error, w.row.ID)
	if err != nil || w.row.Kind > storage.RowNotice {
		return "", err
	}
	return "", w.deliver(w.row.Conversation, w.row.Seq, storage.DeliveryFailed, w.set.Error)
}

func (w *settler) cancel() (why string, err error) {
	if err := w.remove(); err != nil || w.row.Kind > storage.RowNotice {
		return "", err
	}
	return "", w.deliver(w.row.Conversation, w.row.Seq, storage.DeliveryCancelled, w.set.Error)
}

func (w *settler) remove() error {
	_, err := w.exec("DELETE FROM outbox WHERE id = ?", w.row.ID)
	return err
}

func (w *settler) parked() (storage.Settled, error) {
	var n int64
	var err error
	if w.set.Do == "unpark" {
		n, err = w.change("DELETE FROM parked WHERE id = ?", w.set.Row)
	} else {
		n, err = w.change("UPDATE parked SET attempt = attempt + 1, next_at = ?, error = ? WHERE id = ?", w.set.DueAt, w.set.Error, w.set.Row)
	}
	if err != nil || n == 0 {
		return storage.Settled{Why: whyGone}, err
	}
	w.rows.addAudit(w.set.Audit, w.now)
	w.rows.addEvents(w.set.Events, 0, storage.UID{}, w.now)
	return storage.Settled{OK: true}, nil
}
