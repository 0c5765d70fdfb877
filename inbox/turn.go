package inbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"time"

	"dispatcher/channels"
	"dispatcher/storage"
)

// staleTries is how often a decision is made again because the conversation
// had changed meanwhile.
const staleTries = 5

// errStale says that a conversation changed faster than it could be decided on.
var errStale = errors.New("inbox: conversation changes too fast")

// poison says that one event could not be decided on; those before it can.
type poison struct {
	at  int
	err error
}

func (p *poison) Error() string { return p.err.Error() }

// Unwrap gives what went wrong.
func (p *poison) Unwrap() error { return p.err }

// takeEvents decides and commits what a lane has drained, in order. It
// returns when every event is finished.
func (s *Service) takeEvents(k laneKey, todo []*arrival) {
	ctx := context.Background()
	defer func() {
		if p := recover(); p != nil {
			s.log.LogAttrs(ctx, slog.LevelError, "lane stopped by a panic", slog.String("stack", string(debug.Stack())))
			for _, a := range todo {
				s.finish(a, channels.Accepted{}, fmt.Errorf("inbox: panic in lane: %T", p))
			}
		}
	}()
	work := &laneWork{s: s, k: k, todo: todo}
	for len(work.todo) > 0 {
		if err := work.step(ctx); err != nil {
			for _, a := range work.todo {
				s.finish(a, channels.Accepted{}, err)
			}
			return
		}
	}
}

// laneWork is the run of one lane over drained events.
type laneWork struct {
	s     *Service
	k     laneKey
	todo  []*arrival
	snap  storage.Snapshot
	ready bool // snap is the newest known
	tries int
}

// step commits one turn: the first events of todo. An error is about the
// environment and ends the run.
func (w *laneWork) step(ctx context.Context) error {
	start := w.s.now()
	if !w.ready {
		snap, err := w.s.load(ctx, w.k, w.todo)
		if err != nil {
			return err
		}
		if len(snap.Known) > 0 { // redelivered: nothing needs to be decided again
			w.dropKnown(ctx, snap.Known)
			return nil
		}
		w.snap, w.ready = snap, true
	}
	p := w.s.decideSafely(ctx, w.snap, w.todo)
	if p.err != nil {
		return p.err
	}
	if p.turn == nil { // nothing to write
		w.done(p, storage.Outcome{})
		return nil
	}
	w.s.failpoint("turn.before_apply")
	out, err := w.s.apply(p.turn)
	w.s.wrote(err)
	if err != nil {
		w.s.cache.drop(w.k)
		return err
	}
	switch out.Status {
	case storage.Applied:
		w.s.failpoint("turn.after_apply")
		w.s.keep(w.k, w.snap, p, out)
		w.done(p, out)
		w.s.applied(w.k, *p.turn, p.draft, out)
		w.s.countFenced(p.draft, out.Fenced)
		w.s.metrics.turn.Observe(w.s.now().Sub(start).Seconds())
		w.s.tidy(p.room)
	case storage.Duplicate:
		w.dropKnown(ctx, out.Dup)
	case storage.Stale:
		return w.stale(out)
	default:
		return w.refused(ctx, p, out)
	}
	return nil
}

func (w *laneWork) done(p plan, out storage.Outcome) {
	for i, a := range w.todo[:p.n] {
		res := p.results[i]
		if res.Conv == "" && out.UID != (storage.UID{}) && res.Status == statusApplied {
			res.Conv = UIDText(out.UID)
		}
		w.s.finish(a, res, nil)
	}
	w.todo, w.tries = w.todo[p.n:], 0
	if w.ready = p.turn == nil; !w.ready && len(w.todo) > 0 {
		w.snap, w.ready = w.s.cache.get(w.k)
	}
}

