package main

import (
	"context"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"dispatcher/storage"
	"dispatcher/storage/sqlite"
)

// growth is a small store and large ones, made once and used by the rows about
// throughput, memory and start.
type growth struct {
	small *service
	large []*store // 1 M, and 10 M in a full run
}

// store is a service with so many stored messages.
type store struct {
	*service
	name     string
	messages int
	old      []string // contacts whose conversations lie all over the older part
}

const perConversation = 10 // messages of a stored conversation

// grow makes the stores. A small one is opened through the program alone; a
// large one is filled with copies of sampled turns between stretches of real
// conversations, and ends with the newest ones, which most traffic goes to.
func (b *bench) grow() (*growth, error) {
	if b.grown != nil {
		return b.grown, nil
	}
	g := &growth{}
	small, err := b.newService("small", loopProject)
	if err != nil {
		return nil, err
	}
	if small.contacts, err = small.greet("c", size(b, 64, 3334, 3334)); err != nil {
		return nil, err
	}
	small.stop()
	g.small = small
	sizes := []int{size(b, 10_000, 1_000_000, 1_000_000)}
	if b.full {
		sizes = append(sizes, 10_000_000)
	}
	for _, n := range sizes {
		l, err := b.fill(n)
		if err != nil {
			return nil, err
		}
		g.large = append(g.large, l)
	}
	b.grown = g
	return g, nil
}

// fill makes one large store.
func (b *bench) fill(messages int) (*store, error) {
	name := fmt.Sprintf("%d messages", messages)
	l := &store{service: b.service(fmt.Sprintf("large-%d", messages)), name: name, messages: messages}
	if err := l.begin(loopProject); err != nil {
		return nil, err
	}
	const parts = 4
	for part := range parts {
		if l.cmd == nil {
			if err := l.start(); err != nil {
				return nil, err
			}
		}
		old, err := l.greet(fmt.Sprintf("old%d", part), size(b, 32, 640, 640))
		if err != nil {
			return nil, err
		}
		l.old = append(l.old, old...)
		l.stop()
		b.say("filling %s: part %d of %d", name, part+1, parts)
		if err := b.bulk(l.data, messages/parts/perConversation); err != nil {
			return nil, err
		}
	}
	if err := l.start(); err != nil {
		return nil, err
	}
	var err error
	l.contacts, err = l.greet("c", size(b, 64, 10240, 10240))
	l.stop()
	return l, err
}

// bulk writes open conversations straight into a store that nothing runs on.
func (b *bench) bulk(dir string, conversations int) error {
	s, err := b.sampled()
	if err != nil {
		return err
	}
	db, err := sqlite.Open(b.ctx, sqlite.Options{Dir: dir, Durability: sqlite.Normal})
	if err != nil {
		return err
	}
	defer db.Close()
	for made := 0; made < conversations && b.ctx.Err() == nil; made += batchTurns {
		turns := make([]storage.Turn, min(batchTurns, conversations-made))
		for i := range turns {
			turns[i] = s.stored()
		}
		out, err := db.Apply(context.Background(), turns)
		if err != nil {
			return err
		}
		for _, o := range out {
			if o.Status != storage.Applied {
				return fmt.Errorf("fill: turn has status %d: %w", o.Status, o.Err)
			}
		}
	}
	return b.ctx.Err()
}

// stored is an open conversation of ten messages with nothing left to send.
func (s *sample) stored() storage.Turn {
	t := s.open()
	seen, receipts := t.Seen, t.Receipts
	t.Outbox, t.Timers, t.Events, t.Records, t.Seen, t.Receipts = nil, nil, nil, nil, nil, nil
	first := t.Messages[0]
	kinds := t.Messages
	t.Messages = make([]storage.Message, perConversation)
	for i := range t.Messages {
		t.Messages[i] = kinds[i%len(kinds)]
		t.Messages[i].Seq = first.Seq + int64(i)
		if t.Messages[i].Dir == storage.DirOut {
			t.Messages[i].Delivery = storage.DeliverySent
			continue
		}
		for _, k := range seen {
			copy(k.Key[:], s.fresh(k.Key[:]))
			t.Seen = append(t.Seen, k)
		}
		for _, r := range receipts {
			r.Hash, r.Seq = s.spread(), t.Messages[i].Seq
			t.Messages[i].External = r.Hash
			t.Receipts = append(t.Receipts, r)
		}
	}
	return t
}

