package desk

import (
	"cmp"
	"context"
	"errors"
	"math"
	"slices"

	"dispatcher/inbox"
	"dispatcher/storage"
)

// key is the sort key of a waiting conversation (desk.md 1.6): effective
// priority, due time of the next response, how long it waits, id.
type key struct {
	priority int
	due      int64
	since    int64
	id       int64
}

func (k key) compare(o key) int {
	return cmp.Or(cmp.Compare(o.priority, k.priority), cmp.Compare(k.due, o.due), cmp.Compare(k.since, o.since), cmp.Compare(k.id, o.id))
}

// keyOf raises the priority by a step for a breached clock and by one more for
// each further target length overdue, at most to urgent, so that a low
// priority cannot starve. A broken promise has raised the row itself already.
func keyOf(row storage.Summary, now, target int64) key {
	c := row.Conv
	k := key{priority: int(c.Priority), due: math.MaxInt64, since: c.OpenedAt, id: c.ID}
	if d := due(c); d != nil {
		k.due = d.At.UnixMilli()
	}
	if row.Handoff != nil {
		k.since = row.Handoff.CreatedAt
		k.priority = int(row.Handoff.Priority)
	}
	if over := now - k.due; over >= 0 {
		k.priority++
		if target > 0 {
			k.priority += int(min(over/target, 3))
		}
	}
	k.priority = min(k.priority, 3)
	return k
}

// waitingRows are the first conversations of a queue in the order of their keys.
func (s *Service) waitingRows(ctx context.Context, queue string) ([]storage.Summary, error) {
	got, err := s.store.List(ctx, storage.ListQuery{View: "queue", Queues: []string{queue}, N: maxLimit})
	if err != nil {
		return nil, err
	}
	target := int64(0)
	if p := s.inbox.Live(); p != nil && p.Set != nil && p.Set.Queues[queue] != nil {
		target = p.Set.Queues[queue].FirstReply.Milliseconds()
	}
	now := s.now().UnixMilli()
	slices.SortStableFunc(got.Items, func(a, b storage.Summary) int {
		return keyOf(a, now, target).compare(keyOf(b, now, target))
	})
	return got.Items, nil
}

// TakeNext claims the first conversation of a queue; "" = nothing waits. When
// somebody else wins one it goes on to the next.
func (s *Service) TakeNext(ctx context.Context, a Actor, queue string) (id string, m Moved, err error) {
	if !a.works() {
		return "", m, forbidden("Your role may not do this.")
	}
	if !s.queueExists(queue) || !s.mayQueue(a, queue) {
		return "", m, notFound()
	}
	rows, err := s.waitingRows(ctx, queue)
	if err != nil {
		return "", m, err
	}
	for _, row := range rows {
		id := inbox.UIDText(row.Conv.UID)
		m, err := s.claimHow(ctx, a, id, howNext, Command{})
		var lost *Problem
		if errors.As(err, &lost) {
			continue
		}
		return id, m, err
	}
	return "", m, nil
}

// Position is the place of a waiting conversation in its queue, from 1; 0 =
// it does not wait. Places are told as "about": a promise is only about time.
func (s *Service) Position(ctx context.Context, a Actor, id string) (int, error) {
	v, err := s.view(ctx, a, id)
	if err != nil || v.Snap.Conv.Owner != storage.OwnerQueue {
		return 0, err
	}
	rows, err := s.waitingRows(ctx, v.Snap.Conv.OwnerID)
	if err != nil {
		return 0, err
	}
	i := slices.IndexFunc(rows, func(r storage.Summary) bool { return r.Conv.ID == v.Snap.Conv.ID })
	return i + 1, nil
}
