package flows

import (
	"fmt"
	"slices"
	"strings"

	"dispatcher/engine"
	"dispatcher/internal/source"
)

// checkEffort compares questions (W326), words (W327) and messages in a row
// (W328) with the project's budget.
func (l *loader) checkEffort(g *graph) {
	budget := l.p.Config.Budget
	seen := map[*stateSrc]bool{}
	for _, r := range l.set.Start {
		s := l.stateAt(r.Flow, "start")
		if s == nil || seen[s] {
			continue
		}
		seen[s] = true
		e := &effort{g: g, memo: map[*stateSrc]*reach{}, busy: map[*stateSrc]bool{}} // back edges are those of this start
		if got := e.from(s); got.end > budget.Questions {
			l.in(s.flow.name, s.name, func() {
				l.warn("W326", s.key.Words(), "%d questions can come before a person or an end (budget %d): %s", got.end, budget.Questions, shortPath(got.path()))
			})
		}
	}
	for _, t := range l.saidTexts {
		if t.words > budget.Words {
			n, at := wordiest(t.node)
			l.in(t.flow, t.name, func() { l.warn("W327", at.Words(), "%d words in one message (budget %d)", n, budget.Words) })
		}
	}
	l.checkRuns(g)
}

// shownSteps is how many states of a longest path W326 names at most; the
// middle of a longer one is counted.
const shownSteps = 24

func shortPath(path []string) string {
	if left := len(path) - shownSteps; left > 0 {
		half := shownSteps / 2
		path = slices.Concat(path[:half], []string{fmt.Sprintf("(%d more)", left)}, path[len(path)-half:])
	}
	return strings.Join(path, " → ")
}

// reach is the most questions from a state to an end, and to each return.
type reach struct {
	end     int // -1: no end is reached
	at      *stateSrc
	next    *reach         // where the most questions come after it; nil: none
	results map[string]int // nil: none
}

type effort struct {
	g    *graph
	memo map[*stateSrc]*reach
	busy map[*stateSrc]bool
}

// from follows ruling 49: depth first, back edges dropped, the longest path on
// what remains, calls inlined with their matching results.
func (e *effort) from(s *stateSrc) *reach {
	if r, ok := e.memo[s]; ok {
		return r
	}
	e.busy[s] = true
	r := &reach{end: -1, at: s}
	for _, f := range s.out {
		if f.by == byLater {
			continue
		}
		asked := 0
		if s.def.Asks() && f.by != bySkip && f.by != byFailing {
			asked = 1
		}
		e.leaf(r, s, f.exit, asked, 0)
	}
	delete(e.busy, s)
	e.memo[s] = r
	return r
}

func (e *effort) leaf(r *reach, s *stateSrc, exit *engine.Exit, asked, depth int) {
	switch {
	case exit == nil, exit.Kind == engine.ExitHandoff, exit.Kind == engine.ExitResolve, exit.Kind == engine.ExitResume:
		r.better(asked, nil)
	case exit.Kind == engine.ExitReturn:
		r.result(exit.Result, asked)
	case exit.Kind == engine.ExitGoto:
		e.to(r, s.flow, e.g.l.stateAt(exit.Flow, exit.State), asked)
	case exit.Kind == engine.ExitCall && depth < 8:
		called := e.g.l.stateAt(exit.Flow, "start")
		if called == nil || e.busy[called] {
			return
		}
		in := e.from(called)
		if in.end >= 0 {
			r.better(asked+in.end, in)
		}
		for result, n := range in.results {
			e.back(r, s, exit, result, asked+n, depth)
		}
	}
}

func (e *effort) back(r *reach, s *stateSrc, exit *engine.Exit, result string, asked, depth int) {
	to := exit.On[result]
	if to == nil {
		to = exit.OnElse
	}
	if to == nil {
		to = exit.Then
	}
	if to == nil {
		return
	}
	for _, f := range leaves(way{exit: to}) {
		e.leaf(r, s, f.exit, asked, depth+1)
	}
}

func (e *effort) to(r *reach, flow *flowSrc, next *stateSrc, asked int) {
	if next == nil || e.busy[next] {
		return
	}
	in := e.from(next)
	if in.end >= 0 {
		r.better(asked+in.end, in)
	}
	if next.flow == flow {
		for result, n := range in.results {
			r.result(result, asked+n)
		}
	}
}