// say sends most messages to the newest conversations and a tenth to older ones.
func (l *store) say(who int) error {
	if len(l.old) > 0 && rand.IntN(10) == 0 {
		n := len(l.old) / len(l.conns)
		if n > 0 {
			return l.conns[who].say(l.old[who*n+rand.IntN(n)], "1")
		}
	}
	return l.service.say(who)
}

// grownRun is what one store gave, by round.
type grownRun struct {
	rate, p99, written []float64
}

// growthRows are B9 to B11.
func (b *bench) growthRows() error {
	if b.ceiling == 0 {
		r, err := b.newRaw("raw-growth", size(b, 128, 2048, 2048))
		if err != nil {
			return err
		}
		if b.ceiling, err = r.ceiling(b.ctx, b.millis(100, 2000, 2000)); err != nil {
			return err
		}
		r.close()
	}
	g, err := b.grow()
	if err != nil {
		return err
	}
	runs := make([]grownRun, 1+len(g.large))
	for round := range b.rounds {
		small, err := b.pristine(g.small, round)
		if err != nil {
			return err
		}
		for i, l := range append([]*store{{service: small}}, g.large...) {
			if err := b.loaded(l, &runs[i]); err != nil {
				return err
			}
		}
		_ = os.RemoveAll(small.data)
		b.say("growth: round %d of %d", round+1, b.rounds)
	}
	b.compareGrowth("", runs[1], runs[0])
	if len(runs) > 2 {
		b.compareGrowth(" 10M", runs[2], runs[0])
		b.note("10 M / 1 M stored: throughput %.2fx", median(ratios(runs[2].rate, runs[1].rate)))
	}
	for i, r := range runs {
		name := "10 k messages"
		if i > 0 {
			name = g.large[i-1].name
		}
		b.note("%s stored: %.0f POST/s, fixed load p99 %.1f ms, %.1f KB written a turn", name, median(r.rate), median(r.p99), median(r.written)/1024)
	}
	return nil
}

func (b *bench) compareGrowth(part string, large, small grownRun) {
	b.set("B9"+part, ratios(large.rate, small.rate))
	b.set("B10"+part, ratios(large.p99, small.p99))
	b.set("B11"+part, ratios(large.written, small.written))
}

// pristine is the small store as it was made, so that it stays small.
func (b *bench) pristine(from *service, round int) (*service, error) {
	s := b.service(fmt.Sprintf("small-%d", round))
	s.dir, s.contacts = from.dir, from.contacts
	return s, copyFolder(from.data, s.data)
}

func copyFolder(from, to string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			return os.MkdirAll(filepath.Join(to, rel), 0o700)
		}
		if !d.Type().IsRegular() {
			return nil // a socket of the run before
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), data, 0o600)
	})
}

// loaded starts the program on a store, warms it up and measures it.
func (b *bench) loaded(l *store, run *grownRun) error {
	if err := l.start(); err != nil {
		return err
	}
	defer l.stop()
	if err := l.connect(2 * clients); err != nil {
		return err
	}
	d := b.millis(100, 2000, 5000)
	if _, err := closedLoop(b.ctx, clients, d/2, l.say); err != nil {
		return err
	}
	before, err := usageOf(l.pid())
	if err != nil {
		return err
	}
	full, err := closedLoop(b.ctx, clients, d, l.say)
	if err != nil {
		return err
	}
	after, err := usageOf(l.pid())
	if err != nil {
		return err
	}
	if full.done == 0 {
		return fmt.Errorf("nothing was accepted: %w", full.why)
	}
	run.rate = append(run.rate, full.rate())
	run.written = append(run.written, float64(after.written-before.written)/float64(full.done))
	if !b.wants("B10") {
		return nil
	}
	time.Sleep(b.millis(10, 200, 200)) // what the flood left behind
	fixed, err := openLoop(b.ctx, 2*clients, b.ceiling/4, d, l.say)
	if err != nil {
		return err
	}
	run.p99 = append(run.p99, ms(quantile(fixed.waits, 0.99)))
	return nil
}
