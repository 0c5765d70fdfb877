package sqlite

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"dispatcher/storage"
)

// Contact implements storage.Store.
func (s *Store) Contact(ctx context.Context, q storage.ContactQuery) (c storage.Contact, err error) {
	err = s.read(ctx, "contact", func(t *tx) (err error) {
		switch {
		case q.ID != 0:
			c, err = t.contact("c.id = ?", q.ID)
		case q.UID != (storage.UID{}):
			c, err = t.contact("c.uid = ?", q.UID[:])
		case q.Lookup != nil:
			c, err = t.contact("c.id = (SELECT contact_id FROM lookups WHERE kind IN (1, 2, 3, 4) AND hash = ? ORDER BY contact_id LIMIT 1)", q.Lookup)
		}
		if err != nil {
			return err
		}
		if c.ID == 0 {
			return storage.ErrNotFound
		}
		var i storage.Identity
		return t.each("SELECT "+identityCols+" FROM identities WHERE contact_id = ? ORDER BY channel_id, addr", []any{c.ID}, identityInto(&i), func() error {
			c.Addresses = append(c.Addresses, i)
			return nil
		})
	})
	return c, err
}

// Erase implements storage.Store (runtime.md 4.3, step 2): the contact and
// everybody merged into it. Afterwards the pages and the write-ahead log hold
// nothing of them. Erasing twice changes nothing more.
func (s *Store) Erase(ctx context.Context, e storage.Erasure) (storage.Erased, error) {
	erased := storage.Erased{Tables: map[string]int64{}}
	at := orNow(e.At, s.nowMS())
	err := s.write(ctx, "erase", func(t *tx) error {
		people, err := t.mergedInto(e.Contact)
		if err != nil {
			return err
		}
		if len(people) == 0 {
			var one int64
			if known, err := t.one("SELECT 1 FROM erasures WHERE tag = ?", []any{e.Tag}, &one); err != nil || known {
				return err
			}
			return storage.ErrNotFound
		}
		for i := len(people) - 1; i >= 0; i-- { // the merged before the one they point at
			if err := t.erasePerson(people[i], &erased); err != nil {
				return err
			}
		}
		if _, err := t.exec("INSERT OR IGNORE INTO erasures(tag, at, by) VALUES (?,?,?)", e.Tag, at, e.By); err != nil {
			return err
		}
		t.rows.addAudit(e.Audit, at)
		_, err = t.writeGathered()
		return err
	})
	if err != nil {
		return storage.Erased{}, err
	}
	s.wakeChain()
	return erased, s.truncateWAL(ctx)
}

// mergedInto lists everybody who is the same person: the contact at the end
// of the merges and all that were merged into it, breadth first.
func (t *tx) mergedInto(contact int64) ([]int64, error) {
	var people []int64
	var id int64
	err := t.each(`WITH RECURSIVE up(id, into_id, depth) AS (SELECT id, merged_into, 0 FROM contacts WHERE id = ?1
 UNION ALL SELECT c.id, c.merged_into, up.depth + 1 FROM contacts c JOIN up ON c.id = up.into_id WHERE up.depth < 64),
 p(id, depth) AS (SELECT id, 0 FROM (SELECT id FROM up ORDER BY depth DESC LIMIT 1)
 UNION SELECT c.id, p.depth + 1 FROM contacts c JOIN p ON c.merged_into = p.id WHERE p.depth < 64) SELECT id FROM p ORDER BY depth, id`,
		[]any{contact}, []any{&id}, func() error {
			people = append(people, id)
			return nil
		})
	return people, err
}

// theirReceipts are the receipts of the conversations of contact ?1: those that
// their messages name, on whichever channel, and those of the index.
const theirReceipts = `(channel_id, hash) IN (SELECT channel_id, hash FROM (
 WITH RECURSIVE ch(id) AS (SELECT min(channel_id) FROM receipts
  UNION ALL SELECT (SELECT min(channel_id) FROM receipts WHERE channel_id > ch.id) FROM ch WHERE ch.id IS NOT NULL)
 SELECT r.channel_id, r.hash FROM conversations c CROSS JOIN messages m ON m.conversation_id = c.id CROSS JOIN ch
  CROSS JOIN receipts r ON r.channel_id = ch.id AND r.hash = m.external AND r.conversation_id = c.id
  WHERE c.contact_id = ?1 AND m.external IS NOT NULL
 UNION ALL SELECT r.channel_id, r.hash FROM conversations c CROSS JOIN receipts r ON r.conversation_id = c.id AND r.by_message = 0 WHERE c.contact_id = ?1))`

// ofConversations are the other tables whose rows hang on a conversation, in an
// order that keeps foreign keys whole.
var ofConversations = []string{"messages", "outbox", "timers", "media", "desk", "ownership", "handoffs", "events"}

