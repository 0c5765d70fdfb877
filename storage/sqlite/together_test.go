package sqlite

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"dispatcher/storage"
)

// TestTogetherIsOneByOne: whatever a batch holds - known events, turns that
// build on each other or race, rows that the schema refuses - its outcomes and
// what it leaves are those of its turns in savepoints, one after the other.
func TestTogetherIsOneByOne(t *testing.T) {
	t.Parallel()
	empty := blank(t)
	rapid.Check(t, func(r *rapid.T) {
		still := Options{Now: func() time.Time { return time.Unix(1_795_000_000, 0) }}
		batch, single := openCopy(t, empty, still), openCopy(t, empty, still)
		m := &mixer{r: r}
		for range 20 {
			turns := m.turns()
			got, err := batch.Apply(context.Background(), turns)
			if err != nil {
				r.Fatal(err)
			}
			want := oneByOne(r, single, turns)
			for i := range turns {
				if a, b := told(got[i]), told(want[i]); a != b {
					r.Fatalf("turn %d of %d\ntogether   %s\none by one %s", i+1, len(turns), a, b)
				}
			}
			sameRows(r, rowsOf(r, batch), rowsOf(r, single))
			m.learn(want)
		}
	})
}

func sameRows(r *rapid.T, a, b []string) {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			r.Fatalf("row %d\ntogether   %s\none by one %s", i+1, a[i], b[i])
		}
	}
	if len(a) != len(b) {
		r.Fatalf("%d rows together, %d one by one", len(a), len(b))
	}
}

