package main

import (
	"fmt"
	"time"
)

// conversations are open before the full path is measured, so that nobody
// writes so often as to be a flood.
func (b *bench) conversations() int { return size(b, 128, 10240, 10240) }

// pathRows are B5 to B8: in every round the ceiling, one transaction each, one
// waiter alone, the full path, the echo floor and the fixed load.
func (b *bench) pathRows() error {
	r, err := b.newRaw("raw", size(b, 128, 4096, 4096))
	if err != nil {
		return err
	}
	p := &pathRun{b: b, raw: r, d: b.millis(50, 1500, 3000)}
	b.note("one turn: %d bytes of payload in %d messages, %d outbox rows, %d records, %d events",
		payload(&r.sample.middle), len(r.sample.middle.Messages), len(r.sample.middle.Outbox), len(r.sample.middle.Records), len(r.sample.middle.Events))
	if b.wants("B5") || b.wants("B6") || b.wants("B8") {
		if p.svc, err = b.startLoop("path", b.conversations()); err != nil {
			return err
		}
	}
	if b.wants("B6") {
		c, err := b.newChild()
		if err != nil {
			return err
		}
		echo, end, err := c.echoes()
		if err != nil {
			return err
		}
		defer end()
		p.echo = echo
	}
	for round := range b.rounds {
		if err := p.round(); err != nil {
			return err
		}
		b.say("path: round %d of %d", round+1, b.rounds)
	}
	p.report()
	return nil
}

// pathRun is what the rounds found, each list by round.
type pathRun struct {
	b    *bench
	raw  *raw
	svc  *service
	echo work
	d    time.Duration // of each figure in a round

	ceiling, alone, full, floor, p99 []float64
	p50, raw99                       []float64 // of the raw commit, ms
}

func (p *pathRun) round() error {
	ctx := p.b.ctx
	ceiling, err := p.raw.ceiling(ctx, p.d)
	if err != nil {
		return err
	}
	p.ceiling = append(p.ceiling, ceiling)
	p.b.ceiling = median(p.ceiling)
	if p.b.wants("B7") {
		alone, err := closedLoop(ctx, clients, p.d, p.raw.alone)
		if err != nil {
			return err
		}
		p.alone = append(p.alone, alone.rate())
	}
	if p.echo != nil {
		floor, err := closedLoop(ctx, clients, p.d, p.echo)
		if err != nil {
			return err
		}
		p.floor = append(p.floor, floor.rate())
	}
	if p.svc == nil {
		return nil
	}
	full, err := p.svc.flood(ctx, clients, p.d)
	if err != nil {
		return err
	}
	if full.refused > 0 {
		p.b.note("full path: %d of %d refused, the first: %v", full.refused, full.refused+full.done, full.why)
	}
	p.full = append(p.full, full.rate())
	if !p.b.wants("B8") {
		return nil
	}
	return p.fixed()
}

// fixed is B8: the raw commit, then the same load on the whole path.
func (p *pathRun) fixed() error {
	took, err := p.raw.one(p.b.ctx, p.d/3)
	if err != nil {
		return err
	}
	p.p50, p.raw99 = append(p.p50, ms(quantile(took, 0.5))), append(p.raw99, ms(quantile(took, 0.99)))
	o, err := p.svc.steady(p.b.ctx, 2*clients, p.b.ceiling/4, 2*p.d)
	if err != nil {
		return err
	}
	if len(o.waits) == 0 {
		return fmt.Errorf("nothing was sent at fixed load")
	}
	p.p99 = append(p.p99, ms(quantile(o.waits, 0.99)))
	return nil
}

func (p *pathRun) report() {
	b := p.b
	b.set("B5", ratios(p.full, p.ceiling))
	b.set("B6", ratios(p.full, p.floor))
	b.set("B7", ratios(p.ceiling, p.alone))
	b.set("B8", ratios(p.p99, p.p50))
	b.set("B8 ms", p.p99)
	b.note("raw ceiling %.0f turns/s, one transaction each %.0f, full path %.0f POST/s, echo floor %.0f POST/s",
		median(p.ceiling), median(p.alone), median(p.full), median(p.floor))
	if len(p.p50) > 0 {
		b.note("raw commit p50 %.2f ms, p99 %.2f ms; fixed load %.0f POST/s: p99 %.2f ms", median(p.p50), median(p.raw99), b.ceiling/4, median(p.p99))
	}
}
