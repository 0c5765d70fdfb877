package storage

import "math"

// Interval is one stretch of ownership; the open one has Until 0 and the
// conversation's epoch.
type Interval struct {
	Conversation int64
	Epoch        int64
	Owner, Phase int16
	OwnerID      string
	LentBy       string
	LentFlow     string
	Since        int64
	SinceCause   string // edge name
	SinceBy      string // customer, engine, agent id, token id, timer
	Until        int64
	UntilCause   string
	UntilBy      string
	Handoff      int64 // negative: the handoff that this turn inserts
}

// Handoff is one stay in the human queue.
type Handoff struct {
	ID           int64
	Conversation int64
	Parent       int64
	Queue        string
	Cause        string // one of dm.Causes
	Reason       string
	Priority     int16
	Skills       []string
	Packet       []byte // sealed
	CreatedAt    int64
	PromisedAt   int64
	ClaimedAt    int64
	ClaimedBy    string
	EndedAt      int64
	Ended        string // returned transferred resolved withdrawn …
}

// DeskRow is one row of the desk's own tables (offers, promises, clocks,
// resolutions, state_visits, drafts), keyed by (table, conversation, id).
type DeskRow struct {
	Table        string // offer promise clock resolution visit draft
	Conversation int64
	ID           string
	At           int64 // when it began
	Due          int64
	End          int64
	Queue        string
	State        string // open kept broken stopped …
	Body         []byte // JSON without personal data; drafts: sealed
	Delete       bool
}

// EpisodeOutcome is the one row per episode that every rate is counted from.
type EpisodeOutcome struct {
	Conversation int64
	Day          int32 // days since 1970-01-01, of closing
	Channel      int64
	Revision     []byte
	Entry        string
	Outcome      string // bot_resolved person_resolved customer_left_bot customer_left_queue stopped proactive public_only
	Reason       string
	Queue        string
	Turns        int32
	BotMS        int64
	WaitMS       int64
	HumanMS      int64
	Reopened     bool
	CSAT         int16 // 0 = none
	Holdout      bool
	BotSpoke     bool
	PersonSpoke  bool
	HandedOff    bool
	Body         []byte // further columns as JSON, no personal data
}

// Kinds of OutboxRow.
const (
	RowSend   int16 = 1
	RowNotice int16 = 2
	RowCall   int16 = 3
	RowHook   int16 = 4
)

// Origins of OutboxRow.
const (
	OriginBot    int16 = 1
	OriginAgent  int16 = 2
	OriginSystem int16 = 3
)

// States of OutboxRow. Sent, failed and cancelled rows are deleted; the
// message keeps what became of them. RowFailed rows stay as dead letters.
const (
	RowPending int16 = 1
	RowSending int16 = 2
	RowUnknown int16 = 3
	RowFailed  int16 = 4
)

// OutboxRow is one thing to send.
type OutboxRow struct {
	ID           int64
	UID          UID // the stable key given to the platform
	Conversation int64
	Seq          int64 // message it carries; 0 = none
	Part         int16
	Kind         int16
	Channel      int64
	Origin       int16
	Epoch        int64
	Status       int16
	Attempt      int32
	DueAt        int64 // also not before
	ExpiresAt    int64
	LeaseNode    int64 // of a row handed out by number: that number
	LeaseUntil   int64
	MarkedAt     int64
	Priority     int16  // 0 agent 1 handoff sentence and notice 2 answer 3 nudge 4 survey
	Request      []byte // sealed dm.Outbound
	Error        string // code only
}

// Forever as OutboxRow.LeaseUntil: the row was handed out to a customer's
// system that fetches it. Nobody finds it lost; it waits to be acknowledged.
const Forever int64 = math.MaxInt64

// Handed is the number under which the row was handed out (Settlement.Number);
// 0: it was not.
func (r *OutboxRow) Handed() int64 {
	if r.LeaseUntil != Forever {
		return 0
	}
	return r.LeaseNode
}

// Timer is one row of (conversation, name).
type Timer struct {
	Conversation int64
	Name         string
	ID           int64 // random 63 bit, made by the caller
	DueAt        int64
	Spec         []byte // sealed: rule to recompute it
	Attempt      int32
}

// TimerDrop removes the row with that id; a row that is gone makes the turn Stale.
type TimerDrop struct {
	Name string
	ID   int64
}

// Event is one change somebody may watch. It holds no personal data.
type Event struct {
	Cursor       Cursor // set by the store
	At           int64
	Conversation int64
	UID          UID
	Seq          int64
	Type         string // message.created, message.updated, conversation.changed, queue.changed, flows.changed …
	Topics       []string
	Ref          string
}

// Receipt finds our row by the platform's message id.
type Receipt struct {
	Channel      int64
	Hash         []byte // keyed hash, 16 bytes
	Conversation int64
	Seq          int64
	At           int64
}

// MediaRow is one attachment as stored.
type MediaRow struct {
	ID           int64
	Conversation int64
	Seq          int64
	Type         string
	Size         int64
	SHA          []byte
	Name         []byte // sealed
	FileKey      []byte // sealed
	Path         string
}

// Lookup is one entry of the blind index.
type Lookup struct {
	Kind    int16 // 1 slot value, 2 handle, 3 e-mail, 4 phone
	Hash    []byte
	Contact int64
}

// ParkedRow is an accepted event that cannot be a message yet.
type ParkedRow struct {
	ID        int64
	Channel   int64
	Event     []byte // sealed with the system key
	Error     string
	Attempt   int32
	NextAt    int64 // 0 = never by itself
	CreatedAt int64
	Seen      []SeenKey
}

// Record is a small, rarely written thing (users, sessions, flow sets …).
type Record struct {
	Kind    Kind
	ID      []byte
	Version int64  // Put: the version it replaces, 0 = new; Get: the present one
	Lookup  []byte // nil = none
	Expires int64  // ms; 0 = never
	Body    []byte
	Delete  bool
}

// AuditEntry is one line of the audit trail.
type AuditEntry struct {
	ID      int64
	At      int64
	Actor   string
	Verb    string
	Object  string
	Detail  []byte // sealed with the system key
	ChainNo int64
	Hash    []byte
}
