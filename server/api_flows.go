package server

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"dispatcher/flows"
	"dispatcher/flows/watch"
	"dispatcher/inbox"
	"dispatcher/storage"
)

// flowsView is GET /flows (desk.md ruling 10).
type flowsView struct {
	Live     watch.SetInfo    `json:"live"`
	Folder   watch.FolderInfo `json:"folder"`
	Problems []any            `json:"problems"`
}

// checkView is what `check --format json` prints; its shape is the flow language's own.
type checkView = map[string]any

// revisionView is one line of the history of what ran.
type revisionView struct {
	ID    string    `json:"id"`  // of this entry
	Set   string    `json:"set"` // set id
	Since time.Time `json:"since"`
	By    string    `json:"by"`
	Live  bool      `json:"live"`
}

func (s *Server) flowRoutes(api huma.API) {
	handle(s, api, operation{method: "GET", path: "/flows", id: "flows", summary: "What runs and what the folder holds", tag: "flows", perm: permFlows},
		func(context.Context, *identity, *noInput) (*body[flowsView], error) { return answer(s.flowsView()) })
	handle(s, api, operation{method: "GET", path: "/flows/problems", id: "flow-problems", summary: "Problems, as check --format json", tag: "flows", perm: permFlows},
		func(context.Context, *identity, *noInput) (*body[checkView], error) { return answer(s.check()) })
	handle(s, api, operation{method: "POST", path: "/flows/reload", id: "flows-reload", summary: "Look at the folder now", tag: "flows", perm: permActivate}, s.reload)
	handle(s, api, operation{method: "GET", path: "/revisions", id: "revisions", summary: "Which set ran since when", tag: "flows", perm: permFlows}, s.revisions)
}

// shownProject is the project whose problems a person should see: the rejected
// one while there is one.
func (s *Server) shownProject() *flows.Project {
	if s.cfg.Watch != nil {
		if bad := s.cfg.Watch.Status().Problem; bad != nil {
			return bad
		}
	}
	return s.cfg.Project()
}

func (s *Server) check() (checkView, error) {
	p := s.shownProject()
	if p == nil {
		return checkView{"problems": []any{}}, nil
	}
	return jsonObject(p.JSON())
}

func (s *Server) flowsView() (flowsView, error) {
	v := flowsView{Folder: watch.FolderInfo{State: watch.Same}, Problems: []any{}}
	if live := s.cfg.Project(); live != nil {
		v.Live.Set, v.Folder.Set = live.SetID, live.SetID
	}
	if s.cfg.Watch != nil {
		st := s.cfg.Watch.Status()
		v.Live, v.Folder = st.Live, st.Folder
	}
	checked, err := s.check()
	if list, ok := checked["problems"].([]any); ok {
		v.Problems = list
	}
	return v, err
}

func (s *Server) reload(ctx context.Context, _ *identity, _ *noInput) (*body[checkView], error) {
	if s.cfg.Watch != nil {
		s.cfg.Watch.Reload(ctx)
	}
	return answer(s.check())
}

type revisionsInput struct {
	ListInput
}

func (s *Server) revisions(ctx context.Context, who *identity, in *revisionsInput) (*body[items[revisionView]], error) {
	var all []revisionView
	for at := ""; ; {
		page, err := s.cfg.Store.Find(ctx, storage.RecordQuery{Kind: storage.KindHistory, Cursor: at, N: 200})
		if err != nil {
			return nil, err
		}
		for _, rec := range page.Items {
			var l inbox.LiveSet
			if err := json.Unmarshal(rec.Body, &l); err != nil {
				return nil, err
			}
			all = append(all, revisionView{ID: recordID(rec), Set: l.Set, Since: l.Since, By: l.By})
		}
		if at = page.Next; at == "" {
			break
		}
	}
	slices.SortFunc(all, func(a, b revisionView) int { return b.Since.Compare(a.Since) })
	if len(all) > 0 {
		all[0].Live = true
	}
	from, err := s.openCursor(in.Cursor, who.ID, "revisions")
	if err != nil {
		return nil, err
	}
	start := 0
	if from != "" {
		start = slices.IndexFunc(all, func(r revisionView) bool { return r.ID == from }) + 1
	}
	out := items[revisionView]{Items: orEmpty(all[start:])}
	if len(out.Items) > in.Limit {
		out.Items = out.Items[:in.Limit]
		out.NextCursor = s.sealCursor(out.Items[in.Limit-1].ID, who.ID, "revisions")
	}
	return &body[items[revisionView]]{Body: out}, nil
}
