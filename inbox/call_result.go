package inbox

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"dispatcher/engine"
	"dispatcher/storage"
)

// resultPause is the wait before a result is offered again.
const resultPause = 200 * time.Millisecond

// deliver gives a result to its conversation, as a turn in its lane. False: it
// could not be stored; the request is made again, or found unanswered.
func (s *Service) deliver(ctx context.Context, conv int64, r callRequest, got answer) bool {
	for {
		_, err := s.Do(ctx, storage.Key{ID: conv}, func(v *View) (*Draft, error) { return s.resultDraft(v, r, got) })
		switch {
		case err == nil, errors.Is(err, storage.ErrNotFound): // a conversation that was erased waits for nothing
			return true
		case ctx.Err() != nil || errors.Is(err, errKeyUnreadable):
			return false
		case errors.Is(err, storage.ErrDegraded):
			if !s.untilWritable() {
				return false
			}
		case !errors.Is(err, errStale):
			s.log.LogAttrs(ctx, slog.LevelError, "result of a service", slog.String("service", r.Service), slog.Any("error", err))
			return true // its timer ends the wait
		}
		time.Sleep(resultPause)
	}
}

// resultDraft decides what a result does.
func (s *Service) resultDraft(v *View, r callRequest, got answer) (*Draft, error) {
	if r.For == callStart && got.status >= 200 && got.status < 300 {
		return nil, nil // the code is on its way; nothing else changes
	}
	return s.safely(v, func(d *Draft) error {
		d.CancelTimers(callTimer(r.ID))
		return s.stepResult(d, eventOfResult(r, got))
	})
}

// eventOfResult is what the engine is told of a result.
func eventOfResult(r callRequest, got answer) engine.Event {
	switch r.For {
	case callStart: // no code will come
		return engine.Event{Kind: engine.EvVerify, Verify: &engine.VerifyResult{ID: r.ID, Outcome: engine.VerifyExpired}}
	case callCheck:
		outcome := engine.VerifyFailed
		if got.says() {
			outcome = engine.VerifyOK
		}
		return engine.Event{Kind: engine.EvVerify, Verify: &engine.VerifyResult{ID: r.ID, Outcome: outcome}}
	}
	return engine.Event{Kind: engine.EvLookup, Lookup: &engine.LookupResult{ID: r.ID, Status: got.status, Fail: got.fail, Body: got.body, Returns: r.Returns}}
}

// safely decides on a draft whose flow may fail: a conversation whose step
// panics goes to people, like that of any other event.
func (s *Service) safely(v *View, decide func(*Draft) error) (d *Draft, err error) {
	d = v.Draft()
	if err := recovered(func() error { return decide(d) }); err != nil {
		s.log.LogAttrs(s.ctx, slog.LevelError, "event could not be decided on", slog.String("conversation", v.UID()), slog.String("error", errorCode(err)))
		s.metrics.rescue.WithLabelValues(errorCode(err)).Inc()
		d = v.Draft()
		if d.conv.Phase != storage.PhaseBot {
			return d, nil
		}
		return d, s.rescueDraft(d, d.conv.LastSeq, err)
	}
	return d, nil
}

// recovered runs f and makes an error of its panic.
func recovered(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = panicError(r)
		}
	}()
	return f()
}

// stepResult runs the engine on the result of something that was asked
// outside. What nobody waits for any more is recorded, and changes nothing.
func (s *Service) stepResult(d *Draft, ev engine.Event) error {
	ev.Seq = d.conv.LastSeq
	if d.conv.Status != storage.Open || d.state.Version == 0 {
		s.record(d, ev, engine.Trace{Event: ev.Kind, Steps: []engine.TraceStep{{What: ev.Kind, State: d.state.Position(), Value: "late"}}})
		return d.err
	}
	return s.step(d, ev)
}

// record keeps the trace of an event that has no row of its own.
func (s *Service) record(d *Draft, ev engine.Event, trace engine.Trace) {
	d.Append(NewMessage{Kind: storage.MsgEvent, Dir: storage.DirNone, Author: storage.AuthorSystem, Trace: trace,
		Body: Body{Line: &Line{Edge: ev.Kind, By: "engine", Note: outcomeWord(ev, trace)}}})
}

// outcomeWord says in a word what came back: a status, what failed, or that
// nobody waited for it.
func outcomeWord(ev engine.Event, trace engine.Trace) string {
	for _, step := range trace.Steps {
		if step.What == ev.Kind && step.Value == "late" {
			return "late"
		}
	}
	switch {
	case ev.Lookup != nil && ev.Lookup.Fail != "":
		return ev.Lookup.Fail
	case ev.Lookup != nil:
		return answer{status: ev.Lookup.Status}.word()
	case ev.Verify != nil:
		return ev.Verify.Outcome
	}
	return ""
}

// callDue ends the wait for a service whose answer was lost on the way.
func (s *Service) callDue(d *Draft, id string) error {
	if w := d.state.Waiting; w != nil && (w.ID == id || w.Under != nil && w.Under.ID == id) {
		return s.step(d, engine.Event{Kind: engine.EvLookup, Seq: d.conv.LastSeq, Lookup: &engine.LookupResult{ID: id, Fail: failTimeout}})
	}
	return nil
}
