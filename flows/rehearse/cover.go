package rehearse

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// Share is how much of something was gone through.
type Share struct {
	Covered int `json:"covered"`
	Total   int `json:"total"`
}

func (s Share) String() string { return fmt.Sprintf("%d/%d", s.Covered, s.Total) }

// Percent is the share in percent; of nothing, all is covered.
func (s Share) Percent() float64 {
	if s.Total == 0 {
		return 100
	}
	return 100 * float64(s.Covered) / float64(s.Total)
}

// Coverage is what the tests have gone through of the flows they are about.
type Coverage struct {
	States, Transitions, Options, Conditions Share

	Items []Item // in written order
}

// coverage sums up the runs.
func (s *Suite) coverage(outcomes []Outcome) *Coverage {
	total := newHits(nil)
	for _, o := range outcomes {
		total.add(o.cover)
	}
	c := &Coverage{}
	if s.Project.Set == nil {
		return c
	}
	c.Items = declared(s.Project.Set, s.about())
	for i := range c.Items {
		c.count(&c.Items[i], total)
	}
	return c
}

// about says which flows the test files are about, all of them together.
func (s *Suite) about() func(string) bool {
	named := map[string]bool{}
	for _, f := range s.Tests.Files {
		if f.Flows == nil {
			return func(string) bool { return true }
		}
		for _, name := range f.Flows {
			named[name] = true
		}
	}
	return func(flow string) bool { return len(s.Tests.Files) == 0 || named[flow] }
}

// count looks one item up in what was seen.
func (c *Coverage) count(it *Item, h *hits) {
	hit := false
	switch it.Kind {
	case itemState:
		it.Count = h.states[it.State]
		hit = it.Count > 0
		c.States.add(hit)
	case itemTransition:
		it.Count = it.taken(h)
		hit = it.Count > 0
		c.Transitions.add(hit)
		if it.option {
			c.Options.add(hit)
		}
	case itemCondition:
		seen := h.conditions[[2]string{it.rule, it.Cond}]
		hit = seen[0] && seen[1]
		if !hit && (seen[0] || seen[1]) {
			it.Seen, it.Only = 1, fmt.Sprint(seen[0])
		}
		c.Conditions.add(hit)
	}
	if hit {
		it.Seen = 2
	}
}

func (s *Share) add(hit bool) {
	s.Total++
	if hit {
		s.Covered++
	}
}

// taken counts how often a transition was taken.
func (it *Item) taken(h *hits) int {
	if name, ok := strings.CutPrefix(it.Edge, "everywhere:"); ok {
		return h.everywhere[name+"@"+it.at]
	}
	if it.result {
		return h.tookResult(it.State, it.at)
	}
	n := h.took(it.State, it.Edge, it.at, it.alone)
	if n == 0 && it.option {
		n = h.options[[2]string{it.State, strings.TrimPrefix(it.Edge, "opt:")}]
	}
	return n
}

// Name is an item in words: flow.state, flow.state EDGE, or what a condition
// never came out as.
func (it Item) Name() string {
	switch it.Kind {
	case itemTransition:
		return strings.TrimSpace(it.State + " " + it.Edge)
	case itemCondition:
		switch it.Only {
		case "true":
			return it.State + " never false: " + it.Cond
		case "false":
			return it.State + " never true: " + it.Cond
		}
		return it.State + " never reached: " + it.Cond
	}
	return it.State
}

// Missing are the items that are not covered. Of a state that was never
// entered only the state is told.
func (c *Coverage) Missing() []Item {
	dark := map[string]bool{}
	for _, it := range c.Items {
		if it.Kind == itemState && it.Seen == 0 {
			dark[it.State] = true
		}
	}
	var out []Item
	for _, it := range c.Items {
		if it.Seen == 2 || it.Kind != itemState && dark[it.State] {
			continue
		}
		out = append(out, it)
	}
	return out
}

// Line is the figures of the summary line.
func (c *Coverage) Line() string {
	return fmt.Sprintf("states %s  transitions %s  options %s  conditions %s", c.States, c.Transitions, c.Options, c.Conditions)
}

// WriteMissing lists what is not covered, each with its place.
func (c *Coverage) WriteMissing(w io.Writer) {
	head := "not covered: "
	for _, it := range c.Missing() {
		fmt.Fprintf(w, "%s%s (%s:%d)\n", head, it.Name(), it.File, it.Line)
		head = strings.Repeat(" ", len(head))
	}
}

// JSON is the object "coverage".
func (c *Coverage) JSON() json.RawMessage {
	type gap struct {
		Kind  string `json:"kind"`
		State string `json:"state,omitempty"`
		Edge  string `json:"edge,omitempty"`
		Cond  string `json:"condition,omitempty"`
		Never string `json:"never,omitempty"`
		File  string `json:"file"`
		Line  int    `json:"line"`
	}
	gaps := []gap{}
	for _, it := range c.Missing() {
		g := gap{Kind: it.Kind, State: it.State, Edge: it.Edge, Cond: it.Cond, File: it.File, Line: it.Line}
		if it.Kind == itemCondition {
			g.Never = map[string]string{"true": "false", "false": "true", "": "reached"}[it.Only]
		}
		gaps = append(gaps, g)
	}
	raw, err := json.Marshal(struct {
		States      Share   `json:"states"`
		Transitions Share   `json:"transitions"`
		Options     Share   `json:"options"`
		Conditions  Share   `json:"conditions"`
		Percent     float64 `json:"percent"`
		NotCovered  []gap   `json:"not_covered"`
	}{c.States, c.Transitions, c.Options, c.Conditions, float64(int(c.Transitions.Percent()*10)) / 10, gaps})
	if err != nil {
		return json.RawMessage("{}") // cannot happen: strings and numbers only
	}
	return raw
}
