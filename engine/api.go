package engine

import (
	"encoding/json"
	"time"
)

// Sets is what a step resolves against: a pinned flow from Pinned, everything else from Live.
type Sets struct {
	Live   *Set
	Pinned *Set // nil = none
}

// Event kinds.
const (
	EvMessage  = "message"  // the customer wrote, sent media, or tapped
	EvStart    = "start"    // the customer opened the conversation without words
	EvTimer    = "timer"    // a timer of ours is due
	EvReturned = "returned" // an agent gave the conversation back
	EvResolved = "resolved" // an agent resolved it and an after-care exit exists
	EvMention  = "mention"  // a public post
	EvLookup   = "lookup"   // a look-up has its result
	EvForm     = "form"     // the page of the open form was sent
	EvVerify   = "verify"   // a verification has its result
	EvDelegate = "delegate" // an agent runs a flow on this conversation
)

// Event is one thing the engine steps on. Time is World.Now and nothing else.
type Event struct {
	Kind    string
	Seq     int64    // of the message or event row that caused it
	Text    string   // of a burst: parts joined by new lines
	Parts   []string // parts of a burst in order; nil = Text alone
	Media   []string // kinds of attachments, in order
	Tap     *Tap
	Timer   string // name: silence:N idle unanswered:N form verify; lend when the desk's lend_by is due
	DueAt   time.Time
	Opening bool              // first event of a new conversation
	Resume  string            // returned: flow.state the agent chose; "" = as the flow says
	Slots   map[string]string // returned: values edited by an agent, as typed
	Edited  bool              // an edit of an earlier message that filled slots
	Lookup  *LookupResult
	Form    *FormResult
	Verify  *VerifyResult
	Flow    string // delegate: the flow to run
	Agent   string // delegate: who lends the conversation
	World   World
}

// LookupResult is what became of a Call. Its body is read by the shape of the
// set that asked, which Returns brings back.
type LookupResult struct {
	ID      string
	Status  int             // 0 = no answer
	Fail    string          // timeout refused invalid; "" = answered
	Body    json.RawMessage // nil = none, or no JSON
	Returns json.RawMessage // of the Call
}

// FormResult is a submitted form, each value as typed; a media slot holds the
// kind of its file.
type FormResult struct {
	ID     string
	Values map[string]string
}

// VerifyResult is the outcome of a verification: ok, failed or expired.
type VerifyResult struct {
	ID      string
	Outcome string
}

// Outcomes of a VerifyResult.
const (
	VerifyOK      = "ok"
	VerifyFailed  = "failed"
	VerifyExpired = "expired"
)

// Tap is a button that was pressed, already authenticated by inbox.
type Tap struct {
	Record json.RawMessage // the Question of the Say effect it was sent with
	Index  int             // which option
	Label  string
	Closed bool // the message belongs to an earlier, closed conversation
}

// World is everything outside the conversation that an expression may see.
type World struct {
	Now          time.Time
	Channel      ChannelNow
	Contact      ContactNow
	Conversation ConversationNow
	Entry        EntryNow
	Queues       map[string]QueueNow
	Sample       *bool                           // fixes sample() in tests
	DMLink       func(ref string) string         // nil = ""
	FormURL      func(id string) string          // address of the form with this id; nil = ""
	VerifyURL    func(service, id string) string // address of the verification by link; nil = ""
	LastSurvey   time.Time
	Place        string // "" ; seeds hash choices together with the conversation id
	ID           string // conversation uid, for hash choices
	Rehearsal    bool   // test and chat: the ceiling on messages per minute is off
	Explain      bool   // conditions note the values they read
	Masked       bool   // with Explain: personal values are hidden in what is noted, and effects that leave no row are noted too, for storage
	InFirst      bool   // everything is said in the project's first language, whatever the contact's is
}

// ChannelNow is the channel of this event.
type ChannelNow struct {
	Name, Kind string
	WindowOpen bool
	Public     bool
	Locale     string
	Limits     map[string]int
}

// ContactNow is the person.
type ContactNow struct {
	ID          string // contact uid, for rollout and holdout
	FirstName   string // "" = nil
	Name        string
	Language    string
	Verified    bool
	VerifiedBy  string
	VIP         bool
	Tags        []string
	Handle      string
	New         bool
	Unreachable bool
	Slots       map[string]SlotValue // contact-scoped slots
}

// ConversationNow is what storage knows of the conversation.
type ConversationNow struct {
	Returning      bool
	HoursSinceLast *float64
	Unfinished     bool
	Messages       int // customer messages
	Opened         time.Time
	HandedOff      bool
	Holdout        bool
}

// EntryNow is how the customer came.
type EntryNow struct {
	Ref, Text, Source, Channel, Option string
	Signed, Public                     bool
}

// QueueNow is a queue at this moment.
type QueueNow struct {
	Waiting     int
	WaitMinutes *int // nil = unknown
	Open        bool
	OpensAt     time.Time // zero = unknown
	Staffed     bool
}

