package desk

import (
	"context"
	"slices"
	"strings"

	"dispatcher/dm"
	"dispatcher/inbox"
	"dispatcher/storage"
)

// Delegate is a flow that an agent may let run (language.md 2.20).
type Delegate struct {
	Flow  string `json:"flow"`
	Label string `json:"label"`
}

// delegates are the flows that may run on a conversation now.
func (s *Service) delegates(a Actor, v *inbox.View) []Delegate {
	out := []Delegate{}
	if !owns(a, v) || v.Phase() != dm.PhaseAgent {
		return out
	}
	for _, d := range v.Delegates() {
		out = append(out, Delegate{Flow: d.Flow, Label: d.Label})
	}
	return out
}

// Lend lets a flow run on the agent's conversation: the bot asks, the agent
// has it back at the flow's end, at the deadline, or whenever they want.
func (s *Service) Lend(ctx context.Context, a Actor, id string, c Command) (Moved, error) {
	return s.do(ctx, a, id, a.works(), func(v *inbox.View) (*inbox.Draft, error) {
		if err := s.mine(ctx, a, v, c); err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(s.delegates(a, v), func(may Delegate) bool { return may.Flow == c.Flow }) {
			return nil, s.conflict(ctx, CodeCannotLend, "This flow cannot run here.", v)
		}
		if s.paused(v) {
			return nil, s.conflict(ctx, CodeBotPaused, "The assistant is paused.", v)
		}
		if w := v.Window(); w != nil && !s.now().Before(w.ReplyUntil) {
			return nil, s.conflict(ctx, CodeWindowClosed, "The platform takes no replies any more until they write again.", v)
		}
		d := v.Draft()
		if lead := strings.TrimSpace(readable(c.LeadIn)); lead != "" {
			out, err := s.outgoing(ctx, a, v, Reply{Text: lead})
			if err != nil {
				return nil, err
			}
			d.Send(out)
		}
		return d, s.inbox.Lend(d, a.shift(inbox.EdgeLend, c), c.Flow)
	})
}

// LendRecall takes a lent conversation back. What was learnt stays.
func (s *Service) LendRecall(ctx context.Context, a Actor, id string, c Command) (Moved, error) {
	return s.do(ctx, a, id, a.works(), func(v *inbox.View) (*inbox.Draft, error) {
		if v.Snap.Conv.Phase != storage.PhaseLent {
			return nil, s.conflict(ctx, CodeTooLate, "It is not lent any more.", v)
		}
		return s.takeOver(ctx, a, v, c)
	})
}
