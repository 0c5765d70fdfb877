package sqlite

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"

	"dispatcher/storage"
)

// Get implements storage.Store.
func (s *Store) Get(ctx context.Context, kind storage.Kind, id []byte) (r storage.Record, err error) {
	err = s.read(ctx, "get record", func(t *tx) error {
		found, err := t.one("SELECT "+recordCols+" FROM records WHERE kind = ? AND id = ?", []any{int64(kind), id}, recordInto(&r)...)
		if err == nil && !found {
			return storage.ErrNotFound
		}
		return err
	})
	return r, err
}

// Find implements storage.Store. Records come in the order of their ids.
func (s *Store) Find(ctx context.Context, q storage.RecordQuery) (page storage.Page[storage.Record], err error) {
	after, err := base64.RawURLEncoding.DecodeString(q.Cursor)
	if err != nil {
		return page, fmt.Errorf("storage: find record: cursor: %w", storage.ErrNotFound)
	}
	n := pageSizeOf(q.N)
	text, args := "SELECT "+recordCols+" FROM records WHERE kind = ?", []any{int64(q.Kind)}
	if q.Lookup != nil {
		text, args = text+" AND lookup = ?", append(args, q.Lookup)
	}
	if len(q.IDs) > 0 {
		text += " AND id IN (?" + strings.Repeat(",?", len(q.IDs)-1) + ")"
		for _, id := range q.IDs {
			args = append(args, id)
		}
	}
	if q.Now != 0 {
		text, args = text+" AND (expires_at IS NULL OR expires_at > ?)", append(args, q.Now)
	}
	if q.Cursor != "" {
		text, args = text+" AND id > ?", append(args, after)
	}
	err = s.read(ctx, "find record", func(t *tx) error {
		var r storage.Record
		return t.each(text+" ORDER BY id LIMIT ?", append(args, n+1), recordInto(&r), func() error {
			page.Items = append(page.Items, r)
			r.ID, r.Lookup, r.Body = nil, nil, nil
			return nil
		})
	})
	if len(page.Items) > n {
		page.Items = page.Items[:n]
		page.Next = base64.RawURLEncoding.EncodeToString(page.Items[n-1].ID)
	}
	return page, err
}

// Put implements storage.Store.
func (s *Store) Put(ctx context.Context, records []storage.Record, audit []storage.AuditEntry) error {
	err := s.write(ctx, "put", func(t *tx) error {
		for i := range records {
			ok, err := t.putRecord(&records[i])
			if err != nil {
				return fmt.Errorf("record of kind %d: %w", records[i].Kind, err)
			}
			if !ok {
				return storage.ErrConflict
			}
		}
		t.rows.addAudit(audit, s.nowMS())
		_, err := t.writeGathered()
		return err
	})
	if err == nil && len(audit) > 0 {
		s.wakeChain()
	}
	return err
}

// putRecord writes one record if its version is the one that is there.
func (t *tx) putRecord(r *storage.Record) (ok bool, err error) {
	var n int64
	switch {
	case r.Delete && r.Version == 0:
		_, err = t.exec("DELETE FROM records WHERE kind = ? AND id = ?", int64(r.Kind), r.ID)
		return true, err
	case r.Delete:
		n, err = t.change("DELETE FROM records WHERE kind = ? AND id = ? AND version = ?", int64(r.Kind), r.ID, r.Version)
	case r.Version == 0:
		n, err = t.change("INSERT INTO records("+recordCols+") VALUES (?,?,1,?,?,?) ON CONFLICT DO NOTHING",
			int64(r.Kind), r.ID, r.Lookup, orNull(r.Expires), r.Body)
	default:
		n, err = t.change("UPDATE records SET version = version + 1, lookup = ?, expires_at = ?, body = ? WHERE kind = ? AND id = ? AND version = ?",
			r.Lookup, orNull(r.Expires), r.Body, int64(r.Kind), r.ID, r.Version)
	}
	return n == 1, err
}

// pageSizeOf bounds what a caller may ask for at once.
func pageSizeOf(n int) int {
	const most = 1000
	if n <= 0 || n > most {
		return most
	}
	return n
}
