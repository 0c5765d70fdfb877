package flows

import (
	"dispatcher/engine"

	"github.com/expr-lang/expr/ast"
)

// bits is a set of slots that are certainly filled.
type bits []uint64

func (b bits) has(i int) bool { return b[i/64]&(1<<(i%64)) != 0 }
func (b bits) put(i int)      { b[i/64] |= 1 << (i % 64) }
func (b bits) drop(i int)     { b[i/64] &^= 1 << (i % 64) }
func (b bits) copy() bits     { return append(bits(nil), b...) }

// holds says that all of o is in b.
func (b bits) holds(o bits) bool {
	for i := range o {
		if o[i]&^b[i] != 0 {
			return false
		}
	}
	return true
}

// meet keeps what both have and says whether b lost something.
func (b bits) meet(o bits) bool {
	changed := false
	for i := range b {
		if n := b[i] & o[i]; n != b[i] {
			b[i], changed = n, true
		}
	}
	return changed
}

// assignment is the definite assignment of slots over all paths (W215): what
// is filled whichever way a state was entered.
type assignment struct {
	l       *loader
	g       *graph
	index   map[string]int
	in      map[*stateSrc]bits
	returns map[string]map[string]bits // flow → result → filled at every return of it
	forgets map[string]bits            // by flow: what it may empty
	callers map[string][]*stateSrc
	todo    []*stateSrc
	queued  map[*stateSrc]bool
	shown   map[string][]bits // canned texts, with what was filled where they were looked at
}

func (l *loader) checkAssigned(g *graph) {
	if l.unreadable {
		return
	}
	a := &assignment{l: l, g: g, index: map[string]int{}, in: map[*stateSrc]bits{}, returns: map[string]map[string]bits{},
		forgets: map[string]bits{}, callers: map[string][]*stateSrc{}, queued: map[*stateSrc]bool{}, shown: map[string][]bits{}}
	for i, name := range l.slotOrder {
		a.index[name] = i
	}
	a.indexLookups()
	if len(a.index) == 0 {
		return // nothing can be filled, so nothing can be empty
	}
	a.prepare()
	all, _ := l.entries()
	for _, s := range all {
		a.reach(s, a.start())
	}
	for len(a.todo) > 0 {
		s := a.todo[len(a.todo)-1]
		a.todo = a.todo[:len(a.todo)-1]
		a.queued[s] = false
		a.flow(s)
	}
	for _, s := range g.states {
		if a.in[s] != nil {
			l.in(s.flow.name, s.name, func() { a.report(s) })
		}
	}
	a.reportShared()
}

// prepare finds what flows may forget, their callees included, and who calls them.
func (a *assignment) prepare() {
	for _, f := range a.l.flows {
		a.forgets[f.name] = a.none()
	}
	for _, s := range a.g.states {
		for _, slot := range s.def.Forget {
			a.put(a.forgets[s.flow.name], slot)
		}
		a.forgetFields(s)
		for _, f := range s.out {
			everyExit(f.exit, func(e *engine.Exit) {
				if e.Kind == engine.ExitCall {
					a.callers[e.Flow] = append(a.callers[e.Flow], s)
				}
			})
		}
	}
	for range a.l.flows { // callees into callers, at most as often as there are flows
		changed := false
		for callee, callers := range a.callers {
			for _, s := range callers {
				changed = a.join(a.forgets[s.flow.name], a.forgets[callee]) || changed
			}
		}
		if !changed {
			break
		}
	}
}

func (a *assignment) join(b, o bits) bool {
	changed := false
	for i := range o {
		if n := b[i] | o[i]; n != b[i] {
			b[i], changed = n, true
		}
	}
	return changed
}

func (a *assignment) none() bits { return make(bits, len(a.index)/64+1) }

// start is what is filled in a new conversation: slots with a default.
func (a *assignment) start() bits {
	b := a.none()
	for name, i := range a.index {
		if s := a.l.slots[name]; s != nil && s.def.Default != nil {
			b.put(i)
		}
	}
	return b
}

func (a *assignment) put(b bits, slot string) {
	if i, ok := a.index[slot]; ok {
		b.put(i)
	}
}

