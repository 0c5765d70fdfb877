package flows

import (
	"strconv"
	"strings"

	"dispatcher/engine"
	"dispatcher/internal/source"
)

var exitNames = []string{"goto", "branch", "call", "return", "handoff", "resolve"}

// exit compiles a value that is an exit: a state name, or a map with one way
// out. at is the key that holds it; edge and key name it (language.md 2.22,
// ruling 34).
func (l *loader) exit(n *source.Node, at source.Range, edge, key string) *engine.Exit {
	switch n.Kind {
	case source.Scalar:
		return l.target(n, edge, key)
	case source.Map:
		before := len(l.diags)
		e := l.exitIn(n, edge, key, false)
		if e == nil && len(l.diags) == before && !l.nearExit(n, "exit") {
			l.err("E110", at, "nothing here says where to go; write a state name, or one of %s", strings.Join(exitNames, ", "))
		}
		return e
	case source.Null:
		l.err("E110", at, "nothing here says where to go")
	}
	return nil
}

// nearExit says that a map has an unknown key meant to be a way out.
func (l *loader) nearExit(m *source.Node, construct string) bool {
	if len(m.Pairs) > maxNear {
		return true
	}
	for _, p := range m.Pairs {
		if _, known := l.grammar[construct].key(p.Key.Text); known {
			continue
		}
		if _, near := source.DidYouMean(p.Key.Text, exitNames); near {
			return true
		}
	}
	return false
}

// exitIn compiles the one way out among the keys of a map; nil when there is
// none. own: it is the state's own, which names its edge by what it does.
func (l *loader) exitIn(m *source.Node, edge, key string, own bool) *engine.Exit {
	var found *source.Pair
	var then *source.Pair
	for i := range m.Pairs {
		p := &m.Pairs[i]
		if !isExit(p.Key.Text) {
			continue
		}
		switch {
		case found == nil:
			found = p
		case found.Key.Text == "call" && p.Key.Text == "goto" && then == nil:
			then = p
		case found.Key.Text == "goto" && p.Key.Text == "call" && then == nil:
			found, then = p, found
		default:
			l.err("E111", p.Key.Words(), "two ways out: %s and %s", found.Key.Text, p.Key.Text)
		}
	}
	if found == nil {
		return nil
	}
	e := l.oneExit(found, edge, key, own)
	if then != nil && e != nil {
		k := e.Key + "/result:else"
		if e.OnElse != nil {
			k = e.Key + "/result:then"
		}
		e.Then = l.exit(then.Value, then.Key.Words(), "result:else", k)
		if then.Value.Kind == source.Map {
			e.Then = l.gotoMap(then.Value, then.Key.Words(), "result:else", k)
		}
	}
	return e
}

func isExit(name string) bool {
	for _, known := range exitNames {
		if known == name {
			return true
		}
	}
	return false
}

// named gives the state's own exit the name of what it does.
func named(own bool, edge, key, ownName string) (string, string) {
	if own {
		return ownName, ownName
	}
	return edge, key
}

func (l *loader) oneExit(p *source.Pair, edge, key string, own bool) *engine.Exit {
	n := p.Value
	switch p.Key.Text {
	case "goto":
		edge, key = named(own, edge, key, "next")
		if n.Kind == source.Map {
			return l.gotoMap(n, p.Key.Words(), edge, key)
		}
		return l.exit(n, p.Key.Words(), edge, key)
	case "branch":
		return l.branch(p, edge, key, own)
	case "call":
		return l.call(p, edge, key, own)
	case "return":
		result := "done"
		if s, ok := scalar(n); ok {
			l.name(n, "result")
			result = s
		}
		edge, key = named(own, edge, key, "return:"+result)
		return l.note(&engine.Exit{Kind: engine.ExitReturn, Result: result, Edge: edge, Key: key}, valueOr(p))
	case "handoff":
		edge, key = named(own, edge, key, "handoff")
		return l.handoff(p, edge, key, own)
	}
	reason, ok := scalar(n)
	if !ok {
		if n.Kind == source.Null {
			l.err("E110", p.Key.Words(), "resolve needs a reason, such as done")
		}
		return nil
	}
	l.name(n, "reason")
	edge, key = named(own, edge, key, "resolve:"+reason)
	return l.note(&engine.Exit{Kind: engine.ExitResolve, Reason: reason, Edge: edge, Key: key}, n.Words())
}

func valueOr(p *source.Pair) source.Range {
	if p.Value.Kind == source.Null {
		return p.Key.Words()
	}
	return p.Value.Words()
}

func (l *loader) note(e *engine.Exit, at source.Range) *engine.Exit {
	e.At = l.place(at)
	return e
}

