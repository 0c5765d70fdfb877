package desk

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"dispatcher/dm"
	"dispatcher/inbox"
	"dispatcher/storage"
	"dispatcher/vault"
)

// Presence of a person, held by their live connection.
const (
	Online  = "online"
	Away    = "away"
	Offline = "offline"
)

// Person is somebody who may work queues.
type Person struct {
	ID       string
	Name     string
	Email    string
	Role     string
	Teams    []string
	Presence string // Online Away Offline
	Capacity int    // units; 0 = defaultCapacity
	Disabled bool
}

// defaultCapacity is how many units of load a person carries (desk.md 1.6).
const defaultCapacity = 6

// Config is what a Service is made of. Inbox, Store and Vault are required.
type Config struct {
	Inbox      *inbox.Service
	Store      storage.Store
	Vault      *vault.Vault
	Logger     *slog.Logger                            // nil: silent
	Registerer prometheus.Registerer                   // nil: metrics go nowhere
	Now        func() time.Time                        // nil: time.Now
	People     func(context.Context) ([]Person, error) // nil: nobody is known
}

// Service is the human half.
type Service struct {
	inbox   *inbox.Service
	store   storage.Store
	vault   *vault.Vault
	log     *slog.Logger
	now     func() time.Time
	people  func(context.Context) ([]Person, error)
	board   board
	samples samples
	metrics *metrics
}

// New makes a Service and tells inbox what the desk knows: waits, staff and
// what to do when a timer of the desk is due. It must come before the start
// of inbox.
func New(cfg Config) *Service {
	s := &Service{inbox: cfg.Inbox, store: cfg.Store, vault: cfg.Vault, log: cfg.Logger, now: cfg.Now, people: cfg.People}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.people == nil {
		s.people = func(context.Context) ([]Person, error) { return nil, nil }
	}
	s.metrics = newMetrics()
	if cfg.Registerer != nil {
		cfg.Registerer.MustRegister(s.metrics.claims, s.metrics.wait, s.metrics.guard, gauges{s})
	}
	s.inbox.SetDesk(s.Quote, s.Staffed, s.onTimer)
	return s
}

// onTimer handles the timers that are not the engine's.
func (s *Service) onTimer(d *inbox.Draft, t storage.Timer) (bool, error) {
	return d.Due(t, func(queue string) *int { return s.Quote(queue, s.inbox.Ahead(d.View, queue)) })
}

// person finds somebody by id.
func (s *Service) person(ctx context.Context, id string) (Person, bool) {
	people, err := s.people(ctx)
	if err != nil {
		s.log.LogAttrs(ctx, slog.LevelWarn, "read people", slog.Any("error", err))
		return Person{}, false
	}
	i := slices.IndexFunc(people, func(p Person) bool { return p.ID == id })
	if i < 0 {
		return Person{}, false
	}
	return people[i], true
}

// names gives the shown name of everybody, by id.
func (s *Service) names(ctx context.Context) map[string]string {
	people, err := s.people(ctx)
	if err != nil {
		s.log.LogAttrs(ctx, slog.LevelWarn, "read people", slog.Any("error", err))
	}
	names := map[string]string{inbox.OwnerOutside: "the platform's app"}
	for _, p := range people {
		names[p.ID] = p.Name
	}
	return names
}

// view reads one conversation an actor may see. Unknown and forbidden look the
// same: not_found.
func (s *Service) view(ctx context.Context, a Actor, id string) (*inbox.View, error) {
	uid, ok := inbox.ParseUID(id)
	if !ok {
		return nil, notFound()
	}
	v, err := s.inbox.View(ctx, storage.Key{UID: uid})
	if errors.Is(err, storage.ErrNotFound) {
		return nil, notFound()
	}
	if err != nil {
		return nil, err
	}
	if !s.mayRead(a, v) {
		return nil, notFound()
	}
	return v, nil
}

// Command names of Detail.Can.
const (
	canClaim    = "claim"
	canTakeOver = "take_over"
	canReply    = "reply"
	canNote     = "note"
	canRelease  = "release"
	canTransfer = "transfer"
	canHandBack = "hand_back"
	canResolve  = "resolve"
	canUndo     = "undo"
	canReopen   = "reopen"
	canLend     = "lend"
	canRecall   = "lend_recall"
)

// can lists what an actor may do with a conversation now.
func (s *Service) can(a Actor, v *inbox.View) []string {
	out := []string{}
	if !a.works() {
		return out
	}
	c, mine := v.Snap.Conv, owns(a, v)
	waits := v.Phase() == dm.PhaseQueue
	add := func(ok bool, name string) {
		if ok {
			out = append(out, name)
		}
	}
	add(waits, canClaim)
	add(!mine && (c.Owner == storage.OwnerBot && v.Phase() != dm.PhaseAfter || c.Owner == storage.OwnerAgent), canTakeOver)
	add(mine && v.Phase() == dm.PhaseAgent && a.sends(), canReply)
	add(true, canNote)
	add(mine, canRelease)
	add(mine || waits && a.leads(), canTransfer)
	add((mine && v.Phase() == dm.PhaseAgent || waits && a.leads()) && len(v.Returns()) > 0, canHandBack)
	add(mine || waits && a.leads(), canResolve)
	add(len(s.delegates(a, v)) > 0, canLend)
	add(v.Phase() == dm.PhaseLent && (v.Snap.Interval.LentBy == a.ID || a.leads()), canRecall)
	add(s.undoable(a, v), canUndo)
	add(v.Phase() == dm.PhaseClosed && s.now().Sub(time.UnixMilli(c.ResolvedAt)) <= inbox.ReopenWithin, canReopen)
	return out
}

// undoable tries the edge on a draft that is thrown away.
func (s *Service) undoable(a Actor, v *inbox.View) bool {
	if p := v.Phase(); p != dm.PhaseAfter && p != dm.PhaseClosed {
		return false
	}
	return v.Draft().Fire(inbox.Shift{Edge: inbox.EdgeUndoResolve, By: a.ID}) == nil
}

func owns(a Actor, v *inbox.View) bool {
	return v.Snap.Conv.Owner == storage.OwnerAgent && v.Snap.Conv.OwnerID == a.ID
}

// board caches counts of the queues for a moment: they are asked for on every
// turn of the bot.
type board struct {
	mu     sync.Mutex
	at     time.Time
	counts map[string]queueCount
	load   map[string]int // agent id → conversations
	people []Person
}

func fold(s string) string { return strings.ToLower(strings.TrimSpace(s)) }
