package sqlite

import (
	"database/sql/driver"

	"dispatcher/storage"
)

// gathered are the rows that turns only add, by table. Nothing reads them
// before they are written, so they wait until the end of the turn, or of the
// batch, and go with one statement per table.
type gathered struct {
	seen, conversations, messages, outbox, timers, receipts, records, lookups, audit, events rowSet
}

// rowSet is the rows of one table that wait.
type rowSet struct {
	text  string // the statement that writes them
	width int    // columns of a row
	vals  []driver.Value
}

// newGathered names the statements. None of the inserts needs a journal of its
// own to undo half of it, which is what OR FAIL says: when one fails, so does
// everything since the savepoint or the beginning.
func newGathered() *gathered {
	into := func(table, or, cols string, width int, more string) rowSet {
		return rowSet{text: "INSERT " + or + " INTO " + table + "(" + cols + ") SELECT " + fedNames(width) + " FROM temp.fed WHERE true " + more, width: width}
	}
	return &gathered{
		seen:          into("seen", "OR IGNORE", "channel_id, at_s, key, day", 4, ""),
		conversations: rowSet{width: 32},
		messages:      into("messages", "OR FAIL", messageCols, 19, ""),
		outbox:        into("outbox", "OR FAIL", rowPutCols, 18, ""),
		timers: into("timers", "OR FAIL", timerCols, 6,
			"ON CONFLICT(conversation_id, name) DO UPDATE SET id = excluded.id, due_at = excluded.due_at, spec = excluded.spec, attempt = excluded.attempt"),
		receipts: into("receipts", "OR IGNORE", "channel_id, hash, conversation_id, seq, at, by_message", 6, ""),
		records:  into("records", "OR FAIL", recordCols, 6, "ON CONFLICT DO NOTHING"),
		lookups:  into("lookups", "OR IGNORE", "kind, hash, contact_id", 3, ""),
		audit:    into("audit", "OR FAIL", "at, actor, verb, object, detail", 5, ""),
		events:   into("events", "OR FAIL", "at, conversation_id, uid, seq, type, topics, ref", 7, ""),
	}
}

func (g *gathered) sets() []*rowSet {
	return []*rowSet{&g.seen, &g.conversations, &g.messages, &g.outbox, &g.timers, &g.receipts, &g.records, &g.lookups, &g.audit, &g.events}
}

// drop forgets what waits.
func (g *gathered) drop() {
	for _, set := range g.sets() {
		set.drop()
	}
}

// add takes one row: int64, string, []byte or nil in each column.
func (r *rowSet) add(vals ...driver.Value) { r.vals = append(r.vals, vals...) }

func (r *rowSet) len() int { return len(r.vals) / r.width }

// drop keeps the room for the next rows.
func (r *rowSet) drop() {
	clear(r.vals)
	r.vals = r.vals[:0]
}

// blob writes no bytes as NULL.
func blob(b []byte) driver.Value {
	if b == nil {
		return nil
	}
	return b
}

// writeRows writes what waits for one table, and says how many rows it changed
// and the id of the last.
func (c *conn) writeRows(r *rowSet) (changed, last int64, err error) {
	defer r.drop()
	return c.feedRows(r.text, r)
}

func (c *conn) feedRows(text string, r *rowSet) (changed, last int64, err error) {
	if len(r.vals) == 0 {
		return 0, 0, nil
	}
	c.feed.vals, c.feed.width = r.vals, r.width
	res, err := c.exec(text)
	c.feed.vals = nil
	if err != nil {
		return 0, 0, err
	}
	if changed, err = res.RowsAffected(); err != nil {
		return 0, 0, err
	}
	last, err = res.LastInsertId()
	return changed, last, err
}

// writeGathered writes everything that waits. last is the number of the last
// event; those of one call are numbered without a gap.
func (t *tx) writeGathered() (last storage.Cursor, err error) {
	if err := t.writeWaiting(); err != nil {
		return 0, err
	}
	_, id, err := t.writeRows(&t.rows.events)
	return storage.Cursor(id), wrap("event", err)
}

// writeWaiting writes what waits but the events, which no turn looks at.
func (t *tx) writeWaiting() error {
	g := t.rows
	if all, err := t.writeConversations(); err != nil {
		return err
	} else if !all {
		return errStale
	}
	steps := []struct {
		noun string
		set  *rowSet
	}{{"message", &g.messages}, {"outbox row", &g.outbox}, {"timer", &g.timers}, {"receipt", &g.receipts}, {"lookup", &g.lookups}, {"audit entry", &g.audit}}
	for _, step := range steps {
		if _, _, err := t.writeRows(step.set); err != nil {
			return wrap(step.noun, err)
		}
	}
	return t.writeRecords()
}

// writeConversations changes the conversations that wait, and says whether
// each stood where its turn was decided.
func (t *tx) writeConversations() (all bool, err error) {
	set := &t.rows.conversations
	defer set.drop()
	left := int64(set.len())
	for _, text := range changeConversations {
		if left == 0 {
			break
		}
		changed, _, err := t.feedRows(text, set)
		if err != nil {
			return false, raced("conversation", err)
		}
		left -= changed
	}
	return left == 0, nil
}

// writeRecords writes the new records that wait; one that is there already
// makes its turn stale.
func (t *tx) writeRecords() error {
	n := int64(t.rows.records.len())
	made, _, err := t.writeRows(&t.rows.records)
	if err == nil && made < n {
		return errStale
	}
	return err
}
