package sqlite

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"dispatcher/storage"
)

// Thread implements storage.Store. A row that is being written shows as
// sending: that is read from the outbox, not kept twice.
func (s *Store) Thread(ctx context.Context, q storage.ThreadQuery) (page storage.Page[storage.Message], err error) {
	n := pageSizeOf(q.N)
	text, args := "SELECT "+messageCols+" FROM messages WHERE conversation_id = ? AND seq > ?", []any{q.Conversation, q.After}
	if q.Before > 0 {
		text, args = text+" AND seq < ? ORDER BY seq DESC", append(args, q.Before)
	} else {
		text += " ORDER BY seq"
	}
	err = s.read(ctx, "thread", func(t *tx) error {
		var m storage.Message
		err := t.each(text+" LIMIT ?", append(args, n+1), messageInto(&m), func() error {
			page.Items = append(page.Items, m)
			return nil
		})
		if err != nil {
			return err
		}
		more := len(page.Items) > n
		if more {
			page.Items = page.Items[:n]
		}
		last := len(page.Items) - 1
		switch {
		case q.Before > 0:
			for i, j := 0, last; i < j; i, j = i+1, j-1 {
				page.Items[i], page.Items[j] = page.Items[j], page.Items[i]
			}
			if more {
				page.Next = strconv.FormatInt(page.Items[0].Seq, 10)
			}
		case more:
			page.Next = strconv.FormatInt(page.Items[last].Seq, 10)
		}
		return t.showSending(q.Conversation, page.Items)
	})
	return page, err
}

func (t *tx) showSending(conv int64, items []storage.Message) error {
	var seq int64
	return t.each("SELECT seq FROM outbox WHERE conversation_id = ? AND status = 2 AND kind IN (1, 2)", []any{conv}, []any{&seq}, func() error {
		for i := range items {
			if items[i].Seq == seq && items[i].Delivery == storage.DeliveryPending {
				items[i].Delivery = storage.DeliverySending
			}
		}
		return nil
	})
}

// listOrder is a sort key; all its columns go the same way, so that one row
// comparison continues a page.
type listOrder struct {
	keys []string
	desc bool
}

const dueSQL = `coalesce(nullif(c.next_reply_due, 0), nullif(c.first_reply_due, 0), 9223372036854775807)`
const sinceSQL = `coalesce((SELECT h.created_at FROM handoffs h WHERE h.conversation_id = c.id AND h.ended_at = 0 ORDER BY h.id DESC LIMIT 1), c.opened_at)`

func orderOf(q storage.ListQuery) (listOrder, error) {
	by := q.Order
	if by == "" {
		switch q.View {
		case "queue", "unassigned", "waiting":
			by = "queue"
		default:
			by = "newest"
		}
	}
	switch by {
	case "queue":
		return listOrder{keys: []string{"-c.priority", dueSQL, sinceSQL, "c.id"}}, nil
	case "due":
		return listOrder{keys: []string{dueSQL, "c.id"}}, nil
	case "newest":
		at := "c.updated_at"
		switch q.View {
		case "closed":
			at = "c.resolved_at"
		case "contact":
			at = "c.opened_at"
		}
		return listOrder{keys: []string{at, "c.id"}, desc: true}, nil
	}
	return listOrder{}, fmt.Errorf("storage: list: no order called %q", q.Order)
}

// condition is a WHERE clause with its arguments.
type condition struct {
	parts []string
	args  []any
}

func (c *condition) and(text string, args ...any) {
	c.parts, c.args = append(c.parts, text), append(c.args, args...)
}

// viewOf is what a view shows. Of the views mine, queue, snoozed, assistant
// and closed every conversation is in exactly one.
func viewOf(q storage.ListQuery) (c condition, err error) {
	switch q.View {
	case "", "all":
		c.and("1")
	case "mine":
		c.and("c.owner = 3 AND c.owner_id = ? AND c.phase <> 6 AND c.status <> 2", q.Owner)
	case "queue", "unassigned":
		c.and("c.owner = 2 AND c.status <> 2 AND c.phase <> 6")
	case "waiting":
		c.and("c.owner IN (2, 3) AND c.status <> 2 AND c.phase <> 6 AND c.waiting_since <> 0")
	case "snoozed":
		c.and("c.phase = 6 AND c.status <> 2")
	case "assistant":
		c.and("c.owner = 1 AND c.status <> 2")
	case "public":
		c.and("c.status <> 2 AND EXISTS (SELECT 1 FROM messages m WHERE m.conversation_id = c.id AND m.visibility = 1)")
	case "contact":
		c.and("c.contact_id = ?", q.Contact)
	case "position":
		c.and("c.owner = 1 AND c.status <> 2")
	case "lookup":
		c.and("c.contact_id IN (SELECT contact_id FROM lookups WHERE kind IN (1, 2, 3, 4) AND hash = ?)", q.Lookup)
	case "closed":
		c.and("c.status = 2")
	default:
		err = fmt.Errorf("storage: list: no view called %q", q.View)
	}
	return c, err
}

