package graph

import (
	"fmt"
	"html"
	"strings"
)

// inWords is the picture in a sentence.
func (g *Graph) inWords() string {
	if g.single {
		return fmt.Sprintf("Flow %s, %s", clean(g.title), plural(g.States(), "state"))
	}
	return fmt.Sprintf("Project %s, %s, %s", clean(g.title), plural(len(g.Flows()), "flow"), plural(g.States(), "state"))
}

// described is the picture in words, a sentence for each state.
func (g *Graph) described() string {
	var out strings.Builder
	if g.about != "" {
		out.WriteString(clean(g.about) + "\n")
	}
	for _, gr := range g.groups {
		for i := range gr.nodes {
			gr.describe(&out, i, g.single)
		}
	}
	return out.String()
}

func (gr *group) describe(out *strings.Builder, i int, single bool) {
	n := &gr.nodes[i]
	name := n.words()
	if n.kind == kindState {
		name = n.state.Name
	}
	var to []string
	for _, e := range gr.edges {
		if e.from != i {
			continue
		}
		target := &gr.nodes[e.to]
		for _, w := range e.ways {
			where := target.words()
			if target.kind == kindState {
				where = target.state.Name
			}
			to = append(to, clean(w.Label())+" to "+where)
		}
	}
	if n.end != nil {
		to = append(to, n.end.words())
	}
	if n.kind != kindState && len(to) == 0 {
		return
	}
	if !single {
		name = gr.flow.Name + "." + name
	}
	asks := ""
	if n.kind == kindState && n.state.Asks != "" {
		asks = " asks"
	}
	fmt.Fprintf(out, "%s%s: %s.\n", name, asks, strings.Join(to, "; "))
}

// escaped is a text inside XML.
func escaped(s string) string {
	return html.EscapeString(cleanLines(s))
}

func cleanLines(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = clean(lines[i])
	}
	return strings.Join(lines, "\n")
}

// slug is a name as an id.
func slug(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '_' || r == '-' {
			return r
		}
		return -1
	}, s)
}