func (t *tx) erasePerson(contact int64, out *storage.Erased) error {
	gone := func(table, text string, args ...any) error {
		n, err := t.change(text, args...)
		out.Tables[table] += n
		return wrap(table, err)
	}
	// The key first: from here every sealed byte of that person is noise.
	if err := gone("contact_keys", "DELETE FROM contact_keys WHERE contact_id = ?", contact); err != nil {
		return err
	}
	const theirs = "(SELECT id FROM conversations WHERE contact_id = ?)"
	var path string
	err := t.each("SELECT path FROM media WHERE path <> '' AND conversation_id IN "+theirs, []any{contact}, []any{&path}, func() error {
		out.Media = append(out.Media, path)
		return nil
	})
	if err != nil {
		return err
	}
	if err := t.eraseButtons(contact, out); err != nil {
		return err
	}
	if err := gone("receipts", "DELETE FROM receipts WHERE "+theirReceipts, contact); err != nil {
		return err // before the messages that lead to them
	}
	for _, table := range ofConversations {
		if err := gone(table, "DELETE FROM "+table+" WHERE conversation_id IN "+theirs, contact); err != nil {
			return err
		}
	}
	if _, err := t.exec("UPDATE outcomes SET conversation_id = NULL WHERE conversation_id IN "+theirs, contact); err != nil {
		return err
	}
	err = gone("records", "DELETE FROM records WHERE kind = ? AND lookup IN (SELECT addr FROM identities WHERE contact_id = ?)", int64(storage.KindWidget), contact)
	if err != nil {
		return err
	}
	for _, table := range []string{"conversations", "identities", "lookups"} {
		if err := gone(table, "DELETE FROM "+table+" WHERE contact_id = ?", contact); err != nil {
			return err
		}
	}
	return gone("contacts", "DELETE FROM contacts WHERE id = ?", contact)
}

// eraseButtons deletes what the buttons of a person's messages stood for;
// those records begin with the conversation's id or uid.
func (t *tx) eraseButtons(contact int64, out *storage.Erased) error {
	var id int64
	var uid storage.UID
	var prefixes [][]byte
	err := t.each("SELECT id, uid FROM conversations WHERE contact_id = ?", []any{contact}, []any{&id, uidScan{&uid}}, func() error {
		prefixes = append(prefixes, binary.BigEndian.AppendUint64(nil, uint64(id)), append([]byte(nil), uid[:]...))
		return nil
	})
	if err != nil {
		return err
	}
	for _, p := range prefixes {
		end := append(append([]byte(nil), p...), 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)
		n, err := t.change("DELETE FROM records WHERE kind = ? AND id >= ? AND id <= ?", int64(storage.KindButtons), p, end)
		if err != nil {
			return err
		}
		out.Tables["records"] += n
	}
	return nil
}

// truncateWAL empties the write-ahead log, again and again until no reader
// stands in the way: until then an erased text could still be found there.
func (s *Store) truncateWAL(ctx context.Context) error {
	for wait := time.Millisecond; ; wait = min(2*wait, 250*time.Millisecond) {
		blocked, err := s.checkpoint(ctx, "TRUNCATE")
		if err != nil || !blocked {
			return environment("empty the write-ahead log", err)
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return fmt.Errorf("storage: the write-ahead log still holds what was erased: a reader is in the way: %w", ctx.Err())
		case <-s.closing:
			return nil // Close empties it
		}
	}
}

// Rewrap implements storage.Store. f runs outside any transaction.
func (s *Store) Rewrap(ctx context.Context, from storage.KeyID, n int, f func(wrapped []byte) ([]byte, storage.KeyID, error)) (left int, err error) {
	type keyRow struct {
		contact      int64
		old, renewed []byte
		kid          storage.KeyID
	}
	var rows []keyRow
	var r keyRow
	err = s.read(ctx, "rewrap", func(t *tx) error {
		return t.each("SELECT contact_id, wrapped FROM contact_keys WHERE kid = ? ORDER BY contact_id LIMIT ?", []any{int64(from), pageSizeOf(n)},
			[]any{&r.contact, &r.old}, func() error {
				rows = append(rows, r)
				return nil
			})
	})
	if err != nil {
		return 0, err
	}
	for i := range rows {
		if rows[i].renewed, rows[i].kid, err = f(rows[i].old); err != nil {
			return 0, fmt.Errorf("storage: rewrap key of contact %d: %w", rows[i].contact, err)
		}
	}
	err = s.write(ctx, "rewrap", func(t *tx) error {
		for _, r := range rows {
			_, err := t.exec("UPDATE contact_keys SET wrapped = ?, kid = ? WHERE contact_id = ? AND kid = ? AND wrapped = ?",
				r.renewed, int64(r.kid), r.contact, int64(from), r.old)
			if err != nil {
				return err
			}
		}
		_, err := t.one("SELECT count(*) FROM contact_keys WHERE kid = ?", []any{int64(from)}, &left)
		return err
	})
	return left, err
}
