package graph

import (
	"fmt"

	"dispatcher/flows"
)

// Sizes of boxes, px.
const (
	boxWidth   = 180
	boxMost    = 264
	boxPad     = 10
	lineName   = 18
	lineWords  = 16
	lineChip   = 16
	footHeight = 24
	markHeight = 26
	markMost   = 220
	labelMost  = 168 // width of a label
	labelLines = 4   // ways that are named at one line
	lineLabel  = 16
	loopReach  = 22 // how far a line from a box to itself goes
	framePad   = 20
	frameHead  = 40
)

// figure is one group laid out.
type figure struct {
	group  *group
	sheet  *sheet
	nodes  []face
	labels [][]label // by edge
	lineOf []int     // the sheet's line of an edge; -1 = from a box to itself
}

// face is what is written in a box.
type face struct {
	name  string
	words []string
	chip  string
	foot  string
	count string
}

// label is one line of text at an edge.
type label struct {
	text  string
	class string
}

// figure lays a group out.
func (g *Graph) figure(gr *group) *figure {
	f := g.measured(gr)
	if len(gr.flow.States) > manyStates {
		f = g.measured(f.withJumps())
	}
	f.sheet.arrange()
	return f
}

// measured is a group with the sizes of everything in it.
func (g *Graph) measured(gr *group) *figure {
	f := &figure{group: gr, sheet: &sheet{}, lineOf: make([]int, len(gr.edges)), labels: make([][]label, len(gr.edges))}
	ports := make([][2]int, len(gr.nodes))
	for _, e := range gr.edges {
		ports[e.from][0]++
		ports[e.to][1]++
	}
	for i := range gr.nodes {
		face, b := g.face(gr, &gr.nodes[i])
		if n := max(ports[i][0], ports[i][1]); n > 1 {
			b.w = max(b.w, 2*portInset+8*(n-1))
		}
		f.nodes = append(f.nodes, face)
		f.sheet.boxes = append(f.sheet.boxes, b)
	}
	for i := range gr.edges {
		g.line(f, i)
	}
	return f
}

// line adds an edge to the sheet.
func (g *Graph) line(f *figure, i int) {
	e := &f.group.edges[i]
	f.labels[i] = g.labelsOf(f.group, e)
	wide := 0
	for _, l := range f.labels[i] {
		wide = max(wide, fontLabel.width(l.text))
	}
	if e.from == e.to {
		f.lineOf[i] = -1
		f.sheet.boxes[e.from].loop = loopReach
		if wide > 0 {
			f.sheet.boxes[e.from].loop += textLead + wide
		}
		if tall := 8 + len(f.labels[i])*lineLabel; f.sheet.boxes[e.from].h < tall {
			f.sheet.boxes[e.from].h = tall
		}
		return
	}
	f.lineOf[i] = len(f.sheet.lines)
	weight := 1
	for _, w := range e.ways {
		if len(w.Edges) == 1 && (w.Edges[0] == "next" || w.Edges[0] == "collected") {
			weight = 3
		}
	}
	f.sheet.lines = append(f.sheet.lines, line{from: e.from, to: e.to, weight: weight, lw: wide, lh: len(f.labels[i]) * lineLabel})
}

// labelsOf are the words at an edge, one line for each way.
func (g *Graph) labelsOf(gr *group, e *edge) []label {
	var out []label
	seen := map[string]bool{}
	for i, w := range e.ways {
		text := fontLabel.fit(w.label(), labelMost)
		l := label{text: text}
		if n, ok := g.overlay.way(gr, w); ok {
			if n == 0 && !g.overlay.Traffic {
				l.class = "no"
			}
			if n > 0 {
				l.text = spaced(text, g.overlay.number(n))
			}
		}
		if l.text == "" || seen[l.text] {
			continue
		}
		seen[l.text] = true
		if len(out) == labelLines-1 && i < len(e.ways)-1 {
			return append(out, label{text: fmt.Sprintf("and %d more", len(e.ways)-i)})
		}
		out = append(out, l)
	}
	return out
}

func spaced(a, b string) string {
	if a == "" {
		return b
	}
	return a + " · " + b
}

// face is what a node shows, and its size.
func (g *Graph) face(gr *group, n *node) (face, box) {
	if n.kind != kindState {
		text := n.words()
		f := face{name: fontChip.fit(text, markMost-2*boxPad-18)}
		return f, box{w: fontChip.width(f.name) + 2*boxPad + 18, h: markHeight}
	}
	s := n.state
	f := face{}
	if count, ok := g.overlay.state(gr.flow.Name, s.Name); ok && g.overlay.Traffic && count > 0 {
		f.count = g.overlay.number(count)
	}
	icon := 0
	if s.Asks != "" {
		icon = 20
	}
	if f.count != "" {
		icon += 8 + fontWords.width(f.count)
	}
	foot := 0
	if n.end != nil {
		foot = fontChip.width(n.end.words()) + 18
	}
	w := min(max(boxWidth, max(fontName.width(s.Name)+icon, foot)+2*boxPad), boxMost)
	f.name = fontName.fit(s.Name, w-2*boxPad-icon)
	f.words = fontWords.wrap(s.Words, w-2*boxPad, 2)
	f.chip = fontChip.fit(chipOf(s), w-2*boxPad)
	h := boxPad + lineName + len(f.words)*lineWords + boxPad - 2
	if f.chip != "" {
		h += lineChip
	}
	if n.end != nil {
		f.foot = fontChip.fit(n.end.words(), w-2*boxPad-18)
		h += footHeight
	}
	return f, box{w: w, h: h}
}

// chipOf is what a state works with.
func chipOf(s *flows.OutlineState) string {
	chip := ""
	if s.Slot != "" {
		chip = "slot " + s.Slot
	}
	if s.Service != "" {
		chip = spaced(chip, "service "+s.Service)
	}
	if s.Asks == flows.AsksForm {
		chip = spaced(chip, "form")
	}
	return chip
}

// words is what a mark says.
func (n *node) words() string {
	if n.kind == kindCall {
		return "call " + n.name
	}
	return endWords(n.kind, n.name)
}
