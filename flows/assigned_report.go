package flows

import (
	"dispatcher/engine"

	"github.com/expr-lang/expr/ast"
)

// report looks at every expression of a state with what is filled there.
func (a *assignment) report(s *stateSrc) {
	d, in := s.def, a.in[s].copy()
	a.expr(in, d.When)
	if d.When != nil {
		a.assume(in, d.When, true)
	}
	a.sets(in, d.Set)
	a.textList(in, d.Tag)
	a.textList(in, d.Untag)
	if d.Media != nil {
		a.text(in, d.Media.Alt)
	}
	if d.CSAT != nil {
		a.expr(in, d.CSAT.Score)
		a.safe(in, d.CSAT.Comment)
	}
	a.say(in, d.Say)
	done := a.done(s)
	a.lookup(done, d.HTTP)
	ok := done.copy()
	a.found(ok, s)
	a.question(s, ok)
	for _, w := range s.ways {
		b := a.along(s, w, done)
		a.exit(b, w.exit)
	}
}

func (a *assignment) question(s *stateSrc, b bits) {
	d := s.def
	a.text(b, d.Ask)
	a.text(b, d.Help)
	for _, o := range s.opts {
		a.option(s, o.def, b)
	}
	if c := d.Collect; c != nil {
		a.text(b, c.Ask)
		a.textList(b, c.Invalid)
		a.text(b, c.ConfirmText)
		a.text(b, c.Skip)
	}
	if f := d.Form; f != nil {
		a.text(b, f.Ask)
		a.text(b, f.Title)
		a.text(b, f.Intro)
		for _, field := range f.Fields {
			a.text(b, field.Label)
			a.text(b, field.Help)
		}
	}
	if d.Verify != nil {
		a.text(b, d.Verify.Ask)
	}
	a.text(b, d.Resume)
	noMatch, noReply := a.l.ladders(d)
	for _, n := range noMatch {
		a.text(b, n.Say)
	}
	for _, w := range noReply {
		a.text(b, w.Say)
		a.textList(b, w.Tag)
	}
}

// option looks at what is shown of an option, and at what choosing it does: by
// then its id is saved. Both happen only where its when holds.
func (a *assignment) option(s *stateSrc, o *engine.Option, b bits) {
	if o.When != nil {
		b = b.copy()
		a.assume(b, o.When, true)
	}
	for _, t := range []*engine.Text{o.Label, o.Short, o.Description} {
		a.text(b, t)
	}
	chosen := b.copy()
	if s.def.Save != "" && s.def.Collect == nil {
		a.put(chosen, s.def.Save)
	}
	a.sets(chosen, o.Set)
	a.textList(chosen, o.Tag)
}

// sets looks at the values of a set map, in written order.
func (a *assignment) sets(b bits, sets []engine.SetSlot) {
	for _, set := range sets {
		a.expr(b, set.Expr)
		a.text(b, set.Text)
		if set.Value == nil && set.Expr == nil && set.Text == nil {
			a.drop(b, set.Slot)
		} else {
			a.put(b, set.Slot)
		}
	}
}

// exit looks at the conditions of a branch and at everything a handoff says.
func (a *assignment) exit(b bits, e *engine.Exit) {
	if e == nil {
		return
	}
	now := b.copy()
	for _, arm := range e.Arms {
		a.expr(now, arm.If)
		then := now.copy()
		if arm.If != nil {
			a.assume(then, arm.If, true)
			a.assume(now, arm.If, false)
		}
		a.exit(then, arm.Exit)
	}
	a.exit(b, e.Else)
	if e.Kind == engine.ExitCall {
		a.after(b, e)
	}
	if e.Hand == nil {
		return
	}
	for _, picks := range [][]engine.Pick{e.Hand.Queue, e.Hand.Priority} {
		at := b.copy()
		for _, p := range picks {
			a.expr(at, p.If)
			if p.If != nil {
				a.assume(at, p.If, false)
			}
		}
	}
	a.text(b, e.Hand.Summary)
	a.say(b, e.Hand.Say)
	if r := e.Hand.Returns; r != nil {
		a.text(b, r.Say)
	}
	for _, w := range e.Hand.Unanswered {
		a.text(b, w.Say)
		a.textList(b, w.Tag)
	}
}

func (a *assignment) say(b bits, items []engine.SayItem) {
	for _, item := range items {
		a.text(b, item.Text)
		if item.Media != nil {
			a.text(b, item.Media.Alt)
		}
		now := b.copy()
		for _, arm := range item.Group {
			a.expr(now, arm.If)
			then := now.copy()
			if arm.If != nil {
				a.assume(then, arm.If, true)
				a.assume(now, arm.If, false)
			}
			a.text(then, arm.Text)
		}
	}
}

