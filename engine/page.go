package engine

import (
	"slices"
	"time"

	"dispatcher/dm"
)

// A page outlives the place its question was asked at: while a side trip runs,
// and after a handoff, what is sent from it is still taken, without a word. The
// question it answers is passed over when the conversation comes back to it.

// page finds a question that is open: where the conversation stands, under a
// side trip, or where a handoff left it. It is the state's own: not to be
// written to.
func (s *State) page(fits func(*Question) bool) (open *Question, atFlow, atName string) {
	if s.Owner == dm.OwnerNone {
		return nil, "", ""
	}
	q, flow, name, stack := s.Question, s.Flow, s.Name, s.Stack
	if h := s.Hand; h != nil && s.Owner != dm.OwnerBot { // taken over without a handoff, it stays where it was
		q, flow, name, stack = h.Question, h.AskFlow, h.AskName, h.Stack
	}
	if q != nil && fits(q) {
		return q, flow, name
	}
	for _, fr := range slices.Backward(stack) {
		if fr.Question != nil && fits(fr.Question) {
			return fr.Question, fr.Flow, fr.Name
		}
	}
	return nil, "", ""
}

// ofForm says that a question is a form, or a field of one in the chat.
func (q *Question) ofForm() bool { return q.ID != "" && (q.Kind == kindForm || q.Field != "") }

// askedAt is the state of a question as it is now, nil when it is gone or the
// question's time is over.
func (t *turn) askedAt(q *Question, flow, name string) *StateDef {
	flow, name = t.renamed(flow, name)
	if f := t.flow(flow); f != nil && t.now.Before(time.UnixMilli(q.Expires)) {
		return f.States[name]
	}
	return nil
}

// closePage takes the page away from every question that has it.
func (t *turn) closePage(id string) {
	closed := func(q *Question) *Question {
		if q == nil || q.ID != id {
			return q
		}
		kept := *q
		kept.ID, kept.Expires = "", 0
		return &kept
	}
	frames := func(stack []Frame) []Frame {
		stack = slices.Clone(stack)
		for i := range stack {
			stack[i].Question = closed(stack[i].Question)
		}
		return stack
	}
	t.st.Question, t.st.Stack = closed(t.st.Question), frames(t.st.Stack)
	if h := t.st.Hand; h != nil {
		kept := *h
		kept.Question, kept.Stack = closed(h.Question), frames(h.Stack)
		t.st.Hand = &kept
	}
}

// late records an event that nobody waits for.
func (t *turn) late(what string) {
	t.note(TraceStep{What: what, State: t.position(), Value: "late"})
	t.over = true
}

// submittedAside is a form that was sent while something else is talked about,
// or while people have the conversation.
func (t *turn) submittedAside(st *StateDef, r *FormResult) {
	if st == nil || st.Form == nil {
		t.late("form")
		return
	}
	if t.storeForm(st, r.Values) {
		t.note(TraceStep{What: "form", State: st.full, Value: "aside"})
		t.closePage(r.ID)
	}
	t.over = true
}

// verifiedAside is the outcome of a verification in such a moment.
func (t *turn) verifiedAside(st *StateDef, r *VerifyResult) {
	if st == nil || st.Verify == nil || r.Outcome != VerifyOK {
		t.late("verify")
		return
	}
	t.note(TraceStep{What: "verify", State: st.full, Value: "aside"})
	t.prove(st.Verify)
	t.closePage(r.ID)
	t.over = true
}

// passOver passes over a question that is come back to and whose page has
// answered it.
func (t *turn) passOver(st *StateDef) bool {
	q, written := t.st.Question, t.written()
	switch {
	case q.Sub != "":
		return false
	case q.Field != "" && written.Form != nil:
		if !t.known(q.Field) {
			return false
		}
		t.nextField(written, q)
		return true
	case st.Form != nil && q.ID == "" && t.emptyField(st) == nil, st.Verify != nil && t.answeredAlready(st):
		t.st.Question, t.shown = nil, nil
		t.leave(st, "known")
		return true
	}
	return false
}
