// Package rehearse runs one conversation in memory: the engine's own Step with
// a virtual clock, no storage and no delays. The state is written out and read
// back between any two steps, so what works here works across a restart.
package rehearse

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"dispatcher/dm"
	"dispatcher/engine"
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
	Sample         bool               // result of every sample()
	Slots          map[string]string  // filled before the start, as typed
	Public         bool               // the first message is a public mention
	Start          string             // flow or flow.state entered directly; "" = start rules
	Window         time.Duration      // the channel's window for answers; 0 = none
	Live           func() *engine.Set // nil = the set given to New; else asked before every step, so that an edit is followed
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

// Talk is one conversation in progress. It is not safe for concurrent use.
type Talk struct {
	set     *engine.Set
	opt     Options
	now     time.Time
	contact engine.ContactNow
	state   []byte // as saved between steps
	timers  map[string]time.Time
	sent    []sent
	seq     int64
	said    int // customer messages of this conversation
	heard   time.Time
	opened  time.Time
	trace   engine.Trace
	past    []snapshot
	started bool
}

// sent is a bot message whose buttons may be tapped.
type sent struct {
	options []engine.SayOption
	record  json.RawMessage
	closed  bool
}

// snapshot is what going back restores.
type snapshot struct {
	state   []byte
	timers  map[string]time.Time
	contact engine.ContactNow
	sent    int
	now     time.Time
	said    int
	started bool
}

// firstMoment is when a talk without a clock of its own begins.
var firstMoment = time.Date(2026, 1, 5, 10, 0, 0, 0, time.UTC)

// maxSnapshots bounds how far back one can go.
const maxSnapshots = 200

// New starts a talk on a linked set; nothing is said before the first event.
func New(set *engine.Set, opt Options) *Talk {
	t := &Talk{set: set, opt: opt, now: opt.Now, contact: opt.Contact, timers: map[string]time.Time{}}
	if t.now.IsZero() {
		t.now = firstMoment
	}
	if opt.Language != "" {
		t.contact.Language = opt.Language
	}
	t.contact.Slots = maps.Clone(t.contact.Slots)
	t.opened, t.heard = t.now, t.now
	t.save(t.filled(engine.NewState(set)))
	return t
}

// filled puts the given slots into a new state.
func (t *Talk) filled(st engine.State) engine.State {
	for _, name := range slices.Sorted(maps.Keys(t.opt.Slots)) {
		if st.Slots == nil {
			st.Slots = map[string]engine.SlotValue{}
		}
		raw := t.opt.Slots[name]
		st.Slots[name] = engine.SlotValue{Value: t.read(name, raw), Raw: raw, How: "set", At: t.now.UnixMilli()}
		st.Order = append(st.Order, name)
	}
	return st
}

// read reads a literal by the slot's type; what does not fit stays text.
func (t *Talk) read(name, raw string) any {
	if sl := t.live().Slots[name]; sl != nil {
		if v, ok := engine.ReadLiteral(sl, raw); ok {
			return v
		}
	}
	return raw
}

func (t *Talk) live() *engine.Set {
	if t.opt.Live != nil {
		return t.opt.Live()
	}
	return t.set
}

