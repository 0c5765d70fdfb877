package desk

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"dispatcher/inbox"
	"dispatcher/storage"
)

// messageID is the public id of a message (runtime.md ruling 13).
func messageID(conv string, seq int64) string { return conv + "-" + strconv.FormatInt(seq, 10) }

// readMessageID splits a message's public id.
func readMessageID(id string) (conv string, seq int64, ok bool) {
	i := strings.LastIndexByte(id, '-')
	if i < 0 {
		return "", 0, false
	}
	seq, err := strconv.ParseInt(id[i+1:], 10, 64)
	if _, is := inbox.ParseUID(id[:i]); err != nil || seq < 1 || !is {
		return "", 0, false
	}
	return id[:i], seq, true
}

func msOrNil(at int64) *time.Time {
	if at == 0 {
		return nil
	}
	t := ms(at)
	return &t
}

// values are the columns of a walked row by name.
type values map[string]any

func (v values) int(col string) int64 {
	n, _ := v[col].(int64)
	return n
}

func (v values) text(col string) string {
	switch x := v[col].(type) {
	case string:
		return x
	case []byte:
		return string(x)
	}
	return ""
}

func (v values) bytes(col string) []byte {
	switch x := v[col].(type) {
	case []byte:
		return slices.Clone(x)
	case string:
		return []byte(x)
	}
	return nil
}

// walk reads the rows of one table that belong to a person, of one conversation.
func (s *Service) walk(ctx context.Context, table string, c storage.Conversation, f func(values)) error {
	err := s.store.Walk(ctx, storage.WalkQuery{Tables: []string{table}, Contact: c.Contact}, func(r storage.Row) error {
		v := make(values, len(r.Cols))
		for n, col := range r.Cols {
			v[col] = r.Vals[n]
		}
		if v.int("conversation_id") == c.ID {
			f(v)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("desk: rows of %s: %w", table, err)
	}
	return nil
}

// deskRows reads all rows of the desk's tables, ended ones too.
func (s *Service) deskRows(ctx context.Context, c storage.Conversation) (rows []storage.DeskRow, err error) {
	err = s.walk(ctx, "desk", c, func(v values) {
		rows = append(rows, storage.DeskRow{Table: v.text("tbl"), Conversation: c.ID, ID: v.text("id"), At: v.int("at"), Due: v.int("due"),
			End: v.int("ended"), Queue: v.text("queue"), State: v.text("state"), Body: v.bytes("body")})
	})
	return rows, err
}

// clocks are the clocks of a conversation, oldest first.
func (s *Service) clocks(rows []storage.DeskRow) []Clock {
	out := []Clock{}
	now := s.now().UnixMilli()
	for _, row := range rows {
		var b inbox.ClockBody
		if row.Table != "clock" || row.State == "voided" || json.Unmarshal(row.Body, &b) != nil {
			continue
		}
		late := b.Breached || row.End == 0 && b.Due != 0 && b.PausedAt == 0 && now > b.Due
		c := Clock{Clock: b.Clock, StartedAt: ms(b.Started), DueAt: msOrNil(b.Due), StoppedAt: msOrNil(b.Stopped), Breached: late, By: b.By}
		if late {
			c.BreachAt = msOrNil(cmp.Or(b.BreachedAt, b.Due))
		}
		if row.End != 0 {
			c.Open, c.Wall = &b.Open, &b.Wall
		}
		out = append(out, c)
	}
	slices.SortStableFunc(out, func(a, b Clock) int { return cmp.Compare(a.StartedAt.UnixMilli(), b.StartedAt.UnixMilli()) })
	return out
}
