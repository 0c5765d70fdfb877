package graph

// Overlay paints measured figures on a graph: what tests went through, or how
// many conversations went where.
type Overlay struct {
	// Traffic paints the width of edges by their counts; without it what has no
	// count stands out, as not covered.
	Traffic bool
	// Caption says what the figures are: 31 tests, 7 days.
	Caption string
	// States are counts by flow.state.
	States map[string]int
	// Edges are counts by edge.
	Edges map[EdgeID]int
}

// EdgeID names one edge of the language: the state it starts in, its name as in
// language.md 2.22 and the line it is written on. An edge that has a count
// without a line is meant wherever no count with its line is.
type EdgeID struct {
	State string // flow.state; "" or a flow's name for entries of everywhere
	Edge  string
	Line  int // 0 = any
}

// Paint puts figures on the graph; nil takes them off.
func (g *Graph) Paint(o *Overlay) { g.overlay = o }

// state is the count of a state; ok is false without an overlay.
func (o *Overlay) state(flow, state string) (n int, ok bool) {
	if o == nil {
		return 0, false
	}
	return o.States[flow+"."+state], true
}

// way is the count of a way: of the first of its names that has one of its own.
func (o *Overlay) way(flow string, w way) (n int, ok bool) {
	if o == nil || len(w.Edges) == 0 {
		return 0, false
	}
	state := flow
	if w.state != "" {
		state += "." + w.state
	}
	for i, name := range w.Edges {
		line := 0
		if i < len(w.Lines) {
			line = w.Lines[i]
		}
		for _, id := range [...]EdgeID{{state, name, line}, {state, name, w.Line}, {state, name, 0}} {
			if n, ok := o.Edges[id]; ok {
				return n, true
			}
		}
	}
	return 0, true
}
