package engine

import (
	"slices"
	"strings"
)

// A correction is a replay of the path: the flow is run again from the
// corrected question with the earlier answers, and what it takes is compared
// with what it took. As long as both agree it is silent; at the first edge that
// is another one, or the first answer that is missing, the conversation goes on
// from there as any other.

// replay walks the way again from step i, with the values of some slots new.
// anew does the state of that step from its beginning, else from its question.
func (t *turn) replay(way []walked, i int, stack []Frame, slots []string, anew bool) {
	re := t.suspended(way[i:], slots)
	p := way[i]
	t.markBack(slots[0], p.at)
	t.st.Flow, t.st.Name, t.st.Stack = p.Flow, p.Name, stack
	t.st.Question, t.shown, t.st.Replay = nil, nil, nil
	t.re = re
	if anew {
		t.next = target{p.Flow, p.Name}
		return
	}
	t.ask(t.state())
}

// suspended is a replay that waits to be taken up, from the place the
// conversation stands in now. In a correction inside a correction the place
// stays that of the first, and the way goes on where that one would have.
func (t *turn) suspended(way []walked, slots []string) *Replay {
	re := &Replay{Slot: slots[0], Flow: t.st.Flow, Name: t.st.Name, Stack: t.st.Stack}
	if q := t.st.Question; q != nil {
		kept := *q
		re.Question = &kept
	}
	for i := range way {
		re.Steps = append(re.Steps, way[i].PathStep)
	}
	if first := t.st.Replay; first != nil {
		re.Flow, re.Name, re.Stack, re.Question = first.Flow, first.Name, first.Stack, first.Question
		re.Steps = append(re.Steps, first.Steps...)
		re.Changed = slices.Clone(first.Changed)
	}
	for _, name := range slots {
		if !slices.Contains(re.Changed, slotName(name)) {
			re.Changed = append(re.Changed, slotName(name))
		}
	}
	return re
}

// markBack writes down that the conversation goes back to an earlier step.
func (t *turn) markBack(slot string, to int) {
	t.step0("correct")
	t.keepStep(PathStep{Flow: t.st.Flow, Name: t.st.Name, Edge: "correct:" + slot, At: t.now.UnixMilli(), Stack: len(t.st.Stack), Back: to + 1})
}

// retrace compares an edge that is fired with the one that was taken before.
// It says whether the replay goes on.
func (t *turn) retrace(p *PathStep) bool {
	asked := t.re == nil
	if asked && !t.takeUp(p) {
		return false
	}
	steps := t.re.Steps
	if len(steps) == 0 || steps[0].Flow != p.Flow || steps[0].Name != p.Name || !sameEdge(steps[0].key(), p.key()) {
		if asked && p.withoutAnswer() {
			t.dropSlot(t.re.Slot)
		}
		t.re = nil
		return false
	}
	t.re.Steps = steps[1:]
	return true
}

// sameEdge compares edges; an answer that was known then may be given now.
func sameEdge(was, is string) bool {
	return was == is || (was == "known" || was == "collected") && (is == "known" || is == "collected")
}

// withoutAnswer says that a question was left with its slot empty.
func (p *PathStep) withoutAnswer() bool {
	key := p.key()
	return key == idSkip || strings.HasPrefix(key, "missing") || strings.HasPrefix(key, "give_up")
}

// takeUp goes on with the replay that waits at this place: for the answer to
// the corrected question, or for a look-up. A side trip leaves it waiting; any
// other way ends it.
func (t *turn) takeUp(p *PathStep) bool {
	r := t.st.Replay
	switch {
	case r == nil || p.Aside || len(r.Steps) == 0:
		return false
	case !r.waitsAt(p.Flow, p.Name, p.Stack):
		if p.Stack <= r.Steps[0].Stack {
			t.st.Replay = nil
		}
		return false
	case p.Call != "" && isEscape(p.key()):
		return false
	}
	kept := *r
	t.re, t.st.Replay = &kept, nil
	return true
}

func (r *Replay) waitsAt(flow, name string, depth int) bool {
	return r.Steps[0].Flow == flow && r.Steps[0].Name == name && r.Steps[0].Stack == depth
}

// here is the next step to be walked, nil when none is left or it starts
// elsewhere.
func (t *turn) here(st *StateDef) *PathStep {
	if t.re == nil || len(t.re.Steps) == 0 {
		return nil
	}
	if p := &t.re.Steps[0]; p.Flow == st.Flow && p.Name == st.Name {
		return p
	}
	return nil
}

// arrived says that the replay is back where the correction began.
func (t *turn) arrived(st *StateDef) bool {
	return t.re != nil && len(t.re.Steps) == 0 && t.re.Flow == st.Flow && t.re.Name == st.Name
}

// retread does a state again in a replay: silently, but for what depends on
// the correction. It says no where the way is another one by now.
func (t *turn) retread(st *StateDef) bool {
	p := t.here(st)
	if p == nil && !t.arrived(st) {
		t.re = nil
		return false
	}
	if st.When != nil {
		skipped := p != nil && (p.key() == "skip_state" || chooses(st.Else, p.key()))
		if t.dependsOn(st.When) && t.cond(st.When) == skipped {
			t.re = nil // another way: the state is done as any other
			return false
		}
		if skipped {
			t.skipState(st)
			return true
		}
	}
	t.rework(st)
	if st.HTTP != nil && !t.lookAgain(st, p) {
		return true
	}
	t.ask(st)
	return true
}

