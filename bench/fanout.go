package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// perToken is how many live streams one token may hold (server/events.go).
const perToken = 20

// makeTokens makes as many API tokens as the readers of the fan-out need.
func (s *service) makeTokens(client *http.Client) ([]string, error) {
	var out []string
	for i := range s.readers {
		var made struct {
			Token string `json:"token"`
		}
		err := s.postJSON(client, "/api/v1/tokens", map[string]any{"name": fmt.Sprintf("reader %d", i), "scopes": []string{"conversations:read"}}, &made)
		if err != nil {
			return nil, fmt.Errorf("token: %w", err)
		}
		out = append(out, made.Token)
	}
	return out, nil
}

// audience is readers of a live stream on connections of their own.
type audience struct {
	conns []net.Conn
	got   atomic.Int64 // readers that have read something since expect
	bytes atomic.Int64
	epoch atomic.Int64
	last  chan time.Time // when everybody has
	ended atomic.Int64
	wg    sync.WaitGroup
}

// listen connects one reader and waits until the stream has begun.
func (a *audience) listen(addr, path, token string) error {
	c, err := net.DialTimeout("tcp", addr, 10*time.Second)
	if err != nil {
		return err
	}
	auth := ""
	if token != "" {
		auth = "Authorization: Bearer " + token + "\r\n"
	}
	if _, err := fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: %s\r\nAccept: text/event-stream\r\n%s\r\n", path, addr, auth); err != nil {
		return err
	}
	head := make([]byte, 0, 4096)
	for !bytes.Contains(head, []byte("id: ")) {
		n, err := c.Read(head[len(head):cap(head)])
		head = head[:len(head)+n]
		if err != nil || len(head) == cap(head) || len(head) > 12 && !bytes.HasPrefix(head[9:], []byte("200")) {
			return errors.Join(err, fmt.Errorf("the stream did not begin: %.200q", head))
		}
	}
	a.conns = append(a.conns, c)
	a.wg.Go(func() { a.read(c) })
	return nil
}

// read notes the first bytes after each expect.
func (a *audience) read(c net.Conn) {
	defer a.ended.Add(1)
	buf, seen := make([]byte, 16<<10), int64(0)
	for {
		n, err := c.Read(buf)
		if err != nil {
			return
		}
		a.bytes.Add(int64(n))
		if !bytes.Contains(buf[:n], []byte("data: ")) {
			continue // a heartbeat
		}
		if e := a.epoch.Load(); e > seen {
			seen = e
			if a.got.Add(1) == int64(len(a.conns)) {
				a.last <- time.Now()
			}
		}
	}
}

// expect begins to count anew.
func (a *audience) expect() {
	a.got.Store(0)
	a.epoch.Add(1)
}

func (a *audience) close() {
	for _, c := range a.conns {
		c.Close()
	}
	a.wg.Wait()
}

// changes makes n changes, pause apart, and gives how long each took to reach
// the last reader.
func (a *audience) changes(n int, pause time.Duration, change func() error) ([]time.Duration, error) {
	var out []time.Duration
	for range n {
		a.expect()
		begun := time.Now()
		if err := change(); err != nil {
			return nil, err
		}
		select {
		case at := <-a.last:
			out = append(out, at.Sub(begun))
		case <-time.After(20 * time.Second):
			return nil, fmt.Errorf("after 20 s %d of %d readers had read a change (%d streams ended)", a.got.Load(), len(a.conns), a.ended.Load())
		}
		time.Sleep(pause)
	}
	return out, nil
}

// fanRows are B13 and B14.
func (b *bench) fanRows() error {
	readers := size(b, 40, 1000, 1000)
	s := b.service("fan-out")
	s.readers = (readers + perToken - 1) / perToken
	if err := s.begin(loopProject); err != nil {
		return err
	}
	var err error
	if s.contacts, err = s.greet("c", size(b, 64, 512, 512)); err != nil {
		return err
	}
	if b.wants("B14") {
		if err := b.watched(s, readers); err != nil {
			return err
		}
	}
	if !b.wants("B13") {
		return nil
	}
	return b.fanOut(s, readers)
}

