package engine

import (
	"encoding/json"
	"time"
)

// Result is what one step decided. State is the new state; nothing outside it
// and Effects happened. Trace explains it.
type Result struct {
	State   State
	Effects []Effect
	Trace   Trace
}

// Effect is one of Say, Handoff, Resolve, SetTimer, CancelTimers, SetContact,
// OpenNew, Call, CSAT, OpenForm, FormErrors, StartVerify, CheckVerify, GiveBack.
type Effect interface{ effect() }

// Say is one message to the customer.
type Say struct {
	Text     string
	Options  []SayOption
	Question json.RawMessage // opaque; inbox keeps it with the message and gives it back with a Tap
	Public   bool
	Notice   bool          // said while the owner is queue
	Place    bool          // with Notice: how long the line is, the desk's to say and no part of a transcript
	Typing   bool          // show typing before it
	Delay    time.Duration // hold it back this long after the one before
	Priority int16         // 1 handoff sentence or notice, 2 answer, 3 nudge, 4 survey
	Rule     string        // flow.state:line
	Language string
	Quotes   []Quote
	Media    *MediaRef
	Alt      string // of Media, rendered
	Survey   bool
}

// SayOption is one button.
type SayOption struct{ ID, Label, Short, Description string }

// Quote is a queue or schedule function whose value was rendered into a text.
type Quote struct {
	Kind string // eta opening
	Name string // queue or schedule
	Due  time.Time
}

// Handoff gives the conversation to a queue and ends the turn.
type Handoff struct {
	Queue, Priority string
	Skills          []string
	Cause, Reason   string
	Summary         string
	Rule            string // file:line of what decided
	Shadow          *Shadow
	Said            string // last words of the bot
	Promised        bool   // Quotes of the sentence make promise rows
	Again           bool   // unanswered moved it to another queue, or raised it
	Raised          bool   // with Again: its priority alone, no handoff of its own
}

// Resolve ends the conversation.
type Resolve struct {
	Reason   string
	Optional bool // the state that asked was optional: silence is no giving up
}

// SetTimer arms a timer by name, replacing one of that name.
type SetTimer struct {
	Name string
	At   time.Time
}

// CancelTimers drops every timer whose name has the prefix.
type CancelTimers struct{ Prefix string }

// SetContact changes the person.
type SetContact struct {
	Language      string // "" = as it was
	Slots         map[string]SlotValue
	VerifiedBy    string // "" = as it was
	VerifiedUntil time.Time
}

// Call is one look-up to make; its result comes back as an EvLookup with ID
// and Returns.
type Call struct {
	ID      string
	Service string
	Method  string
	Path    string          // escaped, with its query
	Body    json.RawMessage // nil = none
	Timeout time.Duration   // 0 = the service's
	Retry   int
	Returns json.RawMessage // opaque shape
	Rule    string          // flow.state:line
	Typing  bool            // show typing while it is made
}

// CSAT is the survey's answer, 1 to 5. It belongs to the handoff just resolved,
// else to the conversation; a later one replaces it.
type CSAT struct {
	Score   int
	Comment string
}

// OpenForm opens the page of a form until Expires.
type OpenForm struct {
	ID      string
	Expires time.Time
}

// FormErrors are what is wrong with a submitted form, by slot, in words for the
// customer; nothing was stored.
type FormErrors struct{ Fields map[string]string }

// StartVerify asks the service to send a code, or waits for a link.
type StartVerify struct {
	ID, By, Service string
	Slots           map[string]any
	Expires         time.Time
}

// CheckVerify asks the service whether a code is right. The code is in nothing
// that is stored: the message it came in must be kept without its words.
type CheckVerify struct{ ID, Service, Code string }

// GiveBack ends what an agent has lent.
type GiveBack struct {
	Flow, Result string
}

// Shadow is what a flow in shadow would have done.
type Shadow struct {
	Flow, State, Queue, Topic string
	Said                      []string
}

// OpenNew starts a second step on an empty state: the conversation is closed
// and Event opens a new one.
type OpenNew struct{ Event Event }

func (Say) effect()          {}
func (Handoff) effect()      {}
func (Resolve) effect()      {}
func (SetTimer) effect()     {}
func (CancelTimers) effect() {}
func (SetContact) effect()   {}
func (OpenNew) effect()      {}
func (Call) effect()         {}
func (CSAT) effect()         {}
func (OpenForm) effect()     {}
func (FormErrors) effect()   {}
func (StartVerify) effect()  {}
func (CheckVerify) effect()  {}
func (GiveBack) effect()     {}

// Trace is why a step did what it did, JSON for storage, explain and chat.
type Trace struct {
	Event   string      `json:"event"`
	Set     string      `json:"set"`
	From    string      `json:"from,omitempty"`
	To      string      `json:"to,omitempty"`
	Stage   string      `json:"stage,omitempty"` // tap exact everywhere first side correction value words fuzzy none
	Steps   []TraceStep `json:"steps,omitempty"`
	Found   []string    `json:"found,omitempty"` // slots filled ahead of time
	Error   string      `json:"error,omitempty"` // code and place of an engine error, never a value
	ErrorAt string      `json:"error_at,omitempty"`
}

// TraceStep is one thing that was decided.
type TraceStep struct {
	What   string  `json:"what"` // edge stage condition slot say migrate lookup form verify; stored ones also tag and timer
	State  string  `json:"state,omitempty"`
	Edge   string  `json:"edge,omitempty"`
	Option string  `json:"option,omitempty"`
	By     string  `json:"by,omitempty"` // phrase or rule that hit
	Score  float64 `json:"score,omitempty"`
	Cond   string  `json:"cond,omitempty"`
	Value  string  `json:"value,omitempty"`
	Seen   string  `json:"seen,omitempty"` // of a condition: what it read, only with World.Explain; personal values hidden with World.Masked
	At     string  `json:"at,omitempty"`   // file:line
}
