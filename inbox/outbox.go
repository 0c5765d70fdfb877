package inbox

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"dispatcher/channels"
	"dispatcher/storage"
)

// Figures of the outbox (runtime.md 3.2, channels.md 4.3).
const (
	sendWorkers   = 8
	sendPoll      = time.Second
	lostPoll      = 5 * time.Second
	leaseFor      = 75 * time.Second // longest call, and room
	beginWithin   = time.Second      // a sender that has not begun to write by then gives up
	deadAfter     = 5                // transport failures in a row until only probes go out
	probeEvery    = 15 * time.Second
	houseKeeping  = time.Second
	drainRequests = 5 * time.Second
)

// outbox runs one sender per channel that has an outbox.
type outbox struct {
	s       *Service
	mu      sync.Mutex
	senders map[int64]*sender
	ctx     context.Context // ends when nothing new may be sent
	calls   context.Context // ends when written requests may not answer any more
	endCall context.CancelFunc
	wg      sync.WaitGroup
}

// sender owns the requests of one account: its workers, buckets, client and pauses.
type sender struct {
	s       *Service
	acct    *Account
	client  *http.Client
	buckets *buckets
	slots   chan struct{}
	wake    chan struct{}
	stop    context.CancelFunc

	mu       sync.Mutex
	until    time.Time // paused until then
	held     string    // paused until an operator resumes
	failures int       // transport failures in a row
	probe    time.Time // next probe of a dead channel
	probing  bool
	policy   []time.Time // refusals for policy in the last 10 min

	typing  typings
	showing chan struct{} // typing that the platform is being told
}

func newOutbox(s *Service) *outbox { return &outbox{s: s, senders: map[int64]*sender{}} }

// start begins to send; ctx ends the taking of new rows.
func (o *outbox) start(ctx context.Context) {
	o.mu.Lock()
	o.ctx = ctx
	o.calls, o.endCall = context.WithCancel(context.WithoutCancel(ctx))
	o.mu.Unlock()
	o.accountsChanged()
	o.wg.Go(func() { o.watchLost(ctx) })
}

// accountsChanged starts a sender for each new channel, and restarts those
// whose adapter changed. A channel that is gone keeps its rows.
func (o *outbox) accountsChanged() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.ctx == nil || o.ctx.Err() != nil {
		return
	}
	table := o.s.accounts.get()
	for number, x := range o.senders {
		if table.byNumber[number] != x.acct {
			x.stop()
			delete(o.senders, number)
		}
	}
	for _, acct := range table.list {
		if o.senders[acct.Number] != nil || acct.Caps.Native || acct.Caps.Pull {
			continue
		}
		x := o.newSender(acct)
		o.senders[acct.Number] = x
		ctx, stop := context.WithCancel(o.ctx)
		x.stop = stop
		o.wg.Go(func() { x.run(ctx) })
	}
}

func (o *outbox) newSender(acct *Account) *sender {
	x := &sender{
		s: o.s, acct: acct, slots: make(chan struct{}, sendWorkers), showing: make(chan struct{}, sendWorkers), wake: make(chan struct{}, 1),
		client: NewClient(Guard{Loopback: acct.Common.Insecure, MaxConns: sendWorkers}),
	}
	rec, err := o.s.channelState(o.ctx, acct.Alias)
	if err != nil {
		o.s.log.LogAttrs(o.ctx, slog.LevelError, "read state of channel", slog.String("channel", acct.Alias), slog.Any("error", err))
	}
	x.buckets = newBuckets(acct.Caps.Buckets, rec.Buckets, o.s.now())
	x.held = rec.Held
	if rec.PauseUntil > 0 {
		x.until = time.UnixMilli(rec.PauseUntil)
	}
	return x
}

// nudge wakes the sender of a channel: there is a row for it.
func (o *outbox) nudge(number int64) {
	o.mu.Lock()
	x := o.senders[number]
	o.mu.Unlock()
	if x != nil {
		x.nudge()
	}
}

func (x *sender) nudge() {
	select {
	case x.wake <- struct{}{}:
	default:
	}
}

// wait returns when every sender is at rest; written requests may answer until
// ctx ends, what is left stays sending and is found at the next start.
func (o *outbox) wait(ctx context.Context) {
	if o.endCall == nil {
		return
	}
	stop := context.AfterFunc(ctx, o.endCall)
	defer stop()
	o.wg.Wait()
	o.endCall()
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, x := range o.senders {
		x.client.CloseIdleConnections()
	}
}