// chooses says whether taking an exit can fire an edge, by way of its arms and
// of what stands in for it.
func chooses(x *Exit, key string) bool {
	if x == nil {
		return false
	}
	if x.Kind == ExitBranch {
		return slices.ContainsFunc(x.Arms, func(a Arm) bool { return chooses(a.Exit, key) })
	}
	return x.Key == key || chooses(x.Else, key)
}

// rework is phase 1 in a replay.
func (t *turn) rework(st *StateDef) {
	t.assignAgain(st.Set)
	t.tagAgain(st.Tag, t.tag)
	t.tagAgain(st.Untag, t.untag)
	if c := st.CSAT; c != nil && (t.dependsOn(c.Score) || t.dependsOn(c.Comment)) {
		t.survey(c)
	}
	if t.comesAgain(st) {
		return // said once, the last time
	}
	question := st.spokenQuestion()
	for i := range st.Say {
		if i != question && t.said < maxReplayed && t.itemDepends(&st.Say[i]) {
			t.sayItem(&st.Say[i], Say{Priority: 2, Rule: st.where})
		}
	}
}

// maxReplayed bounds the messages of a replay, so that what follows it still
// fits into its turn.
const maxReplayed = 5

// comesAgain says that the way enters a state once more after this visit.
func (t *turn) comesAgain(st *StateDef) bool {
	visits := 0
	for i := range t.re.Steps {
		p := &t.re.Steps[i]
		if p.Flow != st.Flow || p.Name != st.Name {
			continue
		}
		switch key := p.key(); {
		case key == edgeFound, key == edgeField, key == edgeFallback, key == edgeExpired, p.Call != "" && isEscape(key):
		case strings.Contains(key, "result:"):
		default:
			visits++
		}
	}
	if len(t.re.Steps) > 0 && t.re.Flow == st.Flow && t.re.Name == st.Name {
		visits++
	}
	return visits > 1
}

// lookAgain is a look-up in a replay: made again where its request depends on
// the correction or its result is not known, else as it came out. It says
// whether the state goes on.
func (t *turn) lookAgain(st *StateDef, p *PathStep) bool {
	open := t.kept != nil && t.arrived(st) && t.re.Question == nil
	known := open || p != nil && strings.HasPrefix(p.key(), "http:") || p == nil && t.re.Question != nil
	if !known || t.lookupDepends(st.HTTP) {
		if st.HTTP.Save != "" {
			t.changed(st.HTTP.Save)
		}
		re := t.re
		t.re, t.typing = nil, st.Typing
		if len(re.Steps) > 0 {
			t.st.Replay = re // before: a result may be known at once
		}
		t.call(st)
		return false
	}
	switch {
	case open:
		t.st.Waiting, t.re, t.over = t.kept, nil, true
		return false
	case p == nil:
		return true
	case p.key() == edgeFound:
		t.fire(st.full, edgeFound, edgeFound, st.HTTP.At.String())
		return true
	}
	for _, x := range st.HTTP.exits() {
		if chooses(x, p.key()) {
			t.follow(x, st.full)
			return false
		}
	}
	t.re = nil
	t.call(st)
	return false
}

// exits are the written ways out of a look-up that failed.
func (h *Lookup) exits() []*Exit {
	out := make([]*Exit, 0, len(h.On)+1)
	for _, x := range h.On {
		out = append(out, x)
	}
	return append(out, h.OnElse)
}

// limitAgain says whether a bounded goto had reached its limit: in a replay as
// it was, and nothing is counted. False: this is no replay.
func (t *turn) limitAgain(x *Exit) (over, again bool) {
	if x.AtMost == 0 || t.re == nil || len(t.re.Steps) == 0 {
		return false, false
	}
	p := &t.re.Steps[0]
	if p.Flow != t.st.Flow || p.Name != t.st.Name {
		return false, false
	}
	return chooses(x.Else, p.key()), true
}

// armAgain is the arm of a branch in a replay: a condition that depends on the
// correction is asked anew, every other came out as it did. -1: no arm; false:
// this is no replay, or the branch was never come to.
func (t *turn) armAgain(x *Exit) (int, bool) {
	if t.re == nil || len(t.re.Steps) == 0 {
		return 0, false
	}
	p := &t.re.Steps[0]
	if p.Flow != t.st.Flow || p.Name != t.st.Name {
		return 0, false
	}
	before := slices.IndexFunc(x.Arms, func(a Arm) bool { return chooses(a.Exit, p.key()) })
	if before < 0 {
		return 0, false
	}
	for i := range x.Arms {
		arm := &x.Arms[i]
		switch {
		case arm.If == nil:
			return i, true
		case i <= before && !t.dependsOn(arm.If):
			if i == before {
				return i, true
			}
		case t.cond(arm.If):
			return i, true
		}
	}
	return -1, true
}
