package main

import (
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// sizeRows are B15 and B16: what the program weighs and how long it takes to
// start on a small store, a large one, and after a kill under load.
func (b *bench) sizeRows() error {
	g, err := b.grow()
	if err != nil {
		return err
	}
	l := g.large[len(g.large)-1]
	conversations := l.messages / perConversation
	b.note("the large store of B15 and B16 has %d conversations, all open, the small one %d", conversations+len(l.contacts)+len(l.old), len(g.small.contacts))
	if b.wants("B16") {
		if err := b.starts(g.small, l); err != nil {
			return err
		}
	}
	if !b.wants("B15") {
		return nil
	}
	return b.weigh(g.small, l)
}

// starts is B16: in every round an empty folder, the large one, and the large
// one after a kill.
func (b *bench) starts(small *service, l *store) error {
	var over, large, empty, killed, wal []float64
	for round := range b.rounds {
		e := b.service(fmt.Sprintf("empty-%d", round))
		e.dir = small.dir
		if err := e.start(); err != nil {
			return err
		}
		e.kill()
		if err := l.start(); err != nil {
			return err
		}
		limit := 1.2*e.took.Seconds() + 0.2
		over, large, empty = append(over, l.took.Seconds()/limit), append(large, ms(l.took)), append(empty, ms(e.took))
		if err := l.connect(clients); err != nil {
			return err
		}
		if _, err := closedLoop(b.ctx, clients, b.millis(100, 2000, 4000), l.say); err != nil {
			return err
		}
		l.kill()
		if info, err := os.Stat(filepath.Join(l.data, "dispatcher.db-wal")); err == nil {
			wal = append(wal, float64(info.Size())/(1<<20))
		}
		if err := l.start(); err != nil {
			return err
		}
		killed = append(killed, l.took.Seconds())
		l.stop()
	}
	b.set("B16", over)
	b.set("B16 kill", killed)
	b.note("exec to ready: empty %.0f ms, large %.0f ms, after a kill with %.0f MiB of WAL %.0f ms", median(empty), median(large), median(wal), 1000*median(killed))
	return nil
}

// weigh is B15: both run beside each other and are looked at after the same
// traffic and the same rest.
func (b *bench) weigh(small *service, l *store) error {
	var diff, low, high []float64
	for round := range b.rounds {
		s, err := b.pristine(small, 100+round)
		if err != nil {
			return err
		}
		var rss [2]float64
		for i, one := range []*store{{service: s}, l} {
			if rss[i], err = b.resident(one); err != nil {
				return err
			}
		}
		diff, low, high = append(diff, rss[1]-rss[0]), append(low, rss[0]), append(high, rss[1])
	}
	b.set("B15", diff)
	b.note("resident: small %.0f MiB, large %.0f MiB", median(low), median(high))
	return nil
}

// resident is the memory of a service in MiB after a little traffic and rest.
func (b *bench) resident(l *store) (float64, error) {
	if err := l.start(); err != nil {
		return 0, err
	}
	defer l.stop()
	if err := l.connect(clients); err != nil {
		return 0, err
	}
	if _, err := openLoop(b.ctx, clients, 200, b.millis(100, 1500, 30_000), l.say); err != nil {
		return 0, err
	}
	time.Sleep(b.millis(50, 1500, 30_000))
	u, err := usageOf(l.pid())
	return float64(u.rss) / (1 << 20), err
}
