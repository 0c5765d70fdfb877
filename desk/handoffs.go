package desk

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"dispatcher/inbox"
	"dispatcher/storage"
)

// HandoffQuery is GET /handoffs.
type HandoffQuery struct {
	Queue, Cause, State, Cursor string // State: waiting claimed ended; "" = every one
	Since                       time.Time
	Limit                       int
}

// Handoff is one stay in the human queue.
type Handoff struct {
	ID           string        `json:"id"`
	Conversation string        `json:"conversation"`
	Queue        string        `json:"queue"`
	Cause        string        `json:"cause"`
	Reason       string        `json:"reason,omitempty"`
	Priority     string        `json:"priority"`
	CreatedAt    time.Time     `json:"created_at"`
	PromisedAt   *time.Time    `json:"promised_at,omitempty"`
	ClaimedAt    *time.Time    `json:"claimed_at,omitempty"`
	ClaimedBy    *Owner        `json:"claimed_by,omitempty"`
	EndedAt      *time.Time    `json:"ended_at,omitempty"`
	Ended        string        `json:"ended,omitempty"` // returned transferred resolved withdrawn spam erased
	Packet       *inbox.Packet `json:"packet,omitempty"`
}

// Handoffs lists the handoffs an actor may see, the newest first.
func (s *Service) Handoffs(ctx context.Context, a Actor, q HandoffQuery) (Page[Handoff], error) {
	page := Page[Handoff]{Items: []Handoff{}}
	if !a.reads() {
		return page, forbidden("You may not read conversations.")
	}
	sq := storage.ListQuery{View: "handoffs", Cursor: q.Cursor}
	if q.Queue != "" {
		sq.Queues = []string{q.Queue}
	}
	names, want := s.names(ctx), limitOf(q.Limit)
	for seen := 0; len(page.Items) < want && seen < maxScan; {
		sq.N = want - len(page.Items)
		got, err := s.store.List(ctx, sq)
		if err != nil {
			return page, err
		}
		for _, row := range got.Items {
			if h, ok := s.handoff(ctx, a, row, names); ok && q.fits(h) {
				page.Items = append(page.Items, h)
			}
		}
		seen += len(got.Items)
		page.NextCursor, sq.Cursor = got.Next, got.Next
		if got.Next == "" {
			break
		}
	}
	return page, nil
}

func (q HandoffQuery) fits(h Handoff) bool {
	return (q.Cause == "" || q.Cause == h.Cause) && (q.State == "" || q.State == h.state()) && !h.CreatedAt.Before(q.Since)
}

func (h *Handoff) state() string {
	switch {
	case h.EndedAt != nil:
		return "ended"
	case h.ClaimedAt != nil:
		return "claimed"
	}
	return "waiting"
}

// mayHandoff: whoever may work the queue of the stay, and who owns the
// conversation now.
func (s *Service) mayHandoff(a Actor, row storage.Summary) bool {
	if row.Conv.Owner == storage.OwnerAgent && row.Conv.OwnerID == a.ID {
		return true
	}
	return s.mayQueue(a, row.Handoff.Queue)
}

// handoff makes one out of a row; false: there is none, or it may not be seen.
func (s *Service) handoff(ctx context.Context, a Actor, row storage.Summary, names map[string]string) (Handoff, bool) {
	h := row.Handoff
	if h == nil || !s.mayHandoff(a, row) {
		return Handoff{}, false
	}
	out := Handoff{Conversation: inbox.UIDText(row.Conv.UID), Queue: h.Queue, Cause: h.Cause, Reason: h.Reason, Priority: inbox.PriorityWord(h.Priority),
		CreatedAt: ms(h.CreatedAt), PromisedAt: msOrNil(h.PromisedAt), ClaimedAt: msOrNil(h.ClaimedAt),
		EndedAt: msOrNil(h.EndedAt), Ended: h.Ended}
	if h.ClaimedBy != "" {
		out.ClaimedBy = &Owner{Kind: "agent", ID: h.ClaimedBy, Name: names[h.ClaimedBy]}
	}
	r, err := inbox.NewReader(s.vault, row.Contact)
	if err == nil {
		out.Packet, err = r.Packet(row.Conv.UID, *h)
	}
	if err != nil {
		s.log.LogAttrs(ctx, slog.LevelWarn, "handoff shown without packet", slog.Int64("conversation", row.Conv.ID), slog.Any("error", err))
	}
	if p := out.Packet; p != nil {
		out.ID, p.Slots = p.ID, masked(p.Slots)
	}
	return out, true
}

// HandoffByID reads one handoff.
func (s *Service) HandoffByID(ctx context.Context, a Actor, id string) (Handoff, error) {
	q := HandoffQuery{Limit: maxLimit}
	for {
		page, err := s.Handoffs(ctx, a, q)
		if err != nil {
			return Handoff{}, err
		}
		if i := slices.IndexFunc(page.Items, func(h Handoff) bool { return h.ID == id }); i >= 0 {
			return page.Items[i], nil
		}
		if page.NextCursor == "" {
			return Handoff{}, notFound()
		}
		q.Cursor = page.NextCursor
	}
}
