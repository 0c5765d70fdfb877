package storagetest

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"dispatcher/storage"
)

// modelSteps is the length of one random program.
const modelSteps = 200

// model is what the store must hold, kept in plain maps. It knows the rules
// of runtime.md 1 and 3 and nothing of any engine.
type model struct {
	convs   []*modelConv
	seen    map[storage.SeenKey]bool
	records map[string]modelRecord
	turn    uint64
	rowID   int64
	nextKey int
}

type modelConv struct {
	id, version, epoch, last int64
	owner                    int16
	messages                 map[int64]*modelMessage
	rows                     []*modelRow
	timers                   map[string]int64 // name → id
}

type modelMessage struct {
	body     string
	delivery int16
}

type modelRow struct {
	id, seq, epoch int64
	origin, status int16
	attempt        int32
}

type modelRecord struct {
	version int64
	body    string
}

// runModel plays random programs against a store and the model and compares
// the hash of every row at the end.
func runModel(t *testing.T, open Open) {
	rapid.Check(t, func(rt *rapid.T) {
		w := &world{T: t, s: open(t)}
		m := &model{seen: map[storage.SeenKey]bool{}, records: map[string]modelRecord{}}
		steps := map[string]func(*rapid.T, *world){
			"open": m.open, "message": m.message, "stale": m.stale, "duplicate": m.duplicate, "owner": m.owner,
			"timer": m.timer, "send": m.send, "record": m.record,
		}
		names := make([]string, 0, len(steps))
		for name := range steps {
			names = append(names, name)
		}
		slices.Sort(names)
		for range modelSteps {
			steps[rapid.SampledFrom(names).Draw(rt, "step")](rt, w)
		}
		want, got := m.lines(), storeLines(w)
		if sha256.Sum256([]byte(strings.Join(want, "\n"))) != sha256.Sum256([]byte(strings.Join(got, "\n"))) {
			rt.Fatalf("rows differ:\n%s", firstDifference(want, got))
		}
		if err := w.s.Close(); err != nil {
			rt.Fatal(err)
		}
	})
}

// one applies a turn and demands a status.
func (m *model) one(rt *rapid.T, w *world, t storage.Turn, want storage.Status) storage.Outcome {
	m.turn++
	t.ID = m.turn
	out, err := w.s.Apply(context.Background(), []storage.Turn{t})
	if err != nil {
		rt.Fatal(err)
	}
	if out[0].Status != want {
		rt.Fatalf("status %d, want %d: %v", out[0].Status, want, out[0].Err)
	}
	return out[0]
}

func (m *model) key() storage.SeenKey {
	m.nextKey++
	return seenOf(m.nextKey)
}

// pick draws a conversation; nil while there is none.
func (m *model) pick(rt *rapid.T) *modelConv {
	if len(m.convs) == 0 {
		return nil
	}
	return rapid.SampledFrom(m.convs).Draw(rt, "conversation")
}

// change is a turn on c's present version that keeps its columns.
func (c *modelConv) change() storage.Turn {
	return storage.Turn{Key: storage.Key{ID: c.id}, Expect: c.version, Conv: &storage.Conversation{ID: c.id, Status: storage.Open,
		Owner: c.owner, Epoch: c.epoch, Channel: 1}}
}

func (m *model) open(rt *rapid.T, w *world) {
	t := w.opening(len(m.convs) + 1)
	key := m.key()
	t.Seen = []storage.SeenKey{key}
	out := m.one(rt, w, t, storage.Applied)
	m.seen[key] = true
	m.convs = append(m.convs, &modelConv{id: out.Conversation, version: 1, epoch: 1, last: 1, owner: storage.OwnerBot, timers: map[string]int64{},
		messages: map[int64]*modelMessage{1: {"sealed words", 0}}})
}

func (m *model) message(rt *rapid.T, w *world) {
	c := m.pick(rt)
	if c == nil {
		return
	}
	t := c.change()
	key := m.key()
	t.Seen = []storage.SeenKey{key}
	body := rapid.StringN(0, 20, 60).Draw(rt, "body")
	in := inbound(c.last + 1)
	in.Body = []byte(body)
	t.Messages = []storage.Message{in}
	c.messages[c.last+1] = &modelMessage{body, storage.DeliveryNone}
	origin := rapid.SampledFrom([]int16{storage.OriginBot, storage.OriginAgent}).Draw(rt, "origin")
	for i := range int64(rapid.IntRange(0, 3).Draw(rt, "answers")) {
		seq := c.last + 2 + i
		t.Messages, t.Outbox = append(t.Messages, outbound(seq)), append(t.Outbox, sendRow(seq, c.epoch, origin))
		m.rowID++
		c.messages[seq] = &modelMessage{"sealed answer", storage.DeliveryPending}
		c.rows = append(c.rows, &modelRow{id: m.rowID, seq: seq, epoch: c.epoch, origin: origin, status: storage.RowPending})
	}
	m.one(rt, w, t, storage.Applied)
	m.seen[key] = true
	c.version++
	c.last += int64(len(t.Messages))
}

func (m *model) stale(rt *rapid.T, w *world) {
	c := m.pick(rt)
	if c == nil {
		return
	}
	t := c.change()
	t.Expect += rapid.SampledFrom([]int64{-1, 1, 5}).Draw(rt, "off by")
	if t.Expect < 0 {
		return
	}
	t.Messages, t.Seen = []storage.Message{inbound(c.last + 1)}, []storage.SeenKey{m.key()}
	t.Timers = []storage.Timer{timer("stale", 1, base)}
	m.one(rt, w, t, storage.Stale)
}

