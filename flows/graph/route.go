package graph

import "slices"

// rows gives the layers their height, and the channels between them room for
// the horizontal pieces of the lines.
func (d *drawing) rows() {
	d.tall = make([]int, len(d.layers))
	for v := range d.spots {
		s := &d.spots[v]
		switch {
		case s.box >= 0:
			d.tall[s.layer] = max(d.tall[s.layer], d.sheet.boxes[d.parts[s.box]].h)
		case s.lw > 0:
			d.tall[s.layer] = max(d.tall[s.layer], d.sheet.lines[d.arcs[s.arc].line].lh)
		}
	}
	channels := make([][]int, len(d.layers))
	for i := range d.joints {
		layer := d.spots[d.joints[i].up].layer
		channels[layer] = append(channels[layer], i)
	}
	d.tops = make([]int, len(d.layers))
	y := 0
	for layer := range d.layers {
		d.tops[layer] = y
		y += d.tall[layer]
		y = d.channel(channels[layer], y, layer%2 == 0)
	}
}

// channel places the horizontal pieces between two layers and returns where
// the next layer begins.
func (d *drawing) channel(list []int, y int, belowBoxes bool) int {
	var turning []int
	for _, j := range list {
		if d.joints[j].x1 != d.joints[j].x2 {
			turning = append(turning, j)
		}
	}
	tracks := d.tracks(turning)
	lead, rest := gapLayers, 6
	if !belowBoxes {
		lead, rest = 6, gapLayers
	}
	for _, j := range turning {
		d.joints[j].track = y + lead + d.joints[j].track*gapTracks
	}
	if tracks == 0 {
		return y + lead + rest
	}
	return y + lead + rest + (tracks-1)*gapTracks
}

// tracks numbers the horizontal pieces from above so that those that would
// touch have different numbers and few lines cross; it returns how many there are.
func (d *drawing) tracks(list []int) int {
	n := len(list)
	if n == 0 {
		return 0
	}
	slices.SortFunc(list, func(a, b int) int { return d.leftOf(a) - d.leftOf(b) })
	under, over := make([][]int, n), make([][]int, n) // pieces that must lie below, above
	waits := make([]int, n)
	for i := range list {
		for k := i + 1; k < n && d.leftOf(list[k]) <= d.rightOf(list[i])+gapLines/2; k++ {
			a, b := i, k
			if d.clashes(list[k], list[i]) < d.clashes(list[i], list[k]) {
				a, b = k, i
			}
			under[a], over[b] = append(under[a], b), append(over[b], a)
			waits[b]++
		}
	}
	track := make([]int, n)
	done := make([]bool, n)
	most := 0
	for range list {
		at := -1 // the first that waits for nothing; in a cycle, for the least
		for i := range list {
			if !done[i] && (at < 0 || waits[i] < waits[at]) {
				at = i
			}
			if at == i && waits[i] == 0 {
				break
			}
		}
		done[at] = true
		d.joints[list[at]].track = track[at]
		most = max(most, track[at]+1)
		for _, b := range under[at] {
			waits[b]--
			track[b] = max(track[b], track[at]+1)
		}
		for _, b := range over[at] { // not yet placed in a cycle: then it comes below after all
			if !done[b] {
				track[b] = max(track[b], track[at]+1)
			}
		}
	}
	return most
}

func (d *drawing) leftOf(j int) int  { return min(d.joints[j].x1, d.joints[j].x2) }
func (d *drawing) rightOf(j int) int { return max(d.joints[j].x1, d.joints[j].x2) }

// clashes counts how often two lines meet when the horizontal piece of the
// first lies above that of the second; lying on each other counts most.
func (d *drawing) clashes(above, below int) int {
	a, b := &d.joints[above], &d.joints[below]
	n := 0
	if inside(b.x1, a) { // the lower one comes down through the upper one's piece
		n++
	}
	if inside(a.x2, b) { // the upper one goes down through the lower one's piece
		n++
	}
	if a.x2 == b.x1 { // they would share a piece of one column
		n += 8
	}
	return n
}

