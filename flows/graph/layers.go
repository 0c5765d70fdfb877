package graph

// drawing is the layout of one connected part of a sheet in layers: boxes
// stand in the even ones, labels beside their lines in the odd ones.
type drawing struct {
	sheet *sheet
	parts []int // its boxes
	local map[int]int
	arcs  []arc
	ranks []int // layer of a box, counted over even layers

	spots  []spot
	layers [][]int // spots from left to right
	places []int   // of a spot in its layer
	tops   []int   // upper edge of a layer
	tall   []int   // height of a layer
	joints []joint
}

// arc is a line with its direction downwards.
type arc struct {
	line     int
	from, to int // local boxes, from above
	back     bool
}

// newDrawing makes the lines run downwards: those that close a cycle, seen
// from the first box, are turned round.
func newDrawing(s *sheet, part []int) *drawing {
	d := &drawing{sheet: s, parts: part, local: map[int]int{}}
	for i, b := range part {
		d.local[b] = i
	}
	out := make([][]int, len(part))
	enters := make([]int, len(part))
	for i, l := range s.lines {
		from, ok := d.local[l.from]
		if !ok {
			continue
		}
		to := d.local[l.to]
		d.arcs = append(d.arcs, arc{line: i, from: from, to: to, back: to == 0})
		out[from] = append(out[from], len(d.arcs)-1)
		enters[to]++
	}
	mark := make([]int8, len(part)) // 1 on the way, 2 done
	for v := range part {
		if v == 0 || enters[v] == 0 {
			d.descend(v, out, mark)
		}
	}
	for v := range part {
		d.descend(v, out, mark)
	}
	for i := range d.arcs {
		if a := &d.arcs[i]; a.back {
			a.from, a.to = a.to, a.from
		}
	}
	return d
}

// descend is a depth-first walk that notes what leads back onto its own way.
func (d *drawing) descend(root int, out [][]int, mark []int8) {
	if mark[root] != 0 {
		return
	}
	type frame struct{ v, next int }
	stack := []frame{{root, 0}}
	mark[root] = 1
	for len(stack) > 0 {
		top := &stack[len(stack)-1]
		if top.next == len(out[top.v]) {
			mark[top.v] = 2
			stack = stack[:len(stack)-1]
			continue
		}
		a := &d.arcs[out[top.v][top.next]]
		top.next++
		switch mark[a.to] {
		case 0:
			mark[a.to] = 1
			stack = append(stack, frame{a.to, 0})
		case 1:
			a.back = true
		}
	}
}

// rank finds the layers: every line leads down, all together as short as can
// be, and nothing stands above the first box.
func (d *drawing) rank() {
	s := newSimplex(len(d.parts))
	for _, a := range d.arcs {
		s.add(a.from, a.to, 1, d.sheet.lines[a.line].weight)
	}
	for v := 1; v < len(d.parts); v++ {
		if len(s.in[v]) == 0 {
			s.add(0, v, 0, 0)
		}
	}
	s.solve(effort(len(d.parts)))
	d.ranks = s.at
}

// effort bounds the exchanges of a simplex, so that the time for very many
// boxes stays within a second; few never need so many.
func effort(nodes int) int { return min(40*nodes, 60_000_000/max(nodes, 1)) }

// spot is what stands in a layer: a box, or a line on its way through it, with
// its label beside it where it has one.
type spot struct {
	box   int // local; -1 = a line
	arc   int // of a line
	layer int
	lw    int // room of the label right of the line; 0 = none here
	left  int // room left and right of the spot's x
	right int
	x     int
}

// joint is the piece of a line between two layers that follow each other.
type joint struct {
	arc      int
	up, down int // spots
	x1, x2   int // where it starts and ends; set by columns
	track    int
}

// split makes every line pass through a spot in each layer between its ends.
func (d *drawing) split() {
	last := 0
	for _, r := range d.ranks {
		last = max(last, 2*r)
	}
	d.layers = make([][]int, last+1)
	for i, b := range d.parts {
		box := &d.sheet.boxes[b]
		half := box.w / 2
		d.put(spot{box: i, arc: -1, layer: 2 * d.ranks[i], left: half, right: box.w - half + box.loop})
	}
	for i := range d.arcs {
		a := &d.arcs[i]
		l := &d.sheet.lines[a.line]
		first, end := 2*d.ranks[a.from]+1, 2*d.ranks[a.to]-1
		labelled := first
		if a.back {
			labelled = end
		}
		before := a.from
		for layer := first; layer <= end; layer++ {
			sp := spot{box: -1, arc: i, layer: layer}
			if layer == labelled && l.lw > 0 {
				sp.lw = l.lw
				sp.right = textLead + l.lw
			}
			at := d.put(sp)
			d.joints = append(d.joints, joint{arc: i, up: before, down: at})
			before = at
		}
		d.joints = append(d.joints, joint{arc: i, up: before, down: a.to})
	}
}

func (d *drawing) put(s spot) int {
	d.spots = append(d.spots, s)
	n := len(d.spots) - 1
	d.layers[s.layer] = append(d.layers[s.layer], n)
	return n
}
