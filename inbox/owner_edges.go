package inbox

import (
	"time"

	"dispatcher/dm"
	"dispatcher/storage"
)

// Bounds of desk.md 1.2 and 1.11.
const (
	// UndoWithin is how long a resolve can be undone.
	UndoWithin = 10 * time.Second
	// ReopenWithin is how long after its end a conversation can be reopened.
	ReopenWithin = 72 * time.Hour
)

// OwnerOutside is the owner id of a reply typed in the platform's own app by
// somebody we cannot map.
const OwnerOutside = "outside"

// Names of the timers that belong to ownership, clocks and promises.
const (
	timerFirst     = "sla:first"
	timerNext      = "sla:next"
	timerPromise   = "promise"
	timerSnooze    = "snooze"
	timerOutside   = "outside_idle"
	timerRelease   = "release:"
	timerUnclaimed = "unanswered"
	outsideIdle    = 10 * time.Minute
)

// guard refuses what the machine's table cannot know. Who may ask for an edge
// is the desk's business.
func (d *Draft) guard(s Shift, from string) error {
	refuse := func(why string) error { return &EdgeError{Edge: s.Edge, Phase: from, Why: why} }
	switch s.Edge {
	case EdgeTransferQueue:
		if d.handoff != nil && d.handoff.Queue == s.OwnerID {
			return refuse(WhySameQueue)
		}
	case EdgeUndoResolve:
		r, ok := d.resolution()
		if !ok || d.View.Now.Sub(time.UnixMilli(r.At)) > UndoWithin {
			return refuse(WhyTooLate)
		}
		if r.By != s.By {
			return refuse(WhyNotOwner)
		}
	case EdgeReopen, EdgeReopenQueue:
		if from == dm.PhaseClosed && d.View.Now.Sub(time.UnixMilli(d.conv.ResolvedAt)) > ReopenWithin {
			return refuse(WhyTooLate)
		}
	case EdgeOutsideIdle:
		if d.conv.OwnerID != OwnerOutside {
			return refuse(WhyNotOwner)
		}
	}
	return nil
}

// ownerID is who owns the conversation after the edge.
func (d *Draft) ownerID(s Shift, to string) string {
	switch to {
	case dm.PhaseQueue:
		return d.queueID(s)
	case dm.PhaseAgent, dm.PhaseParked:
		switch {
		case s.Edge == EdgeSnooze || s.Edge == EdgeWake:
			return d.conv.OwnerID
		case s.Edge == EdgeLendDone || s.Edge == EdgeLendRecall || s.Edge == EdgeKill:
			return d.interval.LentBy
		case s.OwnerID != "":
			return s.OwnerID
		}
		return s.By
	}
	return ""
}

// queueID is the queue an edge leads to: the one it names, else the one the
// conversation waits or waited in, else the project's default.
func (d *Draft) queueID(s Shift) string {
	if s.OwnerID != "" && s.Edge != EdgeRelease && s.Edge != EdgeAgentGone && s.Edge != EdgeOutsideIdle {
		return s.OwnerID
	}
	if d.handoff != nil {
		return d.handoff.Queue
	}
	if d.oldQueue != "" {
		return d.oldQueue
	}
	if r, ok := d.resolution(); ok && r.Handoff != nil && r.Handoff.Queue != "" {
		return r.Handoff.Queue
	}
	return d.defaultQueue()
}

func (d *Draft) defaultQueue() string {
	if p := d.View.Project; p != nil && p.Set != nil {
		return p.Set.DefaultQueue
	}
	return ""
}

// leave does what ends with the old owner.
func (d *Draft) leave(s Shift, from string) {
	switch from {
	case dm.PhaseLent:
		d.recalled()
	case dm.PhaseParked:
		d.conv.SnoozedUntil = 0
		d.CancelTimers(timerSnooze)
	case dm.PhaseAfter, dm.PhaseClosed:
		switch s.Edge {
		case EdgeUndoResolve:
			d.undo()
		case EdgeReopen, EdgeReopenQueue, EdgeNativeReply:
			d.reopen(s)
		}
	case dm.PhaseAgent:
		d.CancelTimers(timerOutside)
	}
}

