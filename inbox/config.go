package inbox

import (
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"dispatcher/channels"
	"dispatcher/flows"
	"dispatcher/storage"
	"dispatcher/vault"
)

// Config is what a Service is made of. Store, Vault and Openers are required;
// the zero value of everything else works.
type Config struct {
	Store      storage.Store
	Vault      *vault.Vault
	Logger     *slog.Logger          // nil: silent
	Registerer prometheus.Registerer // nil: metrics go nowhere
	Now        func() time.Time      // nil: time.Now
	Node       int64                 // this process's id in leases; 0: random
	MediaDir   string                // attachments; "": none are kept
	PublicURL  string                // "" = unknown
	Loopback   bool                  // the server listens on loopback only

	AcceptWithin time.Duration // a body may take so long from admission to commit; 0: 2 s

	Openers map[string]channels.Opener                 // kind → how to open it
	Secret  func(ref string) (value string, err error) // resolves references of a channel's configuration
	// Load compiles a stored set again, as the folder's; nil: flows.Load without limits.
	Load   func(*flows.Files) *flows.Project
	CapsOf func(kind string) (channels.Caps, bool)
	Entry  []byte // secret of entry tokens; nil: derived

	// Quote is the desk's estimate of a queue's wait in minutes, nil = unknown.
	Quote func(queue string, waiting int) *int
	// Staffed says whether somebody of a queue is there; nil: always.
	Staffed func(queue string) bool
	// OnTimer handles timers that are not the engine's (offer, snooze,
	// agent_gone …) on a Draft that already drops the row. handled false: the
	// row is dropped and nothing else happens.
	OnTimer func(d *Draft, t storage.Timer) (handled bool, err error)

	// Failpoint runs at named places of the write path: step.before,
	// turn.before_apply, turn.after_apply, send.after_mark, send.after_write, settle.before. Proofs only.
	Failpoint func(name string)
}

// SetDesk gives the Service what the desk knows. The desk is made from the
// Service, so this comes after New and must come before Start.
func (s *Service) SetDesk(quote func(queue string, waiting int) *int, staffed func(queue string) bool, onTimer func(*Draft, storage.Timer) (bool, error)) {
	s.cfg.Quote, s.cfg.Staffed, s.cfg.OnTimer = quote, staffed, onTimer
}