// run takes due rows as long as there are free workers.
func (x *sender) run(ctx context.Context) {
	defer x.client.CloseIdleConnections()
	var workers sync.WaitGroup
	defer workers.Wait()
	tidy := x.s.now()
	for ctx.Err() == nil {
		wait := sendPoll
		if free := cap(x.slots) - len(x.slots); free > 0 {
			wait = x.take(ctx, free, &workers)
		}
		if now := x.s.now(); now.Sub(tidy) >= houseKeeping {
			tidy = now
			x.keepBuckets(ctx)
		}
		x.rest(ctx, wait)
	}
	x.keepBuckets(context.WithoutCancel(ctx))
}

func (x *sender) rest(ctx context.Context, wait time.Duration) {
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-x.wake:
	case <-t.C:
	case <-ctx.Done():
	}
}

// take leases rows and gives each to a worker; it says how long to rest.
func (x *sender) take(ctx context.Context, free int, workers *sync.WaitGroup) time.Duration {
	now := x.s.now()
	n, wait := x.allowed(free, now)
	if n == 0 {
		return wait
	}
	for conversation, out := range x.typing.due(x.s.now(), x.resend(), cap(x.showing)-len(x.showing)) {
		x.showing <- struct{}{}
		workers.Go(func() {
			defer func() { <-x.showing }()
			x.showTyping(ctx, out, conversation)
		})
	}
	work, next, err := x.s.store.Lease(ctx, storage.LeaseQuery{
		What: "outbox", Channel: x.acct.Number, Now: now.UnixMilli(), Node: x.s.node, For: leaseFor, N: n,
	})
	if err != nil {
		x.unprobed()
		if ctx.Err() == nil {
			x.s.wrote(err)
			x.s.log.LogAttrs(ctx, slog.LevelError, "lease outbox", slog.String("channel", x.acct.Alias), slog.Any("error", err))
		}
		return sendPoll
	}
	if len(work) == 0 {
		x.unprobed()
	}
	for _, w := range work {
		x.slots <- struct{}{}
		workers.Go(func() {
			defer func() { <-x.slots; x.probed(); x.nudge() }()
			x.handle(ctx, w)
		})
	}
	if next.IsZero() {
		return sendPoll
	}
	return max(time.Millisecond, min(sendPoll, next.Sub(now)))
}

// allowed says how many rows may be taken now, and how long to wait when none.
func (x *sender) allowed(free int, now time.Time) (n int, wait time.Duration) {
	if !x.s.writable() {
		return 0, sendPoll
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	switch {
	case x.held != "":
		return 0, sendPoll
	case x.until.After(now):
		return 0, min(sendPoll, x.until.Sub(now))
	case x.failures < deadAfter:
		return free, 0
	case x.probing:
		return 0, sendPoll
	case x.probe.After(now):
		return 0, min(sendPoll, x.probe.Sub(now))
	}
	x.probing, x.probe = true, now.Add(probeEvery)
	return 1, 0
}

// transport keeps count of failures of the way itself, not of messages.
func (x *sender) transport(failed bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.probing = false
	if !failed {
		x.failures = 0
		return
	}
	if x.failures++; x.failures == deadAfter {
		x.probe = x.s.now().Add(probeEvery)
	}
}

// probed ends a probe, whatever became of its row: one that was not sent at
// all, for its bucket or its owner, has said nothing, and the next probe may go.
func (x *sender) probed() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.probing = false
}

// unprobed takes back a probe for which no row was due.
func (x *sender) unprobed() {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.probing {
		x.probing, x.probe = false, time.Time{}
	}
}

// stopped says whether nothing may leave now, and until when at least.
func (x *sender) stopped(now time.Time) (until time.Time, stopped bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.held != "" {
		return now, true
	}
	return x.until, x.until.After(now)
}

// pause stops the account until a time, across restarts.
func (x *sender) pause(until time.Time) {
	x.mu.Lock()
	if until.After(x.until) {
		x.until = until
	}
	until = x.until
	x.mu.Unlock()
	x.keep(func(c *channelRecord) { c.PauseUntil = until.UnixMilli() })
}

// hold stops the account until an operator resumes it.
func (x *sender) hold(reason string) {
	x.mu.Lock()
	was := x.held
	x.held = reason
	x.mu.Unlock()
	if was == "" {
		x.s.log.LogAttrs(context.Background(), slog.LevelError, "channel paused until somebody resumes it",
			slog.String("channel", x.acct.Alias), slog.String("reason", reason))
		x.keep(func(c *channelRecord) { c.Held = reason })
	}
}

