package sqlite

import (
	"context"

	"dispatcher/storage"
)

// Changes implements storage.Store. Rows are numbered without gaps in commit
// order, so what is missing below the oldest row was trimmed.
func (s *Store) Changes(ctx context.Context, after storage.Cursor, n int) (events []storage.Event, cursor storage.Cursor, err error) {
	cursor = after
	err = s.read(ctx, "changes", func(t *tx) error {
		var oldest, head int64
		if _, err := t.one("SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'events'), 0)", nil, &head); err != nil {
			return err
		}
		if after < 0 {
			cursor = storage.Cursor(head)
			return nil
		}
		if _, err := t.one("SELECT coalesce((SELECT min(id) FROM events), ?)", []any{head + 1}, &oldest); err != nil {
			return err
		}
		if int64(after) < oldest-1 || int64(after) > head {
			return storage.ErrNotFound
		}
		var e storage.Event
		into := []any{(*int64)(&e.Cursor), &e.At, &e.Conversation, uidScan{&e.UID}, &e.Seq, &e.Type, jsonList{&e.Topics}, &e.Ref}
		return t.each("SELECT id, at, conversation_id, uid, seq, type, topics, ref FROM events WHERE id > ? ORDER BY id LIMIT ?",
			[]any{int64(after), pageSizeOf(n)}, into, func() error {
				events = append(events, e)
				cursor = e.Cursor
				return nil
			})
	})
	return events, cursor, err
}
