package inbox

import (
	"encoding/json"
	"fmt"

	"dispatcher/dm"
	"dispatcher/storage"
)

// Outcomes of an episode (desk.md 5.1): exactly one per closed conversation.
const (
	OutcomeBot       = "bot_resolved"
	OutcomePerson    = "person_resolved"
	OutcomeLeftBot   = "customer_left_bot"
	OutcomeLeftQueue = "customer_left_queue"
	OutcomeStopped   = "stopped"
	OutcomeProactive = "proactive"
	OutcomePublic    = "public_only"
)

// Reasons of a resolve that the engine gives (language.md 2.4).
const (
	reasonStopped = "stopped"
	reasonIdle    = "idle"
	reasonNoReply = "no_reply"
	reasonAgent   = "agent"
	reasonSpam    = "spam"
)

// resolution is what a resolve leaves for undo, reopen and the packet of a
// closed conversation: one desk row, kept while the conversation is.
type resolution struct {
	At      int64             `json:"at"`
	By      string            `json:"by"`
	Reason  string            `json:"reason,omitempty"`
	From    string            `json:"from"`
	Epoch   int64             `json:"epoch"`
	Handoff *storage.Handoff  `json:"handoff,omitempty"` // its packet stays sealed
	Clocks  []storage.DeskRow `json:"clocks,omitempty"`
	Waiting [][2]int64        `json:"waiting,omitempty"`
	Unread  int32             `json:"unread,omitempty"`
	CSAT    int16             `json:"csat,omitempty"`
}

// resolution is the newest one that was not undone.
func (d *Draft) resolution() (resolution, bool) {
	var r resolution
	row := d.lastRow("resolution")
	if row == nil || json.Unmarshal(row.Body, &r) != nil {
		return r, false
	}
	return r, true
}

// resolved stops the clocks of a resolve and remembers what undo needs.
func (d *Draft) resolved(s Shift) {
	now := d.View.Now.UnixMilli()
	r := resolution{At: now, By: s.By, Reason: s.Reason, From: PhaseWord(d.interval.Phase), Epoch: d.conv.Epoch,
		Waiting: d.card.Episode.Waiting, Unread: d.conv.Unread}
	if d.handoff != nil {
		kept := *d.handoff
		r.Handoff = &kept
		d.endHandoff(endedBy(s))
	}
	r.Clocks = append(d.stopClocks(), d.openPromises()...)
	d.endPromises()
	d.conv.ResolvedAt, d.conv.ResolvedWhy = now, s.Reason
	if s.Reason == "" {
		d.conv.ResolvedWhy = reasonAgent
	}
	d.conv.Unread, d.conv.WaitingSince, d.card.Episode.Waiting = 0, 0, nil
	d.putResolution(r)
}

func (d *Draft) putResolution(r resolution) {
	body, err := json.Marshal(r)
	d.fail("resolution", err)
	d.putRow(storage.DeskRow{Table: "resolution", ID: fmt.Sprintf("%020d", r.Epoch), At: r.At, State: "open", Body: body})
}

func endedBy(s Shift) string {
	switch s.Edge {
	case EdgeSpam:
		return "spam"
	case EdgeErase:
		return "erased"
	}
	if s.By == "customer" || s.By == "engine" {
		return "withdrawn"
	}
	return "resolved"
}

// close ends the conversation: clocks, timers, outcome row.
func (d *Draft) close(s Shift, from string) {
	if from != dm.PhaseAfter {
		d.resolved(s)
	}
	d.CancelTimers("")
	d.conv.Status, d.conv.SnoozedUntil = storage.Resolved, 0
	switch s.Edge {
	case EdgeSpam, EdgeOpenBlocked, EdgeErase: // counted nowhere
		if s.Edge == EdgeSpam {
			d.identity.Blocked, d.reached = 1, true
		}
		d.conv.ResolvedWhy = reasonSpam
		if s.Edge == EdgeErase {
			d.conv.ResolvedWhy = "erased"
		}
		return
	}
	d.card.Episode.Outcome = d.outcomeOf(s, from)
	d.putOutcome()
}

// outcomeOf names the one outcome of an episode that ends now.
func (d *Draft) outcomeOf(s Shift, from string) string {
	e := d.card.Episode
	switch {
	case e.Proactive:
		return OutcomeProactive
	case e.Public && !e.Private:
		return OutcomePublic
	case e.Answered:
		return OutcomePerson
	case from == dm.PhaseQueue && (s.By == "customer" || s.By == "engine" || s.By == "timer"):
		return OutcomeLeftQueue
	case from == dm.PhaseQueue || from == dm.PhaseAgent || from == dm.PhaseParked || from == dm.PhaseAfter:
		return OutcomePerson
	case s.Reason == reasonStopped:
		return OutcomeStopped
	case (d.silence || s.Reason == reasonIdle || s.Reason == reasonNoReply) && !d.optional:
		return OutcomeLeftBot
	}
	return OutcomeBot
}

