package server

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"dispatcher/flows"
	"dispatcher/flows/watch"
	"dispatcher/storage"
)

// flowsView is GET /flows (desk.md ruling 10).
type flowsView struct {
	Live     watch.SetInfo     `json:"live"`
	Folder   watch.FolderInfo  `json:"folder"`
	Staged   *watch.StagedInfo `json:"staged,omitempty"`  // the good set that waits, or was kept back
	ByName   string            `json:"by_name,omitempty"` // who made the live set live, as shown
	Notice   string            `json:"notice,omitempty"`  // one line for the bar of the studio; "" = nothing to say
	Plan     planView          `json:"plan,omitempty"`    // of what a command made live, or of what it would move
	Problems []any             `json:"problems"`
}

// checkView is what `check --format json` prints; its shape is the flow language's own.
type checkView = map[string]any

func (s *Server) flowRoutes(api huma.API) {
	handle(s, api, operation{method: "GET", path: "/flows", id: "flows", summary: "What runs and what the folder holds", tag: "flows", perm: permFlows},
		func(ctx context.Context, _ *identity, _ *noInput) (*body[flowsView], error) {
			return answer(s.flowsView(ctx))
		})
	handle(s, api, operation{method: "GET", path: "/flows/problems", id: "flow-problems", summary: "Problems, as check --format json", tag: "flows", perm: permFlows},
		func(context.Context, *identity, *noInput) (*body[checkView], error) { return answer(s.check()) })
	handle(s, api, operation{method: "POST", path: "/flows/reload", id: "flows-reload", summary: "Look at the folder now", tag: "flows", perm: permActivate}, s.reload)
	handle(s, api, operation{method: "GET", path: "/flows/{name}", id: "flow", summary: "One flow: its states, edges and problems", tag: "flows", perm: permFlows}, s.flow)
	s.graphRoutes(api)
	s.revisionRoutes(api)
	s.replayRoutes(api)
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

// check is what `check --format json` prints, with what the reload found out
// about open conversations (W501, W502).
func (s *Server) check() (checkView, error) {
	p := s.shownProject()
	if p == nil {
		return checkView{"problems": []any{}}, nil
	}
	if s.cfg.Watch != nil {
		if st := s.cfg.Watch.Status(); st.Problem == nil && st.Plan != nil && len(st.Plan.Problems) > 0 {
			p = p.With(st.Plan)
		}
	}
	return jsonObject(p.JSON())
}

func (s *Server) flowsView(ctx context.Context) (flowsView, error) {
	v := flowsView{Folder: watch.FolderInfo{State: watch.Same}, Problems: []any{}}
	if live := s.cfg.Project(); live != nil {
		v.Live.Set, v.Folder.Set = live.SetID, live.SetID
	}
	if s.cfg.Watch != nil {
		st := s.cfg.Watch.Status()
		v.Live, v.Folder, v.Staged = st.Live, st.Folder, st.Staged
		v.ByName = s.nameOf(ctx, v.Live.By).Name
		v.Notice = s.flowNotice(st, v.ByName)
	}
	checked, err := s.check()
	if list, ok := checked["problems"].([]any); ok {
		v.Problems = list
	}
	return v, err
}

// flowNotice is the bar of desk.md 4 (activate, rollback).
func (s *Server) flowNotice(st watch.Status, by string) string {
	live, folder := short(st.Live.Set), short(st.Folder.Set)
	pinned := ""
	if st.Live.Held {
		pinned = " (pinned by " + by + " " + st.Live.Since.UTC().Format("15:04") + ")"
	}
	switch {
	case st.Folder.State == watch.Missing:
		return "Live: " + live + pinned + ". The folder cannot be read."
	case st.Folder.State == watch.Rejected:
		return "Live: " + live + pinned + ". Folder: " + folder + ", rejected."
	case st.Staged != nil && st.Folder.State == watch.Good:
		return "Live: " + live + pinned + ". Folder: " + folder + ", " + map[string]string{watch.Staged: "good, waits to be published",
			watch.TestsFail: "its tests fail", watch.Discarded: "discarded"}[st.Staged.Result] + "."
	case st.Live.Held:
		return "Live: " + live + pinned + ". File changes wait for the next publish."
	}
	return ""
}

func short(set string) string { return set[:min(8, len(set))] }

func (s *Server) reload(ctx context.Context, _ *identity, _ *noInput) (*body[checkView], error) {
	if s.cfg.Watch != nil {
		s.cfg.Watch.Reload(ctx)
	}
	return answer(s.check())
}

// flowView is one flow of the live set.
type flowView struct {
	Name        string          `json:"name"`
	Set         string          `json:"set"`
	Description string          `json:"description,omitempty"`
	File        string          `json:"file"`
	Line        int             `json:"line"`
	States      []flowStateView `json:"states"`
	Edges       []flowEdgeView  `json:"edges"`
	Problems    []any           `json:"problems"`
}

type flowStateView struct {
	Name string `json:"name"`
	File string `json:"file"`
	Line int    `json:"line"`
	Asks bool   `json:"asks"`
	Open int64  `json:"open"` // conversations that wait there with the assistant
}

type flowEdgeView struct {
	From string `json:"from"`
	Edge string `json:"edge"` // language.md 2.22
	To   string `json:"to"`
}

type flowInput struct {
	Name string `path:"name" maxLength:"40"`
}

func (s *Server) flow(ctx context.Context, _ *identity, in *flowInput) (*body[flowView], error) {
	p := s.cfg.Project()
	if p == nil || p.Set == nil || p.Set.Flows[in.Name] == nil {
		return nil, problem("not_found", "")
	}
	f := p.Set.Flows[in.Name]
	v := flowView{Name: f.Name, Set: p.SetID, Description: f.Description, File: f.At.File, Line: f.At.Line, Edges: []flowEdgeView{}, Problems: []any{}}
	open, err := s.positions(ctx)
	if err != nil {
		return nil, err
	}
	for _, name := range f.StateOrder {
		st := f.States[name]
		v.States = append(v.States, flowStateView{Name: name, File: st.At.File, Line: st.At.Line, Asks: st.Asks(), Open: open[f.Name+"."+name]})
		for _, e := range flows.Ways(st) {
			v.Edges = append(v.Edges, flowEdgeView{From: name, Edge: e.Edge, To: e.To})
		}
	}
	checked, err := s.check()
	list, _ := checked["problems"].([]any)
	for _, one := range list {
		if m, ok := one.(map[string]any); ok && m["flow"] == f.Name {
			v.Problems = append(v.Problems, one)
		}
	}
	return answer(v, err)
}

// positions counts open conversations of the assistant by flow.state, and by
// the beginning of the id of their set.
func (s *Server) positions(ctx context.Context) (map[string]int64, error) {
	t, err := s.cfg.Store.Report(ctx, storage.ReportQuery{Name: "position"})
	if err != nil {
		return nil, err
	}
	out := map[string]int64{}
	for _, row := range t.Rows {
		at, _ := row[0].(string)
		set, _ := row[1].(string)
		n, _ := row[2].(int64)
		out[at] += n
		out[set] += n
	}
	return out, nil
}
