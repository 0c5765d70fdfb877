package inbox

import (
	"time"

	"dispatcher/dm"
	"dispatcher/storage"
)

// Edge is the name of one change of ownership (desk.md 1.2).
type Edge string

// The edges. The table of who may fire which from where is in owner.go.
const (
	EdgeOpenBot       Edge = "open_bot"
	EdgeOpenQueue     Edge = "open_queue"
	EdgeOpenAgent     Edge = "open_agent"
	EdgeOpenBlocked   Edge = "open_blocked"
	EdgeHandOff       Edge = "hand_off"
	EdgeBotResolve    Edge = "bot_resolve"
	EdgeTakeOver      Edge = "take_over"
	EdgeClaim         Edge = "claim"
	EdgeNativeReply   Edge = "native_reply"
	EdgeRelease       Edge = "release"
	EdgeTransferQueue Edge = "transfer_queue"
	EdgeTransferAgent Edge = "transfer_agent"
	EdgeTakeoverAgent Edge = "takeover_agent"
	EdgeAgentGone     Edge = "agent_gone"
	EdgeOutsideIdle   Edge = "outside_idle"
	EdgeHandBack      Edge = "hand_back"
	EdgeLend          Edge = "lend"
	EdgeLendDone      Edge = "lend_done"
	EdgeLendRecall    Edge = "lend_recall"
	EdgeLendOrphan    Edge = "lend_orphan"
	EdgeSnooze        Edge = "snooze"
	EdgeWake          Edge = "wake"
	EdgeWakeOrphan    Edge = "wake_orphan"
	EdgeResolve       Edge = "resolve"
	EdgeResolvePlain  Edge = "resolve_plain"
	EdgeUndoResolve   Edge = "undo_resolve"
	EdgeAfterDone     Edge = "after_done"
	EdgeAfterNewIssue Edge = "after_new_issue"
	EdgeReopen        Edge = "reopen"
	EdgeReopenQueue   Edge = "reopen_queue"
	EdgeSpam          Edge = "spam"
	EdgeKill          Edge = "kill"
	EdgeErase         Edge = "erase"
)

// Shift is one edge to fire.
type Shift struct {
	Edge     Edge
	By       string // customer, engine, timer, agent id, token id
	ByName   string // shown in the timeline
	OwnerID  string // queue alias or agent id the edge leads to; "" where it has none
	To       string // phase where the edge has two targets (kill, hand_back, undo); "" else
	Note     string
	Reason   string // why: of a release, a resolve, a spam mark; a word of the project, no sentence
	Cause    string // dm.Cause… of the handoff the edge makes; "" = the edge's own
	Priority string // of the handoff the edge makes; "" = normal
}

// NewMessage is one row to append.
type NewMessage struct {
	Kind       int16 // storage.Msg…
	Dir        int16
	Public     bool
	Author     int16
	AuthorID   string
	At         time.Time // zero = now
	PlatformAt time.Time
	Body       Body
	Trace      any // JSON, sealed; nil = none
	CauseSeq   int64
	Rule       string
	Delivery   int16
	External   []byte
}

// Outgoing is one message to send beside its row.
type Outgoing struct {
	NewMessage
	Kind     int16 // storage.RowSend or RowNotice
	Origin   int16
	Priority int16
	DueAt    time.Time // zero = now
	Expires  time.Time // zero = by the channel's ttl
	Options  []BodyOption
	Links    []dm.Link
	Target   string // platform's id of the post or message answered
}

// Draft is a turn being written. Every change of a conversation is made
// through one: it numbers and seals rows, keeps epoch, interval and settling
// together, and updates card, clocks and counters. Build gives the Turn.
// The first error sticks and Build returns it. A Draft belongs to one
// goroutine and one decision.
type Draft struct {
	View *View
	turn storage.Turn
	conv storage.Conversation
	err  error
}
