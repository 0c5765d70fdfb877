package graph

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"dispatcher/flows"
)

const pageMargin = 24

// WriteSVG lays the graph out and writes it as one SVG document without
// scripts, fonts or links. The error is that of w.
func (g *Graph) WriteSVG(w io.Writer) error {
	_, err := w.Write(g.SVG())
	return err
}

// SVG is the graph as one SVG document.
func (g *Graph) SVG() []byte {
	p := &painter{graph: g}
	captions := g.captions()
	head := 44 + 18*len(captions)
	var wide, tall int
	if g.single {
		f := g.figure(g.groups[0])
		p.figure(f, pageMargin, head)
		wide, tall = f.sheet.w, f.sheet.h
	} else {
		wide, tall = p.project(head)
	}
	title := fontTitle.fit(g.title, captionMost)
	wide = max(wide, fontTitle.width(title), 240)
	for i := range captions {
		captions[i] = fontAbout.fit(captions[i], captionMost)
		wide = max(wide, fontAbout.width(captions[i]))
	}
	return p.page(wide+2*pageMargin, tall+head+pageMargin, title, captions)
}

// captionMost is the width of the lines at the top of the page.
const captionMost = 760

// captions are the lines below the title.
func (g *Graph) captions() []string {
	var out []string
	if !g.single {
		out = append(out, fmt.Sprintf("%s, %s", plural(len(g.Flows()), "flow"), plural(g.States(), "state")))
	} else if g.about != "" {
		out = append(out, g.about)
	}
	if g.States() == 0 {
		out = append(out, "There is no state to draw.")
	}
	if g.overlay != nil && g.overlay.Caption != "" {
		out = append(out, g.overlay.Caption)
	}
	if g.errors > 0 {
		out = append(out, plural(g.errors, "error")+": parts may be missing")
	}
	return out
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

// painter writes the parts of a picture: frames below lines below boxes below
// labels.
type painter struct {
	graph                       *Graph
	frames, lines, boxes, texts bytes.Buffer
}

func (p *painter) page(w, h int, title string, captions []string) []byte {
	var out bytes.Buffer
	id := "graph-" + slug(p.graph.title)
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" class="dg" role="img" aria-labelledby="%[1]s-title %[1]s-desc" width="%[2]d" height="%[3]d" viewBox="0 0 %[2]d %[3]d">`+"\n", id, w, h)
	fmt.Fprintf(&out, "<title id=\"%s-title\">%s</title>\n", id, escaped(p.graph.inWords()))
	fmt.Fprintf(&out, "<desc id=\"%s-desc\">%s</desc>\n", id, escaped(p.graph.described()))
	fmt.Fprintf(&out, "<style>%s</style>\n", style)
	fmt.Fprintf(&out, `<rect class="page" width="%d" height="%d"/>`+"\n", w, h)
	fmt.Fprintf(&out, `<text class="title" x="%d" y="%d">%s</text>`+"\n", pageMargin, 30, escaped(title))
	for i, line := range captions {
		fmt.Fprintf(&out, `<text class="about" x="%d" y="%d">%s</text>`+"\n", pageMargin, 50+18*i, escaped(line))
	}
	for _, part := range []*bytes.Buffer{&p.frames, &p.lines, &p.boxes, &p.texts} {
		out.Write(part.Bytes())
	}
	out.WriteString("</svg>\n")
	return out.Bytes()
}

// figure draws a group with its upper left corner at x, y.
func (p *painter) figure(f *figure, x, y int) {
	f.sheet.move(count(len(f.sheet.boxes)), count(len(f.sheet.lines)), x, y)
	for i := range f.group.nodes {
		p.node(f, i)
	}
	for i := range f.group.edges {
		if at := f.lineOf[i]; at >= 0 {
			p.line(f, i, &f.sheet.lines[at])
		} else {
			p.loop(f, i)
		}
	}
}

func count(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

// project draws every flow in a frame of its own, and the frames by who calls
// whom.
func (p *painter) project(head int) (wide, tall int) {
	outer := &sheet{}
	var figures []*figure
	at := map[string]int{}
	for i, gr := range p.graph.groups {
		f := p.graph.figure(gr)
		figures = append(figures, f)
		at[gr.flow.Name] = i
		title := fontTitle.width(gr.flow.Name)
		outer.boxes = append(outer.boxes, box{w: max(f.sheet.w, title) + 2*framePad, h: f.sheet.h + frameHead + framePad})
	}
	type pair struct{ from, to int }
	seen := map[pair]int{}
	var tips [][]string
	for i, gr := range p.graph.groups {
		for _, e := range gr.edges {
			for _, w := range e.ways {
				to, ok := at[w.Flow]
				if !ok || to == i || w.To != flows.ToCall && w.To != flows.ToState {
					continue
				}
				n, ok := seen[pair{i, to}]
				if !ok {
					n = len(outer.lines)
					seen[pair{i, to}] = n
					outer.lines = append(outer.lines, line{from: i, to: to, weight: 1})
					tips = append(tips, nil)
				}
				tips[n] = append(tips[n], gr.flow.Name+" "+tip(w))
			}
		}
	}
	outer.arrange()
	outer.move(count(len(outer.boxes)), count(len(outer.lines)), pageMargin, head)
	for i, f := range figures {
		b := outer.boxes[i]
		p.frame(f.group, b)
		p.figure(f, b.x+framePad, b.y+frameHead)
	}
	for i, l := range outer.lines {
		p.lines.WriteString(`<g class="out">`)
		fmt.Fprintf(&p.lines, "<title>%s</title>", escaped(strings.Join(tips[i], "\n")))
		p.path(l.points, "")
		p.lines.WriteString("</g>\n")
	}
	return outer.w, outer.h
}

func (p *painter) frame(gr *group, b box) {
	fmt.Fprintf(&p.frames, `<g><title>%s</title><rect class="frame" x="%d" y="%d" width="%d" height="%d" rx="10"/>`,
		escaped(fmt.Sprintf("%s, %s:%d\n%s", gr.flow.Name, gr.flow.File, gr.flow.Line, gr.flow.Description)), b.x, b.y, b.w, b.h)
	fmt.Fprintf(&p.frames, `<text class="title" x="%d" y="%d">%s</text></g>`+"\n", b.x+framePad, b.y+26, escaped(gr.flow.Name))
}

// node draws one box or mark.
func (p *painter) node(f *figure, i int) {
	n, face, b := &f.group.nodes[i], &f.nodes[i], f.sheet.boxes[i]
	out := &p.boxes
	fmt.Fprintf(out, `<g class="%s" data-node="%s"><title>%s</title>`, p.classOf(f.group, n), escaped(f.group.id(i)), escaped(n.tooltip()))
	if n.kind != kindState {
		p.mark(n, face, b)
		out.WriteString("</g>\n")
		return
	}
	fmt.Fprintf(out, `<rect class="box" x="%d" y="%d" width="%d" height="%d" rx="6"/>`, b.x, b.y, b.w, b.h)
	if n.state.Name == "start" {
		fmt.Fprintf(out, `<path class="first" d="M%d %dv%d" />`, b.x+4, b.y+8, b.h-16)
	}
	x, y := b.x+boxPad, b.y+boxPad+12
	fmt.Fprintf(out, `<text class="name" x="%d" y="%d">%s</text>`, x, y, escaped(face.name))
	right := b.x + b.w - boxPad
	if n.state.Asks != "" {
		fmt.Fprintf(out, `<circle class="icon" cx="%d" cy="%d" r="7.5"/><text class="icont" x="%d" y="%d" text-anchor="middle">?</text>`, right-6, y-4, right-6, y)
		right -= 20
	}
	if face.count != "" {
		fmt.Fprintf(out, `<text class="count" x="%d" y="%d" text-anchor="end">%s</text>`, right, y, face.count)
	}
	for _, line := range face.words {
		y += lineWords
		fmt.Fprintf(out, `<text x="%d" y="%d">%s</text>`, x, y, escaped(line))
	}
	if face.chip != "" {
		y += lineChip
		fmt.Fprintf(out, `<text class="chip" x="%d" y="%d">%s</text>`, x, y, escaped(face.chip))
	}
	if face.foot != "" {
		top := b.y + b.h - footHeight
		fmt.Fprintf(out, `<path class="strip" d="M%d %dh%dv%da5 5 0 0 1 -5 5h-%da5 5 0 0 1 -5 -5z"/>`, b.x+1, top, b.w-2, footHeight-6, b.w-12)
		p.glyph(n.end.kind, x, top+6)
		fmt.Fprintf(out, `<text class="foot" x="%d" y="%d">%s</text>`, x+18, top+16, escaped(face.foot))
	}
	out.WriteString("</g>\n")
}

// classOf is the look of a node.
func (p *painter) classOf(gr *group, n *node) string {
	switch n.kind {
	case kindState:
		class := "state"
		if n.state.Asks != "" {
			class += " asks"
		}
		if n.state.Broken != "" {
			class += " bad"
		}
		if count, ok := p.graph.overlay.state(gr.flow.Name, n.state.Name); ok && !p.graph.overlay.Traffic {
			class += map[bool]string{true: " yes", false: " no"}[count > 0]
		}
		return class
	case kindFlow:
		return "mark flow"
	case kindCall:
		return "mark call"
	case kindJump:
		return "mark jump"
	}
	return "mark"
}

func (p *painter) mark(n *node, face *face, b box) {
	rx := markHeight / 2
	if n.kind == kindCall || n.kind == kindFlow {
		rx = 4
	}
	out := &p.boxes
	fmt.Fprintf(out, `<rect class="box" x="%d" y="%d" width="%d" height="%d" rx="%d"/>`, b.x, b.y, b.w, b.h, rx)
	if n.kind == kindCall {
		fmt.Fprintf(out, `<path class="glyph" d="M%d %dv%dM%d %dv%d"/>`, b.x+4, b.y+1, b.h-2, b.x+b.w-4, b.y+1, b.h-2)
	}
	p.glyph(n.kind, b.x+boxPad, b.y+7)
	fmt.Fprintf(out, `<text x="%d" y="%d">%s</text>`, b.x+boxPad+18, b.y+17, escaped(face.name))
}

// glyph is the sign of an end, 12 px wide.
func (p *painter) glyph(k kind, x, y int) {
	d := "" // with x, y, the middle and the right side of the sign
	switch k {
	case kindHandoff: // into the hands of people
		d = "M%[1]d %[3]dh8m-3 -3l3 3l-3 3m5 -7v8"
	case kindResolve: // done
		d = "M%[1]d %[3]dl4 4l7 -8"
	case kindReturn: // back
		d = "M%[4]d %[2]dv3a3 3 0 0 1 -3 3h-7m3 -3l-3 3l3 3"
	case kindResume:
		d = "M%[4]d %[3]da4 4 0 1 1 -2 -4m0 -2v3h-3"
	case kindFlow:
		d = "M%[1]d %[2]dm1 9l8 -8m-6 0h6v6"
	case kindCall, kindJump:
		d = "M%[1]d %[3]dh9m-3 -3l3 3l-3 3"
	case kindAny:
		d = "M%[1]d %[3]dh10m-5 -5v10"
	default:
		return
	}
	fmt.Fprintf(&p.boxes, `<path class="glyph" d="`+d+`"/>`, x, y, y+6, x+11)
}

// tooltip is a node in full.
func (n *node) tooltip() string {
	where := fmt.Sprintf("%s:%d", n.file, n.line)
	if n.kind != kindState {
		return n.words() + "\n" + where
	}
	lines := []string{n.state.Name, where}
	for _, more := range []string{clean(n.state.Words), chipOf(n.state), n.state.Broken} {
		if more != "" {
			lines = append(lines, more)
		}
	}
	if n.end != nil {
		lines = append(lines, n.end.words())
	}
	return strings.Join(lines, "\n")
}

// tip is a way in full.
func tip(w way) string {
	said := w.Label()
	if w.Words != "" {
		said += ": " + clean(w.Words)
	}
	return fmt.Sprintf("%s (%s:%d)", said, w.File, w.Line)
}

func (p *painter) line(f *figure, i int, l *line) {
	e := &f.group.edges[i]
	class, width := p.edgeClass(f.group, e)
	if k := f.group.nodes[e.to].kind; k == kindCall || k == kindFlow {
		class = strings.TrimSpace(class + " out")
	}
	p.begin(f.group, e, class)
	p.path(l.points, width)
	p.lines.WriteString("</g>\n")
	p.label(f.labels[i], e, l.lx, l.ly)
}

func tips(e *edge) string {
	all := make([]string, len(e.ways))
	for i, w := range e.ways {
		all[i] = tip(w)
	}
	return strings.Join(all, "\n")
}

// begin opens the element of a line.
func (p *painter) begin(gr *group, e *edge, class string) {
	fmt.Fprintf(&p.lines, `<g class="%s" data-from="%s" data-to="%s"><title>%s</title>`, class, escaped(gr.id(e.from)), escaped(gr.id(gr.landing(e.to))), escaped(tips(e)))
}

// landing is the node that a line leads to in the end.
func (gr *group) landing(n int) int {
	if gr.nodes[n].kind == kindJump {
		return gr.nodes[n].jump
	}
	return n
}

// edgeClass is the look of a line, and its width where figures say so.
func (p *painter) edgeClass(gr *group, e *edge) (class, width string) {
	o := p.graph.overlay
	if o == nil {
		return "way", ""
	}
	sum, dark, told := 0, 0, false
	for _, w := range e.ways {
		n, ok := o.way(gr, w)
		told = told || ok
		sum += n
		if n == 0 {
			dark++
		}
	}
	if !told {
		return "way", ""
	}
	if o.Traffic {
		return "way", fmt.Sprintf(` style="stroke-width:%s"`, p.graph.stroke(sum))
	}
	switch dark {
	case 0:
		return "way yes", ""
	case len(e.ways):
		return "way no", ""
	}
	return "way", ""
}

// stroke is the width of a line by its count, against the busiest edge.
func (g *Graph) stroke(n int) string {
	tenths := min(10+50*n/g.busiest, 70)
	return fmt.Sprintf("%d.%dpx", tenths/10, tenths%10)
}

// label writes the words at a line.
func (p *painter) label(labels []label, e *edge, x, y int) {
	for i, l := range labels {
		class := strings.TrimSpace("lab " + l.class)
		fmt.Fprintf(&p.texts, `<text class="%s" x="%d" y="%d">`, class, x, y+12+i*lineLabel)
		fmt.Fprintf(&p.texts, "<title>%s</title>%s</text>\n", escaped(tips(e)), escaped(l.text))
	}
}

// loop draws a way from a box to itself at its right side.
func (p *painter) loop(f *figure, i int) {
	e := &f.group.edges[i]
	b := f.sheet.boxes[e.from]
	class, width := p.edgeClass(f.group, e)
	right := b.x + b.w
	p.begin(f.group, e, class)
	p.path([][2]int{{right, b.y + 14}, {right + 16, b.y + 14}, {right + 16, b.y + 32}, {right, b.y + 32}}, width)
	p.lines.WriteString("</g>\n")
	p.label(f.labels[i], e, right+loopReach, b.y+8)
}

// path draws a line through its corners, rounded, with a head at its end.
func (p *painter) path(points [][2]int, width string) {
	if len(points) < 2 {
		return
	}
	last, before := points[len(points)-1], points[len(points)-2]
	dx, dy := sign(last[0]-before[0]), sign(last[1]-before[1])
	fmt.Fprintf(&p.lines, `<path class="edge"%s d="M%d %d`, width, points[0][0], points[0][1])
	for i := 1; i < len(points)-1; i++ {
		a, c, b := points[i-1], points[i], points[i+1]
		r := min(7, distance(a, c)/2, distance(c, b)/2)
		fmt.Fprintf(&p.lines, `L%d %dQ%d %d %d %d`, c[0]-r*sign(c[0]-a[0]), c[1]-r*sign(c[1]-a[1]), c[0], c[1], c[0]+r*sign(b[0]-c[0]), c[1]+r*sign(b[1]-c[1]))
	}
	fmt.Fprintf(&p.lines, `L%d %d"/>`, last[0]-5*dx, last[1]-5*dy)
	fmt.Fprintf(&p.lines, `<path class="head" d="M%d %dL%d %dL%d %dz"/>`, last[0], last[1], last[0]-7*dx-4*dy, last[1]-7*dy-4*dx, last[0]-7*dx+4*dy, last[1]-7*dy+4*dx)
}

func sign(n int) int {
	switch {
	case n < 0:
		return -1
	case n > 0:
		return 1
	}
	return 0
}

func distance(a, b [2]int) int { return max(a[0]-b[0], b[0]-a[0]) + max(a[1]-b[1], b[1]-a[1]) }