// target compiles the name of a state: state, flow.state, or resume.
func (l *loader) target(n *source.Node, edge, key string) *engine.Exit {
	e := l.note(&engine.Exit{Kind: engine.ExitGoto, Edge: edge, Key: key}, n.Words())
	if n.Text == "resume" {
		e.Kind = engine.ExitResume
		return e
	}
	flow, state, dotted := strings.Cut(n.Text, ".")
	if !dotted {
		flow, state = l.flow, n.Text
		if l.flow == "" { // dispatcher.yaml: the name of a flow
			flow, state = n.Text, "start"
		}
	}
	e.Flow, e.State = flow, state
	f, ok := l.byName[flow]
	if !ok {
		l.lost[e] = true
		l.wantFlow(flow, n.At(0, len(flow)))
		return e
	}
	if f.states[state] == nil {
		l.lost[e] = true
		if !dotted && l.flow == "" {
			return e // E115 says so
		}
		at := n.Words()
		names := f.def.StateOrder
		if dotted {
			at = n.At(len(flow)+1, len(n.Text))
		}
		d := l.err("E301", at, "there is no state called %q in flow %s", state, flow)
		if l.suggest(d, state, names); d.Hint == "" && !dotted && l.byName[state] != nil {
			d.Hint = state + " is a flow; write " + state + ".start"
		}
		f.meant(d)
	}
	return e
}

// meant adds where the state stands that a misspelt name was probably to be.
func (f *flowSrc) meant(d *source.Diagnostic) {
	if d.Fix == nil {
		return
	}
	if s := f.states[d.Fix.Edits[0].Text]; s != nil {
		d.Related = []source.Related{{Range: s.key.Words(), Message: s.name + " is here", Aside: true}}
	}
}

// gotoMap is goto: {state, at_most, else}.
func (l *loader) gotoMap(n *source.Node, at source.Range, edge, key string) *engine.Exit {
	state := n.Get("state")
	if _, ok := scalar(state); !ok {
		if state == nil || state.Kind == source.Null {
			l.missing(n, "goto", "state", at, "goto needs a state")
		}
		return nil
	}
	e := l.target(state, edge, key)
	other := n.Pair("else")
	if most := n.Get("at_most"); most != nil {
		e.AtMost = l.count(n, "goto", "at_most", 1)
		if other == nil {
			l.err("E116", at, "at_most needs else")
		}
	}
	if other != nil {
		if e.AtMost == 0 && n.Get("at_most") == nil {
			l.err("E117", other.Key.Words(), "else has no at_most")
		}
		e.Else = l.exit(other.Value, other.Key.Words(), "at_most", key+"/at_most")
	}
	return e
}

// branch compiles the arms; the first true one wins.
func (l *loader) branch(p *source.Pair, edge, key string, own bool) *engine.Exit {
	n := p.Value
	if n.Kind != source.List || len(n.Items) == 0 {
		if n.Kind == source.Null || n.Kind == source.List {
			l.err("E110", p.Key.Words(), "branch needs a list of conditions")
		}
		return nil
	}
	e := l.note(&engine.Exit{Kind: engine.ExitBranch, Edge: edge, Key: key}, p.Key.Words())
	prefix := ""
	if !own {
		prefix = key + "/"
	}
	closed, always, above := false, false, false
	for i, item := range n.Items {
		if item.Kind != source.Map {
			continue
		}
		cond, other := item.Pair("if"), item.Pair("else")
		if above {
			l.neverReached(cond, other)
		}
		switch {
		case other != nil:
			closed = true
			if i != len(n.Items)-1 {
				l.err("E316", other.Key.Words(), "else must be the last item of the list")
			}
			e.Arms = append(e.Arms, engine.Arm{Exit: l.exit(other.Value, other.Key.Words(), "branch:else", prefix+"branch:else")})
		case cond == nil:
			l.missing(item, "arm", "if", item.Words(), "a branch item needs if, or else")
		default:
			name := "branch:" + strconv.Itoa(i)
			arm := engine.Arm{If: l.condition(cond.Value, scope{})}
			above = l.trueNode(cond.Value)
			always = always || above
			before := len(l.diags)
			arm.Exit = l.exitIn(item, name, prefix+name, false)
			if arm.Exit == nil && len(l.diags) == before && !l.nearExit(item, "arm") {
				l.err("E110", cond.Key.Words(), "nothing says where to go when this is true")
			}
			e.Arms = append(e.Arms, arm)
		}
	}
	if !closed && !always {
		l.warn("W313", p.Key.Words(), "if no condition is true the customer is handed to a person; add else")
	}
	return e
}

// neverReached is W317: the condition above is always true. It is said of the
// next one only (language.md ruling 2).
func (l *loader) neverReached(cond, other *source.Pair) {
	at := source.Range{}
	switch {
	case cond != nil:
		at = cond.Value.Words()
	case other != nil:
		at = other.Key.Words()
	default:
		return
	}
	l.warn("W317", at, "this condition is never reached: the one above is always true")
}

// trueNode says that a condition is a constant true.
func (l *loader) trueNode(n *source.Node) bool {
	src, ok := scalar(n)
	if !ok {
		return false
	}
	p := l.now.exprs[src].tree
	return p != nil && p.tree != nil && alwaysTrue(p.tree)
}

