package server

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"dispatcher/flows"
	"dispatcher/inbox"
)

// replayWithin is about how long one page of a replay takes.
const replayWithin = 500 * time.Millisecond

// maxReplay is how many conversations one replay names at most.
const maxReplay = 1_000_000

// lastReplayed keeps the set of the replay before: a replay is asked for page
// by page, and compiling a large project takes longer than a page.
type lastReplayed struct {
	mu  sync.Mutex
	set *flows.Project

	walking sync.Mutex // one page at a time: each takes every processor, beside the service
}

type revisionReplayInput struct {
	ID   string `path:"id" maxLength:"64" doc:"Set id, or at least four characters of its beginning."`
	Body *struct {
		Files  map[string]string `json:"files,omitempty" doc:"The files of a set that this server has not seen, by path."`
		Media  map[string]string `json:"media,omitempty" doc:"SHA-256 of its media, hex, by path."`
		Since  string            `json:"since,omitempty" maxLength:"40" doc:"How far back, by the last thing that happened in a conversation: 90m, 24h, 7d or a date. Default 24h."`
		Limit  int               `json:"limit,omitempty" minimum:"0" doc:"The newest so many conversations. Default 1000."`
		Cursor string            `json:"cursor,omitempty" maxLength:"400" doc:"next_cursor of the page before."`
	}
}

// replayView is what `replay --format json` prints.
type replayView = map[string]any

func (s *Server) replayRoutes(api huma.API) {
	handle(s, api, operation{method: "POST", path: "/revisions/{id}/replay", id: "revision-replay",
		summary: "What it would have done with stored conversations, page by page", tag: "flows", perm: permFlows, large: true}, s.revisionReplay)
}

func (s *Server) revisionReplay(ctx context.Context, _ *identity, in *revisionReplayInput) (*body[replayView], error) {
	q := inbox.ReplayQuery{Limit: 1000, Within: replayWithin}
	since := "24h"
	if b := in.Body; b != nil {
		q.Cursor = b.Cursor
		if b.Since != "" {
			since = b.Since
		}
		if b.Limit > 0 {
			q.Limit = min(b.Limit, maxReplay)
		}
	}
	var err error
	if q.Since, err = inbox.ReadSince(since, s.cfg.Now()); err != nil {
		return nil, invalid("since", err.Error())
	}
	p, err := s.replayedSet(ctx, in)
	if err != nil {
		return nil, err
	}
	if !p.OK() {
		return nil, badSet(p)
	}
	s.replayed.walking.Lock()
	defer s.replayed.walking.Unlock()
	out, err := s.cfg.Inbox.Replay(ctx, p, q)
	if err != nil {
		return nil, err
	}
	data, err := json.Marshal(out)
	if err != nil {
		return nil, err
	}
	return answer(jsonObject(data))
}

// replayedSet is the set of a replay, compiled once for all its pages.
func (s *Server) replayedSet(ctx context.Context, in *revisionReplayInput) (*flows.Project, error) {
	s.replayed.mu.Lock()
	defer s.replayed.mu.Unlock()
	if p := s.replayed.set; p != nil && p.SetID == in.ID {
		return p, nil
	}
	var files, media map[string]string
	if in.Body != nil {
		files, media = in.Body.Files, in.Body.Media
	}
	p, err := s.planned(ctx, in.ID, files, media)
	if err == nil && p.OK() {
		s.replayed.set = p
	}
	return p, err
}
