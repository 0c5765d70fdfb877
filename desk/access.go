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

// has says whether the actor's scopes hold one; without a list of scopes an
// actor has every one of its role.
func (a Actor) has(scope string) bool {
	return a.Scopes == nil || slices.Contains(a.Scopes, scope)
}

// leads may see every queue, exceed capacity and act on what waits.
func (a Actor) leads() bool { return a.Role == RoleLead || a.Role == RoleAdmin }

// serves is a role that works with customers.
func (a Actor) serves() bool {
	return slices.Contains([]string{RoleAgent, RoleLead, RoleAdmin, RoleAPI}, a.Role)
}

// works may claim, note and resolve.
func (a Actor) works() bool { return a.serves() && a.has(ScopeWrite) }

// sends may write to customers.
func (a Actor) sends() bool { return a.serves() && a.has(ScopeSend) }

// reveals may see personal values, each look audited.
func (a Actor) reveals() bool { return a.serves() && a.has(ScopePII) }

// reads may see conversations at all.
func (a Actor) reads() bool {
	switch a.Role {
	case RoleAgent, RoleLead, RoleAdmin, RoleAPI, RoleDesigner:
		return a.has(ScopeRead)
	}
	return false
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
