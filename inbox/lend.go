package inbox

import (
	"time"

	"dispatcher/dm"
	"dispatcher/engine"
	"dispatcher/storage"
)

// timerLend is due when a lent conversation has waited too long for an answer
// (desk.md 1.9); the engine arms it anew with every answer.
const timerLend = "lend"

// Lend lets a flow run on a conversation that an agent owns. The draft must
// not have fired the edge yet: the engine decides on what the agent has.
func (s *Service) Lend(d *Draft, shift Shift, flow string) error {
	if d.state.Version == 0 { // no flow has been here yet
		st := engine.NewState(d.View.Project.Set)
		st.Owner = dm.OwnerAgent
		d.SetState(st)
	}
	ev := engine.Event{Kind: engine.EvDelegate, Flow: flow, Agent: shift.By, Seq: d.conv.LastSeq, World: s.world(d, engine.EntryNow{})}
	res, err := s.stepEngine(d, ev)
	if err != nil {
		return err
	}
	shift.Edge, shift.OwnerID = EdgeLend, flow
	if err := d.Fire(shift); err != nil {
		return err
	}
	return s.effects(d, ev, res)
}

// giveBack ends what an agent has lent: the agent owns it again, and what was
// said before still leaves.
func (d *Draft) giveBack(v engine.GiveBack) error {
	if d.conv.Phase != storage.PhaseLent {
		return nil
	}
	d.engine = true
	defer func() { d.engine = false }()
	return d.Fire(Shift{Edge: EdgeLendDone, By: "engine", Reason: v.Result})
}

// recalled takes the flow out of a conversation whose agent, or somebody else,
// has it back.
func (d *Draft) recalled() {
	for _, name := range []string{timerLend, "form", "verify"} {
		d.CancelTimers(name)
	}
	if d.state.Lent != nil {
		d.SetState(engine.Recall(d.state))
	}
}

// mutedFor is how long after a public reply the same person gets no other
// (language.md 2.18).
const mutedFor = 24 * time.Hour

// ReasonMuted is why a public reply was not sent.
const ReasonMuted = "muted"

// muted says whether a public reply of the bot must not be said, and remembers
// one that is.
func (d *Draft) muted() bool {
	now := d.View.Now
	if at := d.profile.LastPublic; at != 0 && now.Sub(time.UnixMilli(at)) < mutedFor {
		return true
	}
	d.Contact(func(p *Profile) { p.LastPublic = now.UnixMilli() })
	return false
}

// scored keeps the answer to a survey. The last one counts.
func (d *Draft) scored(v engine.CSAT) {
	e := &d.card.Episode
	e.CSAT, e.Comment = int16(v.Score), v.Comment
	d.Contact(func(p *Profile) { p.LastSurvey = d.View.Now.UnixMilli() })
	if r, ok := d.resolution(); ok { // of the handoff just resolved
		r.CSAT = e.CSAT
		d.putResolution(r)
	}
	d.figure(figure{of: figureScore, queue: e.QueueLast, seconds: float64(v.Score)})
	d.Event(EventScored)
}

// proven keeps that the person has shown who they are, until a time.
func (d *Draft) proven(by string, until time.Time) {
	d.Verified(2, until)
	d.Contact(func(p *Profile) {
		p.Verified, p.VerifiedBy, p.VerifiedAt, p.VerifiedUntil = true, by, d.View.Now.UnixMilli(), 0
		if !until.IsZero() {
			p.VerifiedUntil = until.UnixMilli()
		}
	})
	d.Event(EventVerified)
}

// isVerified says whether what is known of a person is proved now.
func (p Profile) isVerified(now time.Time) bool {
	return p.Verified && (p.VerifiedUntil == 0 || now.UnixMilli() < p.VerifiedUntil)
}

// provedBy is the way by which it is proved now; "" = it is not.
func (p Profile) provedBy(now time.Time) string {
	if !p.isVerified(now) {
		return ""
	}
	return p.VerifiedBy
}

// Delegate is a flow that an agent may let run, with the words of its button.
type Delegate struct{ Flow, Label string }

// Delegates are the flows that an agent may let run on this conversation, in
// the order of the project.
func (v *View) Delegates() []Delegate {
	var out []Delegate
	if v.Project == nil || v.Project.Set == nil {
		return out
	}
	set := v.Project.Set
	for _, name := range set.FlowOrder {
		if f := set.Flows[name]; f.Delegate != nil {
			out = append(out, Delegate{Flow: name, Label: plainText(set, v.State.Language, f.Delegate)})
		}
	}
	return out
}
