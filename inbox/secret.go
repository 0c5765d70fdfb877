package inbox

import (
	"context"
	"fmt"
	"slices"

	"dispatcher/engine"
	"dispatcher/storage"
)

// asksSecret says that a conversation's open question collects a secret slot.
func asksSecret(sets engine.Sets, st engine.State) bool {
	q := st.Question
	if q == nil {
		return false
	}
	for _, set := range []*engine.Set{sets.Live, sets.Pinned} {
		name := q.Field
		if name == "" && set != nil && set.Flows[st.Flow] != nil {
			if def := set.Flows[st.Flow].States[st.Name]; def != nil && def.Collect != nil {
				name = def.Collect.Slot
			}
		}
		if def := slotOf(set, name); def != nil && def.Secret {
			return true
		}
	}
	return false
}

// hides says that the words of an event are a code or the value of a secret
// slot, a mistyped one too: nobody may read them in the thread.
func hides(sets engine.Sets, before engine.State, res engine.Result, seq int64) bool {
	asked := asksSecret(sets, before)
	if res.Trace.Stage == "value" && (verifying(before) || asked) {
		return true
	}
	if n := len(res.State.Attempts); asked && n > 0 && res.State.Attempts[n-1].Seq == seq {
		return true // a wrong value, or words that fit none of its buttons
	}
	if q := res.State.Question; q != nil && !asked && asksSecret(sets, res.State) && (q.Value != nil || q.Sub != "") {
		return true // said before it was asked for, and read back
	}
	secret := func(slots map[string]engine.SlotValue) bool {
		for name, v := range slots {
			if v.Seq != seq {
				continue
			}
			for _, set := range []*engine.Set{sets.Live, sets.Pinned} {
				if def := slotOf(set, name); def != nil && def.Secret {
					return true
				}
			}
		}
		return false
	}
	if secret(res.State.Slots) {
		return true
	}
	for _, e := range res.Effects {
		if c, ok := e.(engine.SetContact); ok && secret(c.Slots) {
			return true
		}
	}
	return false
}

// unread is a trace without what was understood: the option and the words
// that led to it.
func unread(t engine.Trace) engine.Trace {
	t.Steps = slices.Clone(t.Steps)
	for i := range t.Steps {
		t.Steps[i].Option, t.Steps[i].By = "", ""
	}
	return t
}

// tapUnread is a button that was pressed, without which one.
func tapUnread(b *BodyTap) *BodyTap {
	return &BodyTap{Label: hidden, Seq: b.Seq, Old: b.Old, Forged: b.Forged}
}

// hideParts takes the words of messages away that were stored before anybody
// knew that they hold a secret.
func (s *Service) hideParts(ctx context.Context, d *Draft, parts []part) error {
	for _, p := range parts {
		m, ok := s.message(ctx, d.conv.ID, p.seq)
		if !ok || m.Removed {
			continue
		}
		body, err := d.keys.Body(d.conv.UID, m)
		if err != nil {
			return fmt.Errorf("%w: %w", errKeyUnreadable, err)
		}
		if body.Text == "" {
			continue
		}
		body.Text, body.Raw, body.History = hidden, nil, nil
		d.Change(storage.MessageChange{Seq: p.seq}, &body)
	}
	return nil
}
