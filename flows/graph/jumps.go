package graph

// Of a flow with more states than manyStates, lines that would be long are not
// drawn: where such a line starts, a mark names the state it leads to. A line
// is long when it leads over more than farAway layers, or over more than
// hubAway to a state that so many others lead to.
const (
	manyStates = 40
	farAway    = 6
	hubAway    = 2
	hubLines   = 8
)

// withJumps is the group with marks in place of long lines.
func (f *figure) withJumps() *group {
	gr := f.group
	spans := f.sheet.spans()
	into := make([]int, len(gr.nodes))
	for _, e := range gr.edges {
		into[e.to]++
	}
	out := &group{flow: gr.flow, scope: gr.scope, nodes: gr.nodes[:len(gr.nodes):len(gr.nodes)], byState: gr.byState, named: gr.named}
	for i, e := range gr.edges {
		if at := f.lineOf[i]; at >= 0 && gr.nodes[e.to].kind == kindState {
			far := spans[at] > farAway || spans[at] > hubAway && into[e.to] >= hubLines
			if far {
				target := gr.nodes[e.to]
				target.kind, target.name, target.jump = kindJump, target.state.Name, e.to
				target.state, target.end = nil, nil
				out.nodes = append(out.nodes, target)
				e.to = len(out.nodes) - 1
			}
		}
		out.edges = append(out.edges, e)
	}
	return out
}
