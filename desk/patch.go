package desk

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"dispatcher/dm"
	"dispatcher/inbox"
)

// Patch is PATCH /conversations/{id}; nil and empty fields leave things as they are.
type Patch struct {
	Priority string
	Add      []string // labels
	Remove   []string
	Topic    string
	Slots    map[string]string // as typed; "" empties
}

// revealFor is how long a revealed value is shown.
const revealFor = 5 * time.Minute

// Patch changes what people may change of a conversation without owning it:
// priority and labels by everybody who works it, slots by its owner or a lead.
func (s *Service) Patch(ctx context.Context, a Actor, id string, p Patch) (Detail, error) {
	words := []string{dm.PriorityLow, dm.PriorityNormal, dm.PriorityHigh, dm.PriorityUrgent}
	if p.Priority != "" && !slices.Contains(words, p.Priority) {
		return Detail{}, invalid("Priority is low, normal, high or urgent.")
	}
	for _, l := range p.Add {
		if l = strings.TrimSpace(l); l == "" || len(l) > 64 {
			return Detail{}, invalid("A label has 1 to 64 characters.")
		}
	}
	_, err := s.do(ctx, a, id, a.works(), func(v *inbox.View) (*inbox.Draft, error) {
		d := v.Draft()
		if len(p.Slots) > 0 {
			if !owns(a, v) && !a.leads() {
				return nil, s.conflict(ctx, CodeNotOwner, "Only its owner changes answers.", v)
			}
			if err := d.SetSlots(p.Slots); err != nil {
				return nil, invalid(strings.TrimPrefix(err.Error(), "inbox: "))
			}
			d.AuditDetail(a.ID, "slots_edited", v.UID(), names(p.Slots))
		}
		if p.Priority != "" {
			d.Priority(p.Priority)
			d.AuditDetail(a.ID, "priority", v.UID(), p.Priority)
		}
		if p.Topic != "" {
			d.Relabel(p.Topic)
			d.AuditDetail(a.ID, "relabelled", v.UID(), p.Topic)
		}
		d.Labels(p.Add, p.Remove)
		d.Event(inbox.EventConversation)
		return d, nil
	})
	if err != nil {
		return Detail{}, err
	}
	return s.Get(ctx, a, id)
}

func names(m map[string]string) []string {
	out := make([]string, 0, len(m))
	for n := range m {
		out = append(out, n)
	}
	slices.Sort(out)
	return out
}

// Revealed is a personal value in the clear, for a moment.
type Revealed struct {
	Value   any       `json:"value"`
	Raw     string    `json:"raw,omitempty"`
	HidesAt time.Time `json:"hides_at"`
}

// Reveal shows one personal value and writes down who looked. A secret one is
// never shown.
func (s *Service) Reveal(ctx context.Context, a Actor, id, slot, reason string) (Revealed, error) {
	var out Revealed
	_, err := s.do(ctx, a, id, a.reveals(), func(v *inbox.View) (*inbox.Draft, error) {
		slots := v.Slots()
		i := slices.IndexFunc(slots, func(p inbox.PacketSlot) bool { return p.Name == slot })
		if i < 0 {
			return nil, notFound()
		}
		if slots[i].Secret {
			return nil, problem(CodeForbidden, http.StatusForbidden, "This value is never shown.")
		}
		out = Revealed{Value: slots[i].Value, Raw: slots[i].Raw, HidesAt: s.now().Add(revealFor).UTC()}
		d := v.Draft()
		d.AuditDetail(a.ID, "reveal", v.UID()+"/"+slot, reason)
		return d, nil
	})
	if err != nil {
		return Revealed{}, err
	}
	return out, nil
}

// Seen says that the owner has read everything up to now.
func (s *Service) Seen(ctx context.Context, a Actor, id string) error {
	_, err := s.do(ctx, a, id, a.works(), func(v *inbox.View) (*inbox.Draft, error) {
		if !owns(a, v) || v.Snap.Conv.Unread == 0 {
			return nil, nil
		}
		d := v.Draft()
		d.Read()
		d.Event(inbox.EventConversation)
		return d, nil
	})
	return err
}
