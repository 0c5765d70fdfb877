package sqlite

import (
	"context"
	"fmt"

	"dispatcher/storage"
)

// Load implements storage.Store.
func (s *Store) Load(ctx context.Context, keys []storage.Key) ([]storage.Snapshot, error) {
	out := make([]storage.Snapshot, len(keys))
	err := s.read(ctx, "load", func(t *tx) error {
		for i := range keys {
			var err error
			if out[i], err = t.snapshot(keys[i]); err != nil {
				return fmt.Errorf("key %d: %w", i+1, err)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// snapshot reads what a decision about one key is made on.
func (t *tx) snapshot(k storage.Key) (storage.Snapshot, error) {
	var s storage.Snapshot
	var err error
	if s.Known, err = t.knownOf(k.Seen); err != nil {
		return s, err
	}
	contact, err := t.resolve(k, &s)
	if err != nil || contact == 0 {
		return s, err
	}
	if s.Contact, err = t.contact("c.id = ?", contact); err != nil {
		return s, err
	}
	if s.Conv.ID == 0 {
		return s, nil
	}
	steps := []func(*storage.Snapshot) error{t.loadIdentity, t.loadOwnership, t.loadAround, t.loadTimers}
	for _, step := range steps {
		if err := step(&s); err != nil {
			return s, err
		}
	}
	return s, nil
}

// resolve finds the conversation of a key and says whose it is; 0 = unknown.
func (t *tx) resolve(k storage.Key, s *storage.Snapshot) (contact int64, err error) {
	conv := func(where string, args ...any) error {
		_, err := t.one("SELECT "+convCols+" FROM conversations WHERE "+where, args, convInto(&s.Conv)...)
		return err
	}
	switch {
	case k.ID != 0:
		err = conv("id = ?", k.ID)
	case k.UID != (storage.UID{}):
		err = conv("uid = ?", k.UID[:])
	case k.Receipt != nil:
		err = conv("id = (SELECT conversation_id FROM receipts WHERE channel_id = ? AND hash = ?)", k.Channel, k.Receipt)
		if err == nil && s.Conv.ID != 0 {
			_, err = t.one("SELECT seq FROM receipts WHERE channel_id = ? AND hash = ?", []any{k.Channel, k.Receipt}, &s.Seq)
		}
	case k.Addr != nil:
		if s.Identity, err = t.identity(k.Channel, k.Addr); err != nil || s.Identity.Contact == 0 {
			return 0, err
		}
		if err = conv("contact_id = ? AND status <> 2", s.Identity.Contact); err == nil && s.Conv.ID == 0 {
			err = conv("contact_id = ? ORDER BY opened_at DESC, id DESC LIMIT 1", s.Identity.Contact)
		}
		return s.Identity.Contact, err
	}
	return s.Conv.Contact, err
}

func (t *tx) identity(channel int64, addr []byte) (i storage.Identity, err error) {
	_, err = t.one("SELECT "+identityCols+" FROM identities WHERE channel_id = ? AND addr = ?", []any{channel, addr}, identityInto(&i)...)
	return i, err
}

func (t *tx) contact(where string, arg any) (c storage.Contact, err error) {
	_, err = t.one("SELECT "+contactCols+" FROM contacts c LEFT JOIN contact_keys k ON k.contact_id = c.id WHERE "+where, []any{arg}, contactInto(&c)...)
	return c, err
}

func (t *tx) loadIdentity(s *storage.Snapshot) (err error) {
	if s.Identity.Contact == 0 && s.Conv.Addr != nil {
		s.Identity, err = t.identity(s.Conv.Channel, s.Conv.Addr)
	}
	return err
}

// loadOwnership reads the open interval.
func (t *tx) loadOwnership(s *storage.Snapshot) error {
	_, err := t.one("SELECT "+intervalCols+" FROM ownership WHERE conversation_id = ? AND until = 0", []any{s.Conv.ID}, intervalInto(&s.Interval)...)
	return err
}

// loadAround reads what most conversations do not have: a stay in the human
// queue, an earlier episode, desk rows. One narrow question says which of them
// there are, because the driver asks SQLite for the name and the type of every
// column of every query, of those without a row too.
func (t *tx) loadAround(s *storage.Snapshot) error {
	var handoff, prev, desk int64
	_, err := t.one(`SELECT coalesce(sum(origin = 1 AND status IN (1, 2)), 0), coalesce(sum(status IN (3, 4)), 0),
 (SELECT max(id) FROM handoffs WHERE conversation_id = ?1 AND ended_at = 0),
 (SELECT id FROM conversations WHERE contact_id = ?2 AND id < ?1 ORDER BY opened_at DESC, id DESC LIMIT 1),
 EXISTS (SELECT 1 FROM desk WHERE conversation_id = ?1 AND ended = 0)
 FROM outbox WHERE conversation_id = ?1 AND kind IN (1, 2)`,
		[]any{s.Conv.ID, s.Conv.Contact}, &s.Held, &s.Failed, orZero{&handoff}, orZero{&prev}, &desk)
	if err != nil {
		return err
	}
	if handoff != 0 {
		s.Handoff = &storage.Handoff{}
		if _, err := t.one("SELECT "+handoffCols+" FROM handoffs WHERE id = ?", []any{handoff}, handoffInto(s.Handoff)...); err != nil {
			return err
		}
	}
	if prev != 0 && s.Conv.Status != storage.Resolved {
		s.Prev = &storage.Conversation{}
		if _, err := t.one("SELECT "+convCols+" FROM conversations WHERE id = ?", []any{prev}, convInto(s.Prev)...); err != nil {
			return err
		}
	}
	if desk == 0 {
		return nil
	}
	return t.loadDesk(s)
}

func (t *tx) loadTimers(s *storage.Snapshot) error {
	var m storage.Timer
	return t.each("SELECT "+timerCols+" FROM timers WHERE conversation_id = ? ORDER BY name", []any{s.Conv.ID}, timerInto(&m), func() error {
		s.Timers = append(s.Timers, m)
		m.Spec = nil
		return nil
	})
}

const timerCols = `conversation_id, name, id, due_at, spec, attempt`

func timerInto(m *storage.Timer) []any {
	return []any{&m.Conversation, &m.Name, &m.ID, &m.DueAt, &m.Spec, &m.Attempt}
}

func (t *tx) loadDesk(s *storage.Snapshot) error {
	var d storage.DeskRow
	into := []any{&d.Table, &d.Conversation, &d.ID, &d.At, &d.Due, &d.End, &d.Queue, &d.State, &d.Body}
	return t.each("SELECT tbl, conversation_id, id, at, due, ended, queue, state, body FROM desk WHERE conversation_id = ? AND ended = 0 ORDER BY tbl, id",
		[]any{s.Conv.ID}, into, func() error {
			s.Desk = append(s.Desk, d)
			d.Body = nil
			return nil
		})
}
