package inbox

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"dispatcher/engine"
	"dispatcher/storage"
)

// Figures of runtime.md 3.1.
const (
	timerBatch = 256
	timerPoll  = time.Second
	timerLease = 10 * time.Second
)

// alarm wakes a loop early.
type alarm struct {
	mu   sync.Mutex
	at   time.Time // when the loop would wake by itself
	wake chan struct{}
}

func newAlarm() *alarm { return &alarm{wake: make(chan struct{}, 1)} }

// sooner wakes the loop when something falls due before it would look.
func (a *alarm) sooner(at time.Time) {
	a.mu.Lock()
	early := a.at.IsZero() || at.Before(a.at)
	a.mu.Unlock()
	if early {
		a.ring()
	}
}

func (a *alarm) ring() {
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// rest sleeps for wait, or until it rings.
func (a *alarm) rest(ctx context.Context, wait time.Duration, now time.Time) {
	a.mu.Lock()
	a.at = now.Add(wait)
	a.mu.Unlock()
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-a.wake:
	case <-t.C:
	case <-ctx.Done():
	}
}

// fireTimers hands due timers to the lanes of their conversations, oldest
// first. A lease only avoids double work: the turn drops the row by its id.
func (s *Service) fireTimers(ctx context.Context) {
	for ctx.Err() == nil {
		wait := timerPoll
		if s.writable() {
			wait = s.fireDue(ctx)
		}
		s.alarm.rest(ctx, wait, s.now())
	}
}

func (s *Service) fireDue(ctx context.Context) (wait time.Duration) {
	now := s.now()
	work, next, err := s.store.Lease(ctx, storage.LeaseQuery{What: "timers", Now: now.UnixMilli(), Node: s.node, For: timerLease, N: timerBatch})
	if err != nil {
		if ctx.Err() == nil {
			s.log.LogAttrs(ctx, slog.LevelError, "lease timers", slog.Any("error", err))
		}
		return timerPoll
	}
	for _, w := range work {
		s.metrics.lag.Observe(max(0, now.Sub(time.UnixMilli(w.Timer.DueAt)).Seconds()))
		timer, k := *w.Timer, keyOf(w.Chan, w.Addr)
		s.lanes.push(k, job{run: func() { s.fire(k, timer) }})
	}
	if len(work) == timerBatch {
		return 250 * time.Millisecond // at most about 1,000 a second after a long sleep
	}
	if next.IsZero() {
		return timerPoll
	}
	return max(time.Millisecond, min(timerPoll, next.Sub(now)))
}

// fire runs one timer in its lane. One that is gone, or was set anew, fires not.
func (s *Service) fire(k laneKey, t storage.Timer) {
	_, err := s.doInLane(s.ctx, k, storage.Key{ID: t.Conversation}, func(v *View) (*Draft, error) {
		if !slices.ContainsFunc(v.Snap.Timers, func(x storage.Timer) bool { return x.Name == t.Name && x.ID == t.ID }) {
			return nil, nil
		}
		d, err := s.timerDraft(v, t)
		if err == nil {
			return d, nil
		}
		s.log.LogAttrs(s.ctx, slog.LevelError, "timer could not be decided on", slog.String("timer", t.Name), slog.String("conversation", v.UID()), slog.String("error", errorCode(err)))
		s.metrics.rescue.WithLabelValues(errorCode(err)).Inc()
		return s.rescueTimer(v, t, err)
	})
	if err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, storage.ErrNotFound) {
		s.log.LogAttrs(s.ctx, slog.LevelError, "timer", slog.String("timer", t.Name), slog.Any("error", err))
	}
}

// timerDraft decides what a due timer does.
func (s *Service) timerDraft(v *View, t storage.Timer) (d *Draft, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = panicError(r)
		}
	}()
	d = v.Draft()
	d.Drop(t)
	if v.Snap.Conv.Status != storage.Open {
		return d, nil
	}
	if handled, err := d.Due(t, func(queue string) *int { return s.quote(d.View, queue) }); handled || err != nil {
		return d, err
	}
	if id, ok := isCallTimer(t.Name); ok {
		return d, s.callDue(d, id)
	}
	switch {
	case isBurst(t.Name):
		return d, s.burstDue(d)
	case strings.HasPrefix(t.Name, timerUnknown):
		return d, s.unknownDue(d)
	case isEngineTimer(t.Name):
		return d, s.engineDue(d, t)
	}
	if s.cfg.OnTimer != nil {
		_, err = s.cfg.OnTimer(d, t)
	}
	return d, err
}

// isEngineTimer says whether a timer was set by a step.
func isEngineTimer(name string) bool {
	return name == timerIdle || name == "form" || name == "verify" || name == timerLend || strings.HasPrefix(name, "silence") || strings.HasPrefix(name, "unanswered")
}

func (s *Service) engineDue(d *Draft, t storage.Timer) error {
	waiting := strings.HasPrefix(t.Name, "unanswered")
	if waiting != (d.conv.Owner == storage.OwnerQueue) || !waiting && d.conv.Owner != storage.OwnerBot {
		return nil
	}
	if t.Name == timerIdle && d.notIdle() {
		return nil
	}
	if alias := aliasOf(d); s.switches.killed(alias, d.state.Flow) {
		return nil
	}
	return s.step(d, engine.Event{Kind: engine.EvTimer, Timer: t.Name, DueAt: time.UnixMilli(t.DueAt), Seq: d.conv.LastSeq})
}

func aliasOf(d *Draft) string {
	if a := d.View.Account; a != nil {
		return a.Alias
	}
	return ""
}

// rescueTimer is the rescue turn of a timer: the row goes either way.
func (s *Service) rescueTimer(v *View, t storage.Timer, why error) (*Draft, error) {
	d := v.Draft()
	d.Drop(t)
	if d.conv.Phase != storage.PhaseBot {
		return d, nil
	}
	return d, s.rescueDraft(d, d.conv.LastSeq, why)
}

// quote is the desk's estimate for the conversation of a view in a queue now.
func (s *Service) quote(v *View, queue string) *int {
	if s.cfg.Quote == nil {
		return nil
	}
	return s.cfg.Quote(queue, s.Ahead(v, queue))
}
