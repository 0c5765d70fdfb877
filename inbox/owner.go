package inbox

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/looplab/fsm"

	"dispatcher/dm"
	"dispatcher/storage"
)

// rule is one row of desk.md 1.2: from which phases an edge leads where.
type rule struct {
	edge Edge
	from []string
	to   string
}

const phaseNew = "new"

// rules is the whole ownership machine. One edge has one destination per
// source. Beside the document's rows, transfer_queue also leaves queue: an
// unanswered step, an overflow or a lead moves a waiting conversation.
func rules() []rule {
	const bot, lent, after, queue, agent, parked, closed = dm.PhaseBot, dm.PhaseLent, dm.PhaseAfter, dm.PhaseQueue, dm.PhaseAgent, dm.PhaseParked, dm.PhaseClosed
	return []rule{
		{EdgeOpenBot, []string{phaseNew}, bot},
		{EdgeOpenQueue, []string{phaseNew}, queue},
		{EdgeOpenAgent, []string{phaseNew}, agent},
		{EdgeOpenBlocked, []string{phaseNew}, closed},
		{EdgeHandOff, []string{bot}, queue},
		{EdgeBotResolve, []string{bot}, closed},
		{EdgeTakeOver, []string{bot}, agent},
		{EdgeClaim, []string{queue}, agent},
		{EdgeNativeReply, []string{bot, lent, after, queue}, agent},
		{EdgeRelease, []string{agent, parked}, queue},
		{EdgeTransferQueue, []string{agent, parked, queue}, queue},
		{EdgeTransferAgent, []string{agent}, agent},
		{EdgeTakeoverAgent, []string{agent}, agent},
		{EdgeAgentGone, []string{agent, parked}, queue},
		{EdgeOutsideIdle, []string{agent}, queue},
		{EdgeHandBack, []string{agent, queue}, bot},
		{EdgeLend, []string{agent}, lent},
		{EdgeLendDone, []string{lent}, agent},
		{EdgeLendRecall, []string{lent}, agent},
		{EdgeLendOrphan, []string{lent}, queue},
		{EdgeSnooze, []string{agent}, parked},
		{EdgeWake, []string{parked}, agent},
		{EdgeWakeOrphan, []string{parked}, queue},
		{EdgeResolve, []string{agent, parked}, after},
		{EdgeResolvePlain, []string{agent, parked, queue}, closed},
		{EdgeUndoResolve, []string{after, closed}, agent},
		{EdgeAfterDone, []string{after}, closed},
		{EdgeAfterNewIssue, []string{after}, closed},
		{EdgeReopen, []string{closed, after}, agent},
		{EdgeReopenQueue, []string{closed}, queue},
		{EdgeSpam, []string{bot, queue, agent, parked}, closed},
		{EdgeKill, []string{bot}, queue},
		{EdgeKill, []string{lent}, agent},
		{EdgeKill, []string{after}, closed},
		{EdgeErase, []string{bot, lent, after, queue, agent, parked}, closed},
	}
}

// machines are kept ones of the one table: building one costs fifty times what
// firing it does. A pool is a cache; nothing of a conversation stays in it.
var machines = sync.Pool{New: func() any {
	var events fsm.Events
	for _, r := range rules() {
		events = append(events, fsm.EventDesc{Name: string(r.edge), Src: r.from, Dst: r.to})
	}
	return fsm.NewFSM(phaseNew, events, nil)
}}

// EdgeError says why an edge was not fired. Nothing has changed.
type EdgeError struct {
	Edge  Edge
	Phase string
	Why   string // illegal too_late same_queue same_owner not_owner no_queue
}

// Error implements error.
func (e *EdgeError) Error() string {
	return fmt.Sprintf("inbox: edge %s from phase %s: %s", e.Edge, e.Phase, e.Why)
}

// Reasons of an EdgeError.
const (
	WhyIllegal   = "illegal"
	WhyTooLate   = "too_late"
	WhySameQueue = "same_queue"
	WhyNotOwner  = "not_owner"
	WhyNoQueue   = "no_queue"
)

// next asks the machine where an edge leads. Its context is never a
// request's, and a machine that answered with an error is dropped: both wedge
// the library (language.md 5).
func next(phase string, e Edge) (string, error) {
	m := machines.Get().(*fsm.FSM)
	m.SetState(phase)
	if m.Cannot(string(e)) {
		machines.Put(m)
		return "", &EdgeError{Edge: e, Phase: phase, Why: WhyIllegal}
	}
	err := m.Event(context.Background(), string(e))
	if same := (fsm.NoTransitionError{}); err != nil && !errors.As(err, &same) {
		return "", fmt.Errorf("inbox: edge %s from phase %s: %w", e, phase, err)
	}
	to := m.Current()
	machines.Put(m)
	return to, nil
}

// ownerOf is the owner that each phase belongs to.
func ownerOf(phase string) int16 {
	switch phase {
	case dm.PhaseBot, dm.PhaseLent, dm.PhaseAfter:
		return storage.OwnerBot
	case dm.PhaseQueue:
		return storage.OwnerQueue
	case dm.PhaseAgent, dm.PhaseParked:
		return storage.OwnerAgent
	}
	return storage.OwnerNone
}

func phaseNumber(phase string) int16 {
	for n, w := range phaseWords {
		if w == phase {
			return int16(n)
		}
	}
	return storage.PhaseNew
}

