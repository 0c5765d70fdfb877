// Package desk is the human half: queues, claim, take over, reply, hand back,
// resolve, and what an agent may read. It moves a conversation only by asking
// inbox for an edge, and it promises that two people never own one
// conversation, that only the owner speaks, and that nothing moves away from a
// person without saying so.
package desk

import (
	"time"

	"dispatcher/dm"
	"dispatcher/inbox"
)

// Actor is who asks: a person with a session, or an API token.
type Actor struct {
	ID     string // user or token id
	Name   string // shown to customers and colleagues
	Email  string
	Role   string // agent lead designer admin api
	Teams  []string
	Scopes []string // of a token; nil = everything the role may
	Queues []string // of a token; nil = as the role and membership say
	Token  bool
}

// Problem is a refusal with its code of desk.md 6.3 and facts of the case.
type Problem struct {
	Code   string
	Status int // HTTP
	Detail string
	Facts  map[string]any // owner, since, epoch …
}

func (p *Problem) Error() string { return p.Code + ": " + p.Detail }

// Owner is who may answer.
type Owner struct {
	Kind string `json:"kind"` // bot queue agent none
	ID   string `json:"id,omitempty"`
	Name string `json:"name,omitempty"`
}

// ContactRef is the person of a conversation.
type ContactRef struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Handle   string `json:"handle,omitempty"`
	Verified bool   `json:"verified"`
}

// Last is the newest line of a conversation.
type Last struct {
	At      time.Time `json:"at"`
	Author  string    `json:"author"`
	Preview string    `json:"preview"`
}

// Due is the next clock to fall due.
type Due struct {
	Clock string    `json:"clock"` // first_reply next_reply
	At    time.Time `json:"at"`
}

// Item is one row of GET /conversations.
type Item struct {
	ID           string     `json:"id"`
	Contact      ContactRef `json:"contact"`
	Channel      string     `json:"channel"`
	Owner        Owner      `json:"owner"`
	Phase        string     `json:"phase"`
	Epoch        int64      `json:"epoch"`
	Seq          int64      `json:"seq"`
	Queue        string     `json:"queue,omitempty"`
	Topic        string     `json:"topic,omitempty"`
	HeadlineSlot string     `json:"headline_slot,omitempty"`
	Why          string     `json:"why,omitempty"`
	Last         Last       `json:"last"`
	Unread       int        `json:"unread"`
	Priority     string     `json:"priority"`
	Due          *Due       `json:"due,omitempty"`
	Labels       []string   `json:"labels"`
	Flags        []string   `json:"flags"` // public media holdout escalated sending_problem
	OpenedAt     time.Time  `json:"opened_at"`
	WaitingSince *time.Time `json:"waiting_since,omitempty"`
	Status       string     `json:"status"` // open resolved
}

// Detail is GET /conversations/{id}.
type Detail struct {
	Item
	Slots     []inbox.PacketSlot `json:"slots"`
	Packet    *inbox.Packet      `json:"packet,omitempty"`
	Clocks    []Clock            `json:"clocks"`
	Promises  []inbox.Promise    `json:"promises"`
	Window    *dm.Window         `json:"window,omitempty"`
	SendsLeft *int               `json:"sends_left,omitempty"`
	Continues string             `json:"continues,omitempty"`
	Flow      inbox.PacketFlow   `json:"flow"`
	Tags      []string           `json:"tags"`
	Sending   bool               `json:"sending"` // a bot message is still on its way
	Can       []string           `json:"can"`     // claim take_over reply note release transfer hand_back resolve undo reopen: what this actor may do now
	Returns   []ReturnPoint      `json:"return_points"`
	Delegates []Delegate         `json:"delegates"`

	Identity    inbox.Identity `json:"identity"`
	ChannelKind string         `json:"channel_kind,omitempty"`
	Earlier     []Earlier      `json:"earlier"`
}

// Earlier is one other conversation of the same person.
type Earlier struct {
	ID       string     `json:"id"`
	OpenedAt time.Time  `json:"opened_at"`
	ClosedAt *time.Time `json:"closed_at,omitempty"`
	Topic    string     `json:"topic,omitempty"`
	Outcome  string     `json:"outcome,omitempty"`
}

// ReturnPoint is one entry of the hand-back menu.
type ReturnPoint struct {
	ResumeAt string `json:"resume_at"` // "" = as the flow says
	Label    string `json:"label"`
	Preview  string `json:"preview,omitempty"`
}