func (m *model) duplicate(rt *rapid.T, w *world) {
	c := m.pick(rt)
	if c == nil || len(m.seen) == 0 {
		return
	}
	keys := make([]storage.SeenKey, 0, len(m.seen))
	for k := range m.seen {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b storage.SeenKey) int { return cmp.Compare(a.AtS, b.AtS) })
	t := c.change()
	t.Messages = []storage.Message{inbound(c.last + 1)}
	t.Seen = []storage.SeenKey{m.key(), rapid.SampledFrom(keys).Draw(rt, "known")}
	m.one(rt, w, t, storage.Duplicate)
}

func (m *model) owner(rt *rapid.T, w *world) {
	c := m.pick(rt)
	if c == nil {
		return
	}
	t := c.change()
	own(rapid.SampledFrom([]int16{storage.OwnerBot, storage.OwnerQueue, storage.OwnerAgent}).Draw(rt, "owner"), storage.PhaseBot, "x", "edge")(&t)
	t.Settle = rapid.SampledFrom([]storage.SettleRule{storage.SettleNone, storage.SettleRestamp, storage.SettleCancel}).Draw(rt, "settle")
	m.one(rt, w, t, storage.Applied)
	c.version, c.epoch, c.owner = c.version+1, c.epoch+1, t.Conv.Owner
	c.rows = slices.DeleteFunc(c.rows, func(r *modelRow) bool {
		if r.status != storage.RowPending || r.origin != storage.OriginBot {
			return false
		}
		switch t.Settle {
		case storage.SettleRestamp:
			r.epoch = c.epoch
		case storage.SettleCancel:
			if msg := c.messages[r.seq]; msg.delivery <= storage.DeliveryPending {
				msg.delivery = storage.DeliveryCancelled
			}
			return true
		}
		return false
	})
}

func (m *model) timer(rt *rapid.T, w *world) {
	c := m.pick(rt)
	if c == nil {
		return
	}
	name := rapid.SampledFrom([]string{"close", "silence:1", "silence:2"}).Draw(rt, "name")
	t := c.change()
	want := storage.Applied
	if rapid.Bool().Draw(rt, "drop") {
		id, there := c.timers[name]
		t.Drop = []storage.TimerDrop{{Name: name, ID: id}}
		if !there {
			want = storage.Stale
		}
		delete(c.timers, name)
	} else {
		c.timers[name] = int64(m.turn) + 1
		t.Timers = []storage.Timer{timer(name, c.timers[name], base)}
	}
	m.one(rt, w, t, want)
	if want == storage.Applied {
		c.version++
	}
}

// send leases and settles everything that is first in its line.
func (m *model) send(rt *rapid.T, w *world) {
	now := base + int64(m.turn)*1_000_000 // every earlier lease is over
	m.turn++
	work, _, err := w.s.Lease(context.Background(), storage.LeaseQuery{What: "outbox", Now: now, N: 100})
	if err != nil {
		rt.Fatal(err)
	}
	first := map[int64]*modelRow{}
	for _, c := range m.convs {
		if i := slices.IndexFunc(c.rows, func(r *modelRow) bool { return r.status == storage.RowPending }); i >= 0 {
			first[c.id] = c.rows[i]
		}
	}
	if len(work) != len(first) {
		rt.Fatalf("%d rows of work, want %d", len(work), len(first))
	}
	for _, item := range work {
		c := m.convs[slices.IndexFunc(m.convs, func(c *modelConv) bool { return c.id == item.Conv })]
		row := first[c.id]
		if row.id != item.Row.ID || row.attempt != item.Row.Attempt {
			rt.Fatalf("row %d attempt %d, want %d attempt %d", item.Row.ID, item.Row.Attempt, row.id, row.attempt)
		}
		do := rapid.SampledFrom([]string{"sent", "retry", "failed", "cancel"}).Draw(rt, "result")
		got, err := w.s.Settle(context.Background(), []storage.Settlement{{Do: "mark", Row: row.id, Attempt: row.attempt, Now: now},
			{Do: do, Row: row.id, Attempt: row.attempt, Now: now, DueAt: now}})
		if err != nil {
			rt.Fatal(err)
		}
		if fenced := row.origin == storage.OriginBot && row.epoch != c.epoch; got[0].OK == fenced || !got[1].OK {
			rt.Fatalf("mark under epoch %d of %d: %+v", row.epoch, c.epoch, got)
		}
		c.settle(row, do)
	}
}

func (c *modelConv) settle(row *modelRow, do string) {
	if do == "retry" {
		row.attempt++
		return
	}
	c.messages[row.seq].delivery = map[string]int16{"sent": storage.DeliverySent, "failed": storage.DeliveryFailed, "cancel": storage.DeliveryCancelled}[do]
	if do == "failed" {
		row.status = storage.RowFailed
		return
	}
	c.rows = slices.DeleteFunc(c.rows, func(r *modelRow) bool { return r == row })
}

func (m *model) record(rt *rapid.T, w *world) {
	id := rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "record")
	version := int64(rapid.IntRange(0, 3).Draw(rt, "version"))
	err := w.s.Put(context.Background(), []storage.Record{{Kind: storage.KindSetting, ID: []byte(id), Version: version, Body: []byte(fmt.Sprint(m.turn))}}, nil)
	if was := m.records[id]; was.version != version {
		if err != storage.ErrConflict {
			rt.Fatalf("version %d over %d: %v", version, was.version, err)
		}
		return
	}
	if err != nil {
		rt.Fatal(err)
	}
	m.records[id] = modelRecord{version + 1, fmt.Sprint(m.turn)}
}
