package rehearse

import (
	"strings"

	"dispatcher/engine"
)

// hits are what runs have gone through and how often, gathered from their traces.
type hits struct {
	flows      map[string]bool // nil = every flow
	states     map[string]int  // flow.state
	edges      map[hitEdge]int
	options    map[[2]string]int // flow.state, id
	everywhere map[string]int    // name@place
	conditions map[[2]string][2]bool
}

type hitEdge struct{ state, edge, at string }

func newHits(flows []string) *hits {
	h := &hits{states: map[string]int{}, edges: map[hitEdge]int{}, options: map[[2]string]int{}, everywhere: map[string]int{}, conditions: map[[2]string][2]bool{}}
	if flows != nil {
		h.flows = map[string]bool{}
		for _, f := range flows {
			h.flows[f] = true
		}
	}
	return h
}

// note takes one step's trace.
func (h *hits) note(r engine.Result) {
	tr := &r.Trace
	h.state(tr.To)
	for i := range tr.Steps {
		s := &tr.Steps[i]
		switch s.What {
		case "edge":
			h.state(s.State)
			h.edges[hitEdge{s.State, s.Edge, s.At}]++
			if s.Option != "" {
				h.options[[2]string{s.State, s.Option}]++
			}
			if name, ok := strings.CutPrefix(s.Edge, "everywhere:"); ok {
				h.everywhere[name]++
			}
		case "stage":
			if name, ok := strings.CutPrefix(s.Edge, "everywhere:"); ok {
				h.everywhere[name+"@"+s.At]++
			}
		case "condition":
			h.condition(s)
		}
	}
}

func (h *hits) state(name string) {
	if name != "" {
		h.states[name]++
	}
}

func (h *hits) condition(s *engine.TraceStep) {
	key := [2]string{s.At, s.Cond}
	seen := h.conditions[key]
	if s.Value == "true" {
		seen[0] = true
	} else {
		seen[1] = true
	}
	h.conditions[key] = seen
}

// add takes over what another has seen, as far as it is about its flows.
func (h *hits) add(o *hits) {
	about := func(state string) bool {
		flow, _, _ := strings.Cut(state, ".")
		return o.flows == nil || o.flows[flow]
	}
	for s, n := range o.states {
		if about(s) {
			h.states[s] += n
		}
	}
	for e, n := range o.edges {
		if about(e.state) {
			h.edges[e] += n
		}
	}
	for k, n := range o.options {
		if about(k[0]) {
			h.options[k] += n
		}
	}
	for name, n := range o.everywhere {
		h.everywhere[name] += n
	}
	for key, seen := range o.conditions {
		if about(key[0]) {
			have := h.conditions[key]
			h.conditions[key] = [2]bool{have[0] || seen[0], have[1] || seen[1]}
		}
	}
}

// took counts how often an edge was taken: at this very place, or anywhere in
// its state when no other edge there has the name.
func (h *hits) took(state, edge, at string, alone bool) int {
	if n := h.edges[hitEdge{state, edge, at}]; n > 0 || !alone {
		return n
	}
	sum := 0
	for e, n := range h.edges {
		if e.state == state && e.edge == edge {
			sum += n
		}
	}
	return sum
}

// tookResult counts how often what follows a call was taken, whatever the result.
func (h *hits) tookResult(state, at string) int {
	sum := 0
	for e, n := range h.edges {
		if e.state == state && e.at == at && strings.HasPrefix(e.edge, "result:") {
			sum += n
		}
	}
	return sum
}
