package graph

import "slices"

// columns gives every spot its x: spots of a layer keep their distance, and
// lines are as short and as straight as that allows. A line that passes layers
// does so in one column; only where two would cross in between, they bend.
func (d *drawing) columns() {
	d.ports()
	column := d.straight()
	n := 0
	for _, c := range column {
		n = max(n, c+1)
	}
	bent := d.bends(column)
	s := newSimplex(n + len(bent) + 1)
	for _, layer := range d.layers {
		for i := 1; i < len(layer); i++ {
			a, b := layer[i-1], layer[i]
			s.add(column[a], column[b], d.distance(a, b), 0)
		}
	}
	for i, j := range bent {
		jt := &d.joints[j]
		weight := d.sheet.lines[d.arcs[jt.arc].line].weight
		u, v, off := column[jt.up], column[jt.down], jt.x2-jt.x1
		s.add(n+i, u, max(0, off), weight)
		s.add(n+i, v, max(0, -off), weight)
	}
	root := n + len(bent)
	for c := range n { // one root below all: everything is connected
		s.add(root, c, 0, 0)
	}
	s.solve(effort(len(s.at)))
	for v := range d.spots {
		d.spots[v].x = s.at[column[v]]
	}
	for i := range d.joints {
		j := &d.joints[i]
		j.x1 += d.spots[j.up].x
		j.x2 += d.spots[j.down].x
	}
}

func (d *drawing) distance(a, b int) int {
	u, v := &d.spots[a], &d.spots[b]
	gap := gapLines
	switch {
	case u.box >= 0 && v.box >= 0:
		gap = gapBoxes
	case u.lw > 0:
		gap = gapLabels
	}
	return u.right + gap + v.left
}

// ports spreads the lines over the upper and lower side of each box, in the
// order of where they go; x1 and x2 are from the middle of the box then.
func (d *drawing) ports() {
	down, up := make([][]int, len(d.spots)), make([][]int, len(d.spots))
	for i, j := range d.joints {
		down[j.up] = append(down[j.up], i)
		up[j.down] = append(up[j.down], i)
	}
	for v := range d.spots {
		if d.spots[v].box < 0 {
			continue
		}
		width := d.sheet.boxes[d.parts[d.spots[v].box]].w
		slices.SortStableFunc(down[v], func(a, b int) int { return d.places[d.joints[a].down] - d.places[d.joints[b].down] })
		slices.SortStableFunc(up[v], func(a, b int) int { return d.places[d.joints[a].up] - d.places[d.joints[b].up] })
		for i, j := range down[v] {
			d.joints[j].x1 = port(i, len(down[v]), width)
		}
		for i, j := range up[v] {
			d.joints[j].x2 = port(i, len(up[v]), width)
		}
	}
}

// port is the place of the i-th of n lines at a side, from its middle.
func port(i, n, width int) int {
	if n == 1 {
		return 0
	}
	step := min(28, (width-2*portInset)/(n-1))
	return i*step - (n-1)*step/2
}

// straight gives every spot a column; the spots of one line share theirs, up
// to where it crosses a line that has its own already.
func (d *drawing) straight() []int {
	column := make([]int, len(d.spots))
	for v := range column {
		column[v] = -1
	}
	inner := make([][]int, len(d.layers)) // joints between two lines' spots, by their upper layer
	for i, j := range d.joints {
		if d.spots[j.up].box < 0 && d.spots[j.down].box < 0 {
			inner[d.spots[j.up].layer] = append(inner[d.spots[j.up].layer], i)
		}
	}
	tied := make([]bool, len(d.joints))
	for _, list := range inner {
		d.tie(list, tied)
	}
	n := 0
	above := make([]int, len(d.spots))
	for v := range above {
		above[v] = -1
	}
	for i, j := range d.joints {
		if tied[i] {
			above[j.down] = j.up
		}
	}
	for _, layer := range d.layers {
		for _, v := range layer {
			if above[v] >= 0 {
				column[v] = column[above[v]]
				continue
			}
			column[v] = n
			n++
		}
	}
	return column
}

// tie chooses, of the joints between two layers, as many as can be straight
// without crossing: the longest rising run.
func (d *drawing) tie(list []int, tied []bool) {
	slices.SortFunc(list, func(a, b int) int { return d.places[d.joints[a].up] - d.places[d.joints[b].up] })
	var tails []int // the joint that ends the best run of each length
	before := make(map[int]int, len(list))
	for _, j := range list {
		at := d.places[d.joints[j].down]
		i, _ := slices.BinarySearchFunc(tails, at, func(t, at int) int { return d.places[d.joints[t].down] - at })
		if i > 0 {
			before[j] = tails[i-1]
		} else {
			before[j] = -1
		}
		if i == len(tails) {
			tails = append(tails, j)
		} else {
			tails[i] = j
		}
	}
	if len(tails) == 0 {
		return
	}
	for j := tails[len(tails)-1]; j >= 0; j = before[j] {
		tied[j] = true
	}
}

// bends are the joints that need not be straight.
func (d *drawing) bends(column []int) []int {
	var out []int
	for i, j := range d.joints {
		if column[j.up] != column[j.down] {
			out = append(out, i)
		}
	}
	return out
}
