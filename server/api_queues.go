package server

import (
	"context"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"dispatcher/desk"
)

type aliasInput struct {
	Alias string `path:"alias" maxLength:"100"`
}

func (s *Server) queueRoutes(api huma.API) {
	handle(s, api, operation{method: "GET", path: "/queues", id: "queues", summary: "Queues as they stand", tag: "queues", perm: permQueues},
		func(ctx context.Context, who *identity, _ *noInput) (*body[items[desk.QueueInfo]], error) {
			list, err := s.cfg.Desk.Queues(ctx, who.Actor)
			return answer(items[desk.QueueInfo]{Items: orEmpty(list)}, err)
		})
	handle(s, api, operation{method: "GET", path: "/queues/{alias}", id: "queue", summary: "One queue", tag: "queues", perm: permQueues}, s.queue)
	handle(s, api, operation{method: "POST", path: "/queues/{alias}/take-next", id: "take-next", summary: "Claim what has waited most", tag: "queues", perm: permWrite}, s.takeNext)
	handle(s, api, operation{method: "GET", path: "/handoffs", id: "handoffs", summary: "Stays in the human queue", tag: "queues", perm: permRead}, s.listHandoffs)
	handle(s, api, operation{method: "GET", path: "/handoffs/{id}", id: "handoff", summary: "One stay, with its packet", tag: "queues", perm: permRead},
		func(ctx context.Context, who *identity, in *idInput) (*body[desk.Handoff], error) {
			return answer(s.cfg.Desk.HandoffByID(ctx, who.Actor, in.ID))
		})
	handle(s, api, operation{method: "GET", path: "/me/presence", id: "presence", summary: "Am I online", tag: "me", perm: permSession},
		func(_ context.Context, who *identity, _ *noInput) (*body[presenceView], error) {
			return &body[presenceView]{Body: presenceView{Presence: s.presenceOf(who)}}, nil
		})
	handle(s, api, operation{method: "PUT", path: "/me/presence", id: "presence-set", summary: "Say whether I am there", tag: "me", perm: permSession}, s.putPresence)
}

func (s *Server) queue(ctx context.Context, who *identity, in *aliasInput) (*body[desk.QueueInfo], error) {
	return answer(s.cfg.Desk.Queue(ctx, who.Actor, in.Alias))
}

// takenNext has no body when nothing waits.
type takenNext struct {
	Status int
	Body   *desk.Detail
}

func (s *Server) takeNext(ctx context.Context, who *identity, in *aliasInput) (*takenNext, error) {
	id, _, err := s.cfg.Desk.TakeNext(ctx, who.Actor, in.Alias)
	if err != nil {
		return nil, err
	}
	if id == "" {
		return &takenNext{Status: 204}, nil
	}
	got, err := s.cfg.Desk.Get(ctx, who.Actor, id)
	return &takenNext{Status: 200, Body: &got}, err
}

type handoffsInput struct {
	ListInput
	Queue string    `query:"queue" maxLength:"100"`
	Cause string    `query:"cause" maxLength:"40"`
	State string    `query:"state" enum:"waiting,claimed,ended" doc:"Empty: every one, those that have ended too."`
	Since time.Time `query:"since"`
}

func (s *Server) listHandoffs(ctx context.Context, who *identity, in *handoffsInput) (*body[items[desk.Handoff]], error) {
	filters := []string{who.ID, "handoffs", in.Queue, in.Cause, in.State, in.Since.String()}
	at, err := s.openCursor(in.Cursor, filters...)
	if err != nil {
		return nil, err
	}
	page, err := s.cfg.Desk.Handoffs(ctx, who.Actor, desk.HandoffQuery{Queue: in.Queue, Cause: in.Cause, State: in.State, Since: in.Since, Cursor: at, Limit: in.Limit})
	if err != nil {
		return nil, err
	}
	return &body[items[desk.Handoff]]{Body: items[desk.Handoff]{Items: orEmpty(page.Items), NextCursor: s.sealCursor(page.NextCursor, filters...)}}, nil
}

type presenceView struct {
	Presence string `json:"presence" enum:"online,away,offline"`
}

// putPresenceInput has a type of its own: a request refuses what it does not
// know, an answer may grow.
type putPresenceInput struct {
	Body struct {
		Presence string `json:"presence" enum:"online,away,offline"`
	}
}