func (a *assignment) textList(b bits, list []*engine.Text) {
	for _, t := range list {
		a.text(b, t)
	}
}

func (a *assignment) text(b bits, t *engine.Text) {
	if t == nil {
		return
	}
	a.textList(b, t.Any)
	for _, lang := range a.l.set.Languages {
		if tpl := t.Lang[lang]; tpl != nil {
			for _, p := range tpl.Parts {
				a.expr(b, p.Expr)
			}
		}
	}
}

func (a *assignment) expr(b bits, e *engine.Expr) { a.check(b, e, needed) }

// safe looks at an expression that may come out as nothing.
func (a *assignment) safe(b bits, e *engine.Expr) { a.check(b, e, nilSafe) }

func (a *assignment) check(b bits, e *engine.Expr, needs need) {
	if u := a.l.useOf[e]; e != nil && u != nil {
		n := &nilCheck{a: a, use: u}
		n.visit(u.tree, b, needs)
	}
}

// need says what becomes of nothing at a place of an expression.
type need int8

const (
	guarded need = iota // on the left of ??: neither it nor a field of it fails
	nilSafe             // compares as not equal; a field of nothing fails
	needed              // would print or fail
)

// nilCheck reports slots and look-ups that can be nil where nil would print or fail.
type nilCheck struct {
	a   *assignment
	use *use
}

func (c *nilCheck) visit(n ast.Node, b bits, needs need) {
	if name, ok := slotOf(n); ok {
		c.slot(n, name, b, needs)
		return
	}
	if c.lookup(n, b, needs) {
		return
	}
	if root, name := fieldOf(n); root == "canned" {
		c.a.canned(b, name)
		return
	}
	switch n := n.(type) {
	case *ast.ChainNode:
		c.visit(n.Node, b, min(needs, nilSafe))
	case *ast.MemberNode:
		c.visit(n.Node, b, c.base(n, needs))
	case *ast.UnaryNode:
		c.visit(n.Node, b, needed)
	case *ast.BinaryNode:
		c.pair(n, b, needs)
	case *ast.ConditionalNode:
		c.visit(n.Cond, b, needed)
		yes, no := b.copy(), b.copy()
		c.a.assumeNode(yes, n.Cond, true)
		c.a.assumeNode(no, n.Cond, false)
		c.visit(n.Exp1, yes, needs)
		c.visit(n.Exp2, no, needs)
	case *ast.ArrayNode:
		for _, item := range n.Nodes {
			c.visit(item, b, nilSafe)
		}
	case *ast.PredicateNode:
		c.visit(n.Node, b, needed)
	case *ast.BuiltinNode, *ast.CallNode:
		name, args := callOf(n)
		for _, arg := range args {
			if name == "empty" || name == "mentions" {
				c.visit(arg, b, nilSafe)
			} else {
				c.visit(arg, b, needed)
			}
		}
	}
}

// base is what a field needs of what it is a field of.
func (c *nilCheck) base(n *ast.MemberNode, needs need) need {
	switch {
	case needs == guarded:
		return guarded
	case n.Optional:
		return nilSafe
	}
	return needed
}

func (c *nilCheck) pair(n *ast.BinaryNode, b bits, needs need) {
	switch n.Operator {
	case "and", "&&", "or", "||":
		c.visit(n.Left, b, needed)
		right := b.copy()
		c.a.assumeNode(right, n.Left, n.Operator == "and" || n.Operator == "&&")
		c.visit(n.Right, right, needed)
	case "??":
		c.visit(n.Left, b, guarded)
		c.visit(n.Right, b, needs)
	case "==", "!=", "in", "contains", "startsWith", "endsWith", "matches":
		c.visit(n.Left, b, nilSafe)
		c.visit(n.Right, b, nilSafe)
	default:
		c.visit(n.Left, b, needed)
		c.visit(n.Right, b, needed)
	}
}

func (c *nilCheck) slot(n ast.Node, name string, b bits, needs need) {
	i, known := c.a.index[name]
	if needs != needed || !known || b.has(i) {
		return
	}
	for _, r := range c.use.slots {
		if r.name != name {
			continue
		}
		if loc := n.Location(); r.at == c.use.at.span(loc.From, loc.To) {
			c.a.l.warn("W215", r.at, "slots.%s can still be empty here", name)
		}
	}
}
