package desk

import (
	"slices"
	"strings"

	"dispatcher/inbox"
	"dispatcher/storage"
)

// Roles of desk.md 6.5.
const (
	RoleAgent    = "agent"
	RoleLead     = "lead"
	RoleDesigner = "designer"
	RoleAdmin    = "admin"
	RoleAPI      = "api"
)

// Scopes of tokens that the desk asks for.
const (
	ScopeRead  = "conversations:read"
	ScopeWrite = "conversations:write"
	ScopeSend  = "messages:send"
	ScopePII   = "pii:read"
	ScopeQueue = "queues:read"
)

// has says whether a token's scopes hold one; a session has every scope of its role.
func (a Actor) has(scope string) bool {
	return !a.Token && a.Scopes == nil || slices.Contains(a.Scopes, scope)
}

// leads may see every queue, exceed capacity and act on what waits.
func (a Actor) leads() bool { return a.Role == RoleLead || a.Role == RoleAdmin }

// works may claim, reply and resolve.
func (a Actor) works() bool {
	switch a.Role {
	case RoleAgent, RoleLead, RoleAdmin, RoleAPI:
		return a.has(ScopeWrite)
	}
	return false
}

func (a Actor) sends() bool { return a.works() && a.has(ScopeSend) }

// reads may see conversations at all.
func (a Actor) reads() bool {
	switch a.Role {
	case RoleAgent, RoleLead, RoleAdmin, RoleAPI, RoleDesigner:
		return a.has(ScopeRead)
	}
	return false
}

// everywhere says whether an actor sees every queue there is.
func (a Actor) everywhere() bool {
	if a.Token && a.Queues != nil {
		return false
	}
	return a.leads() || a.Role == RoleAPI || a.Role == RoleDesigner
}

// mayQueue says whether an actor belongs to a queue. A queue without members
// is everybody's; a token is held to its own list.
func (s *Service) mayQueue(a Actor, alias string) bool {
	if a.Token && a.Queues != nil && !slices.Contains(a.Queues, alias) {
		return false
	}
	if a.leads() || a.Role == RoleAPI || a.Role == RoleDesigner {
		return true
	}
	return s.member(alias, a.Email, a.Teams)
}

// member matches the members of a queue: e-mails and team:NAME.
func (s *Service) member(alias, email string, teams []string) bool {
	p := s.inbox.Live()
	if p == nil || p.Set == nil {
		return true // nothing is configured yet: nobody is kept out by a list that does not exist
	}
	q := p.Set.Queues[alias]
	if q == nil || len(q.Members) == 0 {
		return true // also a queue that the project has dropped: its people may finish
	}
	return slices.ContainsFunc(q.Members, func(m string) bool {
		if team, ok := strings.CutPrefix(m, "team:"); ok {
			return slices.ContainsFunc(teams, func(t string) bool { return fold(t) == fold(team) })
		}
		return fold(m) == fold(email)
	})
}

// queueOf is the queue a conversation belongs to: where it waits, where its
// handoff was, else the default one, where it would land.
func (s *Service) queueOf(c storage.Conversation, h *storage.Handoff, last string) string {
	switch {
	case c.Owner == storage.OwnerQueue:
		return c.OwnerID
	case h != nil:
		return h.Queue
	case last != "":
		return last
	}
	if p := s.inbox.Live(); p != nil && p.Set != nil {
		return p.Set.DefaultQueue
	}
	return ""
}

// mayRead is the permission of one conversation: role ∩ scope ∩ queue, and
// always what one owns.
func (s *Service) mayRead(a Actor, v *inbox.View) bool {
	if !a.reads() {
		return false
	}
	if owns(a, v) {
		return true
	}
	last := ""
	if r := v.Reader(); r != nil {
		if card, err := r.Card(v.Snap.Conv); err == nil {
			last = card.Episode.QueueLast
		}
	}
	return s.mayQueue(a, s.queueOf(v.Snap.Conv, v.Snap.Handoff, last))
}
