package inbox

import (
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"sync"
	"time"

	"dispatcher/engine"
	"dispatcher/storage"
)

// Figures of runtime.md 3.3.
const (
	callsPerService = 8
	callsInAll      = 32
	callTotal       = 30 * time.Second // of all attempts
	callGrace       = 10 * time.Second // after that whoever waits goes on without an answer
	callBatch       = 512
	callPoll        = time.Second
	breakAfter      = 5
	breakFor        = 10 * time.Second
)

// callChannel is the number under which requests to services lie in the
// outbox: they belong to no channel.
const callChannel int64 = -1

// Words of a result that is no answer (language.md 2.11).
const (
	failTimeout = "timeout"
	failRefused = "refused"
	failInvalid = "invalid"
)

// What a callRequest is for.
const (
	callLookup = "lookup"
	callStart  = "verify_start"
	callCheck  = "verify_check"
)

// timerCall begins the name of the timer that bounds the wait for a result.
const timerCall = "call:"

func callTimer(id string) string { return timerCall + id + "." }

// callRequest is one request to a declared service, sealed in its row. It
// names the service, never an address.
type callRequest struct {
	For     string          `json:"for"`
	ID      string          `json:"id"` // of the look-up or verification, unique in its conversation
	Service string          `json:"service"`
	Method  string          `json:"method"`
	Path    string          `json:"path"`
	Body    json.RawMessage `json:"body,omitempty"`
	Timeout time.Duration   `json:"timeout,omitempty"` // of one attempt; 0 = the service's
	Retry   int             `json:"retry,omitempty"`
	Returns json.RawMessage `json:"returns,omitempty"`
}

// callOf is a look-up as its row holds it.
func callOf(c engine.Call) callRequest {
	return callRequest{For: callLookup, ID: c.ID, Service: c.Service, Method: c.Method, Path: c.Path, Body: c.Body,
		Timeout: c.Timeout, Retry: c.Retry, Returns: c.Returns}
}

// Call asks a service after this turn's commit; the answer comes back as a
// turn of its own, at latest when the timer says so.
func (d *Draft) Call(r callRequest) {
	now := d.View.Now
	box, err := d.keys.seal("outbox", d.conv.UID, 0, "call", r)
	d.fail("call", err)
	d.turn.Outbox = append(d.turn.Outbox, storage.OutboxRow{UID: newUID(), Conversation: d.conv.ID, Kind: storage.RowCall, Channel: callChannel,
		Origin: storage.OriginSystem, Status: storage.RowPending, DueAt: now.UnixMilli(), ExpiresAt: now.Add(callTotal).UnixMilli(), Priority: 2, Request: box})
	d.Timer(callTimer(r.ID), now.Add(callTotal+callGrace))
}

// request opens what a row asks a service.
func (r *Reader) request(conv storage.UID, row storage.OutboxRow) (c callRequest, err error) {
	return c, r.open(row.Request, "outbox", conv, row.Seq, "call", &c)
}

// caller makes the requests that flows have asked for, some at a time.
type caller struct {
	s    *Service
	wake chan struct{}
	all  chan struct{}
	wg   sync.WaitGroup

	ctx  context.Context // ends when nothing new is asked
	open context.Context // ends when those under way may not answer any more
	end  context.CancelFunc
	wait func(n int) time.Duration // before attempt n + 2

	mu       sync.Mutex
	services map[string]*service
	broken   map[string]*breaker // by alias: an edit does not mend a service
}

func newCaller(s *Service) *caller {
	return &caller{s: s, wake: make(chan struct{}, 1), all: make(chan struct{}, callsInAll), services: map[string]*service{}, broken: map[string]*breaker{},
		wait: func(n int) time.Duration { return time.Second << n }}
}

// start begins to call; ctx ends the taking of new requests.
func (c *caller) start(ctx context.Context) {
	c.ctx = ctx
	c.open, c.end = context.WithCancel(context.WithoutCancel(ctx))
	c.wg.Go(c.run)
}