// dropKnown answers the events that were consumed before; the others are
// decided again without them.
func (w *laneWork) dropKnown(ctx context.Context, known []storage.SeenKey) {
	w.s.cache.drop(w.k)
	w.ready = false
	w.todo = slices.DeleteFunc(w.todo, func(a *arrival) bool {
		switch {
		case a.transport.conflicts(known):
			w.s.finish(a, channels.Accepted{}, channels.ErrConflict)
			return true
		case !a.isKnown(known):
			return false
		}
		w.s.metrics.duplicate.WithLabelValues(a.acct.Alias).Inc()
		w.s.finish(a, w.s.earlier(ctx, a), nil)
		if a.parked != 0 {
			w.s.unpark(a.parked)
		}
		return true
	})
}

func (w *laneWork) stale(out storage.Outcome) error {
	w.s.metrics.stale.Inc()
	w.s.cache.drop(w.k)
	if w.tries++; w.tries > staleTries {
		return errStale
	}
	w.snap, w.ready = storage.Snapshot{}, false
	if out.Now != nil && out.Now.Identity.Addr != nil && keyOf(out.Now.Identity.Channel, out.Now.Identity.Addr) == w.k {
		w.snap, w.ready = *out.Now, true
	}
	time.Sleep(time.Millisecond + time.Duration(rand.Int64N(int64(19*time.Millisecond))))
	return nil
}

// refused is a bug of ours that the schema has stopped: the event is kept for
// the operator, and the lane goes on.
func (w *laneWork) refused(ctx context.Context, p plan, out storage.Outcome) error {
	w.s.cache.drop(w.k)
	w.ready = false
	w.s.log.LogAttrs(ctx, slog.LevelError, "turn refused by the store", slog.Any("error", out.Err))
	if p.parks {
		return fmt.Errorf("inbox: park refused: %w", out.Err)
	}
	return w.s.parkFirst(ctx, w)
}

// load gives the newest snapshot of an address, from the hot cache where it
// can; one that is read also says which events are known.
func (s *Service) load(ctx context.Context, k laneKey, todo []*arrival) (storage.Snapshot, error) {
	if snap, ok := s.cache.get(k); ok {
		return snap, nil
	}
	key := k.storage()
	for _, a := range todo {
		key.Seen = append(key.Seen, a.keys()...)
	}
	snaps, err := s.store.Load(ctx, []storage.Key{key})
	if err != nil {
		s.wrote(err)
		return storage.Snapshot{}, fmt.Errorf("inbox: load: %w", err)
	}
	return snaps[0], nil
}

// keep puts what a turn left into the hot cache, where that is known.
func (s *Service) keep(k laneKey, snap storage.Snapshot, p plan, out storage.Outcome) {
	if next, ok := after(snap, *p.turn, out); ok {
		s.cache.put(k, &next, openedOf(&next, p.draft))
		return
	}
	s.cache.drop(k)
}

// plan is one decision: the turn and what it says of the first n events.
type plan struct {
	turn    *storage.Turn // nil: nothing to write
	draft   *Draft
	room    *room // of turn and draft; nil: nobody's
	n       int
	results []channels.Accepted
	parks   bool
	err     error // of the environment
}

// decideSafely decides on as many events as fit one turn. A poison event
// splits the turn: those before it are decided without it, it alone is
// rescued, and where even that cannot be, parked.
func (s *Service) decideSafely(ctx context.Context, snap storage.Snapshot, todo []*arrival) plan {
	for limit := len(todo); ; {
		p := s.decide(ctx, snap, todo[:limit])
		bad, poisoned := errors.AsType[*poison](p.err)
		switch {
		case !poisoned:
			return p
		case poisonSpreads():
			return plan{err: bad.err}
		case bad.at > 0:
			limit = bad.at
			continue
		case errors.Is(bad.err, errKeyUnreadable):
			return s.park(todo[0], "key_unreadable", s.now().Add(parkDelay(todo[0].tries, jitter)))
		}
		s.log.LogAttrs(ctx, slog.LevelError, "event could not be decided on", slog.String("channel", todo[0].acct.Alias), slog.String("error", errorCode(bad.err)))
		s.metrics.rescue.WithLabelValues(errorCode(bad.err)).Inc()
		p = s.rescue(ctx, snap, todo[0], bad.err)
		if p.err != nil {
			s.log.LogAttrs(ctx, slog.LevelError, "rescue failed", slog.String("channel", todo[0].acct.Alias), slog.String("error", errorCode(p.err)))
			return s.park(todo[0], "rescue_failed", s.now().Add(parkDelay(todo[0].tries, jitter)))
		}
		return p
	}
}

