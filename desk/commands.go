package desk

import (
	"context"
	"net/http"
	"strings"

	"dispatcher/dm"
	"dispatcher/inbox"
	"dispatcher/storage"
)

// decide is one command's decision: nil, nil leaves the conversation as it is.
type decide func(v *inbox.View) (*inbox.Draft, error)

// do runs a command on one conversation: permission first, then the decision
// on the newest state inside the conversation's lane. Two people can ask at
// once; one decision is made on what the other left.
func (s *Service) do(ctx context.Context, a Actor, id string, allowed bool, f decide) (Moved, error) {
	uid, ok := inbox.ParseUID(id)
	if !ok {
		return Moved{}, notFound()
	}
	var moved Moved
	var was *inbox.View
	_, err := s.inbox.Do(ctx, storage.Key{UID: uid}, func(v *inbox.View) (*inbox.Draft, error) {
		if v.Snap.Conv.ID == 0 || !s.mayRead(a, v) {
			return nil, notFound()
		}
		if !allowed {
			return nil, forbidden("Your role may not do this.")
		}
		d, err := f(v)
		if err != nil {
			return nil, s.refused(ctx, err, v)
		}
		moved, was = s.moved(ctx, v, d), v
		return d, nil
	})
	if err != nil {
		return Moved{}, found(err)
	}
	if was.Snap.Conv.Owner == storage.OwnerAgent && moved.Owner.Kind != dm.OwnerAgent {
		s.samples.held(was, s.now())
	}
	return moved, nil
}

// moved is where a decision leaves the conversation.
func (s *Service) moved(ctx context.Context, v *inbox.View, d *inbox.Draft) Moved {
	if d == nil {
		d = v.Draft()
	}
	c := d.Conv()
	m := Moved{Epoch: c.Epoch, Phase: d.Phase(), Owner: s.owner(c, s.names(ctx)), ID: d.UID()}
	if p := d.OpenPacket(); p != nil {
		m.Handoff = p.ID
	}
	return m
}

// mine lets only the owner go on, under the epoch they saw.
func (s *Service) mine(ctx context.Context, a Actor, v *inbox.View, c Command) error {
	if !owns(a, v) {
		return s.conflict(ctx, CodeNotOwner, "The conversation does not belong to you.", v)
	}
	return s.epoch(ctx, v, c)
}

func (s *Service) epoch(ctx context.Context, v *inbox.View, c Command) error {
	if c.IfEpoch != 0 && c.IfEpoch != v.Snap.Conv.Epoch {
		return s.conflict(ctx, CodeStaleEpoch, "The conversation has moved on since you looked.", v)
	}
	return nil
}

func (a Actor) shift(e inbox.Edge, c Command) inbox.Shift {
	return inbox.Shift{Edge: e, By: a.ID, ByName: a.Name, Reason: readable(c.Reason), Note: readable(c.Note)}
}

// fire is a decision that fires one edge.
func fire(v *inbox.View, s inbox.Shift) (*inbox.Draft, error) {
	d := v.Draft()
	if err := d.Fire(s); err != nil {
		return nil, err
	}
	return d, nil
}

// fireSeen fires an edge under the epoch that its caller saw. What the machine
// itself refuses is told first: it says more than that the epoch is old.
func (s *Service) fireSeen(ctx context.Context, v *inbox.View, shift inbox.Shift, c Command) (*inbox.Draft, error) {
	d, err := fire(v, shift)
	if err != nil {
		return nil, err
	}
	if err := s.epoch(ctx, v, c); err != nil {
		return nil, err
	}
	return d, nil
}

// Claim takes a waiting conversation: a compare-and-set, one winner. The same
// agent may claim again (two tabs); anybody else learns who has it.
func (s *Service) Claim(ctx context.Context, a Actor, id string, c Command) (Moved, error) {
	return s.claimHow(ctx, a, id, howPicked, c)
}

func (s *Service) claimHow(ctx context.Context, a Actor, id, how string, c Command) (Moved, error) {
	var was *inbox.View
	read := s.readFirst(ctx, id)
	m, err := s.do(ctx, a, id, a.works(), func(v *inbox.View) (*inbox.Draft, error) {
		was = v
		if read != nil && read.Phase() == dm.PhaseQueue && v.Phase() == dm.PhaseAgent {
			return fire(v, a.shift(inbox.EdgeTakeoverAgent, c))
		}
		return s.claim(ctx, a, v, c)
	})
	s.claimed(was, how, err)
	return m, err
}