// oneByOne is the reference: each turn in its savepoint.
func oneByOne(r *rapid.T, s *Store, turns []storage.Turn) []storage.Outcome {
	out := make([]storage.Outcome, len(turns))
	err := s.write(context.Background(), "apply", func(t *tx) (err error) {
		for i := range turns {
			if out[i], err = s.applyOne(t, &turns[i], s.nowMS()); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		r.Fatal(err)
	}
	return out
}

// told is an outcome without what depends on the order inside a commit.
func told(o storage.Outcome) string {
	return fmt.Sprint(o.Status, o.Conversation, o.Contact, o.Version, o.Opened, len(o.Dup), o.Cursor > 0, o.Fenced, o.Err)
}

// rowsOf is every row of the tables that turns write, without the numbers that
// are given in the order of writing.
func rowsOf(r *rapid.T, s *Store) (all []string) {
	for table, cols := range map[string]string{
		"seen": "channel_id, at_s, hex(key)", "messages": "conversation_id, seq, kind, delivery, reason, hex(body)",
		"conversations": "id, contact_id, status, owner, owner_id, position, version, turn_id, last_seq, epoch, updated_at, labels",
		"outbox":        "conversation_id, seq, kind, epoch, status", "timers": "conversation_id, name, id, due_at", "events": "conversation_id, seq, type",
		"receipts": "hex(hash), conversation_id, seq", "records": "hex(id), version, hex(body)", "audit": "verb, object", "lookups": "hex(hash), contact_id",
		"ownership": "conversation_id, epoch, owner, until > 0", "contacts": "id, hex(profile)", "parked": "error",
	} {
		rows, err := s.walkDB.Query("SELECT concat_ws('|', " + cols + ") FROM " + table)
		if err != nil {
			r.Fatal(err)
		}
		for rows.Next() {
			var line string
			if err := rows.Scan(&line); err != nil {
				r.Fatal(err)
			}
			all = append(all, table+" "+line)
		}
		if err := rows.Close(); err != nil {
			r.Fatal(err)
		}
	}
	slices.Sort(all)
	return all
}

// mixer makes batches about a handful of people.
type mixer struct {
	r       *rapid.T
	n       int64 // makes ids and keys new
	convs   []storage.Conversation
	pending []*storage.Conversation // by turn of the batch: where it moves its conversation
}

func (m *mixer) chance(percent int, of string) bool {
	return rapid.IntRange(1, 100).Draw(m.r, of) <= percent
}

func (m *mixer) turns() []storage.Turn {
	m.pending = nil
	turns := make([]storage.Turn, rapid.IntRange(1, 8).Draw(m.r, "turns"))
	at := slices.Clone(m.convs)
	for i := range turns {
		if len(m.convs) < 3 || m.chance(8, "opens") {
			turns[i] = m.opening()
			continue
		}
		turns[i] = m.middle(&at[rapid.IntRange(0, min(len(at), 4)-1).Draw(m.r, "conversation")])
	}
	return turns
}

func (m *mixer) key() storage.SeenKey {
	m.n++
	k := storage.SeenKey{Channel: 1, AtS: m.n}
	if m.n > 3 && m.chance(4, "known event") {
		k.AtS = rapid.Int64Range(1, m.n-1).Draw(m.r, "which")
	}
	return k
}

// opening is of somebody new, or of somebody who has a conversation already.
func (m *mixer) opening() storage.Turn {
	m.n++
	t := opening(int(m.n) + 1_000_000)
	t.Seen = []storage.SeenKey{m.key()}
	m.pending = append(m.pending, nil)
	if len(m.convs) > 0 && m.chance(40, "known person") {
		t.Contact, t.Identities, t.Lookups = nil, nil, nil
		t.Conv.Contact = m.convs[0].Contact
	}
	return t
}

// middle moves a conversation on; at is where it stands if all before it in
// the batch go well.
func (m *mixer) middle(at *storage.Conversation) storage.Turn {
	t := middle(at)
	m.n++
	t.ID, t.Seen = uint64(m.n), []storage.SeenKey{m.key()}
	t.Receipts[0].Hash = []byte{byte(m.n % 50)}
	c := t.Conv
	c.Position = rapid.SampledFrom([]string{"loop.start", "loop.end"}).Draw(m.r, "position")
	c.Owner = rapid.SampledFrom([]int16{1, 1, 1, 3}).Draw(m.r, "owner")
	c.Status = rapid.SampledFrom([]int16{1, 1, 1, 1, 2}).Draw(m.r, "status")
	if m.chance(15, "settles") {
		t.Settle = rapid.SampledFrom([]storage.SettleRule{storage.SettleCancel, storage.SettleRestamp}).Draw(m.r, "how")
		t.Changes = []storage.MessageChange{{Seq: rapid.Int64Range(1, at.LastSeq+1).Draw(m.r, "changed"), Body: []byte("changed"), Delivery: storage.DeliveryRead}}
	}
	if m.chance(10, "records") {
		t.Records = []storage.Record{{Kind: 9, ID: []byte{byte(m.n)}, Body: []byte("a")}, {Kind: 9, ID: []byte{byte(m.n)}, Version: 1, Body: []byte("b")}}
	}
	if m.chance(10, "cancels") {
		t.Cancel, t.Timers = []string{"idle"}, nil
	}
	if m.chance(5, "opens another") && c.Status == storage.Resolved {
		t.Opens = &storage.Turn{Conv: &storage.Conversation{Contact: c.Contact, Status: 1, Owner: 1, Epoch: 1, Channel: 1}, Seen: []storage.SeenKey{m.key()},
			Events: []storage.Event{{Type: "opened"}}}
	}
	switch rapid.IntRange(0, 40).Draw(m.r, "wrong") {
	case 0:
		t.Expect-- // decided too early
	case 1:
		t.Messages[2].Kind = 99 // the schema refuses it
	case 2:
		for i := range t.Messages {
			t.Messages[i].Seq += 5
		}
	case 3:
		t.Seen = append(t.Seen, t.Seen...) // the same event twice
	case 4:
		t.Drop = []storage.TimerDrop{{Name: "idle", ID: 4}} // it is gone
	}
	at.Version++
	at.LastSeq += 3
	next := *at
	m.pending = append(m.pending, &next)
	return t
}

// learn keeps where the conversations stand.
func (m *mixer) learn(out []storage.Outcome) {
	for i, o := range out {
		if o.Status != storage.Applied {
			continue
		}
		if m.pending[i] == nil {
			m.convs = append(m.convs, storage.Conversation{ID: o.Conversation, Contact: o.Contact, UID: o.UID, Version: 1, LastSeq: 2})
			continue
		}
		for k := range m.convs {
			if m.convs[k].ID == o.Conversation && o.Version > m.convs[k].Version {
				m.convs[k] = *m.pending[i]
				m.convs[k].Version, m.convs[k].LastSeq = o.Version, m.convs[k].LastSeq-3*(m.pending[i].Version-o.Version)
			}
		}
	}
}