// Clock is one of the four clocks.
type Clock struct {
	Clock     string     `json:"clock"`
	StartedAt time.Time  `json:"started_at"`
	DueAt     *time.Time `json:"due_at,omitempty"`
	StoppedAt *time.Time `json:"stopped_at,omitempty"`
	Open      *int64     `json:"open_seconds,omitempty"` // by the queue's schedule, less pauses; once stopped
	Wall      *int64     `json:"wall_seconds,omitempty"` // once stopped
	Breached  bool       `json:"breached"`
	BreachAt  *time.Time `json:"breached_at,omitempty"`
	By        string     `json:"by,omitempty"` // who stopped it
}

// Author of a message.
type Author struct {
	Kind string `json:"kind"` // customer bot agent notice system
	ID   string `json:"id,omitempty"`
	Name string `json:"name,omitempty"`
}

// Msg is one row of GET /conversations/{id}/messages.
type Msg struct {
	Seq         int64              `json:"seq"`
	ID          string             `json:"id"` // CONVERSATION-SEQ
	At          time.Time          `json:"at"`
	Author      Author             `json:"author"`
	Visibility  string             `json:"visibility"`
	Kind        string             `json:"kind"` // text tap media form note event mention
	Text        string             `json:"text"`
	Media       []dm.Media         `json:"media"`
	Options     []inbox.BodyOption `json:"options,omitempty"`
	Tap         *inbox.BodyTap     `json:"tap,omitempty"`
	Event       *inbox.Line        `json:"event,omitempty"`
	State       string             `json:"state"` // none pending held sending sent delivered read failed unknown cancelled
	StateReason string             `json:"state_reason,omitempty"`
	Edited      bool               `json:"edited"`
	Removed     bool               `json:"removed,omitempty"`
	History     []string           `json:"history,omitempty"`
	Parts       int                `json:"parts,omitempty"`
	ClientID    string             `json:"client_id,omitempty"`
	Rule        string             `json:"rule,omitempty"` // flow.state:line, for bot rows
}

// ListQuery is GET /conversations.
type ListQuery struct {
	View, Queue, Owner, State, Channel, Topic, Label, Q, Order, Cursor string
	Limit                                                              int
}

// Page is one page of a list.
type Page[T any] struct {
	Items      []T    `json:"items"`
	NextCursor string `json:"next_cursor,omitempty"`
}

// Reply is POST /conversations/{id}/messages.
type Reply struct {
	Text       string   `json:"text"`
	Visibility string   `json:"visibility,omitempty"`
	Media      []string `json:"media,omitempty"`
	Options    []string `json:"options,omitempty"`
	ReplyTo    string   `json:"reply_to,omitempty"`
	CannedID   string   `json:"canned_id,omitempty"`
	Confirm    []string `json:"confirm,omitempty"`
	ClientID   string   `json:"-"` // Idempotency-Key
}

// Command is one command on a conversation.
type Command struct {
	IfEpoch     int64 // 0 = not given
	Reason      string
	Note        string
	Queue       string
	Agent       string
	ResumeAt    string
	Slots       map[string]string
	LastSeenSeq int64
	Force       bool
	Flow        string // lend: what runs
	LeadIn      string // lend: said first, as the agent
}

// Moved is the answer to a command.
type Moved struct {
	Epoch   int64  `json:"epoch"`
	Phase   string `json:"phase"`
	Owner   Owner  `json:"owner"`
	Handoff string `json:"handoff,omitempty"`
	ID      string `json:"id,omitempty"`
}

// QueueInfo is GET /queues.
type QueueInfo struct {
	Alias       string     `json:"alias"`
	Name        string     `json:"name"`
	Waiting     int        `json:"waiting"`
	Oldest      *time.Time `json:"oldest,omitempty"`
	Staffed     int        `json:"staffed"`
	Free        int        `json:"free"`
	Quote       *int       `json:"quote,omitempty"` // minutes
	PromiseKept *float64   `json:"promise_kept,omitempty"`
	Schedule    Hours      `json:"schedule"`
	Mine        bool       `json:"mine"`
}

// Hours is a schedule at this moment.
type Hours struct {
	Open    bool       `json:"open"`
	OpensAt *time.Time `json:"opens_at,omitempty"`
}
