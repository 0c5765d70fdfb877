// Package storage says what Dispatcher remembers and how it may change: the
// Store interface, the commit value Turn, and the errors. A conversation
// changes in exactly one way, Store.Apply of a Turn; a transaction is a value
// and nobody outside storage/* ever holds a handle of one. Everything that
// could be personal arrives here sealed: storage sees bytes.
package storage

import (
	"context"
	"errors"
	"io"
	"time"
)

// The errors of every Store. Anything else is a bug and is logged with its noun.
var (
	ErrDegraded = errors.New("storage: cannot write") // disk full, read-only, unreachable
	ErrConflict = errors.New("storage: record was changed meanwhile")
	ErrNotFound = errors.New("storage: not found")
	ErrTooNew   = errors.New("storage: the database is from a newer version")
	ErrClosed   = errors.New("storage: closed")
	ErrLocked   = errors.New("storage: the data folder is in use by another process")
)

// Store keeps every promise of storagetest. All methods are safe for
// concurrent use. Apply, Settle, Put and Erase return only after the change
// is durable.
type Store interface {
	// Conversations

	// Load returns one Snapshot per key, in the order of keys; a key that
	// names nothing gives a Snapshot with zero Contact and Conv.
	Load(ctx context.Context, keys []Key) ([]Snapshot, error)
	// Apply commits turns in one transaction with one sync, a savepoint
	// around each: one Outcome per turn, in order. The error is about the
	// environment and then nothing was applied.
	Apply(ctx context.Context, turns []Turn) ([]Outcome, error)
	// Thread reads one conversation by seq.
	Thread(ctx context.Context, q ThreadQuery) (Page[Message], error)
	// List reads conversations: queue, mine, by contact, by blind index, by flow position.
	List(ctx context.Context, q ListQuery) (Page[Summary], error)
	// Changes returns events after a cursor; a reader at cursor c is never
	// later owed an event ≤ c. ErrNotFound: the cursor is older than what is
	// kept, or newer than anything written (a restored database): start anew.
	// A negative after gives no events and the newest cursor.
	Changes(ctx context.Context, after Cursor, n int) ([]Event, Cursor, error)
	// Contact reads one person.
	Contact(ctx context.Context, q ContactQuery) (Contact, error)

	// Work: timers, sends, calls, hooks, parked events

	// Lease hands out due work, at most q.N, and says when the next is due
	// (zero: none known).
	Lease(ctx context.Context, q LeaseQuery) (work []Work, next time.Time, err error)
	// Settle writes marks and results of work, group-committed, one Settled per item.
	Settle(ctx context.Context, s []Settlement) ([]Settled, error)

	// Records and audit

	Get(ctx context.Context, kind Kind, id []byte) (Record, error)
	Find(ctx context.Context, q RecordQuery) (Page[Record], error)
	// Put is compare-and-set on each version, all or nothing; ErrConflict.
	// Version 0 = must not exist yet; a Record with Delete removes, with
	// Version 0 whatever is there.
	Put(ctx context.Context, r []Record, a []AuditEntry) error
	Trail(ctx context.Context, q TrailQuery) (Page[AuditEntry], error)

	// People's data

	Erase(ctx context.Context, e Erasure) (Erased, error)
	// Rewrap passes up to n contact keys sealed under from through f; left = how many remain.
	Rewrap(ctx context.Context, from KeyID, n int, f func(wrapped []byte) ([]byte, KeyID, error)) (left int, err error)
	// Walk streams every row the query names, in a stable order.
	Walk(ctx context.Context, q WalkQuery, f func(Row) error) error

	// Upkeep

	Purge(ctx context.Context, r Retention, budget time.Duration) (Purged, error)
	Report(ctx context.Context, q ReportQuery) (Table, error)
	Backup(ctx context.Context, w io.Writer) (Manifest, error)
	Health(ctx context.Context) (Health, error)
	Close() error
}

// UID is a public id: a UUIDv7, 16 bytes.
type UID [16]byte

// KeyID is the fingerprint of a master key.
type KeyID int64

// Cursor numbers events of the whole deployment, from 1.
type Cursor int64

// Kind of a record.
type Kind int16

// The kinds of records. Numbers never change meaning.
const (
	KindSetting     Kind = 1  // id = name: canary, root salt, channel numbers' head
	KindChannel     Kind = 2  // id = alias: the number of a channel, its pause and bucket state
	KindRevision    Kind = 3  // id = set id (16): the files of a flow set, each by the id of its KindSource
	KindLive        Kind = 4  // id = "live": which revision runs; id = "staged": which one waits to be published
	KindUser        Kind = 5  // id = user uid
	KindSession     Kind = 6  // lookup = token hash
	KindToken       Kind = 7  // API token, lookup = token hash
	KindLink        Kind = 8  // one-time link, id = token hash
	KindIdempotency Kind = 9  // id = hash of actor and key
	KindSwitch      Kind = 10 // kill switch, id = scope
	KindRequest     Kind = 11 // of older data folders: seen transport ids; written no more
	KindWidget      Kind = 12 // widget session, id = token hash, lookup = its address (Identity.Addr): erased with the person
	KindButtons     Kind = 13 // what the buttons of one message stood for: id = conversation + seq
	KindHistory     Kind = 14 // which set went live when, and by whom
	KindSeen        Kind = 24 // what else became of a set: staged, discarded, rejected; id as of KindHistory
	KindSource      Kind = 25 // id = SHA-256 of the body (32): one file of flow sets, as it was read
)

