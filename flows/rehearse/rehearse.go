// Package rehearse runs conversations in memory: the engine's own Step with a
// virtual clock, no storage, no network and no delays. The state is written out
// and read back between any two steps, so what works here works across a
// restart. On it stand chat, the tests of flows/tests/*.test.yaml with their
// coverage, and every other place that plays a customer. The same project and
// the same inputs give the same words, always.
package rehearse

import (
	"cmp"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"dispatcher/engine"
	"dispatcher/flows"
)

// Options are the circumstances of a talk; the zero value is a stranger on the
// project's first channel on Monday 5 January 2026, 10:00 UTC.
type Options struct {
	Channel        string // alias; "" = first of the project
	Language       string // of the contact; "" = the project's first
	Now            time.Time
	Contact        engine.ContactNow
	Queues         map[string]QueueFigures
	Entry          engine.EntryNow // Source "" = direct, or a button of a closed conversation
	Returning      bool
	HoursSinceLast *float64
	Before         engine.ConversationNow // the rest of what came before: messages, opened, handed off, hold-out
	Tags           []string               // of the conversation, before the start
	Unfinished     string                 // flow.state whose question an earlier conversation left open; "" = none
	Sample         bool                   // result of every sample()
	Slots          map[string]string      // filled before the start, as typed
	Values         []flows.TestValue      // the same, in order and with lists
	Public         bool                   // the first message is a public mention
	Start          string                 // flow or flow.state entered directly; "" = start rules
	Window         time.Duration          // the channel's window for answers; 0 = none
	Services       map[string]flows.Service
	Mocks          []flows.Mock       // answers of look-ups; a call without one stays open
	InFirst        bool               // lines carry their words in the project's first language too
	Live           func() *engine.Set // nil = the set given to New; else asked before every step, so that an edit is followed

	// Watch is told what every step decided; nil = nobody.
	Watch func(engine.Result)
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
	LineNote     = "note" // what a command or a look-up tells; no part of the conversation
)

// Line is one thing that happened.
type Line struct {
	Kind    string
	Text    string             // bot: what was said
	Options []engine.SayOption // bot: its buttons
	Public  bool
	Rule    string // bot: flow.state:line that said it
	Media   *engine.MediaRef
	Alt     string // of Media, in words
	Handoff *engine.Handoff
	Reason  string // resolved
	First   *Line  // the same in the project's first language, with Options.InFirst
}

// Talk is one conversation in progress. It is not safe for concurrent use.
type Talk struct {
	set    *engine.Set
	pinned map[string]*engine.Set // sets that were live before, by id
	opt    Options
	memory
	past   []memory
	steps  int            // inputs that were remembered and not taken back
	traces []engine.Trace // of the last input, in order
	asked  bool           // a secret was asked for when the last message came

	// Unmocked are the look-ups of the last input that no mock answers.
	Unmocked []string
}

// memory is everything of a talk that an input changes, and going back restores.
type memory struct {
	state    []byte // as saved between steps
	owner    string // of it
	timers   map[string]time.Time
	contact  engine.ContactNow
	now      time.Time
	heard    time.Time
	opened   time.Time
	seq      int64
	said     int // customer messages of this conversation
	posted   int // those of them that were the mention which opened it
	started  bool
	sent     []sent
	calls    []call
	used     map[string]int // responses used up, by mock
	mocks    []flows.Mock
	survey   time.Time
	verified time.Time // until when; zero = as the contact says
	entry    engine.EntryNow
	public   bool
	before   engine.ConversationNow
	start    string
	ready    string // answer of the next look-up that no mock answers, as typed
	noted    []noted
	begun    string // flow.state that was entered before anything else
	answers  []answer
	refused  map[string]string
}

// sent is a bot message whose buttons may be tapped.
type sent struct {
	options []engine.SayOption
	first   []engine.SayOption // the same in the first language
	record  json.RawMessage
	closed  bool
}

// firstMoment is when a talk without a clock of its own begins.
var firstMoment = time.Date(2026, 1, 5, 10, 0, 0, 0, time.UTC)

// maxSnapshots bounds how far back one can go.
const maxSnapshots = 200

// New starts a talk on a linked set; nothing is said before the first event.
func New(set *engine.Set, opt Options) *Talk {
	t := &Talk{set: set, opt: opt, pinned: map[string]*engine.Set{}}
	t.memory = memory{
		now: opt.Now, contact: opt.Contact, timers: map[string]time.Time{}, used: map[string]int{}, mocks: opt.Mocks,
		entry: opt.Entry, public: opt.Public, before: opt.Before, start: opt.Start,
	}
	t.before.Returning = t.before.Returning || opt.Returning
	if opt.HoursSinceLast != nil {
		t.before.HoursSinceLast = opt.HoursSinceLast
	}
	if t.now.IsZero() {
		t.now = firstMoment
	}
	if opt.Language != "" {
		t.contact.Language = opt.Language
	}
	t.contact.Slots = maps.Clone(t.contact.Slots)
	t.opened, t.heard = t.now, t.now
	if !t.before.Opened.IsZero() {
		t.opened = t.before.Opened
	}
	t.save(t.filled(t.first()))
	return t
}