// gather connects readers to the service.
func (s *service) gather(readers int) (*audience, error) {
	a := &audience{last: make(chan time.Time, 1)}
	for i := range readers {
		if err := a.listen(s.addr, "/api/v1/events", s.tokens[i/perToken]); err != nil {
			a.close()
			return nil, fmt.Errorf("reader %d: %w", i+1, err)
		}
	}
	return a, nil
}

// fanOut is B13: one change to everybody, against a loop that writes as many
// bytes to as many connections.
func (b *bench) fanOut(s *service, readers int) error {
	a, err := s.gather(readers)
	if err != nil {
		return err
	}
	defer a.close()
	if err := s.connect(clients); err != nil {
		return err
	}
	n := size(b, 3, 15, 30)
	const pause = 60 * time.Millisecond
	ours, bare := &fan{pid: s.pid()}, &fan{}
	speak := func() error { return s.say(0) }
	if _, err := a.changes(2, pause, speak); err != nil {
		return err
	}
	before := a.bytes.Load()
	if _, err := a.changes(3, pause, speak); err != nil {
		return err
	}
	each := int(a.bytes.Load()-before) / 3 / readers
	c, err := b.newChild()
	if err != nil {
		return err
	}
	bare.pid = c.cmd.Process.Pid
	loop := &audience{last: make(chan time.Time, 1)}
	defer loop.close()
	for range readers {
		if err := loop.listen(c.addr, "/events", ""); err != nil {
			return err
		}
	}
	frame := append([]byte("data: "), bytes.Repeat([]byte("x"), max(each-8, 1))...)
	push := func() error { return postBytes("http://"+c.addr+"/events", append(frame, "\n\n"...)) }
	for round := range b.rounds {
		if err := ours.round(a, n, pause, speak); err != nil {
			return err
		}
		if err := bare.round(loop, n, pause, push); err != nil {
			return err
		}
		b.say("fan-out: round %d of %d", round+1, b.rounds)
	}
	b.set("B13", ratios(ours.cpu, bare.cpu))
	b.set("B13 ms", ours.p99)
	b.note("one change to %d streams of %d bytes: %.1f µs CPU per client, to the last p99 %.0f ms; bare loop %.1f µs, %.0f ms",
		readers, each, median(ours.cpu), median(ours.p99), median(bare.cpu), median(bare.p99))
	return nil
}

// fan is one side of B13 by round.
type fan struct {
	pid int
	cpu []float64 // µs per client and change
	p99 []float64 // ms to the last
}

func (f *fan) round(a *audience, n int, pause time.Duration, change func() error) error {
	before, err := usageOf(f.pid)
	if err != nil {
		return err
	}
	took, err := a.changes(n, pause, change)
	if err != nil {
		return err
	}
	after, err := usageOf(f.pid)
	if err != nil {
		return err
	}
	f.cpu = append(f.cpu, us(after.cpu-before.cpu)/float64(n*len(a.conns)))
	f.p99 = append(f.p99, ms(quantile(took, 0.99)))
	return nil
}

func postBytes(url string, body []byte) error {
	res, err := http.Post(url, "application/octet-stream", bytes.NewReader(body))
	if err != nil {
		return err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	return err
}

// watched is B14: the waits of steady traffic with everybody watching and with
// nobody.
func (b *bench) watched(s *service, readers int) error {
	const perSecond = 20
	d := b.millis(300, 4000, 4000)
	var alone, seen []float64
	for round := range b.rounds {
		quiet, err := s.steady(b.ctx, clients, perSecond, d)
		if err != nil {
			return err
		}
		a, err := s.gather(readers)
		if err != nil {
			return err
		}
		a.last = make(chan time.Time, 1024)
		busy, err := s.steady(b.ctx, clients, perSecond, d)
		a.close()
		if err != nil {
			return err
		}
		alone, seen = append(alone, ms(quantile(quiet.waits, 0.99))), append(seen, ms(quantile(busy.waits, 0.99)))
		b.say("watched: round %d of %d", round+1, b.rounds)
	}
	b.set("B14", ratios(seen, alone))
	b.note("%d POST/s: p99 %.1f ms, with %d streams of everything %.1f ms", perSecond, median(alone), readers, median(seen))
	return nil
}