func (t *Talk) save(st engine.State) {
	b, err := engine.EncodeState(st)
	if err == nil {
		t.state = b
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
func (t *Talk) Trace() engine.Trace { return t.trace }

// Now is the talk's clock.
func (t *Talk) Now() time.Time { return t.now }

// Say is the customer writing; several texts are one burst.
func (t *Talk) Say(texts ...string) ([]Line, error) {
	ev := engine.Event{Kind: engine.EvMessage, Text: strings.Join(texts, "\n")}
	if len(texts) > 1 {
		ev.Parts = texts
	}
	return t.customer(ev)
}

// Media is the customer sending a file, with or without words.
func (t *Talk) Media(kind, caption string) ([]Line, error) {
	return t.customer(engine.Event{Kind: engine.EvMessage, Text: caption, Media: []string{kind}})
}

// ErrNoButton says that nothing on screen can be tapped by that name.
var ErrNoButton = errors.New("no such button on screen")

// Tap presses a button of the newest message that has it: by id, label, short
// label, or its number from 1 on the newest message with buttons.
func (t *Talk) Tap(which string) ([]Line, error) {
	if err := t.begin(); err != nil {
		return nil, err
	}
	for i := len(t.sent) - 1; i >= 0; i-- {
		for n, o := range t.sent[i].options {
			if o.ID != which && o.Label != which && o.Short != which {
				continue
			}
			return t.press(t.sent[i], n)
		}
	}
	if n, err := strconv.Atoi(which); err == nil && n > 0 {
		for _, s := range slices.Backward(t.sent) {
			if n <= len(s.options) {
				return t.press(s, n-1)
			}
		}
	}
	return nil, fmt.Errorf("tap %q: %w", which, ErrNoButton)
}

// begin enters the state that Options.Start names, unheard, so that its
// buttons are on screen before the first event.
func (t *Talk) begin() error {
	if t.started || t.opt.Start == "" {
		return nil
	}
	_, err := t.Goto(t.opt.Start)
	return err
}

func (t *Talk) press(s sent, n int) ([]Line, error) {
	label := s.options[n].Label
	return t.customer(engine.Event{Kind: engine.EvMessage, Text: label, Tap: &engine.Tap{Record: s.record, Index: n, Label: label, Closed: s.closed}})
}

// Wait moves the clock; timers that come due on the way fire in order.
func (t *Talk) Wait(d time.Duration) ([]Line, error) {
	until := t.now.Add(d)
	var lines []Line
	for fired := 0; fired < 10_000; fired++ {
		name, at, ok := t.nextTimer(until)
		if !ok {
			break
		}
		delete(t.timers, name)
		if at.After(t.now) {
			t.now = at
		}
		got, err := t.step(engine.Event{Kind: engine.EvTimer, Timer: name, DueAt: at})
		if err != nil {
			return lines, err
		}
		lines = append(lines, got...)
	}
	t.now = until
	return lines, nil
}

// nextTimer is the earliest timer not after a moment; equal ones by name.
func (t *Talk) nextTimer(until time.Time) (string, time.Time, bool) {
	best := ""
	for _, name := range slices.Sorted(maps.Keys(t.timers)) {
		at := t.timers[name]
		if !at.After(until) && (best == "" || at.Before(t.timers[best])) {
			best = name
		}
	}
	return best, t.timers[best], best != ""
}

// ErrAgent says that an agent cannot do this now.
var ErrAgent = errors.New("an agent cannot do this now")

// Agent plays the person: claim, return or resolve.
func (t *Talk) Agent(what string) ([]Line, error) {
	if err := t.begin(); err != nil {
		return nil, err
	}
	st := t.State()
	switch what {
	case "claim":
		if st.Owner != dm.OwnerQueue && st.Owner != dm.OwnerBot {
			return nil, fmt.Errorf("claim: %w", ErrAgent)
		}
		t.remember()
		st.Owner = dm.OwnerAgent
		t.timers = map[string]time.Time{}
		t.save(st)
		return nil, nil
	case "return", "resolve":
		if st.Owner != dm.OwnerAgent && st.Owner != dm.OwnerQueue {
			return nil, fmt.Errorf("%s: %w", what, ErrAgent)
		}
		t.remember()
		t.timers = map[string]time.Time{}
		kind := engine.EvReturned
		if what == "resolve" {
			kind = engine.EvResolved
		}
		return t.step(engine.Event{Kind: kind})
	}
	return nil, fmt.Errorf("%q: %w", what, ErrAgent)
}

// ErrNoState says that a flow or state does not exist.
var ErrNoState = errors.New("there is no such flow or state")

// Goto enters a state directly, "flow" or "flow.state".
func (t *Talk) Goto(where string) ([]Line, error) {
	flow, name, ok := strings.Cut(where, ".")
	if !ok {
		name = "start"
	}
	f := t.live().Flows[flow]
	if f == nil || f.States[name] == nil {
		return nil, fmt.Errorf("%s: %w", where, ErrNoState)
	}
	t.remember()
	t.started = true
	st := t.State()
	if st.Owner == dm.OwnerNone {
		st = t.filled(engine.NewState(t.live()))
	}
	st.Owner, st.Hand = dm.OwnerQueue, nil
	t.save(st)
	return t.step(engine.Event{Kind: engine.EvReturned, Resume: flow + "." + name})
}

// Set writes one slot, or a contact field as contact.FIELD.
func (t *Talk) Set(name, value string) error {
	t.remember()
	if field, ok := strings.CutPrefix(name, "contact."); ok {
		return t.setContact(field, value)
	}
	st := t.State()
	if st.Slots == nil {
		st.Slots = map[string]engine.SlotValue{}
	}
	st.Order = slices.DeleteFunc(st.Order, func(n string) bool { return n == name })
	if value == "" || value == "null" {
		delete(st.Slots, name)
	} else {
		st.Slots[name] = engine.SlotValue{Value: t.read(name, value), Raw: value, How: "set", At: t.now.UnixMilli()}
		st.Order = append(st.Order, name)
	}
	t.save(st)
	return nil
}

func (t *Talk) setContact(field, value string) error {
	c := &t.contact
	switch field {
	case "first_name":
		c.FirstName = value
	case "name":
		c.Name = value
	case "language":
		c.Language = value
	case "channel_handle":
		c.Handle = value
	case "verified_by":
		c.VerifiedBy = value
	case "verified":
		c.Verified = value == "true"
	case "vip":
		c.VIP = value == "true"
	case "new":
		c.New = value == "true"
	case "unreachable":
		c.Unreachable = value == "true"
	case "tags":
		c.Tags = strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == ' ' })
	default:
		return fmt.Errorf("contact has no %q", field)
	}
	return nil
}

