package desk

import (
	"context"
	"net/http"

	"dispatcher/inbox"
	"dispatcher/storage"
)

// Retry sends a message again that failed or of which nobody knows: it may
// arrive twice.
func (s *Service) Retry(ctx context.Context, a Actor, id string) (Msg, error) {
	return s.letter(ctx, a, id, "retry", func(*inbox.View) error { return nil })
}

// Discard leaves a message as it is: nobody tries again.
func (s *Service) Discard(ctx context.Context, a Actor, id string) (Msg, error) {
	return s.letter(ctx, a, id, "cancel", func(*inbox.View) error { return nil })
}

// Check asks the platform again whether a message arrived, where it can tell.
func (s *Service) Check(ctx context.Context, a Actor, id string) (Msg, error) {
	return s.letter(ctx, a, id, "unknown", func(v *inbox.View) error {
		if v.Account == nil || v.Account.Caps.Send != "reconcilable" {
			return invalid("This channel cannot tell whether a message arrived.")
		}
		return nil
	})
}

// letter settles the rows of one message that failed or is unknown.
func (s *Service) letter(ctx context.Context, a Actor, id, do string, allowed func(*inbox.View) error) (Msg, error) {
	conv, seq, ok := readMessageID(id)
	if !ok {
		return Msg{}, notFound()
	}
	v, err := s.view(ctx, a, conv)
	if err != nil {
		return Msg{}, err
	}
	if !a.sends() {
		return Msg{}, forbidden("Your role may not send messages.")
	}
	if err := allowed(v); err != nil {
		return Msg{}, err
	}
	rows, err := s.letters(ctx, v, seq)
	if err != nil {
		return Msg{}, err
	}
	if len(rows) == 0 {
		return Msg{}, problem(CodeTooLate, http.StatusConflict, "This message is neither failed nor unconfirmed any more.")
	}
	if err := s.settle(ctx, a, v, id, do, rows); err != nil {
		return Msg{}, err
	}
	return s.message(ctx, v, seq)
}

// letters are the outbox rows of a message that wait for a person.
func (s *Service) letters(ctx context.Context, v *inbox.View, seq int64) (rows []storage.OutboxRow, err error) {
	err = s.walk(ctx, "outbox", v.Snap.Conv, func(r values) {
		if st := r.int("status"); r.int("seq") == seq && (st == int64(storage.RowFailed) || st == int64(storage.RowUnknown)) {
			rows = append(rows, storage.OutboxRow{ID: r.int("id"), Attempt: int32(r.int("attempt"))})
		}
	})
	return rows, err
}

func (s *Service) settle(ctx context.Context, a Actor, v *inbox.View, id, do string, rows []storage.OutboxRow) error {
	now := s.now().UnixMilli()
	set := make([]storage.Settlement, len(rows))
	for n, row := range rows {
		set[n] = storage.Settlement{Do: do, Row: row.ID, Attempt: row.Attempt, Now: now, DueAt: now,
			Events: []storage.Event{{At: now, Conversation: v.Snap.Conv.ID, UID: v.Snap.Conv.UID, Type: inbox.EventUpdated,
				Topics: []string{"all", "conversation:" + v.UID(), "agent:" + v.Snap.Conv.OwnerID}}},
			Audit: []storage.AuditEntry{{At: now, Actor: a.ID, Verb: "message_" + do, Object: id}}}
		if do == "cancel" {
			set[n].Error = "discarded"
		}
	}
	out, err := s.store.Settle(ctx, set)
	if err != nil {
		return err
	}
	for _, o := range out {
		if !o.OK {
			return problem(CodeTooLate, http.StatusConflict, "Somebody else was faster.")
		}
	}
	return nil
}
