// Package inbox is the bot half of the runtime: it accepts events, decides
// each conversation's next turn one at a time, commits it, and sends what was
// decided. It promises that an event is acknowledged only after its commit,
// acts once, in order, and that nothing leaves under an epoch that has passed.
package inbox

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"dispatcher/engine"
	"dispatcher/flows"
	"dispatcher/storage"
	"dispatcher/vault"
)

// Bounds of a stop (runtime.md 3.7).
const drainTurns = 2 * time.Second

// Service runs the conversations of one process. What it holds in memory is a
// help, never the truth: all of that is in the store.
type Service struct {
	cfg     Config
	store   storage.Store
	vault   *vault.Vault
	log     *slog.Logger
	metrics *metrics
	node    int64

	live     atomic.Pointer[flows.Project] // swapped whole; a turn keeps the one it began with
	swap     sync.Mutex                    // one set is stored, swapped or forgotten at a time
	sets     sets                          // stored sets that conversations still need
	accounts registry
	switches switches

	admission *admission
	lanes     *lanes
	batcher   *batcher
	cache     *cache
	floods    *floods
	figures   queueFigures
	places    places
	outbox    *outbox
	calls     *caller
	awaiting  *awaiting
	handed    handed
	fence     *fence
	alarm     *alarm
	bus       Bus
	signals   *signals
	typists   typists
	host      *host

	started  atomic.Bool
	degraded atomic.Bool
	diskLow  atomic.Bool
	ctx      context.Context // of everything that runs beside requests
	cancel   context.CancelFunc
	loops    sync.WaitGroup

	rooms sync.Pool // of *room

	engineStep func(engine.Sets, engine.State, engine.Event) engine.Result
}

// New makes a Service; nothing runs before Start.
func New(cfg Config) (*Service, error) {
	if cfg.Store == nil || cfg.Vault == nil {
		return nil, errors.New("inbox: a store and a vault are required")
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Node == 0 {
		cfg.Node = rand.Int64N(1<<62) + 1
	}
	m, err := newMetrics(cfg.Registerer)
	if err != nil {
		return nil, err
	}
	s := &Service{cfg: cfg, store: cfg.Store, vault: cfg.Vault, log: cfg.Logger, metrics: m, node: cfg.Node,
		admission: newAdmission(), cache: newCache(cacheBytes), floods: newFloods(), awaiting: newAwaiting(), alarm: newAlarm(),
		bus: NewBus(), signals: newSignals(), fence: newFence(), switches: newSwitches(), engineStep: engine.Step}
	s.lanes = newLanes(s.takeEvents)
	s.batcher = newBatcher(cfg.Store, s.now, s.committed)
	s.outbox = newOutbox(s)
	s.calls = newCaller(s)
	s.host = &host{s: s}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s, nil
}

func (s *Service) now() time.Time { return s.cfg.Now() }

func (s *Service) failpoint(name string) {
	if s.cfg.Failpoint != nil {
		s.cfg.Failpoint(name)
	}
}

// Bus is where changes are announced.
func (s *Service) Bus() Bus { return s.bus }

// Start begins to send, to fire timers and to accept. ctx ends the start only.
func (s *Service) Start(ctx context.Context) error {
	if err := s.readSwitches(ctx); err != nil {
		return err
	}
	if s.started.Swap(true) {
		return errors.New("inbox: started twice")
	}
	go s.batcher.run()
	s.loops.Go(func() { s.fireTimers(s.ctx) })
	s.loops.Go(func() { s.watch(s.ctx) })
	s.loops.Go(func() { s.sweepSwitches(s.ctx) })
	s.outbox.start(s.ctx)
	s.calls.start(s.ctx)
	return nil
}

// Stop drains: no new events, turns in flight finish (≤ 2 s), written requests
// may answer (≤ 5 s), everything else stays in the store. ctx bounds the whole.
func (s *Service) Stop(ctx context.Context) error {
	if !s.started.Load() {
		s.cancel()
		return nil
	}
	s.admission.close()
	if stopAtOnce() {
		s.cancel()
		return ctx.Err()
	}
	within(ctx, drainTurns, s.lanes.wait)
	s.cancel()
	calls, cancel := context.WithTimeout(ctx, drainRequests)
	defer cancel()
	s.calls.stop(calls)
	s.outbox.wait(calls)
	s.loops.Wait()
	s.lanes.wait()
	s.lanes.close()
	s.batcher.stop()
	return ctx.Err()
}

// within waits for f, at most d.
func within(ctx context.Context, d time.Duration, f func()) {
	done := make(chan struct{})
	go func() { f(); close(done) }()
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-done:
	case <-t.C:
	case <-ctx.Done():
	}
}

