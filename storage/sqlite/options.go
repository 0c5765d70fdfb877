package sqlite

import (
	"errors"
	"log/slog"
	"time"
)

// ErrWideFolder says that others than the owner can read the data folder.
var ErrWideFolder = errors.New("storage: the data folder can be read by others")

// ErrForeign says that the file is not a Dispatcher database.
var ErrForeign = errors.New("storage: not a Dispatcher database")

// Durability says what a commit waits for.
type Durability string

// Full survives a power cut; Normal survives a crash of the process only.
const (
	Full   Durability = "full"
	Normal Durability = "normal"
)

// Options configure Open. Dir is required; the zero value of everything else
// is the safe default.
type Options struct {
	Dir             string
	Durability      Durability    // "": Full
	Logger          *slog.Logger  // nil: silent
	MigrationBackup bool          // copy the database before its schema changes
	BusyTimeout     time.Duration // 0: 5 s
	Now             func() time.Time
	AuditKey        []byte        // chains the audit trail; nil: rows stay unchained until SetAuditKey
	AuditEvery      time.Duration // 0: 20 s; at most 60 s
	CheckpointBytes int64         // WAL size that starts a checkpoint; 0: 32 MiB
	AllowNetworkFS  bool          // the operator vouches for the locks of a network file system
	LowSpace        int64         // Health is not OK below this many free bytes; 0: 64 MiB

	// Failpoint, when set, runs at every named boundary (apply.after_seen,
	// apply.before_commit, apply.after_commit, settle.before, settle.before_commit,
	// settle.after_commit, put.before_commit, erase.before_commit) and, as
	// "statement", before every statement of a write. An error it returns takes
	// the place of the database's. Proofs only.
	Failpoint func(name string) error
}

func (o Options) withDefaults() Options {
	if o.Durability == "" {
		o.Durability = Full
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.BusyTimeout == 0 {
		o.BusyTimeout = 5 * time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.AuditEvery == 0 {
		o.AuditEvery = 20 * time.Second
	}
	if o.CheckpointBytes == 0 {
		o.CheckpointBytes = 32 << 20
	}
	if o.LowSpace == 0 {
		o.LowSpace = 64 << 20
	}
	return o
}