// enter does what begins with the new one.
func (d *Draft) enter(s Shift, from, to string) {
	if ownerOf(to) != storage.OwnerBot { // the bot waits for nothing any more
		for _, name := range []string{"silence", "idle", "burst", "form", "verify"} {
			d.CancelTimers(name)
		}
	}
	switch to {
	case dm.PhaseQueue:
		d.enterQueue(s)
	case dm.PhaseAgent:
		d.enterAgent(s)
	case dm.PhaseParked:
		if !s.Until.IsZero() {
			d.conv.SnoozedUntil = s.Until.UnixMilli()
			d.Timer(timerSnooze, s.Until)
		}
		d.pauseResolve()
	case dm.PhaseBot, dm.PhaseLent:
		if s.Edge == EdgeHandBack {
			d.endHandoff("returned")
			d.voidClocks()
			d.CancelTimers(timerUnclaimed)
		}
		d.pauseResolve()
	case dm.PhaseAfter:
		d.resolved(s)
	case dm.PhaseClosed:
		d.close(s, from)
	}
	d.turn.Events = append(d.turn.Events, storage.Event{Type: EventConversation, Ref: string(s.Edge), Seq: d.conv.LastSeq})
	if from == dm.PhaseQueue || to == dm.PhaseQueue {
		d.turn.Events = append(d.turn.Events, storage.Event{Type: EventQueue, Ref: string(s.Edge), Seq: d.conv.LastSeq})
	}
}

func (d *Draft) enterQueue(s Shift) {
	switch {
	case s.Edge == EdgeTransferQueue && d.handoff != nil:
		d.transferHandoff(s)
	case d.handoff == nil:
		d.makeHandoff(s)
	default: // the same one waits again, its place kept by its created_at
		d.handoff.ClaimedAt, d.handoff.ClaimedBy = 0, ""
		if s.Edge == EdgeLendOrphan {
			d.handoff.Priority = min(d.handoff.Priority+1, 3)
		}
		d.putHandoff()
	}
	d.card.Episode.enterQueue(d.conv.OwnerID)
}

func (d *Draft) enterAgent(s Shift) {
	now := d.View.Now.UnixMilli()
	if s.Edge == EdgeOpenAgent {
		d.card.Episode.Proactive = true
	}
	if d.handoff == nil {
		d.makeHandoff(s)
	}
	if d.handoff.ClaimedAt == 0 || d.handoff.ClaimedBy != d.conv.OwnerID {
		d.handoff.ClaimedAt, d.handoff.ClaimedBy = now, d.conv.OwnerID
		d.putHandoff()
	}
	d.interval.Handoff = d.handoffRef()
	d.putInterval(d.interval)
	d.CancelTimers(timerUnclaimed)
	if d.conv.OwnerID == OwnerOutside {
		d.Timer(timerOutside, d.View.Now.Add(outsideIdle))
	}
}

// line leaves a row in the timeline for every edge a person should see later.
func (d *Draft) line(s Shift) {
	switch s.Edge {
	case EdgeOpenBot, EdgeOpenBlocked, EdgeOpenAgent, EdgeAfterDone, EdgeAfterNewIssue, EdgeErase:
		return
	}
	l := Line{Edge: string(s.Edge), By: s.By, Name: s.ByName, Note: s.Note, Reason: s.Reason, Owner: OwnerWord(d.conv.Owner)}
	if l.Note == "" && !d.engine {
		l.Note = s.Reason // a person's own words
	}
	switch d.conv.Owner {
	case storage.OwnerQueue:
		l.Queue = d.conv.OwnerID
		if begins(s.Edge) && d.handoff != nil {
			l.Cause = d.handoff.Cause
		}
	case storage.OwnerAgent:
		l.Agent, l.OwnerName = d.conv.OwnerID, s.Owner
		if l.Agent == s.By {
			l.OwnerName = s.ByName
		}
	}
	d.Append(NewMessage{Kind: storage.MsgEvent, Dir: storage.DirNone, Author: storage.AuthorSystem, AuthorID: s.By, Body: Body{Line: &l}, Trace: d.trace})
	d.trace = nil
}

// begins says whether an edge into a queue makes a handoff of its own; the
// others put the same one back into waiting.
func begins(e Edge) bool {
	switch e {
	case EdgeHandOff, EdgeOpenQueue, EdgeKill, EdgeTransferQueue, EdgeReopenQueue:
		return true
	}
	return false
}