// Key names a conversation, by its id, its public id, a channel address, or
// the platform's id of one of its messages (Channel and Receipt). With an
// address the Snapshot holds the contact's open conversation, else the latest
// one.
type Key struct {
	ID      int64
	UID     UID
	Channel int64     // number of the channel (KindChannel)
	Addr    []byte    // keyed hash of the platform's thread, 16 bytes
	Receipt []byte    // keyed hash of the platform's message id, 16 bytes
	Seen    []SeenKey // Load marks which of these are known
}

// SeenKey is the dedupe key of one inbound event (runtime.md 1.6).
type SeenKey struct {
	Channel int64
	AtS     int64    // event's own time in seconds; 0 where the platform re-stamps
	Key     [12]byte // first 12 bytes of SHA-256(kind, account, external id)
}

// Snapshot is what a decision is made on.
type Snapshot struct {
	Contact  Contact       // zero ID: unknown person
	Identity Identity      // the address of Key, or the one the conversation runs on
	Conv     Conversation  // zero ID: the contact never had one
	Interval Interval      // the open ownership interval of Conv
	Handoff  *Handoff      // the open handoff of Conv, if any
	Prev     *Conversation // the conversation before an open Conv, newest first; nil: none
	Known    []SeenKey     // those of Key.Seen that were seen before
	Held     int           // bot rows of Conv that wait or are being written
	Failed   int           // rows of Conv that failed or of which nobody knows whether they arrived
	Timers   []Timer       // pending timers of Conv
	Desk     []DeskRow     // rows of the desk's tables of Conv that have no End yet
	Seq      int64         // with Key.Receipt: the message it stands for
}

// Contact is one person.
type Contact struct {
	ID        int64
	UID       UID
	CreatedAt int64 // ms UTC, as every time in this package
	UpdatedAt int64
	Merged    int64  // the contact this one was merged into; 0 = none
	Profile   []byte // sealed: name, locale, attributes, contact-scoped slots
	Tags      []string
	Version   int64
	KeyID     KeyID
	Wrapped   []byte     // the contact's data key under the master key
	Addresses []Identity // only from Store.Contact
}

// Identity is one address of a contact on one channel.
type Identity struct {
	Channel       int64
	Addr          []byte // keyed hash, 16 bytes
	Contact       int64
	Address       []byte // sealed thread and party
	Display       []byte // sealed
	Verified      int16  // 0 none 1 claimed 2 verified
	VerifiedUntil int64
	LastInAt      int64 // last message of the customer: the reply window
	Blocked       int16
}

// Conversation is one episode.
type Conversation struct {
	ID, Contact        int64
	UID                UID
	Channel            int64
	Addr               []byte // identity it runs on
	Status             int16  // Open, Resolved
	Owner              int16  // OwnerNone OwnerBot OwnerQueue OwnerAgent
	Phase              int16  // index into Phases
	OwnerID            string // queue alias, agent id, "outside" or ""
	Epoch              int64
	Version            int64
	LastSeq            int64
	HandledSeq         int64 // messages up to here were stepped
	Priority           int16 // 0 low … 3 urgent
	Continues          int64
	Revision           []byte // 16 bytes: flow set
	Position           string // flow.state
	State              []byte // sealed engine state
	Card               []byte // sealed, small: what a list row shows (name, topic, preview)
	OpenedAt           int64
	UpdatedAt          int64
	FirstReplyDue      int64
	NextReplyDue       int64
	SnoozedUntil       int64
	ResolvedAt         int64
	ResolvedWhy        string
	Unread             int32 // customer messages since the last human one
	WaitingSince       int64 // oldest unanswered customer message while a person should answer; 0 = none
	LastAuthor         int16
	Sim                bool  // kept out of the numbers
	FirstSeq           int64 // seq of its first message less one (runtime.md ruling 5)
	Escalated, Holdout bool
	Labels             []string
}

// Values of Conversation.Status.
const (
	Open     int16 = 1
	Resolved int16 = 2
)

// Values of Conversation.Owner.
const (
	OwnerNone  int16 = 0
	OwnerBot   int16 = 1
	OwnerQueue int16 = 2
	OwnerAgent int16 = 3
)