// committed keeps figures of each group commit.
func (s *Service) committed(n int, took time.Duration, err error) {
	if err == nil && n > 0 {
		s.metrics.commit.Observe(took.Seconds())
		s.metrics.batch.Observe(float64(n))
	}
	s.wrote(err)
}

// applied does what follows a commit: it tells whoever watches, and wakes
// sender and timers. Nothing of it is needed for correctness.
func (s *Service) applied(k laneKey, t storage.Turn, d *Draft, out storage.Outcome) {
	s.shows(k, t, d, out.Conversation) // before its words can have left
	for _, h := range t.Handoffs {
		if h.ID == 0 {
			s.figures.joined(h.Queue)
		}
	}
	for _, row := range t.Outbox {
		if row.Kind == storage.RowCall {
			s.calls.nudge()
			continue
		}
		s.outbox.nudge(row.Channel)
		s.signals.fire(pullKey(row.Channel))
	}
	if d != nil {
		for _, r := range d.checks {
			s.calls.check(out.Conversation, out.UID, r)
		}
	}
	for _, timer := range t.Timers {
		s.alarm.sooner(time.UnixMilli(timer.DueAt))
	}
	s.announce(t)
	s.signals.fire(k)
	s.countTurn(t, d)
	if d != nil && len(t.Messages) > 0 && t.Messages[0].Author == storage.AuthorCustomer {
		s.provedByAnswer(out.Conversation)
	}
	if t.Opens != nil {
		s.applied(k, *t.Opens, nextOf(d), storage.Outcome{Conversation: out.Opened, UID: out.OpenedUID})
	}
}

// nextOf is the draft of the conversation that a turn opens.
func nextOf(d *Draft) *Draft {
	if d == nil {
		return nil
	}
	return d.next
}

// countTurn keeps the figures of desk.md 5.10 that a turn carries.
func (s *Service) countTurn(t storage.Turn, d *Draft) {
	for _, i := range t.Intervals {
		if i.Until == 0 {
			s.metrics.ownership.WithLabelValues(i.SinceCause).Inc()
		}
	}
	for _, h := range t.Handoffs {
		if h.ID == 0 {
			s.metrics.handoffs.WithLabelValues(s.metrics.caps.of("queue", h.Queue), h.Cause).Inc()
		}
	}
	if d != nil {
		s.metrics.tallies.count(&s.metrics.caps, d.figures)
	}
	if t.Outcome != nil && d != nil {
		arm := "treated"
		if t.Outcome.Holdout {
			arm = "holdout"
		}
		s.metrics.closed.WithLabelValues(aliasOf(d), t.Outcome.Outcome, arm).Inc()
	}
}

// announce publishes each event of a turn to its topics.
func (s *Service) announce(t storage.Turn) {
	name, uid := "", storage.UID{}
	for _, e := range t.Events {
		if name == "" || uid != e.UID { // one, nearly always
			name, uid = UIDText(e.UID), e.UID
		}
		hint := Hint{Conversation: name, Seq: e.Seq, Kind: e.Type}
		for _, topic := range e.Topics {
			s.bus.Publish(Topic(topic), hint)
		}
	}
}

// changed announces that a row of the outbox reached another state.
func (s *Service) changed(row storage.OutboxRow, uid storage.UID, state string) {
	if row.Seq == 0 {
		return
	}
	hint := Hint{Seq: row.Seq, Kind: EventUpdated, Name: state}
	if uid != (storage.UID{}) {
		hint.Conversation = UIDText(uid)
		s.bus.Publish(Topic("conversation:"+hint.Conversation), hint)
	}
	s.bus.Publish("all", hint)
}

// outboxRefill lets the buckets that count per message of the contact begin anew.
func (s *Service) outboxRefill(a *arrival) {
	s.outbox.mu.Lock()
	x := s.outbox.senders[a.acct.Number]
	s.outbox.mu.Unlock()
	if x != nil {
		x.buckets.refill(string(a.key.addr[:]))
	}
}
