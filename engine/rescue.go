package engine

import (
	"slices"

	"dispatcher/dm"
)

// rescue is the turn of an engine error: the state from before the event, the
// built-in sentence, a handoff. It runs no flow code.
func (t *turn) rescue(before State, f fault) Result {
	r := t.afresh(before)
	r.trace.Error = "engine_error"
	if f.err != nil {
		r.trace.Error = f.err.Error()
	}
	r.trace.ErrorAt = f.where
	if r.lentBack() || r.shadowBack(t.shadowing) {
		return r.result()
	}
	if before.Owner == dm.OwnerAgent || before.Owner == dm.OwnerNone {
		return r.result() // nobody of ours speaks there
	}
	if !r.public { // in public only what was written is said
		r.emit(Say{Text: r.safeSentence("engine_error"), Priority: 1})
	}
	r.giveAway(dm.CauseEngineError)
	return r.result()
}

// breakLoop is the turn that would have said too much: only the handoff.
func (t *turn) breakLoop(before State) Result {
	r := t.afresh(before)
	if r.lentBack() {
		return r.result()
	}
	r.giveAway(dm.CauseLoop)
	return r.result()
}

// afresh begins again from the state before the event, keeping the trace.
func (t *turn) afresh(before State) *turn {
	r := &turn{set: t.set, pinned: t.pinned, st: before, ev: t.ev, now: t.now, lang: t.lang, trace: t.trace, public: t.public || t.ev.Kind == EvMention}
	r.eval = evaluator{t: r, env: map[string]any{}}
	r.eval.env[hidden] = &r.eval
	r.st.Set, r.st.Language = t.set.ID, t.lang
	if r.st.Version == 0 {
		r.st.Version = stateVersion
	}
	r.trace.Steps = slices.Clip(r.trace.Steps)
	return r
}

// lentBack gives a lent conversation back to its agent.
func (t *turn) lentBack() bool {
	switch {
	case t.st.Lent != nil:
		t.giveBack(lentError)
	case t.ev.Kind == EvDelegate:
		t.out = append(t.out, GiveBack{Flow: t.ev.Flow, Result: lentError})
	default:
		return false
	}
	return true
}

// shadowBack ends a flow that failed in the shadow: of that nothing is said.
func (t *turn) shadowBack(shadowing bool) bool {
	if !shadowing {
		return false
	}
	t.emit(Say{Text: t.safeSentence("ack"), Priority: 1, Notice: true})
	t.giveAway(dm.CauseShadow)
	return true
}

// giveAway hands over to the default queue without any flow code.
func (t *turn) giveAway(cause string) {
	t.st.Hand = &HandState{
		AskFlow: t.st.Flow, AskName: t.st.Name, Question: t.st.Question, Stack: t.st.Stack,
		Queue: t.set.DefaultQueue, At: t.now.UnixMilli(),
	}
	t.st.Owner, t.st.Question, t.st.Stack = dm.OwnerQueue, nil, nil
	t.st.Waiting = nil
	t.refresh()
	t.cancelSilence()
	t.out = append(t.out, Handoff{
		Queue: t.set.DefaultQueue, Priority: dm.PriorityNormal, Cause: cause, Reason: cause,
		Rule: t.trace.ErrorAt, Said: t.last,
	})
	t.note(TraceStep{What: "edge", State: t.st.Position(), Edge: "error"})
}
