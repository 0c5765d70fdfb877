package sqlite

import (
	"context"
	"strings"

	"dispatcher/storage"
)

// listHandoffs is the view handoffs of List: a row per stay in the human
// queue, those that have ended too, the newest first. Queues names the queues
// of the stays, not of what became of their conversations since.
func (s *Store) listHandoffs(ctx context.Context, q storage.ListQuery) (page storage.Page[storage.Summary], err error) {
	var where condition
	where.and("1")
	if q.Queues != nil {
		args := make([]any, len(q.Queues))
		for i, name := range q.Queues {
			args[i] = name
		}
		where.and("h.queue IN ("+strings.TrimSuffix(strings.Repeat("?,", len(args)), ",")+")", args...)
	}
	order := listOrder{keys: []string{"h.created_at", "h.id"}, desc: true}
	if err := order.after(&where, q.Cursor); err != nil {
		return page, err
	}
	n := pageSizeOf(q.N)
	text := "SELECT " + summaryCols + ", h.created_at, h.id FROM handoffs h JOIN conversations c ON c.id = h.conversation_id WHERE " +
		strings.Join(where.parts, " AND ") + " ORDER BY h.created_at DESC, h.id DESC LIMIT ?"
	err = s.read(ctx, "list handoffs", func(t *tx) error {
		var c storage.Conversation
		var at, id int64
		var keys [][]int64
		err := t.each(text, append(where.args, n+1), append(convInto(&c), &at, &id), func() error {
			page.Items = append(page.Items, storage.Summary{Conv: c})
			keys = append(keys, []int64{at, id})
			return nil
		})
		if err != nil {
			return err
		}
		if len(page.Items) > n {
			page.Items = page.Items[:n]
			page.Next = encodeCursor(keys[n-1])
		}
		for i := range page.Items {
			if err := t.fillHandoff(&page.Items[i], keys[i][1]); err != nil {
				return err
			}
		}
		return nil
	})
	return page, err
}

func (t *tx) fillHandoff(row *storage.Summary, id int64) (err error) {
	if row.Contact, err = t.contact("c.id = ?", row.Conv.Contact); err != nil {
		return err
	}
	var h storage.Handoff
	_, err = t.one("SELECT "+handoffCols+" FROM handoffs WHERE id = ?", []any{id}, handoffInto(&h)...)
	row.Handoff = &h
	return err
}
