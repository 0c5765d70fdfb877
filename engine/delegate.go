package engine

import (
	"time"

	"dispatcher/dm"
)

// Results of a lent conversation that no flow has returned.
const (
	lentHandoff = "handoff"
	lentResolve = "resolve"
	lentNoReply = "no_reply"
	lentAsked   = "asked_for_person"
	lentGaveUp  = "gave_up"
	lentError   = "error"
)

// The timer of a loan, and how long it waits for an answer where the project
// does not say (desk.md 1.9).
const (
	timerLent = "lend"
	lendBy    = 15 * time.Minute
)

// delegate runs a flow on behalf of the agent who owns the conversation: an
// empty stack, the slots as they are.
func (t *turn) delegate() {
	f := t.set.Flows[t.ev.Flow]
	if t.st.Owner != dm.OwnerAgent || t.st.Lent != nil {
		t.over = true
		return
	}
	t.st.Lent = &Lent{
		Flow: t.ev.Flow, Agent: t.ev.Agent, At: t.now.UnixMilli(),
		Place: Frame{Flow: t.st.Flow, Name: t.st.Name, Question: t.st.Question}, Stack: t.st.Stack,
	}
	t.st.Owner, t.st.Question, t.st.Stack, t.st.Waiting = dm.OwnerBot, nil, nil, nil
	t.refresh()
	if f == nil || !f.runs(dm.Private) {
		t.giveBack(lentError)
		return
	}
	t.fire(atAny, "start", "call:"+f.Name, "")
	t.next = target{f.Name, "start"}
}

// armLent lets a loan wait for the next answer; the agent has the conversation
// back when none comes in time.
func (t *turn) armLent() {
	if t.st.Lent == nil {
		return
	}
	switch t.ev.Kind {
	case EvDelegate, EvMessage, EvForm, EvVerify:
	default:
		return
	}
	by := t.set.LendBy
	if by <= 0 {
		by = lendBy
	}
	t.out = append(t.out, SetTimer{Name: timerLent, At: t.now.Add(by)})
}

// giveBack ends what an agent has lent: the agent owns it again, and the
// conversation stands where it stood, with what was learnt.
func (t *turn) giveBack(result string) {
	l := t.st.Lent
	t.note(TraceStep{What: "edge", State: t.position(), Edge: "return:" + result})
	t.cancelSilence()
	t.out = append(t.out, CancelTimers{Prefix: timerForm}, CancelTimers{Prefix: timerVerify}, CancelTimers{Prefix: timerLent}, GiveBack{Flow: l.Flow, Result: result})
	t.st = Recall(t.st)
	t.st.Result = result
	t.shown, t.def = nil, nil
	t.refresh()
	t.over, t.waits, t.next = true, false, target{}
}

// Recall is a lent conversation that its agent has taken back: the agent's
// again, with the slots that were read so far.
func Recall(st State) State {
	l := st.Lent
	if l == nil {
		return st
	}
	st.Owner, st.Lent, st.Waiting, st.Replay = dm.OwnerAgent, nil, nil, nil
	st.Flow, st.Name, st.Question, st.Stack = l.Place.Flow, l.Place.Name, l.Place.Question, l.Stack
	return st
}

// deafTo says that an entry of everywhere does not work while the conversation
// is lent: only the delegated flow listens, and the words for a person and for
// an end give it back.
func (t *turn) deafTo(e *Escape) bool {
	if t.st.Lent == nil || e.Name == escPerson || e.Name == escStop {
		return false
	}
	f := t.flowDef()
	if f == nil || e.Name == escOver {
		return true
	}
	for _, own := range f.Everywhere {
		if own.Name == e.Name {
			return false
		}
	}
	return true
}

// lentEnd is the result of a lent conversation that would have been handed over.
func (t *turn) lentEnd() string {
	switch {
	case t.cause == dm.CauseAskedForPerson && t.personExits == 0:
		return lentAsked
	case t.personExits > 0:
		return lentGaveUp
	case t.cause == dm.CauseNoReply:
		return lentNoReply
	}
	return lentHandoff
}