// SlotValue is a filled slot. Value is a string, float64, bool, []string or
// time.Time; of a media slot a map with kind (text) and count (float64).
type SlotValue struct {
	Value any    `json:"value"`
	Raw   string `json:"raw,omitempty"` // as typed
	How   string `json:"how"`           // asked found form link verified agent set default
	State string `json:"state,omitempty"`
	Seq   int64  `json:"seq,omitempty"`
	At    int64  `json:"at,omitempty"` // ms UTC
	Tries int    `json:"tries,omitempty"`
	Step  int    `json:"step,omitempty"`  // steps of the path before it was filled
	Rules uint32 `json:"rules,omitempty"` // hash of the rules it was read by
}

// State is one conversation as the engine knows it: plain data, JSON in and
// out between any two steps. Fields up to Tags may be read by others; only a
// step writes.
type State struct {
	Version  int                  `json:"v"`
	Set      string               `json:"set"`            // id of the set the last step ran on
	Owner    string               `json:"owner"`          // bot queue agent none
	Flow     string               `json:"flow,omitempty"` // position
	Name     string               `json:"name,omitempty"`
	Language string               `json:"language,omitempty"`
	Stack    []Frame              `json:"stack,omitempty"`
	Question *Question            `json:"question,omitempty"` // open question, nil = none
	Slots    map[string]SlotValue `json:"slots,omitempty"`
	Order    []string             `json:"order,omitempty"` // slots in the order of filling
	Tags     []string             `json:"tags,omitempty"`
	Path     []PathStep           `json:"path,omitempty"`     // last 64
	Dropped  int                  `json:"dropped,omitempty"`  // path steps no longer kept
	Fresh    int                  `json:"fresh,omitempty"`    // path steps before the present stretch: corrections go back no further
	Attempts []Attempt            `json:"attempts,omitempty"` // misses, last 16
	Topic    *Topic               `json:"topic,omitempty"`    // how slot topic was chosen
	Visit    int64                `json:"visit,omitempty"`    // conversation-wide counter of visits
	Counts   map[string]int       `json:"counts,omitempty"`   // at_most edges taken
	Result   string               `json:"result,omitempty"`   // of the last return
	Hand     *HandState           `json:"hand,omitempty"`     // kept from the handoff for returns, resolved, unanswered
	Sent     []int64              `json:"sent,omitempty"`     // unix seconds of the last bot messages, for the loop ceiling
	Entry    *EntryNow            `json:"entry,omitempty"`
	Holdout  bool                 `json:"holdout,omitempty"` // of a contact who skips the bot
	After    bool                 `json:"after,omitempty"`   // after-care: an agent has resolved it, a message that is no answer opens a new conversation
	Lookups  map[string]Looked    `json:"lookups,omitempty"` // results by save name
	Calls    int                  `json:"calls,omitempty"`   // look-ups since the last event that is no result of one
	Waiting  *Waiting             `json:"waiting,omitempty"` // open look-up, nil = none
	Replay   *Replay              `json:"replay,omitempty"`  // correction that a look-up has suspended
	Left     *Left                `json:"left,omitempty"`    // question that was open when the conversation went idle, and in the one that continues it
	Lent     *Lent                `json:"lent,omitempty"`    // an agent has lent the conversation to a flow
	Pin      *Pin                 `json:"pin,omitempty"`     // set that the current flow is kept on
	Posted   int64                `json:"posted,omitempty"`  // number of the last question before a look-up other than get
}

// Looked is one kept look-up result.
type Looked struct {
	Value   map[string]any  `json:"value"`
	Returns json.RawMessage `json:"returns,omitempty"` // shape it was read by
	At      int64           `json:"at"`                // ms UTC
	Visit   int64           `json:"visit"`
}

// Waiting is a look-up that has been sent.
type Waiting struct {
	ID    string `json:"id"`
	Flow  string `json:"flow"`
	Name  string `json:"name"`
	Since int64  `json:"since"` // ms UTC

	Public bool     `json:"public,omitempty"` // of a public flow: the private position is another one
	Under  *Waiting `json:"under,omitempty"`  // of the private conversation, beside a public one
}

// Replay is the rest of a correction: the path taken since the corrected
// question, to be walked again once the look-up has its result.
type Replay struct {
	Slot     string     `json:"slot"`
	Steps    []PathStep `json:"steps"`
	Question *Question  `json:"question,omitempty"` // that was open
	Flow     string     `json:"flow"`
	Name     string     `json:"name"`
	Stack    []Frame    `json:"stack,omitempty"`
	Changed  []string   `json:"changed,omitempty"` // slots and look-ups that depend on the corrected one
}

// Left is where an unfinished conversation stood.
type Left struct {
	Flow  string  `json:"flow"`
	Name  string  `json:"name"`
	Stack []Frame `json:"stack,omitempty"`
	At    int64   `json:"at"` // ms UTC

	Lookups map[string]Looked `json:"lookups,omitempty"` // in the one that continues it: what was looked up
}

