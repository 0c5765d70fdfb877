package sqlite

import (
	"context"
	"fmt"
	"time"

	"dispatcher/storage"
)

// purgeSlice is how many rows one transaction of Purge takes.
const purgeSlice = 500

// keepEvents is how many events stay at most.
const keepEvents = 100_000

// purgeStep deletes at most purgeSlice rows and says how many went.
type purgeStep struct {
	table string
	run   func(*tx, *storage.Purged) (int64, error)
}

// Purge implements storage.Store. It works in slices, looks at the clock
// between them and lets others write in between; what is left is taken next time.
func (s *Store) Purge(ctx context.Context, r storage.Retention, budget time.Duration) (storage.Purged, error) {
	out := storage.Purged{Rows: map[string]int64{}}
	end := time.Now().Add(budget)
	for _, step := range purgeSteps(r) {
		for {
			var n int64
			err := s.write(ctx, "purge", func(t *tx) (err error) {
				n, err = step.run(t, &out)
				return err
			})
			if err != nil {
				return out, fmt.Errorf("storage: purge %s: %w", step.table, err)
			}
			out.Rows[step.table] += n
			if budget > 0 && time.Now().After(end) {
				return out, nil
			}
			if n < purgeSlice {
				break
			}
		}
	}
	return out, nil
}

func purgeSteps(r storage.Retention) []purgeStep {
	var steps []purgeStep
	add := func(table string, when int64, text string, args ...any) {
		if when == 0 {
			return
		}
		steps = append(steps, purgeStep{table, func(t *tx, _ *storage.Purged) (int64, error) { return t.change(text, append(args, purgeSlice)...) }})
	}
	const resolved = "conversation_id IN (SELECT id FROM conversations WHERE status = 2 AND resolved_at < ?1)"
	add("messages", r.Messages, `UPDATE messages SET body = NULL, trace = NULL WHERE id IN (SELECT m.id FROM conversations c JOIN messages m ON m.conversation_id = c.id
 WHERE c.status = 2 AND c.resolved_at < ?1 AND (m.body IS NOT NULL OR m.trace IS NOT NULL) LIMIT ?2)`, r.Messages)
	add("handoffs", r.Messages, "UPDATE handoffs SET packet = NULL WHERE id IN (SELECT id FROM handoffs WHERE packet IS NOT NULL AND "+resolved+" LIMIT ?2)", r.Messages)
	if r.Messages != 0 {
		steps = append(steps, purgeStep{"media", func(t *tx, out *storage.Purged) (int64, error) { return t.purgeMedia(r.Messages, out) }})
	}
	if r.Facts != 0 {
		steps = append(steps, purgeStep{"contacts", func(t *tx, out *storage.Purged) (int64, error) { return t.purgeContacts(r.Facts, out) }})
	}
	if r.Seen != 0 {
		steps = append(steps, purgeStep{"seen", func(t *tx, _ *storage.Purged) (int64, error) { return t.purgeSeen(r.Seen) }})
	}
	add("events", r.Events, "DELETE FROM events WHERE id IN (SELECT id FROM events WHERE at < ?1 OR id <= (SELECT max(id) FROM events) - ?2 ORDER BY id LIMIT ?3)",
		r.Events, keepEvents)
	add("audit", r.Audit, `DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE at < ?1 AND chain_no IS NOT NULL
 AND chain_no < (SELECT max(chain_no) FROM audit) ORDER BY id LIMIT ?2)`, r.Audit)
	add("records", r.Now, "DELETE FROM records WHERE (kind, id) IN (SELECT kind, id FROM records WHERE expires_at IS NOT NULL AND expires_at < ?1 LIMIT ?2)", r.Now)
	return steps
}

func (t *tx) purgeMedia(before int64, out *storage.Purged) (int64, error) {
	var ids []int64
	var id int64
	var path string
	err := t.each(`SELECT m.id, m.path FROM media m JOIN conversations c ON c.id = m.conversation_id WHERE c.status = 2 AND c.resolved_at < ? LIMIT ?`,
		[]any{before, purgeSlice}, []any{&id, &path}, func() error {
			ids = append(ids, id)
			if path != "" {
				out.Media = append(out.Media, path)
			}
			return nil
		})
	for _, id := range ids {
		if err != nil {
			break
		}
		_, err = t.exec("DELETE FROM media WHERE id = ?", id)
	}
	return int64(len(ids)), err
}

// purgeContacts forgets people whose conversations are all long resolved and
// emptied, and those who never had one.
func (t *tx) purgeContacts(before int64, out *storage.Purged) (int64, error) {
	var ids []int64
	var id int64
	err := t.each(`SELECT c.id FROM contacts c WHERE c.updated_at < ?1 AND NOT EXISTS (SELECT 1 FROM contacts m WHERE m.merged_into = c.id)
 AND NOT EXISTS (SELECT 1 FROM conversations v WHERE v.contact_id = c.id AND (v.status <> 2 OR v.resolved_at >= ?1)) LIMIT ?2`,
		[]any{before, purgeSlice}, []any{&id}, func() error {
			ids = append(ids, id)
			return nil
		})
	gone := storage.Erased{Tables: map[string]int64{}}
	for _, id := range ids {
		if err != nil {
			break
		}
		err = t.erasePerson(id, &gone)
	}
	out.Media = append(out.Media, gone.Media...)
	return int64(len(ids)), err
}

// purgeSeen deletes dedupe keys by their own time at the left edge of each
// channel's range; keys without a time go by their day of arrival.
func (t *tx) purgeSeen(before int64) (int64, error) {
	return t.change(`DELETE FROM seen WHERE (channel_id, at_s, key) IN (
 SELECT s.channel_id, s.at_s, s.key FROM (WITH RECURSIVE ch(id) AS (SELECT min(channel_id) FROM seen
   UNION ALL SELECT (SELECT min(channel_id) FROM seen WHERE channel_id > ch.id) FROM ch WHERE ch.id IS NOT NULL) SELECT id FROM ch WHERE id IS NOT NULL) c
 JOIN seen s ON s.channel_id = c.id AND ((s.at_s > 0 AND s.at_s < ?1) OR (s.at_s = 0 AND s.day < ?2)) LIMIT ?3)`,
		before/1000, before/86_400_000, purgeSlice)
}
