package engine

import (
	"maps"
	"slices"
	"time"

	"dispatcher/dm"
)

// How a conversation ends that may be gone on with.
const (
	reasonIdle    = "idle"
	reasonNoReply = "no_reply"
)

// Resumable says whether a new conversation may offer to go on with an earlier
// one: that one fell silent over an open question, not longer ago than
// resume_within.
func Resumable(set *Set, prev State, now time.Time) bool {
	if prev.Left == nil || prev.Owner != dm.OwnerNone {
		return false
	}
	return now.Sub(time.UnixMilli(prev.Left.At)) <= set.ResumeWithin
}

// Continue is the first state of a conversation that may go on with prev: its
// slots and tags, and where it stood. The customer is asked nothing again and
// nothing is gone on with unless a flow says goto: resume.
func Continue(set *Set, prev State) State {
	st := NewState(set)
	if prev.Left == nil {
		return st
	}
	st.Tags, st.Topic = slices.Clone(prev.Tags), prev.Topic
	for _, name := range prev.Order {
		v, ok := prev.Slots[name]
		if sl := set.Slots[name]; !ok || sl != nil && sl.Contact {
			continue
		}
		if st.Slots == nil {
			st.Slots = make(map[string]SlotValue, len(prev.Slots))
		}
		v.Seq, v.Step = 0, 0 // of messages and steps of the conversation before
		st.Slots[name] = v
		st.Order = append(st.Order, name)
	}
	left := *prev.Left
	left.Lookups = prev.Lookups
	st.Left = &left
	return st
}

// leaves keeps where the conversation stood when it fell silent over a
// question. One that only offered to go on keeps what it offered.
func (t *turn) leaves(reason string) {
	offered := t.st.Left
	t.st.Left = nil
	if reason != reasonIdle && reason != reasonNoReply || t.st.After {
		return
	}
	flow, name, stack := t.st.Flow, t.st.Name, t.st.Stack
	if t.hangs != nil {
		flow, name, stack = t.hangsAt[0], t.hangsAt[1], t.hangStack
	} else if t.st.Question == nil {
		return
	}
	left := &Left{Flow: flow, Name: name, Stack: stack}
	if f := t.flow(flow); offered != nil && f != nil && f.States[name].resumes() {
		kept := *offered
		left = &kept
	}
	left.At = t.now.UnixMilli()
	t.st.Left = left
}

// resumes says that a state offers to go on with an earlier conversation.
func (s *StateDef) resumes() bool {
	if s == nil {
		return false
	}
	for _, x := range s.exits {
		if x.Kind == ExitResume {
			return true
		}
	}
	return false
}

// resume enters the question that was open, with its stack. Where that state is
// gone the rules of an edited flow apply.
func (t *turn) resume(x *Exit, from string) {
	left := t.st.Left
	if left == nil || t.st.Lent != nil {
		t.personExit("resume:none", dm.CauseNoMatch)
		return
	}
	t.move(x, from)
	t.refresh()
	t.st.Left = nil
	flow, name := t.renamed(left.Flow, left.Name)
	t.jump(flow, name, left.Stack)
	t.pin(flow)
	t.restoreLookups(left.Lookups)
	st := t.state()
	switch {
	case st == nil:
		t.vanished()
	case !st.Asks():
		t.next = target{flow, name}
	default:
		t.question(st)
	}
}

// restoreLookups brings back what was looked up, under what is newer.
func (t *turn) restoreLookups(old map[string]Looked) {
	if len(old) == 0 {
		return
	}
	all := maps.Clone(old)
	maps.Copy(all, t.st.Lookups)
	t.st.Lookups = all
}