func (x *sender) keep(change func(*channelRecord)) {
	if err := x.s.changeChannel(context.Background(), x.acct.Alias, change); err != nil {
		x.s.log.LogAttrs(context.Background(), slog.LevelError, "keep state of channel", slog.String("channel", x.acct.Alias), slog.Any("error", err))
	}
}

func (x *sender) keepBuckets(ctx context.Context) {
	state := x.buckets.changed(x.s.now())
	if state == nil {
		return
	}
	if err := x.s.changeChannel(ctx, x.acct.Alias, func(c *channelRecord) { c.Buckets = state }); err != nil {
		x.s.log.LogAttrs(ctx, slog.LevelWarn, "keep buckets of channel", slog.String("channel", x.acct.Alias), slog.Any("error", err))
	}
}

// errNoChannel says that an alias is unknown or has no outbox.
var errNoChannel = errors.New("inbox: no such channel")

// ResumeChannel lets a paused channel send again.
func (s *Service) ResumeChannel(ctx context.Context, alias string) error {
	acct, ok := s.Account(alias)
	if !ok {
		return errNoChannel
	}
	err := s.changeChannel(ctx, alias, func(c *channelRecord) { c.Held, c.PauseUntil = "", 0 })
	if err != nil {
		return err
	}
	s.outbox.mu.Lock()
	x := s.outbox.senders[acct.Number]
	s.outbox.mu.Unlock()
	if x != nil {
		x.mu.Lock()
		x.held, x.until, x.failures = "", time.Time{}, 0
		x.mu.Unlock()
		x.nudge()
	}
	return nil
}

// Sending is what the console and /readyz show of a channel's sending.
type Sending struct {
	Held  string // why it waits for an operator; "" = it does not
	Until time.Time
	Left  *int // sends the tightest bucket still allows; nil = no limit
	Dead  bool // its last requests did not get through
}

// Sending says how a channel's sending stands.
func (s *Service) Sending(alias string) Sending {
	acct, ok := s.Account(alias)
	if !ok {
		return Sending{}
	}
	s.outbox.mu.Lock()
	x := s.outbox.senders[acct.Number]
	s.outbox.mu.Unlock()
	if x == nil {
		return Sending{}
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	return Sending{Held: x.held, Until: x.until, Left: x.buckets.left(s.now()), Dead: x.failures >= deadAfter}
}

// watchLost finds rows that were being written when their process ended, or
// whose lease ran out: nobody knows whether they arrived.
func (o *outbox) watchLost(ctx context.Context) {
	o.s.recall(ctx)
	for ctx.Err() == nil {
		work, _, err := o.s.store.Lease(ctx, storage.LeaseQuery{
			What: "outbox", Any: true, Now: o.s.now().UnixMilli(), Node: o.s.node, For: leaseFor, N: 256,
		})
		if err != nil && ctx.Err() == nil {
			o.s.log.LogAttrs(ctx, slog.LevelError, "look for lost rows", slog.Any("error", err))
		}
		for _, w := range work {
			o.lost(ctx, w)
		}
		for _, x := range o.running() {
			x.takeBack(ctx)
		}
		select {
		case <-time.After(lostPoll):
		case <-ctx.Done():
		}
	}
}

// running lists the senders.
func (o *outbox) running() []*sender {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Collect(maps.Values(o.senders))
}

// lost settles a row of which nobody knows whether it was written.
func (o *outbox) lost(ctx context.Context, w storage.Work) {
	if w.Row.Kind == storage.RowCall {
		o.s.calls.lost(w)
		return
	}
	o.mu.Lock()
	x := o.senders[w.Row.Channel]
	o.mu.Unlock()
	if x == nil { // a channel that is gone or is pulled since: hand the row out when it is back
		_, _ = o.s.settleSurely(storage.Settlement{Do: "release", Row: w.Row.ID, Attempt: w.Row.Attempt, Now: o.s.now().UnixMilli(), DueAt: w.Row.DueAt}) // wrote has logged what went wrong
		return
	}
	x.ambiguous(ctx, *w.Row, nil)
	x.nudge()
}

// outcomeOf asks the adapter what a result means; a panic of it is an unknown failure.
func outcomeOf(a channels.Adapter, call channels.Call, res channels.Result) (out channels.Outcome) {
	defer func() {
		if recover() != nil {
			out = channels.Outcome{Verdict: channels.Failed, Reason: "unknown", Code: "classify_panic"}
		}
	}()
	return a.Classify(call, res)
}
