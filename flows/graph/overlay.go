package graph

import "strconv"

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
// language.md 2.22 and the line it is written on. Counts without a line are
// those of all edges of the name together; they hold where there is only one.
type EdgeID struct {
	State string // flow.state; "" or a flow's name for entries of everywhere
	Edge  string
	Line  int // 0 = any
}

// Paint puts figures on the graph; nil takes them off.
func (g *Graph) Paint(o *Overlay) {
	g.overlay = o
	if o != nil {
		g.busiest = 1
		for _, n := range o.Edges {
			g.busiest = max(g.busiest, n)
		}
	}
}

// state is the count of a state; ok is false where there are no figures of it.
func (o *Overlay) state(flow, state string) (n int, ok bool) {
	if o == nil {
		return 0, false
	}
	n, ok = o.States[flow+"."+state]
	return n, ok
}

// way is the count of a way: the least of its names', since all of them have to
// be chosen; ok is false where there are no figures of it.
func (o *Overlay) way(gr *group, w way) (n int, ok bool) {
	if o == nil || len(w.Edges) == 0 {
		return 0, false
	}
	state := gr.scope
	if w.state != "" {
		state += "." + w.state
		if _, ok := o.States[state]; !ok {
			return 0, false
		}
	}
	for i, name := range w.Edges {
		count, found := o.count(EdgeID{state, name, w.Lines[i]}, w.Line, gr.alone(w.state, name))
		ok = ok || found
		if i == 0 || count < n {
			n = count
		}
	}
	return n, ok || w.state != ""
}

// count looks an edge up by its line, or by its name where its state has no
// other of that name.
func (o *Overlay) count(id EdgeID, line int, alone bool) (int, bool) {
	if n, ok := o.Edges[EdgeID{id.State, id.Edge, 0}]; alone && ok {
		return n, true
	}
	for _, at := range [...]int{id.Line, line} {
		if n, ok := o.Edges[EdgeID{id.State, id.Edge, at}]; ok {
			return n, true
		}
	}
	return 0, false
}

// few is the least count that is told by number where counts are of people
// (desk.md 4).
const few = 5

// times is a count in words.
func (o *Overlay) times(n int) string {
	switch {
	case n == 0 && !o.Traffic:
		return "not covered"
	case n > 0 && n < few && o.Traffic:
		return "few"
	}
	return strconv.Itoa(n) + "×"
}

// number is a count as it stands in the picture.
func (o *Overlay) number(n int) string {
	if n > 0 && n < few && o.Traffic {
		return "few"
	}
	return strconv.Itoa(n)
}