// constant reports W317 in other lists of alternatives.
func (l *loader) constant(cond *source.Node, above bool) bool {
	if above {
		l.warn("W317", cond.Words(), "this condition is never reached: the one above is always true")
	}
	return l.trueNode(cond)
}

// call compiles call: FLOW or call: {flow, on}.
func (l *loader) call(p *source.Pair, edge, key string, own bool) *engine.Exit {
	n := p.Value
	name := n
	if n.Kind == source.Map {
		name = n.Get("flow")
	}
	flow, ok := scalar(name)
	if !ok {
		if n.Kind == source.Null || n.Kind == source.Map && name == nil {
			l.missing(n, "call", "flow", p.Key.Words(), "call needs a flow")
		}
		return nil
	}
	edge, key = named(own, edge, key, "call:"+flow)
	e := l.note(&engine.Exit{Kind: engine.ExitCall, Flow: flow, Edge: edge, Key: key}, name.Words())
	if !l.wantFlow(flow, name.Words()) {
		l.lost[e] = true
	}
	on := n.Get("on")
	if on == nil || on.Kind != source.Map {
		return e
	}
	e.On = map[string]*engine.Exit{}
	for _, r := range on.Pairs {
		if r.Key.Text == "else" {
			e.OnElse = l.exit(r.Value, r.Key.Words(), "result:else", key+"/result:else")
			continue
		}
		l.name(r.Key, "result")
		e.On[r.Key.Text] = l.exit(r.Value, r.Key.Words(), "result:"+r.Key.Text, key+"/result:"+r.Key.Text)
		l.results = append(l.results, resultSrc{flow: flow, name: r.Key, in: l.flow, state: l.state})
	}
	return e
}

// resultSrc is one result that a call waits for.
type resultSrc struct {
	flow, in, state string
	name            *source.Node
}

// handoff compiles the short form, and the long form of a state's own key.
func (l *loader) handoff(p *source.Pair, edge, key string, own bool) *engine.Exit {
	n := p.Value
	e := l.note(&engine.Exit{Kind: engine.ExitHandoff, Hand: &engine.Hand{}, Edge: edge, Key: key}, valueOr(p))
	switch n.Kind {
	case source.Scalar:
		l.wantQueue(n.Text, n.Words())
		e.Hand.Queue = []engine.Pick{{Use: n.Text}}
	case source.Map:
		if !own {
			l.err("E104", n.Words(), "the long form of handoff is for states only; write the name of a queue")
			return e
		}
		l.handoffMap(n, e.Hand)
	case source.Null:
		l.used["queue "+l.set.DefaultQueue] = true
	}
	return e
}

func (l *loader) handoffMap(n *source.Node, h *engine.Hand) {
	h.Queue = l.picks(n.Pair("queue"), func(w *source.Node) { l.wantQueue(w.Text, w.Words()) })
	h.Priority = l.picks(n.Pair("priority"), l.priority)
	for _, w := range words(n.Get("skills")) {
		if l.name(w, "skill") {
			h.Skills = append(h.Skills, w.Text)
		}
	}
	if r, ok := scalar(n.Get("reason")); ok {
		l.name(n.Get("reason"), "reason")
		h.Reason = r
	}
	h.Summary = l.text(n.Get("summary"), scope{})
	if say := n.Get("say"); say != nil {
		if s, ok := scalar(say); ok && s == "" {
			h.SayNothing = true
			return
		}
		h.Say = l.say(say, scope{queue: true})
	}
}

func (l *loader) priority(w *source.Node) {
	if !contains(priorities, w.Text) {
		l.suggest(l.err("E120", w.Words(), "%s is not a priority: %s", w.Text, strings.Join(priorities, ", ")), w.Text, priorities)
	}
}

// picks compiles a name or a list of {if, use} … {else}.
func (l *loader) picks(p *source.Pair, check func(*source.Node)) []engine.Pick {
	if p == nil {
		return nil
	}
	n := p.Value
	if s, ok := scalar(n); ok {
		check(n)
		return []engine.Pick{{Use: s}}
	}
	if n.Kind != source.List {
		return nil
	}
	var out []engine.Pick
	above := false
	for _, item := range n.Items {
		cond, use, other := item.Pair("if"), item.Get("use"), item.Pair("else")
		switch {
		case other != nil:
			use = other.Value
			cond = nil
		case cond == nil && item.Kind == source.Map:
			l.missing(item, "pick", "if", item.Words(), "a pick needs if and use, or else")
			continue
		}
		pick := engine.Pick{}
		if cond != nil {
			pick.If = l.condition(cond.Value, scope{})
			above = l.constant(cond.Value, above)
		}
		name, ok := scalar(use)
		if !ok {
			if use == nil && item.Kind == source.Map {
				l.missing(item, "pick", "use", item.Words(), "a pick needs use")
			}
			continue
		}
		check(use)
		pick.Use = name
		out = append(out, pick)
	}
	l.lastElse(p)
	return out
}
