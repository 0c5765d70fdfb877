// Package inbox is the bot half of the runtime: it accepts events, decides
// each conversation's next turn one at a time, commits it, and sends what was
// decided. It promises that an event is acknowledged only after its commit,
// acts once, in order, and that nothing leaves under an epoch that has passed.
package inbox

import (
	"context"

	"dispatcher/channels"
	"dispatcher/dm"
	"dispatcher/engine"
	"dispatcher/flows"
	"dispatcher/storage"
)

// Service runs the conversations of one process.
type Service struct {
	cfg Config
}

// New makes a Service; nothing runs before Start.
func New(cfg Config) (*Service, error) { return &Service{cfg: cfg}, nil }

// Start begins to send, to fire timers and to accept.
func (s *Service) Start(ctx context.Context) error { return nil }

// Stop drains: no new events, turns in flight finish (≤ 2 s), written
// requests may answer (≤ 5 s), everything else stays in the store.
func (s *Service) Stop(ctx context.Context) error { return nil }

// Accept returns after the durable commit of every event: one result per
// event, in order. An error means that the whole body must be sent again.
func (s *Service) Accept(ctx context.Context, channel string, events []dm.Inbound) ([]channels.Accepted, error) {
	return nil, nil
}

// Host is what channels with routes of their own reach the rest through.
func (s *Service) Host() channels.Host { return nil }

// Do serialises with the conversation's lane, lets decide write a Draft on the
// newest View, applies it, and decides again when it was stale. A nil Draft
// changes nothing.
func (s *Service) Do(ctx context.Context, key storage.Key, decide func(*View) (*Draft, error)) (storage.Outcome, error) {
	return storage.Outcome{}, nil
}

// View reads a conversation as it is now, outside any lane.
func (s *Service) View(ctx context.Context, key storage.Key) (*View, error) { return nil, nil }

// StepReturned runs the engine for a conversation that an agent gave back; the
// Draft has fired the edge already.
func (s *Service) StepReturned(d *Draft, ev engine.Event) error { return nil }

// StepResolved runs the engine's after-care for a conversation that an agent resolved.
func (s *Service) StepResolved(d *Draft, ev engine.Event) error { return nil }

// Account gives a channel by its alias.
func (s *Service) Account(alias string) (*Account, bool) { return nil, false }

// AccountOf gives a channel by its number.
func (s *Service) AccountOf(number int64) (*Account, bool) { return nil, false }

// Accounts lists every channel in the order of the project.
func (s *Service) Accounts() []*Account { return nil }

// Bus is where changes are announced.
func (s *Service) Bus() Bus { return nil }

// Live is the set that runs; nil before the first SetLive.
func (s *Service) Live() *flows.Project { return nil }

// SetLive stores a set and makes it live. Nothing changes when it fails.
func (s *Service) SetLive(ctx context.Context, p *flows.Project) error { return nil }

// LastGood reads the sources of the set that was live last; ErrNotFound: none.
func (s *Service) LastGood(ctx context.Context) (*flows.Files, error) { return nil, nil }
