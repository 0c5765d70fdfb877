package desk

import (
	"context"

	"dispatcher/dm"
	"dispatcher/inbox"
	"dispatcher/storage"
)

// Resolve ends the human part: after-care where there is one, else the
// conversation closes. A message the agent has not seen stops it once.
func (s *Service) Resolve(ctx context.Context, a Actor, id string, c Command) (Moved, error) {
	return s.do(ctx, a, id, a.works(), func(v *inbox.View) (*inbox.Draft, error) {
		if v.Phase() == dm.PhaseQueue && a.leads() {
			if err := s.epoch(ctx, v, c); err != nil {
				return nil, err
			}
		} else if err := s.mine(ctx, a, v, c); err != nil {
			return nil, err
		}
		if err := s.unseen(ctx, v, c); err != nil {
			return nil, err
		}
		care := v.Phase() != dm.PhaseQueue && v.AfterCare() && !s.paused(v)
		if !care {
			return fire(v, a.shift(inbox.EdgeResolvePlain, c))
		}
		d, err := fire(v, a.shift(inbox.EdgeResolve, c))
		if err != nil {
			return nil, err
		}
		return d, s.inbox.StepResolved(d, inbox.ResolvedEvent())
	})
}

// unseen refuses a resolve whose author has not seen the customer's last
// words (R7); 0 = the caller does not say what it saw.
func (s *Service) unseen(ctx context.Context, v *inbox.View, c Command) error {
	if c.Force || c.LastSeenSeq == 0 || c.LastSeenSeq >= v.Snap.Conv.LastSeq {
		return nil
	}
	for after := c.LastSeenSeq; ; {
		page, err := s.store.Thread(ctx, storage.ThreadQuery{Conversation: v.Snap.Conv.ID, After: after, N: maxLimit})
		if err != nil {
			return err
		}
		for _, m := range page.Items {
			if m.Author == storage.AuthorCustomer {
				p := s.conflict(ctx, CodeNewMessage, "The customer has written meanwhile.", v)
				p.Facts["seq"], p.Facts["at"] = m.Seq, ms(m.At)
				return p
			}
			after = m.Seq
		}
		if page.Next == "" {
			return nil
		}
	}
}

// Undo takes a resolve back within ten seconds: clocks go on as if they had
// never stopped.
func (s *Service) Undo(ctx context.Context, a Actor, id string, c Command) (Moved, error) {
	return s.do(ctx, a, id, a.works(), func(v *inbox.View) (*inbox.Draft, error) {
		if owns(a, v) {
			return nil, nil // undone already: the second press of an impatient hand
		}
		if p := v.Phase(); p != dm.PhaseAfter && p != dm.PhaseClosed {
			return nil, s.conflict(ctx, CodeTooLate, "There is nothing to undo.", v)
		}
		if err := s.onlyOpen(ctx, v); err != nil {
			return nil, err
		}
		return s.fireSeen(ctx, v, a.shift(inbox.EdgeUndoResolve, c), c)
	})
}

// Reopen begins anew after an end: a new handoff, claimed by who asks.
func (s *Service) Reopen(ctx context.Context, a Actor, id string, c Command) (Moved, error) {
	return s.do(ctx, a, id, a.works(), func(v *inbox.View) (*inbox.Draft, error) {
		if owns(a, v) {
			return nil, nil
		}
		if p := v.Phase(); p != dm.PhaseAfter && p != dm.PhaseClosed {
			return nil, s.conflict(ctx, CodeNotOwner, "It is open already.", v)
		}
		if err := s.onlyOpen(ctx, v); err != nil {
			return nil, err
		}
		return s.fireSeen(ctx, v, a.shift(inbox.EdgeReopen, c), c)
	})
}

// onlyOpen refuses to open a conversation whose person has a newer open one.
func (s *Service) onlyOpen(ctx context.Context, v *inbox.View) error {
	if v.Snap.Conv.Status == storage.Open {
		return nil
	}
	got, err := s.store.List(ctx, storage.ListQuery{View: "contact", Contact: v.Snap.Conv.Contact, Status: storage.Open, N: 1})
	if err != nil {
		return err
	}
	if len(got.Items) == 0 {
		return nil
	}
	p := s.conflict(ctx, CodeTooLate, "They have written again: go on in the newer conversation.", v)
	p.Facts["conversation"] = inbox.UIDText(got.Items[0].Conv.UID)
	return p
}