// SetLanguage changes the contact's language.
func (t *Talk) SetLanguage(lang string) { t.contact.Language = lang }

// Back undoes the last n events; false when there are not that many.
func (t *Talk) Back(n int) bool {
	if n < 1 || n > len(t.past) {
		return false
	}
	p := t.past[len(t.past)-n]
	t.past = t.past[:len(t.past)-n]
	t.state, t.timers, t.contact, t.now = p.state, p.timers, p.contact, p.now
	t.sent, t.said, t.started = t.sent[:p.sent], p.said, p.started
	return true
}

func (t *Talk) remember() {
	t.past = append(t.past, snapshot{t.state, maps.Clone(t.timers), t.contact, len(t.sent), t.now, t.said, t.started})
	if len(t.past) > maxSnapshots {
		t.past = t.past[1:]
	}
}

// customer is a message of the customer; after the close it opens a new
// conversation.
func (t *Talk) customer(ev engine.Event) ([]Line, error) {
	if err := t.begin(); err != nil {
		return nil, err
	}
	t.remember()
	st := t.State()
	switch st.Owner {
	case dm.OwnerAgent:
		t.count()
		return nil, nil
	case dm.OwnerNone:
		t.reopen()
		if ev.Tap != nil {
			ev.Tap.Closed = true // the button was on screen until now
		}
	}
	if t.opt.Public && !t.started {
		ev.Kind = engine.EvMention
	}
	ev.Opening = !t.started
	t.started = true
	t.count()
	return t.step(ev)
}

func (t *Talk) count() {
	t.seq++
	t.said++
	t.heard = t.now
}

// reopen begins a new conversation with the same contact.
func (t *Talk) reopen() {
	hours := math.Round(t.now.Sub(t.heard).Hours()*100) / 100
	t.opt.Returning, t.opt.HoursSinceLast = true, &hours
	t.opt.Start, t.opt.Slots = "", nil
	for i := range t.sent {
		t.sent[i].closed = true
	}
	t.said, t.started, t.opened = 0, false, t.now
	t.timers = map[string]time.Time{}
	t.save(engine.NewState(t.live()))
}