// decide runs the events on a fresh view. Nothing of it is seen by anybody
// until it is applied.
func (s *Service) decide(ctx context.Context, snap storage.Snapshot, todo []*arrival) (p plan) {
	at := 0
	defer func() {
		if r := recover(); r != nil {
			p = plan{err: &poison{at: at, err: panicError(r)}}
		}
	}()
	r := s.room()
	if err := s.viewInto(&r.view, todo[0].acct, &snap); err != nil {
		if errors.Is(err, errKeyUnreadable) {
			err = &poison{err: err}
		}
		return plan{err: err}
	}
	r.x, r.view.spare, p.room = decision{s: s, ctx: ctx, v: &r.view}, &r.draft, r
	d := &r.x
	for i, a := range todo {
		at = i
		if d.knows(a) { // the same event again: its turn finds it known
			break
		}
		if err := d.event(a); errors.Is(err, errNextTurn) && i > 0 {
			break
		} else if err != nil {
			return plan{err: &poison{at: i, err: err}}
		}
		p.n++
		p.results = append(p.results, a.res)
		if d.ends {
			break
		}
	}
	if d.d == nil {
		return p
	}
	if p.parks = len(d.d.turn.Parked) > 0; p.parks && d.d.conv.ID == 0 && d.d.conv.Phase == storage.PhaseNew {
		p.turn = &storage.Turn{Parked: d.d.turn.Parked, Unpark: d.d.turn.Unpark}
		return p
	}
	turn, err := d.d.build()
	if err != nil {
		return plan{err: &poison{at: at, err: err}}
	}
	p.turn, p.draft = turn, d.d
	return p
}

// panicError keeps where a panic came from, never what it said.
func panicError(r any) error {
	if err, ok := r.(error); ok && errors.Is(err, errSlow) {
		return err
	}
	return fmt.Errorf("%w: %T\n%s", errPanic, r, debug.Stack())
}

var (
	errPanic = errors.New("inbox: panic while deciding")
	errSlow  = errors.New("inbox: step took too long")
)

// errorCode is a word for logs and labels.
func errorCode(err error) string {
	switch {
	case errors.Is(err, errPanic):
		return "panic"
	case errors.Is(err, errSlow):
		return "slow"
	case errors.Is(err, errKeyUnreadable):
		return "key_unreadable"
	}
	var edge *EdgeError
	if errors.As(err, &edge) {
		return "edge_" + string(edge.Edge)
	}
	return "error"
}

// view unseals a snapshot for one decision.
func (s *Service) view(acct *Account, snap storage.Snapshot) (*View, error) {
	v := &View{}
	if err := s.viewInto(v, acct, &snap); err != nil {
		return nil, err
	}
	return v, nil
}

// viewInto is view where there is place for it.
func (s *Service) viewInto(v *View, acct *Account, snap *storage.Snapshot) error {
	if snap.Conv.ID != 0 {
		if own, ok := s.AccountOf(snap.Conv.Channel); ok {
			acct = own
		}
	}
	v.Snap, v.Now, v.Account, v.Project, v.vault.vault = *snap, s.now(), acct, s.live.Load(), s.vault
	return v.read(s.cache.opened(keyOf(snap.Identity.Channel, snap.Identity.Addr)))
}
