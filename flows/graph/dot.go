package graph

import (
	"bytes"
	"fmt"
	"strings"

	"dispatcher/flows"
)

// DOT is the graph in the language of Graphviz. Flows of a project are
// clusters; node names are flow.state.
func (g *Graph) DOT() []byte {
	var out bytes.Buffer
	fmt.Fprintf(&out, "digraph %s {\n", quoted(g.title))
	out.WriteString("  node [shape=box style=rounded fontname=\"sans-serif\" fontsize=11]\n")
	out.WriteString("  edge [fontname=\"sans-serif\" fontsize=10]\n")
	for i, gr := range g.groups {
		indent := "  "
		if !g.single {
			fmt.Fprintf(&out, "  subgraph \"cluster_%d\" {\n    label=%s\n", i, quoted(gr.flow.Name))
			indent = "    "
		}
		for n := range gr.nodes {
			out.WriteString(indent + gr.dotNode(n) + "\n")
		}
		if !g.single {
			out.WriteString("  }\n")
		}
	}
	for _, gr := range g.groups {
		gr.dotEdges(&out, g.overlay)
	}
	out.WriteString("}\n")
	return out.Bytes()
}

// id names a node: flow.state, or the mark's number in its flow.
func (gr *group) id(n int) string {
	if s := gr.nodes[n].state; s != nil {
		return gr.flow.Name + "." + s.Name
	}
	return fmt.Sprintf("%s@%d", gr.flow.Name, n)
}

func (gr *group) dotNode(n int) string {
	nd := &gr.nodes[n]
	look, label := "", nd.name
	switch nd.kind {
	case kindState:
		label = nd.state.Name
		if nd.state.Words != "" {
			label += "\n" + clip(nd.state.Words, 40)
		}
		if nd.end != nil {
			label += "\n" + nd.end.words()
		}
		if nd.state.Asks != "" {
			look = " shape=hexagon style=solid"
		}
	case kindCall:
		look, label = " shape=component style=solid", "call "+nd.name
	case kindFlow:
		look = " style=\"rounded,dashed\""
	case kindAny:
		look = " shape=plaintext style=solid"
	default:
		look, label = " shape=oval style=solid", endWords(nd.kind, nd.name)
	}
	return fmt.Sprintf("%s [label=%s%s tooltip=%s]", quoted(gr.id(n)), quoted(label), look, quoted(fmt.Sprintf("%s:%d", nd.file, nd.line)))
}

func (gr *group) dotEdges(out *bytes.Buffer, o *Overlay) {
	for _, e := range gr.edges {
		for _, w := range e.ways {
			look := ""
			if k := gr.nodes[e.to].kind; k == kindCall || k == kindFlow {
				look = " style=dashed"
			}
			label := w.Label()
			if n, ok := o.way(gr, w); ok {
				label += ", " + o.times(n)
			}
			fmt.Fprintf(out, "  %s -> %s [label=%s%s tooltip=%s]\n", quoted(gr.id(e.from)), quoted(gr.id(e.to)), quoted(label), look,
				quoted(fmt.Sprintf("%s:%d", w.File, w.Line)))
		}
	}
}

// quoted is a text as a DOT string.
func quoted(s string) string {
	s = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", " ").Replace(clean(s))
	return `"` + s + `"`
}

// endWords is an end in words.
func endWords(k kind, name string) string {
	switch k {
	case kindHandoff:
		return "handoff " + name
	case kindResolve:
		return "resolve " + name
	case kindReturn:
		return "return " + name
	case kindResume:
		return "resume"
	}
	return name
}

func (m *mark) words() string { return endWords(m.kind, m.name) }

// label is what stands at a way in the picture; "" for the plain way on.
func (w way) label() string {
	if w.Words != "" {
		return w.Words
	}
	if w.To == flows.ToState || w.To == flows.ToCall {
		return ""
	}
	return w.Label()
}