// Lent is a conversation that runs a flow on behalf of an agent.
type Lent struct {
	Flow  string `json:"flow"`
	Agent string `json:"agent"`
	At    int64  `json:"at"` // ms UTC

	Place Frame   `json:"place"` // where the conversation stood, with the question that was open
	Stack []Frame `json:"stack,omitempty"`
}

// Pin keeps a flow on the set it was entered with.
type Pin struct {
	Set  string `json:"set"`
	Flow string `json:"flow"`
	At   int64  `json:"at"` // ms UTC

	More []string `json:"more,omitempty"` // pinned flows that it called before any edit
}

// Position is flow.state, or "" before the first state.
func (s *State) Position() string {
	if s.Flow == "" {
		return ""
	}
	return s.Flow + "." + s.Name
}

// Frame is one caller on the stack.
type Frame struct {
	Flow string `json:"flow"`
	Name string `json:"name"`           // state that called
	Edge string `json:"edge,omitempty"` // key of the calling exit
	Side bool   `json:"side,omitempty"` // a side trip of everywhere: the open question is asked again

	Question *Question `json:"question,omitempty"` // of a side trip: the one that was interrupted
}

// Question is the open question.
type Question struct {
	Number  int64      `json:"n"`
	Kind    string     `json:"kind"`              // options collect form verify
	Sub     string     `json:"sub,omitempty"`     // "" confirm which did_you_mean
	Choices []string   `json:"choices,omitempty"` // of Sub: option ids or values
	Hash    string     `json:"hash"`              // of its first-language text and option ids
	Misses  int        `json:"misses,omitempty"`
	Tries   int        `json:"tries,omitempty"`
	Helps   int        `json:"helps,omitempty"`
	Reads   int        `json:"reads,omitempty"`   // read-backs
	Media   int        `json:"media,omitempty"`   // media-only messages of this visit
	Asked   int64      `json:"asked"`             // ms UTC
	Fired   int        `json:"fired,omitempty"`   // steps of the silence ladder that have fired
	Done    string     `json:"done,omitempty"`    // sub and id of the last sub-question that a button answered
	Again   bool       `json:"again,omitempty"`   // asked by a correction, though its slot is filled
	Shift   int64      `json:"shift,omitempty"`   // ms the silence ladder is shifted by
	Value   *SlotValue `json:"value,omitempty"`   // waiting for a confirm
	ID      string     `json:"id,omitempty"`      // of a form or a verification
	Expires int64      `json:"expires,omitempty"` // ms UTC, of a form or a verification
	Field   string     `json:"field,omitempty"`   // slot of a form that is asked in the chat
	Fields  []string   `json:"fields,omitempty"`  // slots that the page of a form asks for: those nobody knew
}

// PathStep is one edge taken.
type PathStep struct {
	Flow  string `json:"f"`
	Name  string `json:"s"`
	Edge  string `json:"e"`
	At    int64  `json:"t"`           // ms UTC
	Q     int64  `json:"q,omitempty"` // question answered
	Opt   string `json:"o,omitempty"`
	Slot  string `json:"l,omitempty"`
	Stack int    `json:"d,omitempty"`
	Key   string `json:"k,omitempty"` // of the edge in its table, where that is not Edge
	Call  string `json:"c,omitempty"` // key of the exit that pushed a frame
	Back  int    `json:"b,omitempty"` // number of the step, from 1, that this one went back to and before
	Aside bool   `json:"a,omitempty"` // of a public flow beside the private conversation
}

// Attempt is one miss.
type Attempt struct {
	State string `json:"state"`
	Kind  string `json:"kind"` // invalid no_match no_reply
	Seq   int64  `json:"seq"`
}

// Topic says how slot topic was found.
type Topic struct {
	ID      string  `json:"id"`
	Label   string  `json:"label"`
	How     string  `json:"how"` // tap number label rule keyword fuzzy entry
	Matched string  `json:"matched,omitempty"`
	Score   float64 `json:"score,omitempty"`
}

// HandState is what a handoff leaves for what may come after it.
type HandState struct {
	Flow     string    `json:"flow,omitempty"` // state that handed off
	Name     string    `json:"name,omitempty"`
	Key      string    `json:"key,omitempty"`      // its exit with the Hand; "" = made by the engine
	AskFlow  string    `json:"ask_flow,omitempty"` // state whose question was open
	AskName  string    `json:"ask_name,omitempty"`
	Question *Question `json:"question,omitempty"`
	Stack    []Frame   `json:"stack,omitempty"`
	Queue    string    `json:"queue,omitempty"`
	Priority string    `json:"priority,omitempty"` // as it is by now; "" = normal
	Fired    int       `json:"fired,omitempty"`    // unanswered steps fired
	At       int64     `json:"at,omitempty"`       // ms UTC
	Told     int64     `json:"told,omitempty"`     // ms UTC of the last notice that was asked for while waiting
}