func (a *assignment) drop(b bits, slot string) {
	if i, ok := a.index[slot]; ok && (a.l.slots[slot] == nil || a.l.slots[slot].def.Default == nil) {
		b.drop(i)
	}
}

// reach enters a state with at least these slots filled.
func (a *assignment) reach(s *stateSrc, b bits) {
	if s == nil {
		return
	}
	if a.in[s] == nil {
		a.in[s] = b.copy()
	} else if !a.in[s].meet(b) {
		return
	}
	if !a.queued[s] {
		a.queued[s] = true
		a.todo = append(a.todo, s)
	}
}

// done is what is filled after phase 1 of a state.
func (a *assignment) done(s *stateSrc) bits {
	b := a.in[s].copy()
	if s.def.When != nil {
		a.assume(b, s.def.When, true)
	}
	for _, set := range s.def.Set {
		if set.Value == nil && set.Expr == nil && set.Text == nil {
			a.drop(b, set.Slot)
		} else {
			a.put(b, set.Slot)
		}
	}
	for _, slot := range s.def.Forget {
		a.drop(b, slot)
	}
	return b
}

// along is what is filled at the end of one way, before its branches.
func (a *assignment) along(s *stateSrc, f way, done bits) bits {
	b := done.copy()
	if f.by != byFailing {
		a.found(b, s)
	}
	if f.by == bySkip {
		b = a.in[s].copy()
		a.assume(b, s.def.When, false)
	}
	if f.when != nil {
		a.assume(b, f.when, true)
	}
	for _, slot := range f.gain {
		a.put(b, slot)
	}
	return b
}

// decisions are what is filled after each condition of the branches of ways;
// conditions that several leaves share are looked at once.
type decisions map[*armTaken]bits

// after is what is filled when the conditions up to one have come out.
func (d decisions) after(a *assignment, arm *armTaken, base bits) bits {
	if arm == nil {
		return base
	}
	if b, known := d[arm]; known {
		return b
	}
	b := d.after(a, arm.before, base).copy()
	a.assume(b, arm.cond, arm.held)
	d[arm] = b
	return b
}

func (a *assignment) flow(s *stateSrc) {
	done, decided := a.done(s), decisions{}
	for _, f := range s.out {
		if f.exit != nil {
			a.leave(s, f.exit, decided.after(a, f.arms, a.along(s, f.way, done)))
		}
	}
}

func (a *assignment) leave(s *stateSrc, e *engine.Exit, b bits) {
	switch e.Kind {
	case engine.ExitGoto:
		a.reach(a.l.stateAt(e.Flow, e.State), b)
	case engine.ExitCall:
		a.reach(a.l.stateAt(e.Flow, "start"), b)
		a.comeBack(s, e, b)
	case engine.ExitReturn:
		flow := a.returns[s.flow.name]
		if flow == nil {
			flow = map[string]bits{}
			a.returns[s.flow.name] = flow
		}
		if flow[e.Result] == nil {
			flow[e.Result] = b.copy()
		} else if !flow[e.Result].meet(b) {
			return
		}
		for _, caller := range a.callers[s.flow.name] {
			if a.in[caller] != nil && !a.queued[caller] {
				a.queued[caller] = true
				a.todo = append(a.todo, caller)
			}
		}
	}
}

// comeBack continues a caller with what the called flow filled and kept.
func (a *assignment) comeBack(s *stateSrc, e *engine.Exit, b bits) {
	for result := range a.returns[e.Flow] {
		next, to := a.back(e, b, result)
		decided := decisions{}
		for _, f := range leaves(way{exit: to}) {
			if f.exit != nil && f.exit != e {
				a.leave(s, f.exit, decided.after(a, f.arms, next))
			}
		}
	}
}

// back is what is filled when a called flow comes back with a result, and
// where the caller goes on.
func (a *assignment) back(e *engine.Exit, b bits, result string) (bits, *engine.Exit) {
	next := b.copy()
	if f := a.forgets[e.Flow]; f != nil {
		for i := range next {
			next[i] &^= f[i]
		}
	}
	a.join(next, a.returns[e.Flow][result])
	to := e.On[result]
	if to == nil {
		to = e.OnElse
	}
	if to == nil {
		to = e.Then
	}
	return next, to
}

