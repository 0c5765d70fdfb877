package rehearse

import (
	"slices"
	"strconv"

	"dispatcher/engine"
)

// Kinds of an Item.
const (
	itemState      = "state"
	itemTransition = "transition"
	itemCondition  = "condition"
)

// Item is one thing that tests can go through: a state, a declared edge of
// language.md 2.22, or a condition.
type Item struct {
	Kind  string
	State string // flow.state; "" for an entry of the project's everywhere
	Edge  string // of a transition
	Cond  string // of a condition
	File  string
	Line  int
	// Seen is 0 not at all, 1 of a condition only one way, 2 covered.
	Seen int
	Only string // of a condition seen one way: true or false
	// Count is how often a transition was taken; of a state, more than 0 when it
	// was entered.
	Count int

	option bool // a transition that is an option
	result bool // any result that has no exit of its own
	alone  bool // no other edge of its state has the name
	at     string
	rule   string
}

// declarer collects the items of one flow.
type declarer struct {
	state *engine.StateDef
	full  string
	items []Item
}

// declared are the items of the flows, in written order.
func declared(set *engine.Set, about func(flow string) bool) []Item {
	var out []Item
	for _, e := range set.Everywhere {
		out = append(out, escapeItem("", e))
	}
	for _, name := range set.FlowOrder {
		f := set.Flows[name]
		if !about(name) {
			continue
		}
		for _, e := range f.Everywhere {
			out = append(out, escapeItem(name, e))
		}
		for _, state := range f.StateOrder {
			d := &declarer{state: f.States[state], full: name + "." + state}
			d.all()
			out = append(out, d.items...)
		}
	}
	return out
}

func escapeItem(flow string, e *engine.Escape) Item {
	return Item{Kind: itemTransition, State: flow, Edge: "everywhere:" + e.Name, File: e.At.File, Line: e.At.Line, at: e.At.String()}
}

func (d *declarer) all() {
	s := d.state
	d.items = append(d.items, Item{Kind: itemState, State: d.full, File: s.At.File, Line: s.At.Line})
	d.conditions()
	if s.When != nil {
		at := s.At
		if s.Else != nil {
			at = s.Else.At
		}
		d.edge("skip_state", at)
		d.below(s.Else)
	}
	if s.HTTP != nil {
		d.lookup(s.HTTP)
	}
	d.question()
	d.ladders()
	d.own()
	d.markAlone()
}

func (d *declarer) edge(name string, at engine.Place) {
	d.items = append(d.items, Item{Kind: itemTransition, State: d.full, Edge: name, File: at.File, Line: at.Line, at: at.String()})
}

func (d *declarer) lookup(h *engine.Lookup) {
	d.edge("http:ok", h.At)
	for _, code := range sortedExits(h.On) {
		d.edge("http:"+code, h.On[code].At)
		d.below(h.On[code])
	}
	if h.OnElse != nil {
		d.edge("http:else", h.OnElse.At)
		d.below(h.OnElse)
	}
}

func sortedExits(m map[string]*engine.Exit) []string {
	out := make([]string, 0, len(m))
	for name := range m {
		out = append(out, name)
	}
	slices.SortFunc(out, func(a, b string) int {
		if m[a].At.Line != m[b].At.Line {
			return m[a].At.Line - m[b].At.Line
		}
		if a < b {
			return -1
		}
		return 1
	})
	return out
}

// question: options, collect, form, verify.
func (d *declarer) question() {
	s := d.state
	for _, o := range optionsOf(s) {
		d.edge("opt:"+o.ID, o.At)
		d.items[len(d.items)-1].option = true
		d.below(o.Exit)
	}
	if c := s.Collect; c != nil {
		d.edge("collected", c.At)
		if c.Skip != nil {
			d.edge("skip", c.At)
		}
		d.written("missing", c.Missing)
		d.written("give_up", c.GiveUp)
	}
	if f := s.Form; f != nil {
		d.edge("form:submitted", f.At)
		d.written("form:fallback", f.FallbackExit)
	}
	if v := s.Verify; v != nil {
		d.edge("verify:ok", v.At)
		d.written("verify:failed", v.Failed)
	}
}

func (d *declarer) written(edge string, x *engine.Exit) {
	if x != nil {
		d.edge(edge, x.At)
		d.below(x)
	}
}

// ladders: the steps of no_match and no_reply that the state itself writes.
func (d *declarer) ladders() {
	for i, a := range d.state.NoMatch {
		d.edge("no_match:"+strconv.Itoa(i+1), ladderPlace(a.At, a.Exit))
		d.below(a.Exit)
	}
	for i, w := range d.state.NoReply {
		d.edge("no_reply:"+strconv.Itoa(i+1), ladderPlace(w.At, w.Exit))
		d.below(w.Exit)
	}
}

// ladderPlace is where the trace says a step of a ladder stands.
func ladderPlace(at engine.Place, x *engine.Exit) engine.Place {
	if x != nil {
		return x.At
	}
	return at
}

