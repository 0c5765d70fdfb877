package inbox

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"

	"dispatcher/storage"
)

// Do serialises with the conversation's lane, lets decide write a Draft on the
// newest View, applies it, and decides again when it was stale. A nil Draft
// changes nothing. A conversation that does not exist is storage.ErrNotFound;
// an address that is not known gives a View on which only Fresh works.
func (s *Service) Do(ctx context.Context, key storage.Key, decide func(*View) (*Draft, error)) (storage.Outcome, error) {
	k, err := s.laneFor(ctx, key)
	if err != nil {
		return storage.Outcome{}, err
	}
	type answer struct {
		out storage.Outcome
		err error
	}
	done := make(chan answer, 1)
	s.lanes.push(k, job{run: func() {
		out, err := s.doInLane(ctx, k, key, decide)
		done <- answer{out, err}
	}})
	a := <-done // the lane always answers; giving up earlier would hide what was committed
	return a.out, a.err
}

// laneFor finds the lane of a conversation: that of the address it runs on.
func (s *Service) laneFor(ctx context.Context, key storage.Key) (laneKey, error) {
	if key.ID == 0 && key.UID == (storage.UID{}) && key.Receipt == nil {
		return keyOf(key.Channel, key.Addr), nil
	}
	snaps, err := s.store.Load(ctx, []storage.Key{key})
	if err != nil {
		return laneKey{}, fmt.Errorf("inbox: load: %w", err)
	}
	if snaps[0].Conv.ID == 0 {
		return laneKey{}, storage.ErrNotFound
	}
	return keyOf(snaps[0].Conv.Channel, snaps[0].Conv.Addr), nil
}

func (s *Service) doInLane(ctx context.Context, k laneKey, key storage.Key, decide func(*View) (*Draft, error)) (out storage.Outcome, err error) {
	defer func() {
		if p := recover(); p != nil {
			s.log.LogAttrs(ctx, slog.LevelError, "decision stopped by a panic", slog.String("stack", string(debug.Stack())))
			err = fmt.Errorf("%w: %T", errPanic, p)
		}
	}()
	for try := 0; ; try++ {
		if err := ctx.Err(); err != nil {
			return storage.Outcome{}, err
		}
		snaps, err := s.store.Load(ctx, []storage.Key{key})
		if err != nil {
			s.wrote(err)
			return storage.Outcome{}, fmt.Errorf("inbox: load: %w", err)
		}
		out, again, err := s.decideOnce(k, snaps[0], decide)
		if !again {
			return out, err
		}
		if try == staleTries {
			return storage.Outcome{}, errStale
		}
		s.metrics.stale.Inc()
	}
}

// decideOnce makes one decision and applies it.
func (s *Service) decideOnce(k laneKey, snap storage.Snapshot, decide func(*View) (*Draft, error)) (out storage.Outcome, again bool, err error) {
	acct, _ := s.AccountOf(k.channel)
	v, err := s.view(acct, snap)
	if err != nil {
		return storage.Outcome{}, false, err
	}
	d, err := decide(v)
	if err != nil || d == nil {
		return storage.Outcome{Conversation: snap.Conv.ID, UID: snap.Conv.UID, Version: snap.Conv.Version}, false, err
	}
	turn, err := d.build()
	if err != nil {
		return storage.Outcome{}, false, err
	}
	s.failpoint("turn.before_apply")
	out, err = s.apply(turn)
	s.wrote(err)
	s.cache.drop(k)
	switch {
	case err != nil:
		return storage.Outcome{}, false, err
	case out.Status == storage.Applied:
		s.failpoint("turn.after_apply")
		s.applied(k, *turn, d, out)
		s.countFenced(d, out.Fenced)
		return out, false, nil
	case out.Status == storage.Refused:
		return out, false, fmt.Errorf("inbox: turn refused: %w", out.Err)
	case out.Status == storage.Duplicate:
		return out, false, nil
	}
	return storage.Outcome{}, true, nil
}

// View reads a conversation as it is now, outside any lane.
func (s *Service) View(ctx context.Context, key storage.Key) (*View, error) {
	snaps, err := s.store.Load(ctx, []storage.Key{key})
	if err != nil {
		return nil, fmt.Errorf("inbox: load: %w", err)
	}
	if snaps[0].Conv.ID == 0 {
		return nil, storage.ErrNotFound
	}
	acct, _ := s.AccountOf(snaps[0].Conv.Channel)
	return s.view(acct, snaps[0])
}
