package engine

import (
	"slices"
	"strings"

	"dispatcher/dm"
)

// returned is an agent giving the conversation back: what the agent chose,
// else what the handoff says, else the question that was open, else waiting.
func (t *turn) returned() {
	t.takeBack()
	t.st.Waiting = nil
	t.agentSlots()
	h, hand := t.hand(), t.st.Hand
	t.st.Hand = nil
	if flow, name, ok := strings.Cut(t.ev.Resume, "."); ok {
		flow, name = t.renamed(flow, name)
		if f := t.flow(flow); f != nil && f.States[name] != nil {
			edge := "handoff:returned"
			if hand == nil && t.ev.World.Rehearsal {
				edge = "start" // a rehearsal begins here: nobody has handed anything over
			}
			t.fire(atAny, "start", edge, "")
			if flow != t.st.Flow {
				t.st.Stack = nil
			}
			t.next = target{flow, name}
			return
		}
	}
	if r := h.Returns; r != nil {
		if r.Say != nil {
			t.emit(Say{Text: t.text(r.Say), Priority: 2, Rule: t.rule()})
		}
		if r.Exit != nil {
			if st := t.state(); st != nil {
				t.follow(r.Exit, st.full)
				return
			}
		}
	}
	t.askAgain(hand)
}

// askAgain asks the question that was open when people took over, unless its
// answer is known by now. An edit may have taken its state away.
func (t *turn) askAgain(hand *HandState) {
	if hand == nil { // taken over without a handoff
		hand = &HandState{AskFlow: t.st.Flow, AskName: t.st.Name, Question: t.st.Question, Stack: t.st.Stack}
	}
	if hand.Question == nil {
		t.st.Question, t.st.Stack = nil, nil
		t.over, t.waits = true, true
		return
	}
	flow, name := t.renamed(hand.AskFlow, hand.AskName)
	t.jump(flow, name, hand.Stack)
	st := t.state()
	switch {
	case st == nil:
		t.vanished()
	case !st.Asks():
		t.next = target{flow, name}
	case t.answeredMeanwhile(st, hand.Question):
		t.leave(st, "known")
	default:
		q := *hand.Question
		q.restart()
		t.st.Question = &q
		t.repeat(st)
	}
}

// answeredMeanwhile says that nothing is left to ask: what has a value is not
// asked again, but for one that the customer called wrong.
func (t *turn) answeredMeanwhile(st *StateDef, q *Question) bool {
	if q.Field != "" || q.Again && t.st.Slots[t.asking(st)].How != "agent" {
		return false
	}
	return st.kind() != kindOptions && t.answeredAlready(st)
}

// agentSlots takes the values an agent has edited, read by the slots' rules.
func (t *turn) agentSlots() {
	names := make([]string, 0, len(t.ev.Slots))
	for name := range t.ev.Slots {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		raw := t.ev.Slots[name]
		if strings.TrimSpace(raw) == "" {
			t.dropSlot(name)
			continue
		}
		sl := t.slotDef(name)
		if sl == nil {
			sl = &Slot{Name: name, Type: SlotText}
		}
		if v, ok := t.reader().value(sl, raw); ok && t.roomFor(name, v) {
			t.setSlot(name, SlotValue{Value: v, Raw: raw, How: "agent"})
		}
	}
}

// resolved is an agent resolving: the handoff's own after-care, else the
// project's, else it closes.
func (t *turn) resolved() {
	h := t.hand()
	t.takeBack()
	t.st.Question = nil
	t.st.After = true
	if h.Resolved != nil {
		if st := t.state(); st != nil {
			t.st.Hand = nil
			t.follow(h.Resolved, st.full)
			return
		}
	}
	t.st.Hand = nil
	if f := t.flow(t.set.AfterResolve); f != nil {
		t.st.Stack = nil
		t.fire(atAny, "start", "handoff:resolved", "")
		t.next = target{f.Name, "start"}
		return
	}
	t.step0("resolve")
	t.resolve("agent")
}

// openNew closes after-care and lets the message open a new conversation.
func (t *turn) openNew() {
	t.trace.Stage = "none"
	ev := *t.ev
	ev.Opening = true
	if ev.Tap != nil { // of a conversation that is closed by then
		tap := *ev.Tap
		tap.Closed = true
		ev.Tap = &tap
	}
	t.step0("resolve")
	t.resolve("agent")
	t.out = append(t.out, OpenNew{Event: ev})
}

// mention is a public post: start rules, no stage of understanding. A private
// question that is open stays open.
func (t *turn) mention() {
	if t.st.Owner != dm.OwnerBot || t.st.Lent != nil {
		return
	}
	t.listen()
	t.public = true
	t.aside(func() { t.startRules(true) })
}

// aside runs a public flow beside the private conversation, whose place,
// question and stack stay what they were.
func (t *turn) aside(begin func()) {
	flow, name, q, stack := t.st.Flow, t.st.Name, t.st.Question, t.st.Stack
	pin, pinned := t.st.Pin, t.pinned
	t.beside = q != nil || t.looking()
	begin()
	t.run()
	if t.st.Owner == dm.OwnerBot {
		t.st.Flow, t.st.Name, t.st.Question, t.st.Stack = flow, name, q, stack
		t.st.Pin, t.pinned, t.def = pin, pinned, nil
		t.over, t.waits = true, true
	}
}
