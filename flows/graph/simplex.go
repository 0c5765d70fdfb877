package graph

import "container/heap"

// simplex finds integer positions of nodes that keep every rope's length and
// make the weighted sum of all lengths least: the network simplex method of
// Gansner, Koutsofios, North and Vo, "A technique for drawing directed graphs"
// (1993), used for layers and for columns alike. Stopped early it still has a
// solution that keeps every length.
type simplex struct {
	at    []int // the solution
	ropes []rope
	out   [][]int // ropes that start in a node
	in    [][]int

	tree   []int // ropes of the spanning tree; every one is tight
	inTree [][]int
	parent []int // rope to the parent, -1 at the root
	low    []int // lowest number of the subtree
	lim    []int // number in postorder
	next   int   // where the search for a rope to cut goes on
}

// rope asks for at[to] - at[from] >= least; its length costs weight a step.
type rope struct {
	from, to, least, weight int

	cut int // of a tree rope: what a longer one would gain
	at  int // of a tree rope: its place in tree, -1 of others
}

func newSimplex(nodes int) *simplex {
	return &simplex{at: make([]int, nodes), out: make([][]int, nodes), in: make([][]int, nodes)}
}

func (s *simplex) add(from, to, least, weight int) {
	if from == to {
		return
	}
	n := len(s.ropes)
	s.ropes = append(s.ropes, rope{from: from, to: to, least: least, weight: weight, at: -1})
	s.out[from] = append(s.out[from], n)
	s.in[to] = append(s.in[to], n)
}

// solve needs ropes without a cycle that connect all nodes. It exchanges at
// most so many ropes of the tree.
func (s *simplex) solve(most int) {
	if len(s.at) == 0 {
		return
	}
	s.spread()
	s.grow()
	s.number()
	s.weigh()
	for range most {
		leave := s.leaving()
		if leave < 0 {
			break
		}
		enter := s.entering(leave)
		if enter < 0 {
			break
		}
		s.exchange(leave, enter)
	}
	low := s.at[0]
	for _, v := range s.at {
		low = min(low, v)
	}
	for i := range s.at {
		s.at[i] -= low
	}
}

// spread gives every node its lowest position.
func (s *simplex) spread() {
	waits := make([]int, len(s.at))
	var free []int
	for v := range s.at {
		if waits[v] = len(s.in[v]); waits[v] == 0 {
			free = append(free, v)
		}
	}
	for len(free) > 0 {
		v := free[0]
		free = free[1:]
		for _, e := range s.out[v] {
			r := &s.ropes[e]
			s.at[r.to] = max(s.at[r.to], s.at[v]+r.least)
			if waits[r.to]--; waits[r.to] == 0 {
				free = append(free, r.to)
			}
		}
	}
}

func (s *simplex) slack(e int) int {
	r := &s.ropes[e]
	return s.at[r.to] - s.at[r.from] - r.least
}

// slacks is a heap of ropes by a key that stays while the tree moves.
type slacks []struct{ key, rope int }

func (h slacks) Len() int { return len(h) }
func (h slacks) Less(i, j int) bool {
	return h[i].key < h[j].key || h[i].key == h[j].key && h[i].rope < h[j].rope
}
func (h slacks) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *slacks) Push(x any)   { *h = append(*h, x.(struct{ key, rope int })) }
func (h *slacks) Pop() any {
	old := *h
	x := old[len(old)-1]
	*h = old[:len(old)-1]
	return x
}

// grow makes a spanning tree of tight ropes: the tree moves as a whole until
// the nearest node can be tied to it. While it grows, nodes in it lack moved.
func (s *simplex) grow() {
	n := len(s.at)
	s.inTree = make([][]int, n)
	has := make([]bool, n)
	moved := 0
	var out, in slacks
	join := func(v int) {
		has[v] = true
		s.at[v] -= moved
		for _, e := range s.out[v] {
			if r := &s.ropes[e]; !has[r.to] {
				heap.Push(&out, struct{ key, rope int }{s.at[r.to] - s.at[v] - r.least, e})
			}
		}
		for _, e := range s.in[v] {
			if r := &s.ropes[e]; !has[r.from] {
				heap.Push(&in, struct{ key, rope int }{s.at[v] - s.at[r.from] - r.least, e})
			}
		}
	}
	join(0)
	for len(s.tree) < n-1 {
		for len(out) > 0 && has[s.ropes[out[0].rope].to] {
			heap.Pop(&out)
		}
		for len(in) > 0 && has[s.ropes[in[0].rope].from] {
			heap.Pop(&in)
		}
		if len(out) == 0 && len(in) == 0 {
			break // not connected: the caller's mistake, positions stay valid
		}
		if len(in) == 0 || len(out) > 0 && out[0].key-moved <= in[0].key+moved {
			e := heap.Pop(&out).(struct{ key, rope int })
			moved = e.key
			s.tie(e.rope)
			join(s.ropes[e.rope].to)
			continue
		}
		e := heap.Pop(&in).(struct{ key, rope int })
		moved = -e.key
		s.tie(e.rope)
		join(s.ropes[e.rope].from)
	}
	for v := range s.at {
		if has[v] {
			s.at[v] += moved
		}
	}
}

func (s *simplex) tie(e int) {
	r := &s.ropes[e]
	r.at = len(s.tree)
	s.tree = append(s.tree, e)
	s.inTree[r.from] = append(s.inTree[r.from], e)
	s.inTree[r.to] = append(s.inTree[r.to], e)
}