// Fire moves the ownership machine along one edge: guard, then the machine,
// then everything that hangs on it. Interval and epoch change exactly when
// owner, owner id or phase do. An *EdgeError leaves the draft as it was.
func (d *Draft) Fire(s Shift) error {
	from := d.Phase()
	to, err := next(from, s.Edge)
	if err != nil {
		return err
	}
	if err := d.guard(s, from); err != nil {
		return err
	}
	id := d.ownerID(s, to)
	if to == dm.PhaseQueue && id == "" {
		return &EdgeError{Edge: s.Edge, Phase: from, Why: WhyNoQueue}
	}
	if from == to && id == d.conv.OwnerID {
		return nil
	}
	d.settle(s, from)
	if d.leave(s, from); d.err != nil {
		return d.err
	}
	d.move(s, to, id)
	d.enter(s, from, to)
	d.line(s)
	d.tellShift(s)
	d.auditShift(s)
	return d.err
}

// move closes the open interval and opens the next under epoch + 1.
func (d *Draft) move(s Shift, to, id string) {
	now := d.View.Now.UnixMilli()
	if d.interval.Epoch > 0 {
		d.card.Episode.spend(d.interval, now)
		was := d.interval
		was.Until, was.UntilCause, was.UntilBy = now, string(s.Edge), s.By
		d.putInterval(was)
	}
	lender := d.interval.OwnerID
	d.conv.Epoch++
	d.conv.Phase, d.conv.Owner, d.conv.OwnerID = phaseNumber(to), ownerOf(to), id
	d.interval = storage.Interval{Conversation: d.conv.ID, Epoch: d.conv.Epoch, Owner: d.conv.Owner, Phase: d.conv.Phase,
		OwnerID: id, Since: now, SinceCause: string(s.Edge), SinceBy: s.By}
	if to == dm.PhaseLent {
		d.interval.LentBy, d.interval.LentFlow = lender, s.OwnerID
	}
	d.putInterval(d.interval)
	if d.state.Version != 0 && d.state.Owner != OwnerWord(d.conv.Owner) {
		d.state.Owner, d.stated = OwnerWord(d.conv.Owner), true
	}
}

func (d *Draft) putInterval(i storage.Interval) {
	for n := range d.turn.Intervals {
		if d.turn.Intervals[n].Epoch == i.Epoch {
			d.turn.Intervals[n] = i
			return
		}
	}
	d.turn.Intervals = append(d.turn.Intervals, i)
}

// byStep says whether the engine's own step fires the edge; what it said
// before is then re-stamped, not cancelled.
func (d *Draft) byStep(s Shift) bool {
	switch s.Edge {
	case EdgeHandOff, EdgeBotResolve, EdgeAfterDone:
		return true
	case EdgeTransferQueue, EdgeLendDone:
		return d.engine
	}
	return false
}

// settle chooses what becomes of pending bot and notice rows. A cancelling
// edge wins over a re-stamping one in the same turn.
func (d *Draft) settle(s Shift, from string) {
	if from == phaseNew {
		return
	}
	if d.byStep(s) {
		if d.turn.Settle == storage.SettleNone {
			d.turn.Settle = storage.SettleRestamp
		}
		return
	}
	d.turn.Settle = storage.SettleCancel
	d.unsaid()
	d.CancelTimers(timerRelease)
	if !d.engine {
		d.unsend()
	}
}

// unsaid keeps for the timeline what a native channel still held back: rows
// that were never sent, as the rows of any other channel's outbox would be.
func (d *Draft) unsaid() {
	if d.View.Snap.Conv.ID != d.conv.ID {
		return
	}
	waiting := slices.DeleteFunc(slices.Clone(d.View.Snap.Timers), func(t storage.Timer) bool {
		return !strings.HasPrefix(t.Name, timerRelease) || d.dropped(t)
	})
	slices.SortFunc(waiting, func(a, b storage.Timer) int { return strings.Compare(a.Name, b.Name) })
	for _, t := range waiting {
		var h held
		if err := d.keys.Spec(d.conv.UID, t, &h); err != nil {
			d.fail("held message", err)
			return
		}
		h.Message.At, h.Message.Delivery, h.Message.Body.Options = time.Time{}, storage.DeliveryCancelled, h.Options
		d.Append(h.Message)
		d.turn.Messages[len(d.turn.Messages)-1].Reason = ReasonOwnerChanged
		d.fenced++
	}
}

// unsend cancels what this very turn was about to say as the bot.
func (d *Draft) unsend() {
	kept := d.turn.Outbox[:0]
	for _, row := range d.turn.Outbox {
		if row.Origin == storage.OriginAgent {
			kept = append(kept, row)
			continue
		}
		if row.Seq != 0 {
			d.fenced++
		}
		for n := range d.turn.Messages {
			if m := &d.turn.Messages[n]; m.Seq == row.Seq && row.Seq != 0 {
				m.Delivery, m.Reason = storage.DeliveryCancelled, ReasonOwnerChanged
			}
		}
	}
	d.turn.Outbox = kept
}

// ReasonOwnerChanged is why a bot message was cancelled by a new owner.
const ReasonOwnerChanged = "owner_changed"

func (d *Draft) auditShift(s Shift) {
	if s.Edge == EdgeOpenBot {
		return // the bot opening a conversation is nobody's deed
	}
	d.Audit(s.By, string(s.Edge), d.UID())
}