// first is the state before the first event.
func (t *Talk) first() engine.State {
	set := t.live()
	st := engine.NewState(set)
	if t.opt.Unfinished != "" {
		flow, name := flowState(t.opt.Unfinished)
		st = engine.Continue(set, engine.State{Left: &engine.Left{Flow: flow, Name: name, At: t.now.UnixMilli()}})
	}
	st.Tags = append(st.Tags, t.opt.Tags...)
	return st
}

// filled puts the given slots into a new state.
func (t *Talk) filled(st engine.State) engine.State {
	for _, name := range slices.Sorted(maps.Keys(t.opt.Slots)) {
		st = t.withValue(st, flows.TestValue{Name: name, Text: t.opt.Slots[name]})
	}
	for _, v := range t.opt.Values {
		st = t.withValue(st, v)
	}
	return st
}

// withValue fills or empties one slot.
func (t *Talk) withValue(st engine.State, v flows.TestValue) engine.State {
	slots := maps.Clone(st.Slots)
	if slots == nil {
		slots = map[string]engine.SlotValue{}
	}
	st.Order = slices.DeleteFunc(slices.Clone(st.Order), func(n string) bool { return n == v.Name })
	delete(slots, v.Name)
	if !v.Empty {
		have := engine.SlotValue{Value: t.read(v), Raw: cmp.Or(v.Text, strings.Join(v.List, ", ")), How: "set", At: t.now.UnixMilli()}
		if sl := t.live().Slots[v.Name]; sl != nil {
			have.Rules = sl.Rules()
		}
		slots[v.Name] = have
		st.Order = append(st.Order, v.Name)
	}
	st.Slots = slots
	return st
}

// read reads a literal by the slot's type; what does not fit stays text.
func (t *Talk) read(v flows.TestValue) any {
	if v.List != nil {
		return v.List
	}
	sl := t.live().Slots[v.Name]
	if sl == nil {
		return v.Text
	}
	if sl.Type == engine.SlotMedia {
		return map[string]any{"kind": v.Text, "count": 1.0}
	}
	if value, ok := engine.ReadLiteral(sl, v.Text); ok {
		return value
	}
	return v.Text
}

func (t *Talk) live() *engine.Set {
	if t.opt.Live != nil {
		return t.opt.Live()
	}
	return t.set
}

// Reload makes another set live in mid-conversation; the one before stays at
// hand for flows that are pinned to it.
func (t *Talk) Reload(set *engine.Set) {
	t.pinned[t.live().ID] = t.live()
	t.set, t.opt.Live = set, nil
}

func (t *Talk) save(st engine.State) {
	b, err := engine.EncodeState(st)
	if err == nil {
		t.state, t.owner = b, st.Owner
	}
}

// State is the conversation as it would be read from storage.
func (t *Talk) State() engine.State {
	st, err := engine.DecodeState(t.state)
	if err != nil {
		return engine.NewState(t.live())
	}
	return st
}

// Trace is why the last step did what it did.
func (t *Talk) Trace() engine.Trace {
	if len(t.traces) == 0 {
		return engine.Trace{}
	}
	return t.traces[len(t.traces)-1]
}

// Now is the talk's clock.
func (t *Talk) Now() time.Time { return t.now }

// Errors of an input that cannot be done.
var (
	ErrNoButton = errors.New("no such button on screen")
	ErrAgent    = errors.New("an agent cannot do this now")
	ErrNoState  = errors.New("there is no such flow or state")
	ErrNoForm   = errors.New("no form is open")
	ErrNoVerify = errors.New("no verification is open")
	ErrRound    = errors.New("one look-up leads to the next without end")
)

// Back undoes the last n inputs; false when there are not that many.
func (t *Talk) Back(n int) bool {
	if n < 1 || n > len(t.past) {
		return false
	}
	t.memory = t.past[len(t.past)-n]
	t.past = t.past[:len(t.past)-n]
	t.steps -= n
	return true
}

// Steps counts the inputs that Back may take back; the oldest of very many
// are forgotten.
func (t *Talk) Steps() int { return t.steps }

// remember keeps what is now for going back.
func (t *Talk) remember() {
	t.steps++
	m := t.memory
	m.timers, m.used = maps.Clone(m.timers), maps.Clone(m.used)
	m.calls, m.sent = slices.Clip(m.calls), slices.Clip(m.sent)
	if t.past = append(t.past, m); len(t.past) > maxSnapshots {
		t.past = t.past[1:]
	}
}
