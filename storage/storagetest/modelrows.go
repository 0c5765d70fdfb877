package storagetest

import (
	"context"
	"fmt"
	"slices"

	"dispatcher/storage"
)

// modelCols are the columns of a row that the model answers for.
var modelCols = map[string][]string{
	"conversations": {"id", "version", "epoch", "owner", "last_seq"},
	"messages":      {"conversation_id", "seq", "body", "delivery"},
	"outbox":        {"id", "conversation_id", "seq", "epoch", "origin", "status", "attempt"},
	"timers":        {"conversation_id", "name", "id"},
	"seen":          {"at_s"},
	"records":       {"id", "version", "body"},
}

// storeLines is every row of the store as text, sorted.
func storeLines(w *world) (lines []string) {
	err := w.s.Walk(context.Background(), storage.WalkQuery{}, func(r storage.Row) error {
		cols, ok := modelCols[r.Table]
		if !ok {
			return nil
		}
		line := r.Table
		for _, c := range cols {
			v := valueOf(r, c)
			if b, ok := v.([]byte); ok {
				v = fmt.Sprintf("%x", b)
			}
			line += fmt.Sprint("|", v)
		}
		lines = append(lines, line)
		return nil
	})
	w.must(err)
	slices.Sort(lines)
	return lines
}

// lines is every row of the model as text, sorted.
func (m *model) lines() (lines []string) {
	add := func(vals ...any) {
		line := fmt.Sprint(vals[0])
		for _, v := range vals[1:] {
			line += fmt.Sprint("|", v)
		}
		lines = append(lines, line)
	}
	hex := func(s string) string { return fmt.Sprintf("%x", []byte(s)) }
	for _, c := range m.convs {
		add("conversations", c.id, c.version, c.epoch, c.owner, c.last)
		for seq, msg := range c.messages {
			add("messages", c.id, seq, hex(msg.body), msg.delivery)
		}
		for _, r := range c.rows {
			add("outbox", r.id, c.id, r.seq, r.epoch, r.origin, r.status, r.attempt)
		}
		for name, id := range c.timers {
			add("timers", c.id, name, id)
		}
	}
	for k := range m.seen {
		add("seen", k.AtS)
	}
	for id, r := range m.records {
		add("records", hex(id), r.version, hex(r.body))
	}
	slices.Sort(lines)
	return lines
}

func firstDifference(want, got []string) string {
	for i := range max(len(want), len(got)) {
		a, b := "nothing", "nothing"
		if i < len(want) {
			a = want[i]
		}
		if i < len(got) {
			b = got[i]
		}
		if a != b {
			return fmt.Sprintf("model: %s\nstore: %s", a, b)
		}
	}
	return ""
}