func listWhere(q storage.ListQuery) (condition, error) {
	c, err := viewOf(q)
	if err != nil {
		return c, err
	}
	if q.Status != 0 {
		c.and("c.status = ?", q.Status)
	}
	if q.Channel != 0 {
		c.and("c.channel_id = ?", q.Channel)
	}
	if q.Flow != "" {
		c.and("c.position >= ? AND c.position < ?", q.Flow, q.Flow+"\U0010FFFF")
	}
	if q.To != (storage.UID{}) {
		c.and("c.uid BETWEEN ? AND ?", q.From[:], q.To[:])
	}
	if q.View != "contact" && q.Contact != 0 {
		c.and("c.contact_id = ?", q.Contact)
	}
	if q.Queues != nil {
		text, args := permission(q)
		c.and(text, args...)
	}
	return c, nil
}

// permission keeps to the caller's queues: those that wait there, those whose
// latest handoff was there, and the caller's own.
func permission(q storage.ListQuery) (string, []any) {
	marks := strings.TrimSuffix(strings.Repeat("?,", len(q.Queues)), ",")
	var args []any
	for range 2 {
		for _, name := range q.Queues {
			args = append(args, name)
		}
	}
	text := "(CASE WHEN c.owner = 2 THEN c.owner_id IN (" + marks + `) ELSE
 (SELECT h.queue FROM handoffs h WHERE h.conversation_id = c.id ORDER BY h.id DESC LIMIT 1) IN (` + marks + ") END"
	if q.Agent != "" {
		text, args = text+" OR (c.owner = 3 AND c.owner_id = ?)", append(args, q.Agent)
	}
	return text + ")", args
}

// List implements storage.Store. Rows carry no engine state.
func (s *Store) List(ctx context.Context, q storage.ListQuery) (page storage.Page[storage.Summary], err error) {
	if q.View == "handoffs" {
		return s.listHandoffs(ctx, q)
	}
	order, err := orderOf(q)
	if err != nil {
		return page, err
	}
	where, err := listWhere(q)
	if err != nil {
		return page, err
	}
	if err := order.after(&where, q.Cursor); err != nil {
		return page, err
	}
	n := pageSizeOf(q.N)
	dir := ""
	if order.desc {
		dir = " DESC"
	}
	text := "SELECT " + summaryCols + ", " + strings.Join(order.keys, ", ") + " FROM conversations c WHERE " + strings.Join(where.parts, " AND ") +
		" ORDER BY " + strings.Join(order.keys, dir+", ") + dir + " LIMIT ?"
	err = s.read(ctx, "list", func(t *tx) error {
		keys := make([][]int64, 0, n+1)
		var c storage.Conversation
		key := make([]int64, len(order.keys))
		into := convInto(&c)
		for i := range key {
			into = append(into, &key[i])
		}
		err := t.each(text, append(where.args, n+1), into, func() error {
			page.Items = append(page.Items, storage.Summary{Conv: c})
			keys = append(keys, append([]int64(nil), key...))
			return nil
		})
		if err != nil {
			return err
		}
		if len(page.Items) > n {
			page.Items = page.Items[:n]
			page.Next = encodeCursor(keys[n-1])
		}
		return t.fillSummaries(page.Items)
	})
	return page, err
}

// summaryCols are convCols without the sealed state, which no list shows.
var summaryCols = "c." + strings.Replace(strings.NewReplacer(", ", ", c.", ",\n ", ", c.").Replace(convCols), "c.state", "NULL", 1)

func (t *tx) fillSummaries(items []storage.Summary) (err error) {
	for i := range items {
		row := &items[i]
		if row.Contact, err = t.contact("c.id = ?", row.Conv.Contact); err != nil {
			return err
		}
		var h storage.Handoff
		found, err := t.one("SELECT "+handoffCols+" FROM handoffs WHERE conversation_id = ? AND ended_at = 0 ORDER BY id DESC LIMIT 1",
			[]any{row.Conv.ID}, handoffInto(&h)...)
		if err != nil {
			return err
		}
		if found {
			row.Handoff = &h
		}
		_, err = t.one("SELECT count(*) FROM outbox WHERE conversation_id = ? AND kind IN (1, 2) AND status IN (3, 4)", []any{row.Conv.ID}, &row.Failed)
		if err != nil {
			return err
		}
	}
	return nil
}

func encodeCursor(key []int64) string {
	b, err := json.Marshal(key)
	if err != nil {
		return "" // numbers always marshal
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// after continues behind the row whose sort key the cursor holds.
func (o listOrder) after(c *condition, cursor string) error {
	if cursor == "" {
		return nil
	}
	var key []int64
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	if err == nil {
		err = json.Unmarshal(b, &key)
	}
	if err != nil || len(key) != len(o.keys) {
		return fmt.Errorf("storage: list: cursor of another list: %w", storage.ErrNotFound)
	}
	sign := ">"
	if o.desc {
		sign = "<"
	}
	args := make([]any, len(key))
	for i := range key {
		args[i] = key[i]
	}
	marks := strings.TrimSuffix(strings.Repeat("?,", len(key)), ",")
	c.and("("+strings.Join(o.keys, ", ")+") "+sign+" ("+marks+")", args...)
	return nil
}
