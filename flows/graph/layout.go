package graph

// Distances of the layout, px.
const (
	gapBoxes  = 28 // between boxes side by side
	gapLines  = 12 // between lines, and between a line and a box
	gapLabels = 10 // between a label and what is right of it
	gapTracks = 10 // between horizontal lines
	gapLayers = 16 // between a layer and the nearest line or layer
	portInset = 16 // from a box's corner to the first line
	textLead  = 6  // from a line to its label
)

// box is what the layout places: x and y are its upper left corner.
type box struct {
	w, h int
	loop int // room at its right that lines from it to itself take
	x, y int
}

// line is one way between two boxes: lw and lh are the room its label takes,
// beside the line near its source.
type line struct {
	from, to int
	weight   int // how much it wants to be short and straight
	lw, lh   int

	points [][2]int // where it is drawn, corners included
	lx, ly int      // upper left corner of the label
}

// sheet is what is laid out: boxes by number, and lines between them. Lines
// from a box to itself are not of it.
type sheet struct {
	boxes []box
	lines []line
	w, h  int
}

// arrange places everything. Parts that no line connects stand side by side.
func (s *sheet) arrange() {
	if len(s.boxes) == 0 {
		return
	}
	for _, part := range s.parts() {
		d := newDrawing(s, part)
		d.rank()
		d.split()
		d.order()
		d.columns()
		d.rows()
		d.route()
		d.finish()
	}
	s.pack()
}

// spans are how many layers each line leads over.
func (s *sheet) spans() []int {
	out := make([]int, len(s.lines))
	for _, part := range s.parts() {
		d := newDrawing(s, part)
		d.rank()
		for _, a := range d.arcs {
			out[a.line] = d.ranks[a.to] - d.ranks[a.from]
		}
	}
	return out
}

// parts are the boxes that lines connect, by their first.
func (s *sheet) parts() [][]int {
	root := make([]int, len(s.boxes))
	for i := range root {
		root[i] = i
	}
	find := func(i int) int {
		for root[i] != i {
			root[i] = root[root[i]]
			i = root[i]
		}
		return i
	}
	for _, l := range s.lines {
		a, b := find(l.from), find(l.to)
		root[max(a, b)] = min(a, b)
	}
	at := map[int]int{}
	var out [][]int
	for i := range s.boxes {
		r := find(i)
		n, ok := at[r]
		if !ok {
			n = len(out)
			at[r] = n
			out = append(out, nil)
		}
		out[n] = append(out[n], i)
	}
	return out
}
