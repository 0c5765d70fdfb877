package sqlite

import (
	"context"
	"fmt"
	"slices"

	"dispatcher/storage"
)

// walkTable says how one table is streamed: its order, and which of its rows
// belong to one contact ("" = none do).
type walkTable struct{ name, order, contact string }

// walkTables lists every table, parents first, so that a stream can be read
// into an empty database row by row.
func walkTables() []walkTable {
	const conv = "conversation_id IN (SELECT id FROM conversations WHERE contact_id = ?)"
	return []walkTable{
		{"contacts", "id", "id = ?"},
		{"contact_keys", "contact_id", "contact_id = ?"},
		{"identities", "channel_id, addr", "contact_id = ?"},
		{"lookups", "kind, hash, contact_id", "contact_id = ?"},
		{"conversations", "id", "contact_id = ?"},
		{"messages", "conversation_id, seq", conv},
		{"handoffs", "id", conv},
		{"ownership", "conversation_id, epoch", conv},
		{"desk", "conversation_id, tbl, id", conv},
		{"outbox", "id", conv},
		{"timers", "conversation_id, name", conv},
		{"media", "id", conv},
		{"receipts", "channel_id, hash", theirReceipts},
		{"outcomes", "id", conv},
		{"events", "id", conv},
		{"seen", "channel_id, at_s, key", ""},
		{"parked", "id", ""},
		{"records", "kind, id", ""},
		{"audit", "id", ""},
		{"erasures", "tag", ""},
		{"rollups", "kind, day, key", ""},
	}
}

// Walk implements storage.Store: one consistent view, on a connection of its
// own so that a long export takes no reader away.
func (s *Store) Walk(ctx context.Context, q storage.WalkQuery, f func(storage.Row) error) error {
	if s.closed() {
		return storage.ErrClosed
	}
	all := walkTables()
	for _, name := range q.Tables {
		if !slices.ContainsFunc(all, func(w walkTable) bool { return w.name == name }) {
			return fmt.Errorf("storage: walk: no table called %q", name)
		}
	}
	db, err := s.walkDB.BeginTx(ctx, nil)
	if err != nil {
		return environment("walk", err)
	}
	defer db.Rollback() // only read
	for _, table := range all {
		if (q.Tables != nil && !slices.Contains(q.Tables, table.name)) || (q.Contact != 0 && table.contact == "") {
			continue
		}
		text, args := "SELECT * FROM "+table.name, []any(nil)
		if q.Contact != 0 {
			text, args = text+" WHERE "+table.contact, []any{q.Contact}
		}
		rows, err := db.QueryContext(ctx, text+" ORDER BY "+table.order, args...)
		if err != nil {
			return environment("walk "+table.name, err)
		}
		if err := streamRows(table.name, rows, f); err != nil {
			return environment("walk "+table.name, err)
		}
	}
	return nil
}

type rowScanner interface {
	Columns() ([]string, error)
	Next() bool
	Scan(...any) error
	Err() error
	Close() error
}

func streamRows(table string, rows rowScanner, f func(storage.Row) error) error {
	defer rows.Close()
	cols, err := rows.Columns()
	if err != nil {
		return err
	}
	for rows.Next() {
		vals := make([]any, len(cols))
		into := make([]any, len(cols))
		for i := range vals {
			into[i] = &vals[i]
		}
		if err := rows.Scan(into...); err != nil {
			return err
		}
		if err := f(storage.Row{Table: table, Cols: cols, Vals: vals}); err != nil {
			return err
		}
	}
	return rows.Err()
}
