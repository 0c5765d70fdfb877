package flows

import (
	"slices"
	"strconv"
	"strings"

	"dispatcher/engine"
)

// byLine are the results of a map of exits in the order they are written in.
func byLine(m map[string]*engine.Exit) []string {
	var out []string
	for name, x := range m {
		if x != nil {
			out = append(out, name)
		}
	}
	slices.SortFunc(out, func(a, b string) int {
		if d := m[a].At.Line - m[b].At.Line; d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	return out
}

// exit notes where an exit leads, one edge for each place.
func (b *outliner) exit(x *engine.Exit, via ...choice) {
	if x == nil {
		return // the person exit: built in
	}
	switch x.Kind {
	case engine.ExitBranch:
		b.arms(x, via)
		return
	case engine.ExitHandoff:
		b.handoff(x, via)
		return
	case engine.ExitCall:
		b.call(x, via)
		return
	case engine.ExitGoto:
		b.add(x, via, OutlineEdge{To: ToState, Flow: x.Flow, State: x.State})
	case engine.ExitReturn:
		b.add(x, via, OutlineEdge{To: ToReturn, Name: done(x.Result)})
	case engine.ExitResolve:
		b.add(x, via, OutlineEdge{To: ToResolve, Name: x.Reason})
	case engine.ExitResume:
		b.add(x, via, OutlineEdge{To: ToResume})
	}
	if x.AtMost > 0 && x.Else != nil {
		b.exit(x.Else, andThen(via, choice{"at_most", x.Else.At.Line, "after " + strconv.Itoa(x.AtMost) + "×"})...)
	}
}

// andThen is a copy of a way with one more choice.
func andThen(via []choice, s choice) []choice { return append(slices.Clip(via), s) }

func (b *outliner) add(x *engine.Exit, via []choice, e OutlineEdge) {
	var words []string
	for _, s := range via {
		e.Edges, e.Lines = append(e.Edges, s.edge), append(e.Lines, s.line)
		if s.words != "" {
			words = append(words, s.words)
		}
	}
	e.Words = strings.Join(words, ", ")
	e.After, e.Later = b.after, b.later
	e.File, e.Line = x.At.File, x.At.Line
	b.edges = append(b.edges, e)
}

func (b *outliner) arms(x *engine.Exit, via []choice) {
	for i, a := range x.Arms {
		s := choice{edge: "branch:else", words: "else"}
		switch {
		case a.If != nil:
			s = choice{edge: "branch:" + strconv.Itoa(i), words: a.If.Source}
		case i < len(x.Arms)-1: // its condition has an error
			s = choice{edge: "branch:" + strconv.Itoa(i), words: "…"}
		}
		if a.Exit != nil {
			s.line = a.Exit.At.Line
			b.exit(a.Exit, andThen(via, s)...)
		}
	}
}

// call notes the call and, after it, where each result leads.
func (b *outliner) call(x *engine.Exit, via []choice) {
	b.add(x, via, OutlineEdge{To: ToCall, Flow: x.Flow})
	before := b.after
	b.after = len(b.edges)
	for _, result := range byLine(x.On) {
		b.exit(x.On[result], choice{"result:" + result, x.On[result].At.Line, result})
	}
	if x.OnElse != nil {
		b.exit(x.OnElse, choice{"result:else", x.OnElse.At.Line, "else"})
	}
	if x.Then != nil {
		b.exit(x.Then, choice{"result:*", x.Then.At.Line, ""})
	}
	b.after = before
}

// handoff has one edge for each queue it may choose, and the ways out of it.
func (b *outliner) handoff(x *engine.Exit, via []choice) {
	h := x.Hand
	if h == nil {
		return
	}
	queues := h.Queue
	if len(queues) == 0 {
		queues = []engine.Pick{{}}
	}
	var seen []string
	for _, pick := range queues {
		name := pick.Use
		if name == "" {
			name = b.set.DefaultQueue
		}
		if !slices.Contains(seen, name) {
			seen = append(seen, name)
			b.add(x, via, OutlineEdge{To: ToHandoff, Name: name})
		}
	}
	before := b.later
	b.later = true
	if h.Returns != nil {
		b.exit(h.Returns.Exit, choice{"handoff:returned", h.Returns.At.Line, "given back"})
	}
	if h.Resolved != nil {
		b.exit(h.Resolved, choice{"handoff:resolved", h.Resolved.At.Line, "resolved by an agent"})
	}
	for i, w := range h.Unanswered {
		b.exit(w.Exit, choice{"handoff:unanswered:" + strconv.Itoa(i+1), w.At.Line, "nobody took it"})
	}
	b.later = before
}

// decided follows an option without a way out of its own through the state's:
// of a branch only the arms that its answer leaves open.
func (b *outliner) decided(d *engine.StateDef, o *engine.Option, via choice) {
	x := d.Exit
	if x.Kind != engine.ExitBranch {
		b.exit(x, via)
		return
	}
	known := map[string]any{}
	if d.Save != "" {
		known[d.Save] = o.ID
	}
	for _, set := range o.Set {
		delete(known, set.Slot)
		if set.Expr == nil && set.Text == nil {
			known[set.Slot] = set.Value
		}
	}
	for i, a := range x.Arms {
		holds, sure, words := true, i == len(x.Arms)-1, "…"
		if a.If != nil {
			words = a.If.Source
			holds, sure = knownCondition(words, known)
		}
		switch {
		case sure && holds:
			b.exit(a.Exit, via)
			return
		case sure:
			continue
		}
		if a.Exit != nil {
			b.exit(a.Exit, via, choice{"branch:" + strconv.Itoa(i), a.Exit.At.Line, words})
		}
	}
}
