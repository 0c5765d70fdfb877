package server

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"dispatcher/flows"
	"dispatcher/inbox"
)

// trafficFor is how long counted traffic is shown before it is counted again:
// a project is asked for flow by flow.
const trafficFor = 30 * time.Second

// fewest is the least count that is told; of smaller ones only that there are
// some (desk.md 4).
const fewest = 5

// lastTraffic is the traffic counted last. Only one count runs at a time.
type lastTraffic struct {
	mu    sync.Mutex
	since string
	at    time.Time
	out   *inbox.Traffic
}

// graphView is GET /flows/{name}/graph: what graph draws, and figures of it.
type graphView struct {
	Name          string      `json:"name"`
	Set           string      `json:"set"`
	Nodes         []graphNode `json:"nodes"`
	Edges         []graphEdge `json:"edges"`
	Overlay       string      `json:"overlay,omitempty"`
	Since         *time.Time  `json:"since,omitempty"`
	Conversations int         `json:"conversations"` // that were counted, of all flows
	More          bool        `json:"more"`          // older ones were left out: there are too many
	Counts        []edgeCount `json:"counts"`
}

type graphNode struct {
	Name    string `json:"name"`
	File    string `json:"file"`
	Line    int    `json:"line"`
	Words   string `json:"words,omitempty"`
	Asks    string `json:"asks,omitempty" enum:"options,collect,form,verify"`
	Slot    string `json:"slot,omitempty"`
	Service string `json:"service,omitempty"`
	Open    int64  `json:"open"` // conversations that wait there with the assistant
}

type graphEdge struct {
	From  string `json:"from"`
	Label string `json:"label"` // names as in language.md 2.22
	Words string `json:"words,omitempty"`
	Kind  string `json:"kind" enum:"state,call,return,handoff,resolve,resume"`
	To    string `json:"to,omitempty"` // flow.state, flow, queue, result or reason
	File  string `json:"file"`
	Line  int    `json:"line"`
}

// edgeCount is how often one edge was taken, as it stood then.
type edgeCount struct {
	State string `json:"state"`
	Edge  string `json:"edge"`
	Line  int    `json:"line"`
	Count int    `json:"count"`         // 0 beside few
	Few   bool   `json:"few,omitempty"` // under 5 times
}

type graphInput struct {
	Name    string `path:"name" maxLength:"40"`
	Overlay string `query:"overlay" enum:"traffic" doc:"Figures to count: traffic."`
	Since   string `query:"since" maxLength:"40" doc:"How far back: 90m, 24h, 7d or a date. Default 7d."`
}

func (s *Server) graphRoutes(api huma.API) {
	handle(s, api, operation{method: "GET", path: "/flows/{name}/graph", id: "flow-graph",
		summary: "What a picture of a flow shows: states, edges, how often each was taken", tag: "flows", perm: permFlows}, s.flowGraph)
}

func (s *Server) flowGraph(ctx context.Context, _ *identity, in *graphInput) (*body[graphView], error) {
	p := s.cfg.Project()
	if p == nil || p.Set == nil || p.Set.Flows[in.Name] == nil {
		return nil, problem("not_found", "")
	}
	f, _ := p.Outline().Find(in.Name)
	open, err := s.positions(ctx)
	if err != nil {
		return nil, err
	}
	v := graphView{Name: f.Name, Set: p.SetID, Nodes: []graphNode{}, Edges: []graphEdge{}, Counts: []edgeCount{}}
	for _, st := range f.States {
		v.Nodes = append(v.Nodes, graphNode{Name: st.Name, File: st.File, Line: st.Line, Words: st.Words, Asks: st.Asks, Slot: st.Slot,
			Service: st.Service, Open: open[f.Name+"."+st.Name]})
		for _, e := range st.Edges {
			v.Edges = append(v.Edges, graphEdge{From: st.Name, Label: e.Label(), Words: e.Words, Kind: e.To, To: targetOf(e), File: e.File, Line: e.Line})
		}
	}
	if in.Overlay == "" {
		return answer(v, nil)
	}
	v.Overlay = in.Overlay
	return answer(v, s.countTraffic(ctx, in, &v))
}

func targetOf(e flows.OutlineEdge) string {
	switch e.To {
	case flows.ToState:
		return e.Flow + "." + e.State
	case flows.ToCall:
		return e.Flow
	}
	return e.Name
}

// countTraffic adds the figures of one flow.
func (s *Server) countTraffic(ctx context.Context, in *graphInput, v *graphView) error {
	t, err := s.trafficSince(ctx, in.Since)
	if err != nil {
		return err
	}
	v.Since, v.Conversations, v.More = &t.Since, t.Conversations, t.More
	for _, e := range t.Edges {
		if !strings.HasPrefix(e.State, v.Name+".") {
			continue
		}
		c := edgeCount{State: e.State, Edge: e.Edge, Line: e.Line, Count: e.N}
		if e.N < fewest {
			c.Count, c.Few = 0, true
		}
		v.Counts = append(v.Counts, c)
	}
	return nil
}

// trafficSince counts, or gives what was counted a moment ago.
func (s *Server) trafficSince(ctx context.Context, since string) (*inbox.Traffic, error) {
	if since == "" {
		since = "7d"
	}
	now := s.cfg.Now()
	from, err := inbox.ReadSince(since, now)
	if err != nil {
		p := problem("invalid", "")
		p.Errors = []FieldError{{"query.since", err.Error()}}
		return nil, p
	}
	s.traffic.mu.Lock()
	defer s.traffic.mu.Unlock()
	if last := &s.traffic; last.out != nil && last.since == since && now.Sub(last.at) < trafficFor {
		return last.out, nil
	}
	out, err := s.cfg.Inbox.Traffic(ctx, from)
	if err == nil {
		s.traffic.since, s.traffic.at, s.traffic.out = since, now, out
	}
	return out, err
}
