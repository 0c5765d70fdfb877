// Package graph draws flows: states as boxes, the written ways between them as
// edges with labels, as SVG with a layered layout of its own and as Graphviz
// DOT and Mermaid text. It promises that no box, label or edge lies on another
// box or label, that every text is escaped, and that the same project gives the
// same bytes. It does no I/O of its own and asks no clock.
package graph

import (
	"fmt"
	"strings"

	"dispatcher/flows"
)

// Graph is what will be drawn: one flow, or every flow of a project as a group.
type Graph struct {
	title   string
	about   string
	errors  int
	single  bool
	groups  []*group
	overlay *Overlay
	busiest int // the greatest count of an edge
}

// NoFlowError says that a project has no such flow.
type NoFlowError struct {
	Flow  string
	Meant string   // the flow that was perhaps meant; "" = none is near
	Have  []string // the first flows there are
	More  int      // flows beyond Have
}

func (e *NoFlowError) Error() string {
	said := fmt.Sprintf("there is no flow called %q", e.Flow)
	switch {
	case e.Meant != "":
		return said + "; did you mean " + e.Meant + "?"
	case len(e.Have) == 0:
		return said + "; the project has no flow that can be read"
	case e.More > 0:
		return fmt.Sprintf("%s; there are %s and %d more", said, strings.Join(e.Have, ", "), e.More)
	}
	return said + "; there is " + strings.Join(e.Have, ", ")
}

// mostNamed is how many flows a NoFlowError names.
const mostNamed = 8

// New makes the graph of one flow, or of the whole project when flow is "". A
// project with errors gives a graph of what is sound. The error is a
// *NoFlowError.
func New(p *flows.Project, flow string) (*Graph, error) {
	outline := p.Outline()
	g := &Graph{title: p.Name, errors: outline.Errors}
	if flow != "" {
		f, meant := outline.Find(flow)
		if f == nil {
			return nil, noFlow(outline, flow, meant)
		}
		g.title, g.about, g.single = f.Name, f.Description, true
		g.groups = []*group{newGroup(f)}
		return g, nil
	}
	if len(outline.Everywhere) > 0 {
		g.groups = append(g.groups, everywhere(outline.Everywhere))
	}
	for _, first := range [2]bool{true, false} { // where conversations start stands first
		for i := range outline.Flows {
			if outline.Flows[i].First == first {
				g.groups = append(g.groups, newGroup(&outline.Flows[i]))
			}
		}
	}
	return g, nil
}

func noFlow(outline *flows.Outline, flow, meant string) error {
	e := &NoFlowError{Flow: flow, Meant: meant}
	for _, f := range outline.Flows {
		if len(e.Have) == mostNamed {
			e.More++
			continue
		}
		e.Have = append(e.Have, f.Name)
	}
	return e
}

// Errors is how many problems the project has because of which parts may be
// missing from the graph.
func (g *Graph) Errors() int { return g.errors }

// Flows are the names of the flows it shows.
func (g *Graph) Flows() []string {
	var out []string
	for _, gr := range g.groups {
		if gr.scope != "" {
			out = append(out, gr.flow.Name)
		}
	}
	return out
}

// States is how many states the graph shows.
func (g *Graph) States() int {
	n := 0
	for _, gr := range g.groups {
		n += len(gr.flow.States)
	}
	return n
}

// kind is what a node stands for.
type kind int

const (
	kindState   kind = iota
	kindCall         // a flow that is called and comes back
	kindFlow         // a state of another flow
	kindHandoff      // queues where people wait
	kindResolve      // the end
	kindReturn       // back to the caller
	kindResume       // back to the question that was open
	kindAny          // from everywhere
	kindJump         // a state of this flow that is too far away for a line
)

// node is one box or mark of a group.
type node struct {
	kind  kind
	state *flows.OutlineState // of kindState
	name  string              // of everything else: queues, reason, result, flow.state
	end   *mark               // an end that a state is itself; nil = none
	jump  int                 // of kindJump: the state's node
	flow  string              // of kindCall and kindFlow: the flow it leads into
	file  string
	line  int
}

// mark is an end shown at the foot of the state that is nothing but it.
type mark struct {
	kind kind
	name string
	edge *flows.OutlineEdge
}

// edge is every way between two nodes in one direction.
type edge struct {
	from, to int
	ways     []way
}

// way is one edge of the language between two nodes.
type way struct {
	state string // where it starts; "" = everywhere
	*flows.OutlineEdge
}

// group is one flow.
type group struct {
	flow  *flows.OutlineFlow
	scope string // the flow's name in figures; "" = the project's everywhere
	nodes []node
	edges []edge

	byState map[string]int
	byMark  map[markKey]int
	byPair  map[[2]int]int
	project []flows.OutlineEdge // of the group of the project's everywhere
	named   map[[2]string]int   // the line of an edge by state and name; -1 = of several
}

// markKey finds a mark again: each node has its own, so that no line has to
// cross the picture to reach an end.
type markKey struct {
	from int
	kind kind
	name string
}

func emptyGroup(f *flows.OutlineFlow) *group {
	return &group{flow: f, scope: f.Name, named: map[[2]string]int{}, byState: map[string]int{}, byMark: map[markKey]int{}, byPair: map[[2]int]int{}}
}