func (r *rope) other(v int) int {
	if r.from == v {
		return r.to
	}
	return r.from
}

// number walks the tree from node 0.
func (s *simplex) number() {
	n := len(s.at)
	s.parent, s.low, s.lim = make([]int, n), make([]int, n), make([]int, n)
	for v := range s.parent {
		s.parent[v] = -1
	}
	s.walk(0, -1, 1)
}

// walk numbers the subtree below a node, the first number is low. It keeps its
// own stack: trees may be deep.
func (s *simplex) walk(root, parent, low int) {
	type frame struct{ v, child int }
	stack := []frame{{root, 0}}
	s.parent[root], s.low[root] = parent, low
	for len(stack) > 0 {
		top := &stack[len(stack)-1]
		v := top.v
		if top.child == len(s.inTree[v]) {
			s.lim[v] = low
			low++
			stack = stack[:len(stack)-1]
			continue
		}
		e := s.inTree[v][top.child]
		top.child++
		if e == s.parent[v] {
			continue
		}
		w := s.ropes[e].other(v)
		s.parent[w], s.low[w] = e, low
		stack = append(stack, frame{w, 0})
	}
}

// weigh finds the cut value of every tree rope, leaves first.
func (s *simplex) weigh() {
	order := make([]int, len(s.at)+1)
	for v := range s.at {
		order[s.lim[v]] = v
	}
	for _, v := range order[1:] {
		if e := s.parent[v]; e >= 0 {
			s.ropes[e].cut = s.cutOf(e, v)
		}
	}
}

// cutOf is the cut value of a tree rope whose lower end is v: what leaves its
// subtree less what comes in, from the subtrees below.
func (s *simplex) cutOf(e, v int) int {
	leaves := 0
	for _, f := range s.out[v] {
		leaves += s.ropes[f].weight
	}
	for _, f := range s.in[v] {
		leaves -= s.ropes[f].weight
	}
	for _, f := range s.inTree[v] {
		if f == e {
			continue
		}
		if o := &s.ropes[f]; o.to == v {
			leaves += o.cut
		} else {
			leaves -= o.cut
		}
	}
	if s.ropes[e].from == v {
		return leaves
	}
	return -leaves
}

// leaving is a tree rope that costs more than it must, -1 when there is none.
func (s *simplex) leaving() int {
	best, seen := -1, 0
	for range s.tree {
		e := s.tree[s.next]
		if s.next++; s.next == len(s.tree) {
			s.next = 0
		}
		if c := s.ropes[e].cut; c < 0 {
			if best < 0 || c < s.ropes[best].cut {
				best = e
			}
			if seen++; seen == 30 {
				break
			}
		}
	}
	return best
}

func (s *simplex) below(root, v int) bool { return s.low[root] <= s.lim[v] && s.lim[v] <= s.lim[root] }

// entering is the tightest rope that ties the two halves together again, the
// other way round.
func (s *simplex) entering(leave int) int {
	r := &s.ropes[leave]
	root, heads := r.from, true // ropes that come into the half below
	if s.lim[r.to] < s.lim[r.from] {
		root, heads = r.to, false
	}
	best := -1
	stack := []int{root}
	for len(stack) > 0 {
		v := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		list := s.out[v]
		if heads {
			list = s.in[v]
		}
		for _, e := range list {
			o := &s.ropes[e]
			if o.at >= 0 || s.below(root, o.other(v)) {
				continue
			}
			if sl := s.slack(e); best < 0 || sl < s.slack(best) || sl == s.slack(best) && e < best {
				best = e
			}
		}
		for _, e := range s.inTree[v] {
			if e != s.parent[v] {
				stack = append(stack, s.ropes[e].other(v))
			}
		}
	}
	return best
}

// exchange puts one rope into the tree in place of another.
func (s *simplex) exchange(leave, enter int) {
	r, e := &s.ropes[leave], &s.ropes[enter]
	root := r.from
	if s.lim[r.to] < s.lim[r.from] {
		root = r.to
	}
	if d := s.slack(enter); d != 0 {
		if s.below(root, e.from) {
			s.shift(root, d)
		} else {
			s.shift(root, -d)
		}
	}
	cut := r.cut
	top := s.climb(e.from, e.to, cut, true)
	s.climb(e.to, e.from, cut, false)
	r.cut, e.cut = 0, -cut
	e.at, r.at = r.at, -1
	s.tree[e.at] = enter
	for _, v := range [2]int{r.from, r.to} {
		s.inTree[v] = without(s.inTree[v], leave)
	}
	for _, v := range [2]int{e.from, e.to} {
		s.inTree[v] = append(s.inTree[v], enter)
	}
	s.walk(top, s.parent[top], s.low[top])
}

func without(list []int, e int) []int {
	for i, x := range list {
		if x == e {
			list[i] = list[len(list)-1]
			return list[:len(list)-1]
		}
	}
	return list
}

// shift moves everything below a node.
func (s *simplex) shift(root, by int) {
	stack := []int{root}
	for len(stack) > 0 {
		v := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		s.at[v] += by
		for _, e := range s.inTree[v] {
			if e != s.parent[v] {
				stack = append(stack, s.ropes[e].other(v))
			}
		}
	}
}

// climb corrects the cut values from v up to what it has in common with w,
// which it returns.
func (s *simplex) climb(v, w, cut int, up bool) int {
	for !s.below(v, w) {
		r := &s.ropes[s.parent[v]]
		if (v == r.from) == up {
			r.cut += cut
		} else {
			r.cut -= cut
		}
		v = r.other(v)
	}
	return v
}