// assume adds what a condition says about slots when it came out one way.
func (a *assignment) assume(b bits, e *engine.Expr, held bool) {
	if u := a.l.useOf[e]; e != nil && u != nil {
		a.assumeNode(b, u.tree, held)
	}
}

func (a *assignment) assumeNode(b bits, n ast.Node, held bool) {
	switch n := n.(type) {
	case *ast.UnaryNode:
		if n.Operator == "not" || n.Operator == "!" {
			a.assumeNode(b, n.Node, !held)
		}
	case *ast.BuiltinNode, *ast.CallNode:
		if name, args := callOf(n); name == "empty" && len(args) == 1 && !held {
			a.filled(b, args[0])
		}
	case *ast.MemberNode, *ast.ChainNode:
		a.filled(b, n) // a condition that came out at all
	case *ast.BinaryNode:
		a.assumePair(b, n, held)
	}
}

func (a *assignment) assumePair(b bits, n *ast.BinaryNode, held bool) {
	_, leftNil := n.Left.(*ast.NilNode)
	_, rightNil := n.Right.(*ast.NilNode)
	switch n.Operator {
	case "and", "&&":
		if held {
			a.assumeNode(b, n.Left, true)
			a.assumeNode(b, n.Right, true)
		}
	case "or", "||":
		if !held {
			a.assumeNode(b, n.Left, false)
			a.assumeNode(b, n.Right, false)
		}
	case "==", "!=":
		if rightNil || leftNil {
			if held == (n.Operator == "!=") {
				a.filled(b, n.Left)
				a.filled(b, n.Right)
			}
			return
		}
		if held == (n.Operator == "==") {
			a.literalPair(b, n)
		}
	case "<", "<=", ">", ">=":
		a.filled(b, n.Left)
		a.filled(b, n.Right)
	case "in", "contains", "startsWith", "endsWith", "matches":
		if held {
			a.filled(b, n.Left)
		}
	}
}

// literalPair: a slot that equals a literal is filled.
func (a *assignment) literalPair(b bits, n *ast.BinaryNode) {
	if _, ok := constant(n.Right); ok {
		a.filled(b, n.Left)
	}
	if _, ok := constant(n.Left); ok {
		a.filled(b, n.Right)
	}
}

func (a *assignment) filled(b bits, n ast.Node) {
	if name, ok := slotOf(n); ok {
		a.put(b, name)
		return
	}
	if root, path := a.lookupPath(n); root != "" {
		for i := range path {
			a.put(b, lookupKey(root, path[:i+1]))
		}
		a.put(b, lookupKey(root, nil))
	}
}

// slotOf recognises slots.NAME.
func slotOf(n ast.Node) (string, bool) {
	root, name := fieldOf(n)
	return name, root == "slots"
}

// fieldOf recognises ROOT.NAME; root is empty otherwise.
func fieldOf(n ast.Node) (root, name string) {
	if c, ok := n.(*ast.ChainNode); ok {
		n = c.Node
	}
	m, ok := n.(*ast.MemberNode)
	if !ok {
		return "", ""
	}
	base, ok := m.Node.(*ast.IdentifierNode)
	p, ok2 := m.Property.(*ast.StringNode)
	if !ok || !ok2 {
		return "", ""
	}
	return base.Value, p.Value
}

// rootOf is the name a chain of fields starts with, "" when it is none.
func rootOf(n ast.Node) string {
	for {
		switch m := n.(type) {
		case *ast.ChainNode:
			n = m.Node
		case *ast.MemberNode:
			n = m.Node
		case *ast.IdentifierNode:
			return m.Value
		default:
			return ""
		}
	}
}

func callOf(n ast.Node) (string, []ast.Node) {
	switch n := n.(type) {
	case *ast.BuiltinNode:
		return n.Name, n.Arguments
	case *ast.CallNode:
		if id, ok := n.Callee.(*ast.IdentifierNode); ok {
			return id.Value, n.Arguments
		}
	}
	return "", nil
}