func newGroup(f *flows.OutlineFlow) *group {
	g := emptyGroup(f)
	for i := range f.States {
		s := &f.States[i]
		g.byState[s.Name] = len(g.nodes)
		g.nodes = append(g.nodes, node{kind: kindState, state: s, file: s.File, line: s.Line})
	}
	for i := range f.States {
		g.ways(i, f.States[i].Name, f.States[i].Edges)
	}
	if len(f.Everywhere) > 0 {
		g.nodes = append(g.nodes, node{kind: kindAny, name: "from every state", file: f.File, line: f.Everywhere[0].Line})
		g.ways(len(g.nodes)-1, "", f.Everywhere)
	}
	return g
}

// everywhere is the group of the project's own entries.
func everywhere(edges []flows.OutlineEdge) *group {
	g := emptyGroup(&flows.OutlineFlow{Name: "everywhere", Description: "Words that work in every state", File: edges[0].File, Line: edges[0].Line})
	g.scope, g.project = "", edges
	g.nodes = append(g.nodes, node{kind: kindAny, name: "from every state", file: edges[0].File, line: edges[0].Line})
	g.ways(0, "", edges)
	return g
}

// ways adds the edges that start in one node.
func (g *group) ways(from int, state string, edges []flows.OutlineEdge) {
	calls := make([]int, len(edges)) // the node of a call by its edge
	for i := range edges {
		e := &edges[i]
		g.name(state, e)
		if i > 0 && e.To == flows.ToHandoff && queueOfSame(e, &edges[i-1]) {
			continue // named in the mark of the first
		}
		at := from
		if e.After > 0 && e.After <= len(calls) {
			at = calls[e.After-1]
		}
		if g.isEnd(at, e) {
			g.nodes[at].end = &mark{kindOf(e), nameOf(e, edges[i:]), e}
			continue
		}
		to, ok := g.target(at, e, edges[i:])
		if !ok {
			continue
		}
		calls[i] = to
		g.connect(at, to, way{state, e})
	}
}

// name notes the names of an edge.
func (g *group) name(state string, e *flows.OutlineEdge) {
	for i, name := range e.Edges {
		key := [2]string{state, name}
		if line, ok := g.named[key]; ok && line != e.Lines[i] {
			g.named[key] = -1
		} else {
			g.named[key] = e.Lines[i]
		}
	}
}

// alone says that a state has one edge of a name.
func (g *group) alone(state, name string) bool { return g.named[[2]string{state, name}] >= 0 }

// queueOfSame says that two edges are one handoff that chooses its queue.
func queueOfSame(a, b *flows.OutlineEdge) bool {
	return b.To == flows.ToHandoff && a.Line == b.Line && a.File == b.File && a.Label() == b.Label()
}

// isEnd says that a state does nothing but end this way: the end is shown in
// its box.
func (g *group) isEnd(at int, e *flows.OutlineEdge) bool {
	if g.nodes[at].kind != kindState || g.nodes[at].end != nil || e.Words != "" || e.Later {
		return false
	}
	k := kindOf(e)
	return k == kindHandoff || k == kindResolve || k == kindReturn || k == kindResume
}

func kindOf(e *flows.OutlineEdge) kind {
	return map[string]kind{flows.ToState: kindFlow, flows.ToCall: kindCall, flows.ToReturn: kindReturn,
		flows.ToHandoff: kindHandoff, flows.ToResolve: kindResolve, flows.ToResume: kindResume}[e.To]
}

// nameOf is the words of a mark; rest starts with the edge itself.
func nameOf(e *flows.OutlineEdge, rest []flows.OutlineEdge) string {
	switch e.To {
	case flows.ToState:
		return e.Flow + "." + e.State
	case flows.ToCall:
		return e.Flow
	case flows.ToHandoff:
		names := []string{e.Name}
		for i := 1; i < len(rest) && rest[i].To == flows.ToHandoff && queueOfSame(&rest[i], e); i++ {
			names = append(names, rest[i].Name)
		}
		if last := len(names) - 1; last > 0 {
			return strings.Join(names[:last], ", ") + " or " + names[last]
		}
		return names[0]
	}
	return e.Name
}

// target is the node an edge leads to; false when it is not there.
func (g *group) target(from int, e *flows.OutlineEdge, rest []flows.OutlineEdge) (int, bool) {
	if e.To == flows.ToState && e.Flow == g.flow.Name {
		n, ok := g.byState[e.State]
		return n, ok
	}
	n := node{kind: kindOf(e), name: nameOf(e, rest), flow: e.Flow, file: e.File, line: e.Line}
	key := markKey{from, n.kind, n.name}
	if have, ok := g.byMark[key]; ok && n.kind != kindCall {
		return have, true
	}
	g.nodes = append(g.nodes, n)
	g.byMark[key] = len(g.nodes) - 1
	return len(g.nodes) - 1, true
}

func (g *group) connect(from, to int, w way) {
	pair := [2]int{from, to}
	at, ok := g.byPair[pair]
	if !ok {
		at = len(g.edges)
		g.byPair[pair] = at
		g.edges = append(g.edges, edge{from: from, to: to})
	}
	g.edges[at].ways = append(g.edges[at].ways, w)
}