// stop lets what was asked be answered until ctx ends. What was not, is asked
// again by the next process, or found unanswered (language.md 2.11).
func (c *caller) stop(ctx context.Context) {
	if c.end == nil {
		return
	}
	stop := context.AfterFunc(ctx, c.end)
	defer stop()
	c.wg.Wait()
	c.end()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, svc := range c.services {
		svc.client.CloseIdleConnections()
	}
}

func (c *caller) nudge() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// run takes due requests and makes each of them beside the others.
func (c *caller) run() {
	for c.ctx.Err() == nil {
		t := time.NewTimer(c.take())
		select {
		case <-c.wake:
		case <-t.C:
		case <-c.ctx.Done():
		}
		t.Stop()
	}
}

func (c *caller) take() (rest time.Duration) {
	now := c.s.now()
	work, next, err := c.s.store.Lease(c.ctx, storage.LeaseQuery{What: "outbox", Channel: callChannel, Now: now.UnixMilli(), Node: c.s.node, For: leaseFor, N: callBatch})
	if err != nil {
		if c.ctx.Err() == nil {
			c.s.wrote(err)
			c.s.log.LogAttrs(c.ctx, slog.LevelError, "lease look-ups", slog.Any("error", err))
		}
		return callPoll
	}
	for _, w := range work {
		c.wg.Go(func() { c.handle(w) })
	}
	if next.IsZero() {
		return callPoll
	}
	return max(time.Millisecond, min(callPoll, next.Sub(now)))
}

// handle brings one request to its result.
func (c *caller) handle(w storage.Work) {
	row := *w.Row
	uid, r, err := c.read(w)
	if err != nil {
		if c.open.Err() == nil {
			c.s.log.LogAttrs(c.ctx, slog.LevelError, "open request to a service", slog.Int64("row", row.ID), slog.String("error", errorCode(err)))
			c.settle(row, "cancel", 0)
		}
		return
	}
	svc := c.service(r.Service)
	if svc == nil {
		c.finish(row, r, failed(failRefused))
		return
	}
	leave, ok := c.enter(svc)
	if !ok {
		return // stopping: the row waits for the next process
	}
	defer leave()
	b := c.breaker(r.Service)
	switch {
	case c.s.now().UnixMilli() >= row.ExpiresAt:
		c.finish(row, r, failed(failTimeout))
		return
	case !b.allow(c.s.now()):
		c.finish(row, r, failed(failRefused))
		return
	case r.Method != "get" && !c.mark(row): // who has asked once does not ask again
		b.release()
		return
	}
	start := time.Now()
	got := svc.ask(c.open, r, UIDText(row.UID), c.wait)
	if c.open.Err() != nil {
		return
	}
	b.heard(got.well(), c.s.now())
	c.told(uid, r, got, time.Since(start))
	c.finish(row, r, got)
}

// enter waits for its turn: so many at one service, so many in all.
func (c *caller) enter(svc *service) (leave func(), ok bool) {
	for _, slots := range []chan struct{}{svc.slots, c.all} {
		select {
		case slots <- struct{}{}:
		case <-c.ctx.Done():
			if slots == c.all {
				<-svc.slots
			}
			return nil, false
		}
	}
	return func() { <-c.all; <-svc.slots }, true
}

func (c *caller) read(w storage.Work) (uid storage.UID, r callRequest, err error) {
	snaps, err := c.s.store.Load(c.open, []storage.Key{{ID: w.Conv}})
	if err != nil {
		return uid, r, err
	}
	keys, err := NewReader(c.s.vault, snaps[0].Contact)
	if err != nil {
		return uid, r, err
	}
	uid = snaps[0].Conv.UID
	r, err = keys.request(uid, *w.Row)
	return uid, r, err
}

func (c *caller) mark(row storage.OutboxRow) bool {
	got, err := c.s.batcher.Settle(storage.Settlement{Do: "mark", Row: row.ID, Attempt: row.Attempt, Now: c.s.now().UnixMilli(), Node: c.s.node})
	c.s.wrote(err)
	return err == nil && got[0].OK
}