func (r *reach) better(n int, next *reach) {
	if n > r.end {
		r.end, r.next = n, next
	}
}

func (r *reach) result(name string, n int) {
	if r.results == nil {
		r.results = map[string]int{}
	}
	r.results[name] = max(r.results[name], n)
}

// path names the states on the way to the most questions.
func (r *reach) path() []string {
	var out []string
	for ; r != nil; r = r.next {
		out = append(out, r.at.name)
	}
	return out
}

// wordiest is the longest of the variants and languages of a text, in words,
// each {{ }} counted as one, and where it stands.
func wordiest(text *source.Node) (most int, at *source.Node) {
	at = text
	for _, n := range variants(text) {
		if words := len(strings.Fields(withoutBraces(n.Text, "x"))); words > most {
			most, at = words, n
		}
	}
	return most, at
}

// variants are the texts that a text may be sent as: itself, its variants, its languages.
func variants(n *source.Node) []*source.Node {
	if n.Kind == source.Scalar {
		return []*source.Node{n}
	}
	var out []*source.Node
	for _, p := range n.Pairs {
		out = append(out, variants(p.Value)...)
	}
	for _, item := range n.Items {
		out = append(out, variants(item)...)
	}
	return out
}

// withoutBraces is a text with something else for each {{ }}.
func withoutBraces(s, instead string) string {
	var b strings.Builder
	rest := eachBraces(s, func(before, _ string) { b.WriteString(before + instead) })
	return b.String() + rest
}

// eachBraces visits every {{ }} of a text that is closed, with the words
// before it, and gives the words behind the last.
func eachBraces(s string, visit func(before, inner string)) (rest string) {
	for {
		i := strings.Index(s, "{{")
		if i < 0 {
			return s
		}
		end := closeBraces(s[i+2:])
		if end < 0 {
			return s
		}
		visit(s[:i], s[i+2:i+2+end])
		s = s[i+2+end+2:]
	}
}

// checkRuns: messages in a row without a question (W328), and more than a
// channel allows (W406).
func (l *loader) checkRuns(g *graph) {
	r := &runs{g: g, memo: map[*stateSrc][2]int{}, busy: map[*stateSrc]bool{}}
	head := map[*stateSrc]bool{}
	for _, s := range g.states {
		head[s] = true
	}
	for _, s := range g.states {
		for _, n := range g.silent[s.n] {
			if n != s && !s.def.Asks() && messages(s.def) > 0 {
				head[n] = false
			}
		}
	}
	for _, s := range g.states {
		if !head[s] {
			continue
		}
		got := r.from(s)
		l.in(s.flow.name, s.name, func() {
			if got[0] > l.p.Config.Budget.Messages {
				l.warn("W328", s.key.Words(), "%d messages in a row without a question (budget %d)", got[0], l.p.Config.Budget.Messages)
			}
			for _, c := range l.limits {
				if c.InARow > 0 && got[1] > c.InARow {
					l.warn("W406", s.key.Words(), "%d messages in a row; %s allows %d", got[1], c.Kind, c.InARow)
				}
			}
		})
	}
}

// runs counts messages of one turn: without and with the question at its end.
type runs struct {
	g    *graph
	memo map[*stateSrc][2]int
	busy map[*stateSrc]bool
}

func (r *runs) from(s *stateSrc) [2]int {
	if got, ok := r.memo[s]; ok {
		return got
	}
	if r.busy[s] {
		return [2]int{}
	}
	r.busy[s] = true
	own := messages(s.def)
	got := [2]int{own, own}
	switch {
	case s.def.Asks():
		if s.def.Ask != nil || s.def.Collect != nil || s.def.Form != nil || s.def.Verify != nil {
			got[1]++
		} else {
			got[0] = max(own-1, 0) // the last message is the question
		}
	default:
		var best [2]int
		for _, n := range r.g.silent[s.n] {
			next := r.from(n)
			best[0], best[1] = max(best[0], next[0]), max(best[1], next[1])
		}
		if e := s.def.Exit; e != nil && e.Hand != nil && !e.Hand.SayNothing {
			best[0], best[1] = max(best[0], 1), max(best[1], 1)
		}
		got[0] += best[0]
		got[1] += best[1]
	}
	delete(r.busy, s)
	r.memo[s] = got
	return got
}
