package engine

import (
	"hash/fnv"
	"maps"
	"strconv"

	"dispatcher/dm"
)

// follow takes an exit from a state (or from @any): it fires the edge and sets
// what is entered next, or ends the turn.
func (t *turn) follow(x *Exit, from string) {
	if x == nil {
		t.personExit("call:none", dm.CauseNoMatch)
		return
	}
	switch x.Kind {
	case ExitGoto:
		t.followGoto(x, from)
	case ExitBranch:
		t.followBranch(x, from)
	case ExitCall:
		t.followCall(x, from)
	case ExitReturn:
		t.move(x, from)
		t.returnTo(orDone(x.Result))
	case ExitHandoff:
		t.move(x, from)
		t.handoff(x, from)
	case ExitResolve:
		t.move(x, from)
		t.resolve(x.Reason)
	case ExitResume:
		t.resume(x, from)
	}
}

// answered is what a path step says of the question it answers.
type answered struct {
	q         int64
	opt, slot string
}

// chooser names an exit by what chose it: the state's own by collected, known,
// skip, skip_state or opt:ID, what follows a call by the result.
type chooser struct{ edge, key string }

// leave takes a state's own exit under the name of what chose it.
func (t *turn) leave(st *StateDef, via string) {
	t.followAs(st.Exit, st.full, chooser{via, via})
}

// followAs takes an exit under the name of what chose it.
func (t *turn) followAs(x *Exit, from string, via chooser) {
	t.via = via
	t.follow(x, from)
	t.via = chooser{}
}

// move fires the edge and keeps the step of the path.
func (t *turn) move(x *Exit, from string) {
	if via := t.via; via.edge != "" {
		t.via = chooser{}
		t.fire(from, via.key, via.edge, x.where)
		return
	}
	t.fire(from, x.Key, x.Edge, x.where)
}

// chosen writes down what chose an exit that goes on to choose itself.
func (t *turn) chosen(x *Exit) {
	edge := t.via.edge
	if edge == "" && x.Edge != "next" && x.Edge != "branch" {
		edge = x.Edge
	}
	if edge != "" {
		t.note(TraceStep{What: "edge", State: t.position(), Edge: edge, Option: t.reply.opt, By: t.by, Score: t.score, At: x.where})
		t.via = chooser{}
	}
}

// fire moves along an edge and writes path and trace.
func (t *turn) fire(from, key, edge, where string) {
	if err := t.edge(from, key); err != nil {
		t.fail(where, err)
	}
	step := PathStep{
		Flow: t.st.Flow, Name: t.st.Name, Edge: edge, At: t.now.UnixMilli(),
		Q: t.reply.q, Opt: t.reply.opt, Slot: t.reply.slot, Stack: len(t.st.Stack), Call: t.calling, Back: t.backTo, Aside: t.public,
	}
	if key != edge {
		step.Key = key
	}
	t.reply, t.calling, t.backTo = answered{}, "", 0
	what := "edge"
	if (t.re != nil || t.st.Replay != nil) && t.retrace(&step) {
		what = "replay"
	}
	t.note(TraceStep{What: what, State: t.position(), Edge: edge, Option: step.Opt, By: t.by, Score: t.score, At: where})
	t.keepStep(step)
}

// keepStep appends to the path, which keeps the last 64.
func (t *turn) keepStep(step PathStep) {
	drop := max(len(t.st.Path)+1-maxPath, 0)
	kept := t.st.Path[drop:]
	if !t.ownPath {
		fresh := make([]PathStep, len(kept), len(kept)+2)
		copy(fresh, kept)
		kept, t.ownPath = fresh, true
	}
	t.st.Path = append(kept, step)
	t.st.Dropped += drop
}

