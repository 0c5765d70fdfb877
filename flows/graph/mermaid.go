package graph

import (
	"bytes"
	"fmt"
	"strings"

	"dispatcher/flows"
)

// Mermaid is the graph as a Mermaid state diagram. Of one flow its states have
// their own names; of a project they are flow.state.
func (g *Graph) Mermaid() []byte {
	m := &mermaid{single: g.single, overlay: g.overlay}
	m.out.WriteString("stateDiagram-v2\n")
	for _, gr := range g.groups {
		m.group(gr)
	}
	if len(m.missed) > 0 {
		m.out.WriteString("  classDef missed stroke:#B3261E,stroke-dasharray:3 3\n")
		fmt.Fprintf(&m.out, "  class %s missed\n", strings.Join(m.missed, ","))
	}
	return m.out.Bytes()
}

type mermaid struct {
	out     bytes.Buffer
	single  bool
	overlay *Overlay
	gr      *group
	missed  []string        // ids of states that figures have nothing of
	seen    map[string]bool // lines of the group that are written
	titles  []string        // ids that need their name said
}

// group writes one flow; of a project in a frame of its own, with what leaves it
// behind the frame.
func (m *mermaid) group(gr *group) {
	f := gr.flow
	m.gr, m.seen, m.titles = gr, map[string]bool{}, nil
	framed := !m.single && len(f.States) > 0
	indent := "  "
	if framed {
		fmt.Fprintf(&m.out, "  state %s {\n", m.frame(f.Name))
		indent = "    "
	}
	var outside []string
	add := func(from string, w way) {
		if line, leaves := m.line(f, from, w); leaves && framed {
			outside = append(outside, line)
		} else {
			m.write(indent, line)
		}
	}
	for i := range f.States {
		s := &f.States[i]
		from := m.id(f.Name, s.Name)
		if n, ok := m.overlay.state(f.Name, s.Name); ok && n == 0 && !m.overlay.Traffic {
			m.missed = append(m.missed, from)
		}
		for j := range s.Edges {
			add(from, way{s.Name, &s.Edges[j]})
		}
		if len(s.Edges) == 0 {
			m.write(indent, from)
		}
	}
	if _, ok := gr.byState["start"]; ok {
		m.write(indent, "[*] --> "+m.id(f.Name, "start"))
	}
	from := "everywhere"
	if framed {
		from = f.Name + ".everywhere_"
	}
	for i := range f.Everywhere {
		add(from, way{"", &f.Everywhere[i]})
	}
	for i := range gr.project {
		add(from, way{"", &gr.project[i]})
	}
	for _, t := range m.titles {
		m.write(indent, t)
	}
	if framed {
		m.out.WriteString("  }\n")
	}
	for _, line := range outside {
		m.write("  ", line)
	}
}

// write writes a line once.
func (m *mermaid) write(indent, line string) {
	if line == "" || m.seen[line] {
		return
	}
	m.seen[line] = true
	m.out.WriteString(indent + line + "\n")
}

// line is one edge; leaves says that it leads out of the flow.
func (m *mermaid) line(f *flows.OutlineFlow, from string, e way) (line string, leaves bool) {
	to, label := "[*]", e.Label()
	switch e.To {
	case flows.ToState:
		to, leaves = m.id(e.Flow, e.State), e.Flow != f.Name
		if leaves && m.single {
			to = e.Flow + "." + e.State
		}
	case flows.ToCall:
		to, leaves = m.frame(e.Flow), true
		if !m.single { // an edge to a frame is not drawn well
			to = e.Flow + ".start"
		}
		if !strings.Contains(label, "call ") {
			label += ", call " + e.Flow
		}
	case flows.ToResume:
		label += ", resume"
	case flows.ToHandoff:
		label = join(label, "handoff", e.Name)
	default:
		label = join(label, e.To, e.Name)
	}
	if n, ok := m.overlay.way(m.gr, e); ok {
		label += ", " + m.overlay.times(n)
	}
	return from + " --> " + to + ": " + label, leaves
}

// join adds what an end is to a label that does not say it.
func join(label, what, name string) string {
	said := what + " " + name
	switch {
	case label == said:
		return label
	case label == what:
		return said
	}
	return label + ", " + said
}

// words of Mermaid's own that a state may be called.
var mermaidWords = map[string]bool{"note": true, "state": true, "class": true, "classdef": true, "direction": true, "end": true, "as": true,
	"style": true, "click": true, "scale": true, "hide": true, "default": true, "fork": true, "join": true, "choice": true, "link": true, "left": true, "right": true,
	"over": true, "root": true, "everywhere": true}

func (m *mermaid) id(flow, state string) string {
	if !m.single {
		return flow + "." + state
	}
	if mermaidWords[state] {
		m.titles = append(m.titles, fmt.Sprintf("state %q as %s_", state, state))
		return state + "_"
	}
	return state
}

func (m *mermaid) frame(flow string) string {
	if mermaidWords[flow] {
		return flow + "_"
	}
	return flow
}
