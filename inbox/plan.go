package inbox

import (
	"context"
	"fmt"
	"strings"

	"dispatcher/flows"
	"dispatcher/storage"
)

// planPage is how many open conversations are read at once.
const planPage = 200

// Plan says what it would do to open conversations if a set went live now: a
// count of what was read, since people go on writing meanwhile. The state of a
// conversation is opened only where the change can reach into it.
func (s *Service) Plan(ctx context.Context, to *flows.Project) (*flows.Plan, error) {
	return s.PlanFrom(ctx, s.live.Load(), to)
}

// PlanFrom is Plan against another set than the live one.
func (s *Service) PlanFrom(ctx context.Context, from, to *flows.Project) (*flows.Plan, error) {
	delta := flows.Diff(from, to)
	count := flows.NewTally(delta, s.now())
	seen := map[int64]bool{}
	for at := ""; ; {
		page, err := s.store.List(ctx, storage.ListQuery{Status: storage.Open, Cursor: at, N: planPage})
		if err != nil {
			return nil, fmt.Errorf("inbox: plan: %w", err)
		}
		if err := s.tally(ctx, delta, count, page.Items, seen); err != nil {
			return nil, fmt.Errorf("inbox: plan: %w", err)
		}
		if at = page.Next; at == "" {
			return count.Plan(), nil
		}
	}
}

// tally counts one page; a conversation that moved up the list meanwhile is
// counted once.
func (s *Service) tally(ctx context.Context, delta *flows.Delta, count *flows.Tally, page []storage.Summary, seen map[int64]bool) error {
	var inside []storage.Key
	for _, row := range page {
		c := row.Conv
		if seen[c.ID] {
			continue
		}
		seen[c.ID] = true
		if delta.Reaches(c.Position) {
			inside = append(inside, storage.Key{ID: c.ID})
			continue
		}
		flow, state, _ := strings.Cut(c.Position, ".")
		count.Add(flows.Standing{Flow: flow, State: state})
	}
	if len(inside) == 0 {
		return nil
	}
	snaps, err := s.store.Load(ctx, inside)
	if err != nil {
		return err
	}
	for _, snap := range snaps {
		if snap.Conv.ID != 0 && snap.Conv.Status == storage.Open {
			count.Add(s.standing(snap))
		}
	}
	return nil
}

// standing opens the state of one conversation. One that cannot be opened is
// counted by its position alone.
func (s *Service) standing(snap storage.Snapshot) flows.Standing {
	flow, state, _ := strings.Cut(snap.Conv.Position, ".")
	out := flows.Standing{Flow: flow, State: state}
	v, err := s.view(nil, snap)
	if err != nil {
		return out
	}
	out.Slots = v.State.Slots
	out.Pinned = v.State.Pin.Holds(flow, s.now())
	return out
}