func (t *turn) followGoto(x *Exit, from string) {
	if over, again := t.limitAgain(x); again {
		if over {
			t.chosen(x)
			t.follow(x.Else, from)
			return
		}
	} else if x.AtMost > 0 {
		key := countKey(t.position(), x.Key)
		n, counted := t.st.Counts[key]
		if n >= x.AtMost || !counted && len(t.st.Counts) >= maxCounts {
			t.chosen(x)
			t.follow(x.Else, from)
			return
		}
		if !t.ownCounts {
			t.st.Counts, t.ownCounts = maps.Clone(t.st.Counts), true
		}
		if t.st.Counts == nil {
			t.st.Counts = map[string]int{}
		}
		t.st.Counts[key]++
	}
	t.move(x, from)
	if x.Flow != t.st.Flow {
		t.st.Stack = nil
	}
	t.next = target{x.Flow, x.State}
}

// maxCounts bounds the edges that are counted in one conversation: of more, none
// is taken.
const maxCounts = 128

// countKey is a short name for an edge that is counted.
func countKey(position, key string) string {
	h := fnv.New64a()
	_, _ = h.Write([]byte(position + "/" + key))
	return strconv.FormatUint(h.Sum64(), 36)
}

func (t *turn) followBranch(x *Exit, from string) {
	t.chosen(x)
	if i, again := t.armAgain(x); again {
		if i < 0 {
			t.personExit("branch:none", dm.CauseNoMatch)
			return
		}
		t.follow(x.Arms[i].Exit, from)
		return
	}
	for _, arm := range x.Arms {
		if arm.If == nil || t.cond(arm.If) {
			t.follow(arm.Exit, from)
			return
		}
	}
	t.personExit("branch:none", dm.CauseNoMatch)
}

func (t *turn) followCall(x *Exit, from string) {
	if len(t.st.Stack) >= maxStack {
		t.fail(x.where, errStack)
	}
	t.calling = x.Key
	t.move(x, from)
	frame := Frame{Flow: t.st.Flow, Name: t.st.Name, Edge: x.Key}
	if from == atAny {
		frame.Side, frame.Question = true, t.hangs
	}
	t.st.Stack = append(append(make([]Frame, 0, len(t.st.Stack)+1), t.st.Stack...), frame)
	t.st.Question = nil
	t.next = target{x.Flow, "start"}
}

// returnTo pops the stack and goes on in the caller.
func (t *turn) returnTo(result string) {
	t.st.Result = result
	n := len(t.st.Stack)
	if n == 0 {
		if t.public {
			t.over, t.waits = true, true
			return
		}
		if t.st.Lent != nil {
			t.giveBack(result)
			return
		}
		t.resolve("done")
		return
	}
	frame := t.st.Stack[n-1]
	t.st.Stack = t.st.Stack[: n-1 : n-1]
	frame.Flow, frame.Name = t.renamed(frame.Flow, frame.Name)
	t.st.Flow, t.st.Name = frame.Flow, frame.Name
	if frame.Side {
		t.afterSideTrip(frame, result)
		return
	}
	st := t.state()
	if st == nil {
		t.vanished()
		return
	}
	x := t.exitAt(frame.Flow, frame.Name, frame.Edge)
	switch {
	case x != nil && x.Kind == ExitCall:
	case st.Exit != nil:
		t.follow(st.Exit, st.full)
		return
	default: // an edit took the call away: what it belonged to is asked anew
		t.next = target{st.Flow, st.Name}
		return
	}
	if on := x.On[result]; on != nil {
		t.follow(on, st.full)
		return
	}
	after := st.afterCall(x)
	if after == nil {
		t.note(TraceStep{What: "edge", State: st.full, Edge: "result:" + result, At: x.where})
		t.personExit("call:none", dm.CauseNoMatch)
		return
	}
	via := resultOf(x, result)
	if t.set.destination(after) != "" && !t.machines().has(st.full, via.key) {
		via.key = after.Key // a result that only another version of the called flow has
	}
	t.followAs(after, st.full, via)
}

// sideResult is where an entry of everywhere goes on with a result of the flow it
// calls; nil where nothing is written for it.
func (t *turn) sideResult(frame Frame, result string) *Exit {
	x := t.exitAt(frame.Flow, frame.Name, frame.Edge)
	if x == nil || x.Kind != ExitCall {
		return nil
	}
	if on := x.On[result]; on != nil {
		return on
	}
	return x.OnElse
}

