package inbox

import (
	"dispatcher/dm"
	"dispatcher/engine"
	"dispatcher/storage"
)

// Handoff gives the conversation to a queue as the engine says: packet,
// clocks and promises are part of the same turn (L3). From where it goes
// depends on the phase: a new conversation opens in the queue, one that waits
// already keeps its place unless it is moved, one in after-care closes and
// its new matter opens in the queue.
func (d *Draft) Handoff(h engine.Handoff, trace engine.Trace) error {
	d.hand, d.engine = &h, true
	if trace.Event != "" {
		d.trace = trace
	}
	defer func() { d.hand, d.engine = nil, false }()
	s := Shift{Edge: EdgeHandOff, By: "engine", OwnerID: h.Queue, Cause: h.Cause, Reason: h.Reason, Priority: h.Priority}
	switch d.Phase() {
	case phaseNew:
		s.Edge, s.By = EdgeOpenQueue, "customer"
	case dm.PhaseQueue:
		if !h.Again || h.Queue == "" || h.Queue == d.conv.OwnerID {
			return d.again(h)
		}
		s.Edge = EdgeTransferQueue
	case dm.PhaseLent:
		s.Edge, s.OwnerID = EdgeLendDone, ""
	case dm.PhaseAfter:
		return d.newMatter(s, h)
	}
	return d.Fire(s)
}

// again is a handoff of a conversation that waits already: its place is kept,
// only a higher priority and what was promised anew count.
func (d *Draft) again(h engine.Handoff) error {
	if d.handoff != nil && h.Priority != "" && PriorityOf(h.Priority) > d.handoff.Priority {
		d.Priority(h.Priority)
	}
	if h.Promised {
		d.Promises(d.quoted, d.said, d.quotes)
		d.quotes = nil
	}
	return d.err
}

// newMatter closes after-care and opens a conversation that waits for a person.
func (d *Draft) newMatter(s Shift, h engine.Handoff) error {
	if err := d.Fire(Shift{Edge: EdgeAfterNewIssue, By: "engine"}); err != nil {
		return err
	}
	next := d.Next()
	next.SetState(d.state)
	if h.Cause == "" {
		h.Cause = dm.CauseFollowUp
	}
	d.Opens(next)
	return next.Handoff(h, engine.Trace{})
}

// makeHandoff makes the handoff of an edge that leads to people and has none
// yet. By the phase the conversation has moved to, it waits or is claimed.
func (d *Draft) makeHandoff(s Shift) {
	h := engine.Handoff{Priority: s.Priority, Cause: s.Cause, Reason: s.Reason}
	if d.hand != nil {
		h = *d.hand
	}
	if h.Cause == "" {
		h.Cause = causeOf(s.Edge)
	}
	queue := d.conv.OwnerID
	if d.conv.Owner != storage.OwnerQueue {
		queue = d.queueID(Shift{Edge: s.Edge})
	}
	row := &storage.Handoff{Conversation: d.conv.ID, Queue: queue, Cause: h.Cause, Reason: h.Reason,
		Priority: max(PriorityOf(h.Priority), d.raised()), Skills: h.Skills, CreatedAt: d.View.Now.UnixMilli()}
	d.conv.Priority = row.Priority
	if d.conv.Owner == storage.OwnerAgent {
		row.ClaimedAt, row.ClaimedBy = row.CreatedAt, d.conv.OwnerID
	}
	d.handoff, d.fresh = row, true
	d.card.Episode.handedOff(h.Cause)
	d.startClocks()
	if h.Promised {
		d.Promises(d.quoted, d.said, d.quotes)
		d.quotes = nil
	}
	p := d.buildPacket(h)
	d.packet = &p
	d.card.Why = p.Why
	d.sealPacket()
	d.interval.Handoff = d.handoffRef()
	d.putInterval(d.interval)
}

// raised is the least priority a handoff of this conversation gets: a public
// post beside a private matter makes it high (desk.md 1.8).
func (d *Draft) raised() int16 {
	if d.conv.Escalated {
		return PriorityOf(dm.PriorityHigh)
	}
	return PriorityOf(dm.PriorityLow)
}

// causeOf is the cause of a handoff that an edge makes by itself.
func causeOf(e Edge) string {
	switch e {
	case EdgeTakeOver:
		return dm.CauseTakenOver
	case EdgeNativeReply:
		return dm.CauseNativeReply
	case EdgeOpenAgent:
		return dm.CauseProactive
	case EdgeReopen, EdgeReopenQueue:
		return dm.CauseReopened
	case EdgeTransferQueue:
		return dm.CauseTransferred
	case EdgeKill:
		return dm.CauseKillSwitch
	case EdgeOpenQueue:
		return dm.CauseNoFlow
	}
	return dm.CauseFlow
}

func (d *Draft) sealPacket() {
	box, err := d.keys.seal("handoffs", d.conv.UID, 0, "packet", d.packet)
	d.fail("handoff packet", err)
	d.handoff.Packet = box
	d.putHandoff()
}

// putHandoff writes the open handoff with the turn, once.
func (d *Draft) putHandoff() {
	for n := range d.turn.Handoffs {
		if d.turn.Handoffs[n].ID == d.handoff.ID {
			d.turn.Handoffs[n] = *d.handoff
			return
		}
	}
	d.turn.Handoffs = append(d.turn.Handoffs, *d.handoff)
}

// handoffRef is how an interval names the open handoff.
func (d *Draft) handoffRef() int64 {
	switch {
	case d.handoff == nil:
		return 0
	case d.handoff.ID == 0:
		return -1
	}
	return d.handoff.ID
}

// endHandoff closes the open handoff: returned transferred resolved withdrawn
// spam erased.
func (d *Draft) endHandoff(how string) {
	if d.handoff == nil {
		return
	}
	d.handoff.EndedAt, d.handoff.Ended = d.View.Now.UnixMilli(), how
	d.putHandoff()
	d.handoff, d.packet, d.fresh = nil, nil, false
}

// transferHandoff makes the child in another queue. What was learnt and
// promised goes along. One that this turn made just now only changes queue.
func (d *Draft) transferHandoff(s Shift) {
	p := d.OpenPacket()
	if p == nil {
		p = &Packet{}
	}
	if !d.fresh {
		child := *d.handoff
		parent := child.ID
		d.endHandoff("transferred")
		child.ID, child.Parent, child.CreatedAt = 0, parent, d.View.Now.UnixMilli()
		child.ClaimedAt, child.ClaimedBy, child.EndedAt, child.Ended = 0, "", 0, ""
		child.Cause, child.Reason = dm.CauseTransferred, s.Reason
		d.handoff, d.fresh = &child, true
		p.ID = UIDText(newUID())
	}
	d.handoff.Queue = d.conv.OwnerID
	if s.Priority != "" {
		d.handoff.Priority = PriorityOf(s.Priority)
		d.conv.Priority = d.handoff.Priority
	}
	p.Queue, p.Epoch, p.Priority = d.handoff.Queue, d.conv.Epoch, PriorityWord(d.handoff.Priority)
	d.packet = p
	d.card.Episode.handedOff(dm.CauseTransferred)
	d.tightenClocks()
	d.sealPacket()
	d.interval.Handoff = d.handoffRef()
	d.putInterval(d.interval)
}

// OpenPacket is the packet of the open handoff; nil = none.
func (d *Draft) OpenPacket() *Packet {
	if d.packet == nil && d.handoff != nil {
		p, err := d.keys.Packet(d.conv.UID, *d.handoff)
		d.fail("handoff packet", err)
		d.packet = p
	}
	return d.packet
}
