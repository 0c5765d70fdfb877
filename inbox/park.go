package inbox

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"dispatcher/channels"
	"dispatcher/dm"
	"dispatcher/storage"
)

// parentWait is how long an event waits for the message it is about.
const parentWait = 5 * time.Minute

// parkedEvent is what a parked row holds, sealed with the system key.
type parkedEvent struct {
	Alias string     `json:"alias"`
	In    dm.Inbound `json:"in"`
	At    time.Time  `json:"at"` // arrival
}

var parkedAAD = []byte("parked")

// parkRow seals an event that cannot be a message yet.
func (s *Service) parkRow(a *arrival, why string, next time.Time) (storage.ParkedRow, error) {
	plain, err := json.Marshal(parkedEvent{Alias: a.acct.Alias, In: a.in, At: a.at})
	if err != nil {
		return storage.ParkedRow{}, fmt.Errorf("inbox: encode parked event: %w", err)
	}
	row := storage.ParkedRow{
		Channel: a.acct.Number, Event: s.vault.SealSystem(plain, parkedAAD), Error: why, Attempt: a.tries,
		CreatedAt: a.at.UnixMilli(), Seen: a.keys(),
	}
	if !next.IsZero() {
		row.NextAt = next.UnixMilli()
	}
	return row, nil
}

// park is the turn of an event that no conversation can hold now: it is
// durable, and tried again.
func (s *Service) park(a *arrival, why string, next time.Time) plan {
	if a.parked != 0 { // it stays where it is
		if _, err := s.batcher.Settle(storage.Settlement{Do: "park-again", Row: a.parked, Now: s.now().UnixMilli(), DueAt: next.UnixMilli(), Error: why}); err != nil {
			return plan{err: err}
		}
		return plan{n: 1, results: []channels.Accepted{{ID: a.in.ExternalID, Status: statusParked}}}
	}
	row, err := s.parkRow(a, why, next)
	if err != nil {
		return plan{err: err}
	}
	s.log.LogAttrs(s.ctx, slog.LevelWarn, "event parked", slog.String("channel", a.acct.Alias), slog.String("kind", a.in.Kind), slog.String("why", why))
	turn := storage.Turn{ID: uint64(randomID()), Parked: []storage.ParkedRow{row}}
	return plan{turn: &turn, n: 1, parks: true, results: []channels.Accepted{{ID: a.in.ExternalID, Status: statusParked}}}
}

// parkFirst keeps the first event of a lane's run after the store refused its turn.
func (s *Service) parkFirst(ctx context.Context, w *laneWork) error {
	p := s.park(w.todo[0], "refused", time.Time{})
	if p.err != nil || p.turn == nil {
		return p.err
	}
	out, err := s.batcher.Apply(*p.turn)
	s.wrote(err)
	switch {
	case err != nil:
		return err
	case out.Status == storage.Duplicate:
		w.dropKnown(ctx, out.Dup)
		return nil
	case out.Status != storage.Applied:
		return fmt.Errorf("inbox: park refused: %w", out.Err)
	}
	s.finish(w.todo[0], p.results[0], nil)
	w.todo = w.todo[1:]
	return nil
}

// Park keeps signed bytes that nobody can read, for the operator
// (channels.md 5). They are not tried again.
func (s *Service) Park(ctx context.Context, channel string, body []byte, why string) error {
	acct, ok := s.Account(channel)
	if !ok {
		return channels.ErrNotFound
	}
	if err := s.accepting(); err != nil {
		return err
	}
	raw, err := json.Marshal(string(body))
	if err != nil {
		return err
	}
	in := dm.Inbound{Kind: dm.KindIgnored, ExternalID: fmt.Sprintf("unreadable:%x", s.receiptHash(acct.Number, string(body))), Raw: raw}
	a := &arrival{in: in, acct: acct, at: s.now()}
	row, err := s.parkRow(a, why, time.Time{})
	if err != nil {
		return err
	}
	row.Seen = seenKeys(acct, in)
	_, err = s.batcher.Apply(storage.Turn{ID: uint64(randomID()), Parked: []storage.ParkedRow{row}})
	s.wrote(err)
	return err
}

func (s *Service) unpark(id int64) {
	_, err := s.batcher.Settle(storage.Settlement{Do: "unpark", Row: id, Now: s.now().UnixMilli()})
	s.wrote(err)
}

// retryParked gives parked events that are due another try.
func (s *Service) retryParked(ctx context.Context) (next time.Time) {
	work, next, err := s.store.Lease(ctx, storage.LeaseQuery{What: "parked", Now: s.now().UnixMilli(), Node: s.node, For: leaseFor, N: 64})
	if err != nil {
		if ctx.Err() == nil {
			s.log.LogAttrs(ctx, slog.LevelError, "lease parked events", slog.Any("error", err))
		}
		return time.Time{}
	}
	for _, w := range work {
		s.retryOne(ctx, *w.Parked)
	}
	return next
}

func (s *Service) retryOne(ctx context.Context, row storage.ParkedRow) {
	var e parkedEvent
	plain, err := s.vault.OpenSystem(row.Event, parkedAAD)
	if err == nil {
		err = json.Unmarshal(plain, &e)
	}
	acct, ok := s.Account(e.Alias)
	if err != nil || !ok {
		_, err := s.batcher.Settle(storage.Settlement{Do: "park-again", Row: row.ID, Now: s.now().UnixMilli(), DueAt: s.now().Add(retryMost).UnixMilli(), Error: row.Error})
		s.wrote(err)
		return
	}
	a := &arrival{in: e.In, acct: acct, at: e.At, parked: row.ID, tries: row.Attempt + 1}
	s.place(ctx, a) // its dedupe keys were consumed when it was parked
	a.flood = calm
	s.lanes.push(a.key, job{event: a})
}
