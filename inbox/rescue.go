package inbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"

	"dispatcher/channels"
	"dispatcher/dm"
	"dispatcher/engine"
	"dispatcher/storage"
)

// rescue is the turn of an event on which the flow failed: stored, handed to
// the default queue with cause engine_error, the built-in sentence said, and
// nothing of the flow. It uses no flow code.
func (s *Service) rescue(ctx context.Context, snap storage.Snapshot, a *arrival, why error) (p plan) {
	defer func() {
		if r := recover(); r != nil {
			p = plan{err: fmt.Errorf("%w: %T\n%s", errPanic, r, debug.Stack())}
		}
	}()
	v, err := s.view(a.acct, snap)
	if err != nil {
		return plan{err: err}
	}
	if !isMessage(a.in.Kind) {
		return plan{err: errors.New("inbox: only a message can be rescued")}
	}
	x := &decision{s: s, ctx: ctx, v: v}
	a.res = channels.Accepted{ID: a.in.ExternalID, Status: statusApplied}
	d := x.open(a)
	x.learn(a)
	trace := engine.Trace{Event: a.in.Kind, Error: errorCode(why), From: d.state.Position()}
	x.hide = verifying(d.state)
	seq := x.append(d, a, nil, &trace)
	if d.conv.Owner == storage.OwnerBot || d.conv.Phase == storage.PhaseNew {
		if err := s.rescueDraft(d, seq, why); err != nil {
			return plan{err: err}
		}
	}
	d.Handled(seq)
	turn, err := d.build()
	if err != nil {
		return plan{err: err}
	}
	return plan{turn: turn, draft: d, n: 1, results: []channels.Accepted{a.res}}
}

// rescueDraft takes a conversation from the flow that failed it.
func (s *Service) rescueDraft(d *Draft, seq int64, why error) error {
	d.CancelTimers(timerBurst)
	d.CancelTimers("silence")
	d.CancelTimers("idle")
	if err := s.giveToPeople(d, seq, dm.CauseEngineError, "engine_error"); err != nil {
		return err
	}
	s.log.LogAttrs(s.ctx, slog.LevelError, "conversation taken from its flow", slog.String("conversation", d.UID()), slog.String("state", d.state.Position()),
		slog.String("error", errorCode(why)))
	return nil
}