func (c *caller) settle(row storage.OutboxRow, do string, due int64) {
	_, _ = c.s.settleSurely(storage.Settlement{Do: do, Row: row.ID, Attempt: row.Attempt, Now: c.s.now().UnixMilli(), DueAt: due}) // wrote has logged what went wrong
}

// finish hands the result to the conversation and forgets the request.
func (c *caller) finish(row storage.OutboxRow, r callRequest, got answer) {
	if c.s.deliver(c.open, row.Conversation, r, got) {
		c.settle(row, "sent", 0)
	}
}

// lost is a request of which nobody knows whether it was made: the process
// that marked it is gone. Only those are marked that may not be made twice.
func (c *caller) lost(w storage.Work) {
	row := *w.Row
	_, r, err := c.read(w)
	if err != nil {
		c.settle(row, "cancel", 0)
		return
	}
	c.finish(row, r, failed(failTimeout))
}

// told keeps the figures and, for an operator, what came of a request: never
// its path, which may hold what a customer wrote.
func (c *caller) told(uid storage.UID, r callRequest, got answer, took time.Duration) {
	word := got.word()
	c.s.metrics.lookups.WithLabelValues(c.s.metrics.caps.of("service", r.Service), word).Inc()
	c.s.metrics.lookup.Observe(took.Seconds())
	level := slog.LevelDebug
	if !got.well() {
		level = slog.LevelWarn
	}
	attrs := []slog.Attr{slog.String("service", r.Service), slog.String("conversation", UIDText(uid)), slog.String("result", word),
		slog.Int("attempts", got.attempts), slog.Duration("took", took)}
	if got.why != "" {
		attrs = append(attrs, slog.String("why", got.why))
	}
	c.s.log.LogAttrs(c.open, level, "service asked", attrs...)
}

// service gives the client of a declared service as the live set has it, nil
// for one that is not declared or whose references have no value here.
func (c *caller) service(alias string) *service {
	p := c.s.live.Load()
	if p == nil {
		return nil
	}
	def, ok := p.Config.Service[alias]
	if !ok {
		return nil
	}
	next, err := newService(def, c.s.cfg.Secret)
	if err != nil {
		c.s.log.LogAttrs(c.ctx, slog.LevelError, "service cannot be used", slog.String("service", alias), slog.String("why", err.Error()))
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	old := c.services[alias]
	if old != nil && old.same(next) {
		return old
	}
	if old != nil {
		old.client.CloseIdleConnections()
	}
	next.client = NewClient(Guard{Loopback: def.Insecure, AllowPrivate: def.AllowPrivate, MaxConns: callsPerService})
	c.services[alias] = next
	return next
}

func (c *caller) breaker(alias string) *breaker {
	c.mu.Lock()
	defer c.mu.Unlock()
	b := c.broken[alias]
	if b == nil {
		b = &breaker{}
		c.broken[alias] = b
	}
	return b
}

// breaker keeps away from a service that does not answer: five failures in a
// row, then ten seconds of none, then one probe.
type breaker struct {
	mu       sync.Mutex
	failures int
	until    time.Time
	probing  bool
}

func (b *breaker) allow(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.failures < breakAfter:
		return true
	case b.probing || now.Before(b.until):
		return false
	}
	b.probing = true
	return true
}

// release gives back a probe that was allowed and not made.
func (b *breaker) release() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.probing = false
}

func (b *breaker) heard(well bool, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.probing = false
	if well {
		b.failures = 0
		return
	}
	if b.failures++; b.failures >= breakAfter {
		b.until = now.Add(breakFor)
	}
}

// isCallTimer says whether a timer bounds the wait for a service.
func isCallTimer(name string) (id string, ok bool) {
	id, ok = strings.CutPrefix(name, timerCall)
	return strings.TrimSuffix(id, "."), ok
}