// inside says that a column lies within a horizontal piece.
func inside(x int, j *joint) bool { return min(j.x1, j.x2) <= x && x <= max(j.x1, j.x2) }

// route draws every line through its joints, and places boxes and labels.
func (d *drawing) route() {
	chain := make([][]int, len(d.arcs))
	for i, j := range d.joints {
		chain[j.arc] = append(chain[j.arc], i)
	}
	for v := range d.spots {
		s := &d.spots[v]
		if s.box >= 0 {
			b := &d.sheet.boxes[d.parts[s.box]]
			b.x, b.y = s.x-b.w/2, d.tops[s.layer]
			continue
		}
		if s.lw > 0 {
			l := &d.sheet.lines[d.arcs[s.arc].line]
			l.lx, l.ly = s.x+textLead, d.tops[s.layer]+(d.tall[s.layer]-l.lh)/2
		}
	}
	for i, a := range d.arcs {
		l := &d.sheet.lines[a.line]
		l.points = d.trail(a, chain[i])
		if a.back {
			slices.Reverse(l.points)
		}
	}
}

// trail is the corners of a line from above.
func (d *drawing) trail(a arc, chain []int) [][2]int {
	var out [][2]int
	add := func(x, y int) {
		if n := len(out); n >= 2 && out[n-1][0] == x && out[n-2][0] == x {
			out[n-1][1] = y
			return
		}
		out = append(out, [2]int{x, y})
	}
	for i, at := range chain {
		j := &d.joints[at]
		if i == 0 {
			from := &d.spots[j.up]
			add(j.x1, d.tops[from.layer]+d.sheet.boxes[d.parts[from.box]].h)
		}
		if j.x1 != j.x2 {
			add(j.x1, j.track)
			add(j.x2, j.track)
		}
		if i == len(chain)-1 {
			add(j.x2, d.tops[d.spots[j.down].layer])
		}
	}
	return out
}

// finish moves the part so that its upper left corner is 0, 0.
func (d *drawing) finish() {
	left := 1 << 30
	for v := range d.spots {
		left = min(left, d.spots[v].x-d.spots[v].left)
	}
	for _, b := range d.parts {
		d.sheet.boxes[b].x -= left
	}
	for _, a := range d.arcs {
		l := &d.sheet.lines[a.line]
		l.lx -= left
		for i := range l.points {
			l.points[i][0] -= left
		}
	}
}

// pack puts the parts side by side, in rows of about the width of the widest.
func (s *sheet) pack() {
	var x, y, tall, widest int
	parts := s.parts()
	sizes := make([][2]int, len(parts))
	lines := make([][]int, len(parts))
	part := make([]int, len(s.boxes))
	for i, p := range parts {
		for _, b := range p {
			part[b] = i
			sizes[i][0] = max(sizes[i][0], s.boxes[b].x+s.boxes[b].w+s.boxes[b].loop)
			sizes[i][1] = max(sizes[i][1], s.boxes[b].y+s.boxes[b].h)
		}
	}
	for i, l := range s.lines {
		p := part[l.from]
		lines[p] = append(lines[p], i)
		sizes[p][0] = max(sizes[p][0], l.lx+l.lw)
		for _, pt := range l.points {
			sizes[p][0] = max(sizes[p][0], pt[0])
		}
	}
	for _, size := range sizes {
		widest = max(widest, size[0])
	}
	limit := max(widest, 900)
	for i, p := range parts {
		if x > 0 && x+sizes[i][0] > limit {
			x, y, tall = 0, y+tall+2*gapBoxes, 0
		}
		s.move(p, lines[i], x, y)
		s.w, s.h = max(s.w, x+sizes[i][0]), max(s.h, y+sizes[i][1])
		tall = max(tall, sizes[i][1])
		x += sizes[i][0] + 2*gapBoxes
	}
}

func (s *sheet) move(boxes, lines []int, x, y int) {
	for _, b := range boxes {
		s.boxes[b].x += x
		s.boxes[b].y += y
	}
	for _, at := range lines {
		l := &s.lines[at]
		l.lx, l.ly = l.lx+x, l.ly+y
		for i := range l.points {
			l.points[i][0] += x
			l.points[i][1] += y
		}
	}
}