// outcomeBody holds the columns of desk.md 5.1 that storage has no name for.
type outcomeBody struct {
	Opened     int64    `json:"opened"`
	Closed     int64    `json:"closed"`
	QueueFirst string   `json:"queue_first,omitempty"`
	Causes     []string `json:"causes,omitempty"`
	Human      int      `json:"human_messages,omitempty"`
	Taps       int      `json:"taps,omitempty"`
	Typed      int      `json:"typed,omitempty"`
	Language   string   `json:"language,omitempty"`
	Flow       string   `json:"flow,omitempty"`
	Topic      string   `json:"topic,omitempty"`
}

func (d *Draft) putOutcome() {
	if d.conv.Sim {
		return
	}
	e := d.card.Episode
	b := outcomeBody{Opened: d.conv.OpenedAt, Closed: d.conv.ResolvedAt, QueueFirst: e.QueueFirst, Causes: e.Causes, Human: e.Human,
		Taps: e.Taps, Typed: e.Typed, Language: d.state.Language}
	if len(d.state.Path) > 0 {
		b.Flow = d.state.Path[0].Flow
	}
	if d.state.Topic != nil {
		b.Topic = d.state.Topic.ID
	}
	body, err := json.Marshal(b)
	d.fail("outcome", err)
	d.turn.Outcome = &storage.EpisodeOutcome{Conversation: d.conv.ID, Day: int32(d.conv.ResolvedAt / 86_400_000), Channel: d.conv.Channel,
		Revision: d.conv.Revision, Entry: e.Entry, Outcome: e.Outcome, Reason: d.conv.ResolvedWhy, Queue: e.QueueLast, Turns: e.Turns,
		BotMS: e.BotMS, WaitMS: e.WaitMS, HumanMS: e.HumanMS, Reopened: e.Reopened, CSAT: e.CSAT, Holdout: d.conv.Holdout, BotSpoke: e.BotSpoke,
		PersonSpoke: e.Answered, HandedOff: e.HandedOff, Body: body}
}

// undo takes a resolve back: handoff and clocks go on as if never stopped.
func (d *Draft) undo() {
	r, ok := d.resolution()
	if !ok {
		return
	}
	d.voidResolution("voided")
	if r.Handoff != nil {
		kept := *r.Handoff
		d.handoff, d.fresh = &kept, false
		d.putHandoff()
	}
	for _, row := range r.Clocks {
		d.putRow(row)
	}
	d.card.Episode.Waiting, d.conv.Unread = r.Waiting, r.Unread
	d.waitingSince()
	d.armClocks()
	d.armPromise()
	d.reopened()
}

// reopen begins anew after an end that stays true: a new handoff is made by
// the edge, the outcome row is marked and rewritten at the next end.
func (d *Draft) reopen(s Shift) {
	if s.Edge == EdgeNativeReply && d.Phase() == dm.PhaseAfter {
		d.voidResolution("reopened")
		d.reopened()
		return
	}
	d.card.Episode.Reopened = true
	if d.card.Episode.Outcome != "" && d.conv.Status == storage.Resolved {
		d.putOutcome()
	}
	d.oldQueue = d.queueID(Shift{Edge: s.Edge})
	d.voidResolution("reopened")
	d.reopened()
}

func (d *Draft) reopened() {
	d.conv.Status, d.conv.ResolvedAt, d.conv.ResolvedWhy = storage.Open, 0, ""
}

func (d *Draft) voidResolution(how string) {
	if row := d.lastRow("resolution"); row != nil {
		row.State, row.End = how, d.View.Now.UnixMilli()
		d.putRow(*row)
	}
}

// Resolve ends the conversation as the engine says. Under the bot it is
// bot_resolve, in after-care after_done; a stop word takes a waiting one out
// of its queue; a delegated flow gives back to its agent.
func (d *Draft) Resolve(reason string, optional bool) error {
	d.engine, d.optional = true, optional
	defer func() { d.engine = false }()
	s := Shift{By: "engine", Reason: reason}
	switch d.Phase() {
	case dm.PhaseAfter:
		s.Edge = EdgeAfterDone
	case dm.PhaseQueue:
		s.Edge, s.By = EdgeResolvePlain, "customer"
	case dm.PhaseLent:
		s.Edge = EdgeLendDone
	default:
		s.Edge = EdgeBotResolve
	}
	return d.Fire(s)
}
