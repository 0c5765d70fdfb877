package server

import "slices"

// permission is one row of the table of roles (desk.md 6.5).
type permission string

// The permissions a route can ask for.
const (
	permNone          permission = ""                   // anyone
	permSession       permission = "session"            // whoever is logged in
	permRead          permission = "conversations:read" // conversations and packets
	permWrite         permission = "conversations:write"
	permSend          permission = "messages:send"
	permReveal        permission = "pii:read"
	permQueues        permission = "queues:read"
	permContacts      permission = "contacts:read"
	permKill          permission = "kill"
	permFlows         permission = "flows:read"
	permActivate      permission = "flows:activate"
	permTrace         permission = "trace"
	permUsers         permission = "users:manage"
	permChannels      permission = "channels:manage"
	permAudit         permission = "audit:read"
	permSim           permission = "sim"
	permVerify        permission = "verify"
	permEventsStream  permission = "events"
	permPresenceBeats permission = "presence"
)

// extent is how much of a permission a role has.
type extent int8

const (
	no  extent = iota // –
	own               // ○ own queues only; desk and audit narrow it down
	all               // ●
	scoped
)

// roleNames are the roles of people; "api" is the column of tokens.
var roleNames = []string{"agent", "lead", "designer", "admin"}

// roleTable is desk.md 6.5, cell by cell: agent, lead, designer, admin. The
// column of tokens is the scope of the same name (scopeOf). Designers read
// conversations masked and from funnel links only; there are none yet, so
// the cell is "no" until there are.
var roleTable = map[permission][4]extent{
	permSession:       {all, all, all, all},
	permRead:          {own, all, no, all},
	permWrite:         {own, all, no, all},
	permSend:          {own, all, no, all},
	permReveal:        {own, all, no, all},
	permQueues:        {own, all, all, all},
	permContacts:      {own, all, no, all},
	permKill:          {no, all, no, all},
	permFlows:         {no, all, all, all},
	permActivate:      {no, all, all, all},
	permTrace:         {own, all, all, all},
	permUsers:         {no, no, no, all},
	permChannels:      {no, no, no, all},
	permAudit:         {own, all, own, all},
	permVerify:        {no, no, no, no},     // a service's word, never a person's
	permSim:           {all, all, all, all}, // a development channel, on loopback only
	permEventsStream:  {own, all, all, all},
	permPresenceBeats: {own, all, no, all},
}

// scopeOf names the scope a token needs; tokens have no session.
func scopeOf(p permission) string {
	switch p {
	case permTrace, permEventsStream:
		return string(permRead)
	case permPresenceBeats:
		return ""
	}
	return string(p)
}

// allScopes is what a token may be given (desk.md 6.2, last column).
var allScopes = []string{
	"conversations:read", "conversations:write", "messages:send", "pii:read", "queues:read", "contacts:read", "contacts:write",
	"privacy:erase", "kill", "flows:read", "flows:activate", "users:manage", "channels:manage", "webhooks:manage",
	"audit:read", "numbers:read", "entry:write", "verify", "sim",
}

// allowed says how much of a permission the caller has.
func allowed(who *identity, p permission) extent {
	if who == nil {
		return no
	}
	if who.Token {
		if p == permSession {
			return all
		}
		if scope := scopeOf(p); scope != "" && slices.Contains(who.Scopes, scope) {
			return scoped
		}
		return no
	}
	col := slices.Index(roleNames, who.Role)
	if col < 0 {
		return no
	}
	return roleTable[p][col]
}