// afterSideTrip takes what is written for the result, else asks the interrupted
// question again; where nothing was interrupted the start rules run, the message
// already used.
func (t *turn) afterSideTrip(frame Frame, result string) {
	if on := t.sideResult(frame, result); on != nil {
		if on.Kind != ExitCall {
			t.st.Stack = nil
		}
		t.follow(on, atAny)
		return
	}
	if frame.Flow == "" {
		t.first = false
		t.startRules(false)
		return
	}
	st := t.state()
	if st == nil {
		t.vanished()
		return
	}
	if t.re != nil {
		t.ask(st)
		return
	}
	if frame.Question == nil || !st.Asks() {
		t.over, t.waits = true, true
		return
	}
	q := *frame.Question
	if q.Number == 0 { // of a stack that a correction put together again
		t.st.Visit++
		q.Number = t.st.Visit
	}
	t.st.Question = &q
	t.repeat(st)
}

// exitAt finds an exit of a state by its key, else one of everywhere.
func (t *turn) exitAt(flow, name, key string) *Exit {
	f := t.flow(flow)
	if f != nil {
		if st := f.States[name]; st != nil {
			if x := st.exits[key]; x != nil {
				return x
			}
		}
		if x := f.any[key]; x != nil {
			return x
		}
	}
	return t.set.linked.lobby.any[key]
}

// resolve ends the conversation.
func (t *turn) resolve(reason string) {
	switch {
	case t.st.Lent != nil:
		t.giveBack(lentResolve)
		return
	case t.public && t.beside: // what is public is over; the private matter is not
		t.over, t.next = true, target{}
		return
	}
	t.leaves(reason)
	optional := false
	if st := t.state(); st != nil {
		optional = st.Optional
	}
	t.cancelSilence()
	if t.st.Hand != nil {
		t.out = append(t.out, CancelTimers{Prefix: "unanswered:"})
	}
	t.st.Owner, t.st.Question, t.st.Stack, t.st.After = dm.OwnerNone, nil, nil, false
	t.st.Waiting, t.st.Replay, t.re = nil, nil, nil
	t.out = append(t.out, Resolve{Reason: reason, Optional: optional})
	t.over, t.waits, t.next = true, false, target{}
}

// personExit takes the way to a person that every state has.
func (t *turn) personExit(edge, cause string) {
	if t.cause == "" {
		t.cause = cause
	}
	if t.personExits++; t.st.Lent != nil {
		t.giveBack(lentGaveUp)
		return
	}
	if t.personExits > 1 {
		t.systemHandoff(t.cause, true) // the way to a person itself leads nowhere
		return
	}
	t.hang()
	t.via = chooser{}
	st := t.state()
	if st != nil {
		t.fire(st.full, edge, t.personEdge(edge), st.place)
	}
	t.st.Question = nil
	e := t.personEscape()
	t.sayEscape(e)
	if e.Exit == nil {
		t.systemHandoff(t.cause, true)
		return
	}
	if e.Exit.Kind != ExitCall {
		t.st.Stack = nil
	}
	t.follow(e.Exit, atAny)
}

// personEdge is the name under which a way to the person exit is shown: the
// step of the ladder that is not written, the arm that is not written, else the
// entry whose exit it takes (language.md 2.22).
func (t *turn) personEdge(key string) string {
	switch key {
	case "help", "options:none", "call:none", "resume:none":
		return "everywhere:" + escPerson
	case "branch:none":
		return "branch:else"
	case "no_match":
		if q := t.st.Question; q != nil {
			return numbered("no_match:", q.Misses-1)
		}
	}
	return key
}

// personEscape is talk_to_person as the flow or the project has it.
func (t *turn) personEscape() *Escape {
	for _, e := range t.escapes().entries {
		if e.Name == escPerson {
			return e
		}
	}
	return t.set.linked.byName[escPerson]
}

// hang keeps the question that an escape or the person exit leaves open, for
// what may come back to it.
func (t *turn) hang() {
	if t.st.Question == nil || t.hangs != nil {
		return
	}
	q := *t.st.Question
	t.hangs, t.hangsAt, t.hangStack = &q, [2]string{t.st.Flow, t.st.Name}, t.st.Stack
}