// readFirst is the planted fault of P7: what a claim would decide on if it did
// not decide where it writes. nil in every build that people run.
func (s *Service) readFirst(ctx context.Context, id string) *inbox.View {
	uid, ok := inbox.ParseUID(id)
	if !readThenWrite() || !ok {
		return nil
	}
	v, err := s.inbox.View(ctx, storage.Key{UID: uid})
	if err != nil {
		return nil
	}
	return v
}

func (s *Service) claim(ctx context.Context, a Actor, v *inbox.View, c Command) (*inbox.Draft, error) {
	switch v.Phase() {
	case dm.PhaseQueue:
		if !s.mayQueue(a, v.Snap.Conv.OwnerID) {
			return nil, problem(CodeNotMember, http.StatusForbidden, "You are not a member of this queue.")
		}
		return s.fireSeen(ctx, v, a.shift(inbox.EdgeClaim, c), c)
	case dm.PhaseAgent, dm.PhaseParked:
		if owns(a, v) {
			return nil, nil
		}
		return nil, s.conflict(ctx, CodeAlreadyClaimed, "Somebody else has claimed it.", v)
	case dm.PhaseClosed, dm.PhaseAfter:
		return nil, s.conflict(ctx, CodeTooLate, "It is resolved already.", v)
	}
	return nil, s.conflict(ctx, CodeNotOwner, "The assistant has it: take it over instead.", v)
}

// TakeOver takes a conversation from the bot or from another agent; what waits
// in a queue is claimed.
func (s *Service) TakeOver(ctx context.Context, a Actor, id string, c Command) (Moved, error) {
	var was *inbox.View
	m, err := s.do(ctx, a, id, a.works(), func(v *inbox.View) (*inbox.Draft, error) {
		was = v
		return s.takeOver(ctx, a, v, c)
	})
	s.claimed(was, howTakeOver, err)
	return m, err
}

func (s *Service) takeOver(ctx context.Context, a Actor, v *inbox.View, c Command) (*inbox.Draft, error) {
	if owns(a, v) && v.Phase() == dm.PhaseAgent {
		return nil, nil
	}
	if v.Phase() == dm.PhaseQueue {
		return s.claim(ctx, a, v, c)
	}
	if err := s.epoch(ctx, v, c); err != nil {
		return nil, err
	}
	switch v.Phase() {
	case dm.PhaseBot:
		return fire(v, a.shift(inbox.EdgeTakeOver, c))
	case dm.PhaseLent:
		if v.Snap.Interval.LentBy != a.ID && !a.leads() {
			return nil, s.conflict(ctx, CodeNotOwner, "Only who lent it, or a lead, can take it back.", v)
		}
		return fire(v, a.shift(inbox.EdgeLendRecall, c))
	case dm.PhaseAgent:
		return s.takeFromAgent(a, v, c)
	case dm.PhaseParked:
		if owns(a, v) {
			return fire(v, a.shift(inbox.EdgeWake, c))
		}
	}
	return nil, s.conflict(ctx, CodeTooLate, "It cannot be taken over now.", v)
}

func (s *Service) takeFromAgent(a Actor, v *inbox.View, c Command) (*inbox.Draft, error) {
	if a.Role == RoleAPI {
		return nil, forbidden("A token may not take a conversation from a person.")
	}
	d := v.Draft()
	was := v.Snap.Conv.OwnerID
	if err := d.Fire(a.shift(inbox.EdgeTakeoverAgent, c)); err != nil {
		return nil, err
	}
	d.Event(inbox.EventConversation, "agent:"+was) // the one who lost it is told
	return d, nil
}

// Release puts a conversation back into its queue; its place is kept.
func (s *Service) Release(ctx context.Context, a Actor, id string, c Command) (Moved, error) {
	return s.do(ctx, a, id, a.works(), func(v *inbox.View) (*inbox.Draft, error) {
		if err := s.mine(ctx, a, v, c); err != nil {
			return nil, err
		}
		return fire(v, a.shift(inbox.EdgeRelease, c))
	})
}