// own is the state's own way out, where nothing chooses it under another name.
func (d *declarer) own() {
	s, x := d.state, d.state.Exit
	if x == nil {
		return
	}
	if !s.Asks() {
		switch x.Kind {
		case engine.ExitGoto, engine.ExitResume:
			d.edge("next", x.At)
		case engine.ExitCall:
			d.edge("call:"+x.Flow, x.At)
		case engine.ExitReturn:
			result := x.Result
			if result == "" {
				result = "done"
			}
			d.edge("return:"+result, x.At)
		case engine.ExitHandoff:
			d.edge("handoff", x.At)
		case engine.ExitResolve:
			d.edge("resolve:"+x.Reason, x.At)
		}
	}
	d.below(x)
}

// below is everything that hangs on an exit: arms, results, at_most, what may
// come after a handoff.
func (d *declarer) below(x *engine.Exit) {
	if x == nil {
		return
	}
	for i, a := range x.Arms {
		name := "branch:" + strconv.Itoa(i)
		if a.If == nil {
			name = "branch:else"
		}
		if a.Exit != nil {
			d.edge(name, a.Exit.At)
			d.below(a.Exit)
		}
	}
	d.written("at_most", x.Else)
	for _, result := range sortedExits(x.On) {
		d.written("result:"+result, x.On[result])
	}
	d.written("result:else", x.OnElse)
	if x.OnElse != nil {
		d.items[d.last("result:else")].result = true
	}
	if x.Then != nil {
		d.written("result:*", x.Then)
		d.items[d.last("result:*")].result = true
	}
	d.hand(x.Hand)
}

// last is the index of the newest item of an edge.
func (d *declarer) last(edge string) int {
	for i := len(d.items) - 1; i >= 0; i-- {
		if d.items[i].Edge == edge {
			return i
		}
	}
	return 0
}

func (d *declarer) hand(h *engine.Hand) {
	if h == nil {
		return
	}
	if h.Returns != nil {
		d.written("handoff:returned", h.Returns.Exit)
	}
	d.written("handoff:resolved", h.Resolved)
	for i, w := range h.Unanswered {
		d.edge("handoff:unanswered:"+strconv.Itoa(i+1), ladderPlace(w.At, w.Exit))
		d.below(w.Exit)
	}
}

// markAlone notes which edges have their name for themselves.
func (d *declarer) markAlone() {
	count := map[string]int{}
	for _, it := range d.items {
		count[it.Edge]++
	}
	for i := range d.items {
		d.items[i].alone = count[d.items[i].Edge] == 1
	}
}

// condition adds one expression unless it comes out the same always.
func (d *declarer) condition(x *engine.Expr, at engine.Place) {
	if x == nil || x.Constant() {
		return
	}
	for _, have := range d.items {
		if have.Kind == itemCondition && have.rule == x.Rule && have.Cond == x.Source {
			return
		}
	}
	d.items = append(d.items, Item{Kind: itemCondition, State: d.full, Cond: x.Source, File: at.File, Line: lineOf(x.Rule, at.Line), rule: x.Rule})
}

// lineOf is the line at the end of flow.state:line.
func lineOf(rule string, otherwise int) int {
	for i := len(rule) - 1; i >= 0; i-- {
		if rule[i] == ':' {
			if n, err := strconv.Atoi(rule[i+1:]); err == nil {
				return n
			}
			break
		}
	}
	return otherwise
}

func (d *declarer) conditions() {
	s := d.state
	d.condition(s.When, s.At)
	d.sayConditions(s.Say)
	for _, o := range optionsOf(s) {
		d.condition(o.When, o.At)
		d.exitConditions(o.Exit)
	}
	for _, r := range s.Match.First {
		d.condition(r.If, r.At)
	}
	for _, x := range []*engine.Exit{s.Else, s.Exit} {
		d.exitConditions(x)
	}
	if c := s.Collect; c != nil {
		d.exitConditions(c.GiveUp)
		d.exitConditions(c.Missing)
	}
	if h := s.HTTP; h != nil {
		for _, code := range sortedExits(h.On) {
			d.exitConditions(h.On[code])
		}
		d.exitConditions(h.OnElse)
	}
	for _, a := range s.NoMatch {
		d.exitConditions(a.Exit)
	}
	for _, w := range s.NoReply {
		d.exitConditions(w.Exit)
	}
}

func (d *declarer) sayConditions(items []engine.SayItem) {
	for _, it := range items {
		for _, arm := range it.Group {
			d.condition(arm.If, it.At)
		}
	}
}

func (d *declarer) exitConditions(x *engine.Exit) {
	if x == nil {
		return
	}
	for _, a := range x.Arms {
		d.condition(a.If, x.At)
		d.exitConditions(a.Exit)
	}
	for _, below := range []*engine.Exit{x.Else, x.OnElse, x.Then} {
		d.exitConditions(below)
	}
	for _, result := range sortedExits(x.On) {
		d.exitConditions(x.On[result])
	}
	h := x.Hand
	if h == nil {
		return
	}
	for _, picks := range [][]engine.Pick{h.Queue, h.Priority} {
		for _, p := range picks {
			d.condition(p.If, x.At)
		}
	}
	d.sayConditions(h.Say)
	if h.Returns != nil {
		d.exitConditions(h.Returns.Exit)
	}
	d.exitConditions(h.Resolved)
	for _, w := range h.Unanswered {
		d.exitConditions(w.Exit)
	}
}
