package graph

import "slices"

// sweeps is how often the layers are gone through for each start.
const sweeps = 12

// order puts the spots of every layer in a sequence with few crossings: from
// several starts, each layer is sorted by the medians of its neighbours, down
// and up in turn, and neighbours change places while that helps; the best
// sequence seen is kept.
func (d *drawing) order() {
	d.places = make([]int, len(d.spots))
	o := &orderer{drawing: d, up: make([][]int, len(d.spots)), down: make([][]int, len(d.spots))}
	for _, j := range d.joints {
		o.down[j.up] = append(o.down[j.up], j.down)
		o.up[j.down] = append(o.up[j.down], j.up)
	}
	o.budget = 30_000_000
	best := -1
	var kept [][]int
	for _, start := range []func(){o.breadth, o.depth, o.mirrored} {
		start()
		crossed := o.improve()
		if best < 0 || crossed < best {
			best = crossed
			kept = cloned(d.layers)
		}
		if best == 0 || o.budget < 0 {
			break
		}
	}
	d.layers = kept
	o.number()
}

type orderer struct {
	*drawing
	up, down [][]int // neighbours of a spot, in its layers above and below
	budget   int     // steps of work that are left
}

func cloned(layers [][]int) [][]int {
	out := make([][]int, len(layers))
	for i, l := range layers {
		out[i] = slices.Clone(l)
	}
	return out
}

// number notes the places of all spots.
func (o *orderer) number() {
	for _, l := range o.layers {
		for i, v := range l {
			o.places[v] = i
		}
	}
}

// breadth starts with the spots in the order in which they are reached.
func (o *orderer) breadth() { o.reached(func(queue []int) (int, []int) { return queue[0], queue[1:] }) }

// depth starts with the spots along one way after the other.
func (o *orderer) depth() {
	o.reached(func(queue []int) (int, []int) { return queue[len(queue)-1], queue[:len(queue)-1] })
}

// mirrored starts with the reverse of the sequence by breadth.
func (o *orderer) mirrored() {
	o.breadth()
	for _, l := range o.layers {
		slices.Reverse(l)
	}
	o.number()
}

func (o *orderer) reached(take func([]int) (int, []int)) {
	seen := make([]bool, len(o.spots))
	for i := range o.layers {
		o.layers[i] = o.layers[i][:0]
	}
	visit := func(root int) {
		queue := []int{root}
		for len(queue) > 0 {
			var v int
			v, queue = take(queue)
			if seen[v] {
				continue
			}
			seen[v] = true
			o.layers[o.spots[v].layer] = append(o.layers[o.spots[v].layer], v)
			queue = append(append(queue, o.down[v]...), o.up[v]...)
		}
	}
	for v := range o.spots {
		visit(v)
	}
	o.number()
}

// improve sweeps until nothing gets better; it leaves the best sequence in
// place and returns its crossings.
func (o *orderer) improve() int {
	best := o.crossings()
	kept := cloned(o.layers)
	for i, idle := 0, 0; i < sweeps && idle < 4 && best > 0 && o.budget > 0; i++ {
		o.sweep(i%2 == 0, i%4 < 2)
		o.transpose()
		now := o.crossings()
		idle++
		if now < best {
			best, kept, idle = now, cloned(o.layers), 0
		}
	}
	for i := range kept {
		copy(o.layers[i], kept[i])
	}
	o.number()
	return best
}

// sweep sorts each layer by the medians of the one before it.
func (o *orderer) sweep(downwards, equalsStay bool) {
	for i := range o.layers {
		layer, near := i, o.up
		if !downwards {
			layer, near = len(o.layers)-1-i, o.down
		}
		o.sort(o.layers[layer], near, equalsStay)
	}
}

func (o *orderer) sort(layer []int, near [][]int, equalsStay bool) {
	type keyed struct {
		v   int
		key float64
	}
	var moving []keyed
	var slots []int
	for i, v := range layer {
		o.budget -= 4 + len(near[v])
		if m, ok := o.median(near[v]); ok {
			moving = append(moving, keyed{v, m})
			slots = append(slots, i)
		}
	}
	if !equalsStay {
		slices.Reverse(moving)
	}
	slices.SortStableFunc(moving, func(a, b keyed) int {
		switch {
		case a.key < b.key:
			return -1
		case a.key > b.key:
			return 1
		}
		return 0
	})
	for i, m := range moving {
		layer[slots[i]] = m.v
	}
	for i, v := range layer {
		o.places[v] = i
	}
}

// median of the neighbours' places, weighted towards the denser side where
// there are evenly many; false without neighbours.
func (o *orderer) median(near []int) (float64, bool) {
	n := len(near)
	if n == 0 {
		return 0, false
	}
	at := make([]int, n)
	for i, v := range near {
		at[i] = o.places[v]
	}
	slices.Sort(at)
	mid := n / 2
	switch {
	case n%2 == 1:
		return float64(at[mid]), true
	case n == 2:
		return float64(at[0]+at[1]) / 2, true
	}
	left, right := float64(at[mid-1]-at[0]), float64(at[n-1]-at[mid])
	if left+right == 0 {
		return float64(at[mid]), true
	}
	return (float64(at[mid-1])*right + float64(at[mid])*left) / (left + right), true
}

// transpose lets neighbours change places while crossings go.
func (o *orderer) transpose() {
	for range 8 {
		better := false
		for _, l := range o.layers {
			for i := 0; i+1 < len(l); i++ {
				v, w := l[i], l[i+1]
				now, then := o.between(v, w)
				if then < now {
					l[i], l[i+1] = w, v
					o.places[v], o.places[w] = i+1, i
					better = true
				}
			}
		}
		if !better || o.budget < 0 {
			return
		}
	}
}

// between counts the crossings of the lines of two neighbours as they stand,
// and with their places exchanged.
func (o *orderer) between(v, w int) (now, then int) {
	for _, near := range [2][][]int{o.up, o.down} {
		o.budget -= len(near[v])*len(near[w]) + 1
		for _, a := range near[v] {
			for _, b := range near[w] {
				switch pa, pb := o.places[a], o.places[b]; {
				case pa > pb:
					now++
				case pa < pb:
					then++
				}
			}
		}
	}
	return now, then
}

// crossings counts those of all layers.
func (o *orderer) crossings() int {
	total := 0
	for i := 1; i < len(o.layers); i++ {
		total += o.crossed(o.layers[i-1], len(o.layers[i]))
	}
	return total
}

// crossed counts the crossings between a layer and the next, by inserting the
// lower ends from left to right into a tree of sums.
func (o *orderer) crossed(upper []int, lower int) int {
	first := 1
	for first < lower {
		first *= 2
	}
	tree := make([]int, 2*first)
	total := 0
	var ends []int
	for _, v := range upper {
		ends = ends[:0]
		for _, w := range o.down[v] {
			ends = append(ends, o.places[w])
		}
		slices.Sort(ends)
		o.budget -= 8 * len(ends)
		for _, at := range ends {
			for i := at + first; i > 0; i /= 2 {
				if i%2 == 0 {
					total += tree[i+1]
				}
				tree[i]++
			}
		}
	}
	return total
}