// Values of Conversation.Phase.
const (
	PhaseNew    int16 = 0
	PhaseBot    int16 = 1
	PhaseLent   int16 = 2
	PhaseAfter  int16 = 3
	PhaseQueue  int16 = 4
	PhaseAgent  int16 = 5
	PhaseParked int16 = 6
	PhaseClosed int16 = 7
)

// Values of Message.Kind.
const (
	MsgText    int16 = 1
	MsgTap     int16 = 2
	MsgMedia   int16 = 3
	MsgForm    int16 = 4
	MsgNote    int16 = 5
	MsgEvent   int16 = 6 // system line: claim, transfer, promise
	MsgMention int16 = 7
)

// Values of Message.Dir.
const (
	DirNone int16 = 0
	DirIn   int16 = 1
	DirOut  int16 = 2
)

// Values of Message.Author.
const (
	AuthorCustomer    int16 = 1
	AuthorBot         int16 = 2
	AuthorAgent       int16 = 3
	AuthorAgentNative int16 = 4
	AuthorSystem      int16 = 5
	AuthorNotice      int16 = 6
)

// Values of Message.Delivery; the order is the rank, which never goes down
// except to Failed from Pending, Sending, Sent or Unknown.
const (
	DeliveryNone      int16 = 0
	DeliveryPending   int16 = 1
	DeliverySending   int16 = 2
	DeliveryUnknown   int16 = 3
	DeliverySent      int16 = 4
	DeliveryDelivered int16 = 5
	DeliveryRead      int16 = 6
	DeliveryFailed    int16 = 7
	DeliveryCancelled int16 = 8
)

// Message is one row of a thread. Its API id is CONVERSATION-SEQ.
type Message struct {
	Conversation int64
	Seq          int64 // Snapshot.Conv.LastSeq+1, +2, … ; set by the caller
	Kind         int16
	Dir          int16
	Public       bool
	Author       int16
	AuthorID     string
	At           int64
	PlatformAt   int64
	Body         []byte // sealed
	Trace        []byte // sealed: why; on the message or event that caused the turn
	CauseSeq     int64  // for out: the event that made it
	Revision     []byte
	Rule         string // flow.state:line
	Delivery     int16
	Reason       string // why it failed or was cancelled: a code
	External     []byte // keyed hash of the platform's id
	Edited       bool
	Removed      bool
}

// Turn is the commit value: one transaction's worth of change to one
// conversation, or Parked alone.
type Turn struct {
	Key        Key
	Expect     int64  // version the decision was made on; 0 = the conversation must not exist
	ID         uint64 // random; recognises our own commit after a lost answer
	Seen       []SeenKey
	Contact    *Contact   // insert when its ID is 0, else new profile and tags
	Identities []Identity // upserted
	Conv       *Conversation
	Messages   []Message
	Changes    []MessageChange // edits of earlier rows
	Outbox     []OutboxRow
	Timers     []Timer // upserted by name
	Drop       []TimerDrop
	Cancel     []string // timers by name, gone or not; a trailing * is a prefix
	Intervals  []Interval
	Settle     SettleRule
	Handoffs   []Handoff // insert when ID is 0, else update
	Desk       []DeskRow // offers, promises, clocks, resolutions, visits
	Events     []Event
	Opens      *Turn // a new conversation of the same contact, same transaction
	Outcome    *EpisodeOutcome
	Receipts   []Receipt
	Records    []Record
	Media      []MediaRow
	Lookups    []Lookup
	Parked     []ParkedRow
	Unpark     []int64 // parked rows this turn consumes; one that is gone makes the turn Stale
	Audit      []AuditEntry
}

// MessageChange edits one earlier row of the same conversation: an edit, an
// unsend, a delivery state, a scheduled row getting its seq.
type MessageChange struct {
	Seq      int64
	Body     []byte // nil: as it was
	Delivery int16  // 0: as it was; obeys the rank
	Reason   string
	Edited   bool
	Removed  bool
}

// SettleRule says what happens to pending bot and notice rows when the owner changes.
type SettleRule int8

// The rules of runtime.md 3.4: an edge fired by the engine's own step
// re-stamps, every other edge cancels.
const (
	SettleNone    SettleRule = iota
	SettleRestamp            // those that were handed out by number as well
	SettleCancel             // those that were handed out by number are settled later, but may not be given again
)

// Status of an applied turn.
type Status int8

// What became of a turn.
const (
	Applied Status = iota + 1
	Duplicate
	Stale
	Refused // a constraint of the schema; a bug of the caller, the others went through
)

// Outcome is the answer to one Turn.
type Outcome struct {
	Status       Status
	Dup          []SeenKey // known ones; the turn is decided again without them
	Now          *Snapshot // for Stale: what to decide on next
	Conversation int64
	UID          UID
	Contact      int64
	Version      int64
	Opened       int64  // id of the conversation made by Opens
	OpenedUID    UID    // its public id
	Cursor       Cursor // highest event written; 0 = none
	Fenced       int    // rows with words that SettleCancel took back
	Err          error  // for Refused
}
