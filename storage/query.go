package storage

import "time"

// Page is one page of a list.
type Page[T any] struct {
	Items []T
	Next  string // opaque; "" = the end
}

// ThreadQuery reads messages of one conversation in rising seq.
type ThreadQuery struct {
	Conversation int64
	After        int64 // seq > After
	Before       int64 // seq < Before; 0 = no bound. With Before the newest N are given
	N            int
}

// ListQuery reads conversations.
type ListQuery struct {
	View    string   // all mine queue waiting snoozed assistant public contact position lookup closed; handoffs: a row per stay in a queue, newest first, whose Handoff may have ended (Queues, Cursor and N only)
	Owner   string   // agent id for mine
	Queues  []string // permission and filter: only conversations of these queues; nil = every one
	Agent   string   // with Queues: those this agent owns are included too
	Contact int64
	Flow    string // prefix of position
	Lookup  []byte
	Status  int16 // 0 = any
	Channel int64
	From    UID // with To: only public ids from one to the other
	To      UID
	Order   string // queue (default for queue views) newest due
	Cursor  string
	N       int
}

// Summary is one row of a list.
type Summary struct {
	Conv    Conversation
	Contact Contact // with Profile and Wrapped, so that the reader can open Card
	Handoff *Handoff
	Failed  int // as in Snapshot
}

// ContactQuery names one person.
type ContactQuery struct {
	ID     int64
	UID    UID
	Lookup []byte
}

// LeaseQuery asks for due work.
type LeaseQuery struct {
	What    string // timers outbox parked; handed: rows that were handed out by number, which stay as they are
	Channel int64  // outbox: only this channel; 0 = every one
	Now     int64
	Node    int64
	For     time.Duration // length of the lease
	N       int
	After   int64 // handed: only higher numbers, and they come by rising number
	Any     bool  // handed: also those of which nobody knows any more whether they arrived; outbox: instead of due rows, those found sending whose lease is over or whose boot has ended
	Pull    bool  // outbox: all due rows of a conversation, in order, not only its first (ruling 15)
}

// Work is one leased thing.
type Work struct {
	Timer  *Timer
	Row    *OutboxRow
	Parked *ParkedRow
	Addr   []byte // opening address of its conversation, the lane key
	Chan   int64
	Conv   int64
}

// Settlement is one mark or result of work. Do is one of
//
//	mark        pending → sending; refused under a stale epoch, a switch that is on, or behind an earlier row
//	pull        the same for a row that the customer's system fetches: earlier rows may be on their way. With
//	            Number the row is handed out under it until it is settled, over restarts too; for a row that was
//	            handed out already it asks again whether the row may leave, and the first number stays
//	sent        row deleted, message sent (or Delivery when that ranks higher), External and Receipts kept
//	retry       → pending at DueAt, attempt + 1
//	release     → pending at DueAt (0: as it was), attempt not spent
//	unknown     → unknown; DueAt is the end of reconciling, when the row is leased again, and until it is
//	            decided it keeps its place in the line; 0: held for a person, out of the line. A number stays
//	failed      → failed, kept as a dead letter; retry brings it back, cancel discards it
//	cancel      row deleted, message cancelled with Error as its reason
//	unpark      parked row deleted
//	park-again  parked row waits until DueAt (0: for ever), attempt + 1
//
// Every result carries the Attempt that Lease handed out; only retry and a
// lease taken over (Any) change it.
type Settlement struct {
	Do       string // mark sent retry failed unknown cancel pull unpark park-again release
	Row      int64  // outbox or parked id
	Attempt  int32  // fence: another attempt changes nothing
	Now      int64
	DueAt    int64 // retry
	Error    string
	External []byte    // keyed hash of the platform's message id
	Receipts []Receipt // for sent
	Delivery int16     // for a status that arrives later
	Switches []string  // mark: kill switch scopes that must be off; a KindSwitch record with that id, not expired, is on
	Node     int64
	Number   int64 // pull: from 1, rising; 0 = leased like any other
	Audit    []AuditEntry
	Events   []Event
}

// Settled is the answer to one Settlement.
type Settled struct {
	OK    bool
	Why   string // stale_epoch switched_off not_first gone attempt
	Epoch int64
}

// RecordQuery finds records.
type RecordQuery struct {
	Kind   Kind
	Lookup []byte
	IDs    [][]byte // only those of them that there are; none = all
	Cursor string
	N      int
	Now    int64 // expired ones are left out; 0 = the clock of the store is not asked, all are given
}

// TrailQuery reads the audit trail, newest first.
type TrailQuery struct {
	Actor, Verb string
	Since       int64
	Cursor      string
	N           int
}

// Erasure asks to forget one person.
type Erasure struct {
	Contact int64
	Tag     []byte // keyed hash of the contact's uid, survives a restore
	At      int64
	By      string
	Audit   []AuditEntry
}

// Erased counts what went.
type Erased struct {
	Tables map[string]int64
	Media  []string // paths to unlink
}

// WalkQuery names rows to stream.
type WalkQuery struct {
	Tables  []string // nil = every one
	Contact int64    // 0 = every one
}

// Row is one row of any table.
type Row struct {
	Table string
	Cols  []string
	Vals  []any
}

// Retention is what may be purged now; every field is a time in ms, 0 = keep.
type Retention struct {
	Messages int64 // bodies of conversations resolved before
	Facts    int64
	Seen     int64
	Audit    int64
	Events   int64
	Now      int64
}

// Purged counts what went.
type Purged struct {
	Rows  map[string]int64
	Media []string // paths to unlink
}

// ReportQuery asks for counts.
type ReportQuery struct {
	Name string // owners queues outcomes outbox parked timers schema position revisions
	From int64
	To   int64
	Now  int64
}

// Table is a small result.
type Table struct {
	Cols []string
	Rows [][]any
}

// Manifest describes a backup.
type Manifest struct {
	Schema int64
	At     int64
	Counts map[string]int64
	SHA256 string
	Bytes  int64
}

// Health is what the store knows of itself.
type Health struct {
	OK        bool
	Why       string
	Engine    string
	Schema    int64
	WALBytes  int64
	DiskFree  int64
	DiskTotal int64
	Bytes     int64
}
