// Package rehearse runs one conversation in memory: the engine's own Step with
// a virtual clock, no storage and no delays. The state is written out and read
// back between any two steps, so what works here works across a restart.
package rehearse

import (
	"time"

	"dispatcher/engine"
)

// Options are the circumstances of a talk; the zero value is a stranger on the
// project's first channel on Monday 5 January 2026, 10:00 UTC.
type Options struct {
	Channel        string // alias; "" = first of the project
	Language       string // of the contact; "" = none known
	Now            time.Time
	Contact        engine.ContactNow
	Queues         map[string]QueueFigures
	Entry          engine.EntryNow
	Returning      bool
	HoursSinceLast *float64
	Sample         bool              // result of every sample()
	Slots          map[string]string // filled before the start, as typed
	Public         bool              // the first message is a public mention
	Start          string            // flow or flow.state entered directly; "" = start rules
}

// QueueFigures are what wait_minutes and queue_length answer for a queue.
type QueueFigures struct {
	Wait   *time.Duration // nil = unknown
	Length int
}

// Kinds of Line.
const (
	LineBot      = "bot"
	LineHandoff  = "handoff"
	LineResolved = "resolved"
)

// Line is one thing that happened.
type Line struct {
	Kind    string
	Text    string             // bot: what was said
	Options []engine.SayOption // bot: its buttons
	Public  bool
	Media   *engine.MediaRef
	Handoff *engine.Handoff
	Reason  string // resolved
}

// Talk is one conversation in progress.
type Talk struct {
	set *engine.Set
	opt Options
}

// New starts a talk on a linked set; nothing is said before the first event
// unless Options.Start enters a state.
func New(set *engine.Set, opt Options) *Talk { return &Talk{set: set, opt: opt} }