// Transfer moves a conversation to another queue, or to a person who is there.
func (s *Service) Transfer(ctx context.Context, a Actor, id string, c Command) (Moved, error) {
	if c.Queue == "" && c.Agent == "" {
		return Moved{}, invalid("Say where to: a queue or a person.")
	}
	return s.do(ctx, a, id, a.works(), func(v *inbox.View) (*inbox.Draft, error) {
		if v.Phase() == dm.PhaseQueue && a.leads() {
			if err := s.epoch(ctx, v, c); err != nil {
				return nil, err
			}
		} else if err := s.mine(ctx, a, v, c); err != nil {
			return nil, err
		}
		if c.Agent != "" {
			return s.transferAgent(ctx, a, v, c)
		}
		if !s.queueExists(c.Queue) {
			return nil, invalid("There is no queue called " + c.Queue + ".")
		}
		if strings.TrimSpace(c.Note) == "" {
			return nil, invalid("A note is needed when the queue changes.")
		}
		to := a.shift(inbox.EdgeTransferQueue, c)
		to.OwnerID = c.Queue
		return s.withNote(a, v, to, c.Note)
	})
}

// withNote fires an edge and keeps the note as a row of its own.
func (s *Service) withNote(a Actor, v *inbox.View, to inbox.Shift, note string) (*inbox.Draft, error) {
	d := v.Draft()
	if err := d.Fire(to); err != nil {
		return nil, err
	}
	if note = strings.TrimSpace(note); note != "" {
		d.Append(noteRow(a, note))
	}
	return d, nil
}

func (s *Service) transferAgent(ctx context.Context, a Actor, v *inbox.View, c Command) (*inbox.Draft, error) {
	p, ok := s.person(ctx, c.Agent)
	if !ok || p.Disabled {
		return nil, invalid("There is no such person.")
	}
	queue := s.queueOf(v.Snap.Conv, v.Snap.Handoff, "")
	if !s.mayQueue(p.actor(), queue) {
		return nil, problem(CodeNotMember, http.StatusUnprocessableEntity, p.Name+" is not a member of this queue.")
	}
	if p.Presence != Online {
		return nil, invalid(p.Name + " is not there now.")
	}
	if v.Phase() != dm.PhaseAgent {
		return nil, s.conflict(ctx, CodeNotOwner, "Claim it first.", v)
	}
	to := a.shift(inbox.EdgeTransferAgent, c)
	to.OwnerID, to.Owner = p.ID, p.Name
	return s.withNote(a, v, to, c.Note)
}

func (p Person) actor() Actor {
	return Actor{ID: p.ID, Name: p.Name, Email: p.Email, Role: p.Role, Teams: p.Teams}
}

func (s *Service) queueExists(alias string) bool {
	p := s.inbox.Live()
	return p != nil && p.Set != nil && p.Set.Queues[alias] != nil
}

// HandBack gives a conversation back to the bot: at a state, or as the flow
// says. Edited slots go along; nothing that has a value is asked again.
func (s *Service) HandBack(ctx context.Context, a Actor, id string, c Command) (Moved, error) {
	return s.do(ctx, a, id, a.works(), func(v *inbox.View) (*inbox.Draft, error) {
		if v.Phase() == dm.PhaseQueue && a.leads() {
			if err := s.epoch(ctx, v, c); err != nil {
				return nil, err
			}
		} else if err := s.mine(ctx, a, v, c); err != nil {
			return nil, err
		}
		if !returnsTo(v, c.ResumeAt) {
			return nil, s.conflict(ctx, CodeNoReturnPoint, "The assistant has nowhere to go on from there.", v)
		}
		if s.paused(v) {
			return nil, s.conflict(ctx, CodeBotPaused, "The assistant is paused.", v)
		}
		d, err := fire(v, a.shift(inbox.EdgeHandBack, c))
		if err != nil {
			return nil, err
		}
		return d, s.inbox.StepReturned(d, inbox.ReturnedEvent(c.ResumeAt, c.Slots))
	})
}

// returnsTo says whether a return point exists.
func returnsTo(v *inbox.View, at string) bool {
	for _, r := range v.Returns() {
		if at == "" || r.At == at {
			return true
		}
	}
	return false
}

// paused says whether a kill switch silences the bot here.
func (s *Service) paused(v *inbox.View) bool {
	on := s.inbox.Switches()
	scopes := []string{"all", "flow:" + v.State.Flow}
	if v.Account != nil {
		scopes = append(scopes, "channel:"+v.Account.Alias)
	}
	for _, scope := range scopes {
		if _, ok := on[scope]; ok {
			return true
		}
	}
	return false
}
