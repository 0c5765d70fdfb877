package graph_test

import (
	"bytes"
	"encoding/xml"
	"math"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

// picture is what an SVG shows, read from its own numbers.
type picture struct {
	boxes  []area
	labels []area
	edges  []drawn
	nodes  []string // in drawn order
	width  float64
	height float64
}

// area is a rectangle with what it is.
type area struct {
	x, y, w, h float64
	what       string
}

// drawn is one line between two nodes.
type drawn struct {
	from, to string
	points   []point // close together, along the whole line
}

type point struct{ x, y float64 }

// read takes a picture apart. It knows the elements, nothing of the layout.
func read(t testing.TB, svg []byte) *picture {
	t.Helper()
	p := &picture{}
	dec := xml.NewDecoder(bytes.NewReader(svg))
	var groups []map[string]string
	var text *area
	for {
		tok, err := dec.Token()
		if err != nil {
			return p
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			a := attributes(tok)
			switch tok.Name.Local {
			case "svg":
				p.width, p.height = number(a["width"]), number(a["height"])
			case "g":
				groups = append(groups, a)
				if a["data-node"] != "" {
					p.nodes = append(p.nodes, a["data-node"])
				}
			case "rect":
				if a["class"] == "box" {
					p.boxes = append(p.boxes, area{number(a["x"]), number(a["y"]), number(a["width"]), number(a["height"]), groups[len(groups)-1]["data-node"]})
				}
			case "text":
				if strings.HasPrefix(a["class"], "lab") {
					text = &area{x: number(a["x"]), y: number(a["y"]) - 10, h: 13}
				}
			case "title":
				if _, err := dec.Token(); err == nil { // a tooltip is not drawn
					_ = dec.Skip()
				}
			case "path":
				if strings.HasPrefix(a["class"], "edge") {
					g := groups[len(groups)-1]
					p.edges = append(p.edges, drawn{g["data-from"], g["data-to"], flattened(t, a["d"])})
				}
			}
		case xml.CharData:
			if text != nil {
				text.what += string(tok)
			}
		case xml.EndElement:
			switch tok.Name.Local {
			case "g":
				groups = groups[:len(groups)-1]
			case "text":
				if text != nil {
					text.w = wide(text.what)
					p.labels = append(p.labels, *text)
					text = nil
				}
			}
		}
	}
}

func attributes(e xml.StartElement) map[string]string {
	out := map[string]string{}
	for _, a := range e.Attr {
		out[a.Name.Local] = a.Value
	}
	return out
}

func number(s string) float64 {
	v, _ := strconv.ParseFloat(s, 64)
	return v
}

// wide is how wide a label of 12 px is at least: the figures of a narrow
// common face.
func wide(s string) float64 {
	w := 0.0
	for _, r := range s {
		switch {
		case r > 0x2e80:
			w += 12
		case strings.ContainsRune("ijl.,'|!:; ", r):
			w += 3.2
		case unicode.IsUpper(r):
			w += 7.6
		default:
			w += 6.2
		}
	}
	return w
}

// flattened follows the commands of a path in steps of at most 2 px.
func flattened(t testing.TB, d string) []point {
	t.Helper()
	var out []point
	var cmd byte
	var args []float64
	to := func(b point) {
		a := out[len(out)-1]
		n := int(math.Hypot(b.x-a.x, b.y-a.y)/2) + 1
		for i := 1; i <= n; i++ {
			f := float64(i) / float64(n)
			out = append(out, point{a.x + (b.x-a.x)*f, a.y + (b.y-a.y)*f})
		}
	}
	flush := func() {
		switch {
		case cmd == 'M' && len(args) == 2:
			out = append(out, point{args[0], args[1]})
		case cmd == 'L' && len(args) == 2:
			to(point{args[0], args[1]})
		case cmd == 'Q' && len(args) == 4:
			a := out[len(out)-1]
			for i := 1; i <= 8; i++ {
				f := float64(i) / 8
				x := (1-f)*(1-f)*a.x + 2*f*(1-f)*args[0] + f*f*args[2]
				y := (1-f)*(1-f)*a.y + 2*f*(1-f)*args[1] + f*f*args[3]
				to(point{x, y})
			}
		case cmd != 0:
			t.Fatalf("a path that the test cannot read: %s", d)
		}
	}
	for i := 0; i < len(d); {
		c := d[i]
		switch {
		case c == 'M' || c == 'L' || c == 'Q':
			flush()
			cmd, args = c, nil
			i++
		case c == ' ' || c == ',':
			i++
		default:
			n := i + 1
			for n < len(d) && (d[n] >= '0' && d[n] <= '9' || d[n] == '.') {
				n++
			}
			args = append(args, number(d[i:n]))
			i = n
		}
	}
	flush()
	return out
}

func (a area) overlaps(b area) bool {
	const touch = 0.5
	return a.x+a.w > b.x+touch && b.x+b.w > a.x+touch && a.y+a.h > b.y+touch && b.y+b.h > a.y+touch
}

func (a area) holds(p point) bool {
	const touch = 0.75
	return p.x > a.x+touch && p.x < a.x+a.w-touch && p.y > a.y+touch && p.y < a.y+a.h-touch
}

// faults are the things a picture must not have.
type faults struct {
	boxes, labels, labelBoxes, through, overLabels, outside int
	first                                                   string
}

func (f *faults) note(n *int, what string) {
	*n++
	if f.first == "" {
		f.first = what
	}
}

func (f *faults) any() bool {
	return f.boxes+f.labels+f.labelBoxes+f.through+f.overLabels+f.outside > 0
}

func (p *picture) faults() faults {
	var f faults
	for i, a := range p.boxes {
		for _, b := range p.boxes[:i] {
			if a.overlaps(b) {
				f.note(&f.boxes, "boxes "+a.what+" and "+b.what)
			}
		}
		if a.x < 0 || a.y < 0 || a.x+a.w > p.width || a.y+a.h > p.height {
			f.note(&f.outside, "box outside: "+a.what)
		}
	}
	for i, a := range p.labels {
		for _, b := range p.labels[:i] {
			if a.overlaps(b) {
				f.note(&f.labels, "labels "+a.what+" and "+b.what)
			}
		}
		for _, b := range p.boxes {
			if a.overlaps(b) {
				f.note(&f.labelBoxes, "label "+a.what+" on box "+b.what)
			}
		}
		if a.x < 0 || a.y < 0 || a.x+a.w > p.width || a.y+a.h > p.height {
			f.note(&f.outside, "label outside: "+a.what)
		}
	}
	for _, e := range p.edges {
		for _, b := range p.boxes {
			if e.hits(b) {
				f.note(&f.through, "edge "+e.from+" to "+e.to+" through "+b.what)
			}
		}
		for _, l := range p.labels {
			if e.hits(l) {
				f.note(&f.overLabels, "edge "+e.from+" to "+e.to+" over label "+l.what)
			}
		}
	}
	return f
}

func (e drawn) hits(a area) bool {
	for _, pt := range e.points {
		if a.holds(pt) {
			return true
		}
	}
	return false
}

// crossings counts the points in which two lines of the picture cross.
func (p *picture) crossings() int {
	corners := make([][]point, len(p.edges))
	for i, e := range p.edges {
		corners[i] = straightened(e.points)
	}
	return crossings(corners, func(i, k int) bool { return false })
}

// straightened keeps the points where a line turns.
func straightened(points []point) []point {
	out := points[:min(1, len(points)):min(1, len(points))]
	for i := 1; i < len(points); i++ {
		if i+1 < len(points) {
			a, b, c := points[i-1], points[i], points[i+1]
			if math.Abs((b.x-a.x)*(c.y-b.y)-(b.y-a.y)*(c.x-b.x)) < 1e-6 {
				continue
			}
		}
		out = append(out, points[i])
	}
	return out
}

func crossings(lines [][]point, skip func(i, k int) bool) int {
	n := 0
	for i, a := range lines {
		for k := range i {
			if skip(i, k) {
				continue
			}
			for x := 1; x < len(a); x++ {
				for y := 1; y < len(lines[k]); y++ {
					if cross(a[x-1], a[x], lines[k][y-1], lines[k][y]) {
						n++
					}
				}
			}
		}
	}
	return n
}

func cross(a, b, c, d point) bool {
	side := func(p, q, r point) float64 { return (q.x-p.x)*(r.y-p.y) - (q.y-p.y)*(r.x-p.x) }
	s1, s2, s3, s4 := side(a, b, c), side(a, b, d), side(c, d, a), side(c, d, b)
	return s1*s2 < 0 && s3*s4 < 0
}

// plain counts the crossings of the same graph laid out breadth first: layers
// by the distance from the first node, each in the order of discovery, lines
// straight from middle to middle.
func (p *picture) plain() int {
	out := map[string][]string{}
	for _, e := range p.edges {
		out[e.from] = append(out[e.from], e.to)
	}
	at := map[string]point{}
	next := map[int]int{}
	for _, root := range p.nodes {
		queue := []string{root}
		depth := map[string]int{root: 0}
		for len(queue) > 0 {
			v := queue[0]
			queue = queue[1:]
			if _, seen := at[v]; seen {
				continue
			}
			at[v] = point{float64(next[depth[v]]) * 200, float64(depth[v]) * 120}
			next[depth[v]]++
			for _, w := range out[v] {
				if _, known := depth[w]; !known {
					depth[w] = depth[v] + 1
				}
				queue = append(queue, w)
			}
		}
	}
	var lines [][]point
	var ends []drawn
	for _, e := range p.edges {
		if e.from != e.to {
			lines = append(lines, []point{at[e.from], at[e.to]})
			ends = append(ends, e)
		}
	}
	return crossings(lines, func(i, k int) bool {
		a, b := ends[i], ends[k]
		return a.from == b.from || a.from == b.to || a.to == b.from || a.to == b.to
	})
}
