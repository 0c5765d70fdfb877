package rehearse

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"dispatcher/dm"
	"dispatcher/engine"
	"dispatcher/flows"
)

// Say is the customer writing; several texts are one burst. A text that an
// entry of everywhere understands ends the burst at once: what follows it is
// another event.
func (t *Talk) Say(texts ...string) ([]Line, error) {
	if err := t.begin(); err != nil {
		return nil, err
	}
	var lines []Line
	for len(texts) > 0 {
		n := t.burst(texts)
		got, err := t.parts(texts[:n])
		lines = append(lines, got...)
		if err != nil {
			return lines, err
		}
		texts = texts[n:]
	}
	return lines, nil
}

// burstMost is how many messages one event holds at most (language.md 2.15).
const burstMost = 20

// burst is how many of some texts are one event.
func (t *Talk) burst(texts []string) int {
	if len(texts) == 1 || t.owner != dm.OwnerBot {
		return len(texts)
	}
	st := t.State()
	for i, text := range texts {
		if i+1 == burstMost || engine.EndsBurst(t.sets(st), st, text) {
			return i + 1
		}
	}
	return len(texts)
}

func (t *Talk) parts(texts []string) ([]Line, error) {
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

// Tap presses a button of the newest message that has it: by id, label or short
// label.
func (t *Talk) Tap(which string) ([]Line, error) {
	if err := t.begin(); err != nil {
		return nil, err
	}
	for _, s := range slices.Backward(t.sent) {
		if n := s.find(which); n >= 0 {
			return t.press(s, n)
		}
	}
	if on := labels(Line{Options: t.Buttons()}); len(on) > 0 {
		return nil, fmt.Errorf("tap %q: %w, the newest are %s", which, ErrNoButton, list(on))
	}
	return nil, fmt.Errorf("tap %q: %w", which, ErrNoButton)
}

// TapNumber presses a button by its number from 1 on the newest message that
// has so many; what is no number is an id or label.
func (t *Talk) TapNumber(which string) ([]Line, error) {
	if err := t.begin(); err != nil {
		return nil, err
	}
	if n, err := strconv.Atoi(which); err == nil && n > 0 {
		for _, s := range slices.Backward(t.sent) {
			if n <= len(s.options) && s.find(which) < 0 {
				return t.press(s, n-1)
			}
		}
	}
	return t.Tap(which)
}

// find is the index of a button by id, then by what it shows; -1 = not there.
func (s sent) find(which string) int {
	for n, o := range s.options {
		if o.ID == which {
			return n
		}
	}
	for n, o := range s.options {
		if o.Label == which || o.Short != "" && o.Short == which || n < len(s.first) && s.first[n].Label == which {
			return n
		}
	}
	return -1
}

// Buttons are the buttons of the newest message that has any.
func (t *Talk) Buttons() []engine.SayOption {
	if len(t.sent) == 0 {
		return nil
	}
	return t.sent[len(t.sent)-1].options
}

// Pressable are the buttons of the open question; nil when it has none, or
// when something with other buttons was said after it.
func (t *Talk) Pressable() []engine.SayOption {
	q := t.State().Question
	if q == nil || t.owner != dm.OwnerBot || len(t.sent) == 0 {
		return nil
	}
	var asked struct {
		Number int64 `json:"n"`
	}
	last := t.sent[len(t.sent)-1]
	if json.Unmarshal(last.record, &asked) != nil || asked.Number != q.Number {
		return nil
	}
	return last.options
}

func (t *Talk) press(s sent, n int) ([]Line, error) {
	label := s.options[n].Label
	return t.customer(engine.Event{Kind: engine.EvMessage, Text: label, Tap: &engine.Tap{Record: s.record, Index: n, Label: label, Closed: s.closed}})
}

// begin enters the state that Options.Start names, unheard, so that its
// buttons are on screen before the first event.
func (t *Talk) begin() error {
	if t.started || t.start == "" {
		return nil
	}
	_, err := t.Goto(t.start)
	return err
}

// Begin enters the state that Options.Start names and gives what it says;
// nothing happens when there is none, or when the talk has begun.
func (t *Talk) Begin() ([]Line, error) {
	if t.started || t.start == "" {
		return nil, nil
	}
	return t.Goto(t.start)
}

// customer is a message of the customer; after the close it opens a new
// conversation.
func (t *Talk) customer(ev engine.Event) ([]Line, error) {
	if err := t.begin(); err != nil {
		return nil, err
	}
	t.remember()
	t.traces, t.asked = nil, t.AsksSecret()
	switch t.owner {
	case dm.OwnerAgent:
		t.count(ev)
		return nil, nil
	case dm.OwnerNone:
		t.reopen(t.State())
		if ev.Tap != nil {
			ev.Tap.Closed = true // the button was on screen until now
		}
	}
	if t.public && !t.started {
		ev.Kind = engine.EvMention
	}
	if ev.Opening = !t.started; ev.Opening {
		t.posted = max(len(ev.Parts), 1)
	}
	t.started = true
	t.count(ev)
	return t.event(ev)
}

// count counts the messages of an event: each part of a burst is one.
func (t *Talk) count(ev engine.Event) {
	n := max(len(ev.Parts), 1)
	t.seq += int64(n)
	t.said += n
	t.heard = t.now
}

// reopen begins a new conversation with the same contact. One that ended in
// silence a short while ago may be gone on with.
func (t *Talk) reopen(last engine.State) {
	set := t.live()
	gap := t.now.Sub(t.heard)
	hours := math.Round(gap.Hours()*100) / 100
	t.before = engine.ConversationNow{Returning: true, HoursSinceLast: &hours}
	t.entry, t.public, t.start = engine.EntryNow{}, false, ""
	for i := range t.sent {
		t.sent[i].closed = true
	}
	t.said, t.started, t.opened = 0, false, t.now
	t.timers, t.calls = map[string]time.Time{}, nil
	st := engine.NewState(set)
	if engine.Resumable(set, last, t.now) {
		st = engine.Continue(set, last)
		t.before.Unfinished = st.Left != nil
	}
	t.save(st)
}

// Wait moves the clock; timers and results that come due on the way happen in
// order.
func (t *Talk) Wait(d time.Duration) ([]Line, error) {
	if err := t.begin(); err != nil {
		return nil, err
	}
	t.remember()
	t.traces = nil
	until := t.now.Add(d)
	var lines []Line
	for fired := 0; fired < 10_000; fired++ {
		ev, at, ok := t.nextDue(until)
		if !ok {
			break
		}
		if at.After(t.now) {
			t.now = at
		}
		got, err := t.event(ev)
		lines = append(lines, got...)
		if err != nil {
			return lines, err
		}
	}
	t.now = until
	return lines, nil
}

// Agent plays the person: claim, return or resolve.
func (t *Talk) Agent(what string) ([]Line, error) {
	if err := t.begin(); err != nil {
		return nil, err
	}
	st := t.State()
	switch what {
	case "claim":
		if st.Owner != dm.OwnerQueue && st.Owner != dm.OwnerBot {
			return nil, fmt.Errorf("claim: %w: the owner is %s", ErrAgent, st.Owner)
		}
		t.remember()
		t.claim(st)
		return nil, nil
	case "return", "resolve":
		if st.Owner != dm.OwnerAgent && st.Owner != dm.OwnerQueue {
			return nil, fmt.Errorf("%s: %w: the owner is %s", what, ErrAgent, st.Owner)
		}
		t.remember()
		t.traces = nil
		t.timers = map[string]time.Time{}
		kind := engine.EvReturned
		if what == "resolve" {
			kind = engine.EvResolved
		}
		return t.event(engine.Event{Kind: kind})
	}
	return nil, fmt.Errorf("%q: %w: claim, return or resolve", what, ErrAgent)
}

// claim makes an agent the owner.
func (t *Talk) claim(st engine.State) {
	st = engine.Recall(st)
	st.Owner = dm.OwnerAgent
	t.timers = map[string]time.Time{}
	t.traces, t.calls = nil, nil
	t.save(st)
}

// AgentSays is an agent writing to the customer: the agent owns the
// conversation from then on.
func (t *Talk) AgentSays(string) ([]Line, error) {
	if err := t.begin(); err != nil {
		return nil, err
	}
	st := t.State()
	if st.Owner == dm.OwnerNone {
		return nil, fmt.Errorf("say: %w: the conversation is closed", ErrAgent)
	}
	t.remember()
	if t.traces = nil; st.Owner != dm.OwnerAgent {
		t.claim(st)
	}
	return nil, nil
}

// Delegate is an agent who lends the conversation to a flow.
func (t *Talk) Delegate(flow string) ([]Line, error) {
	if err := t.begin(); err != nil {
		return nil, err
	}
	st := t.State()
	if st.Owner == dm.OwnerNone {
		return nil, fmt.Errorf("delegate: %w: the conversation is closed", ErrAgent)
	}
	t.remember()
	if st.Owner != dm.OwnerAgent {
		t.claim(st)
	}
	t.traces = nil
	return t.event(engine.Event{Kind: engine.EvDelegate, Flow: flow, Agent: "agent"})
}

// Submit sends the open form.
func (t *Talk) Submit(values map[string]string) ([]Line, error) {
	if err := t.begin(); err != nil {
		return nil, err
	}
	q := t.State().Question
	if q == nil || q.ID == "" || q.Kind != "form" && q.Field == "" {
		return nil, ErrNoForm
	}
	t.remember()
	t.traces = nil
	return t.event(engine.Event{Kind: engine.EvForm, Form: &engine.FormResult{ID: q.ID, Values: values}})
}

// Verify is the outcome of the open verification: ok, failed or expired.
func (t *Talk) Verify(outcome string) ([]Line, error) {
	if err := t.begin(); err != nil {
		return nil, err
	}
	q := t.State().Question
	if q == nil || q.Kind != "verify" {
		return nil, ErrNoVerify
	}
	t.remember()
	t.traces = nil
	return t.event(engine.Event{Kind: engine.EvVerify, Verify: &engine.VerifyResult{ID: q.ID, Outcome: outcome}})
}

// flowState splits flow.state; a flow alone means its start.
func flowState(where string) (flow, name string) {
	flow, name, ok := strings.Cut(where, ".")
	if !ok {
		name = "start"
	}
	return flow, name
}

// Goto enters a state directly, "flow" or "flow.state".
func (t *Talk) Goto(where string) ([]Line, error) {
	flow, name := flowState(where)
	f := t.live().Flows[flow]
	if f == nil || f.States[name] == nil {
		return nil, fmt.Errorf("%s: %w", where, ErrNoState)
	}
	t.remember()
	t.started, t.traces = true, nil
	st := t.State()
	if st.Owner == dm.OwnerNone {
		st = t.filled(engine.NewState(t.live()))
	}
	st.Owner, st.Hand, st.Waiting, st.Stack = dm.OwnerQueue, nil, nil, nil
	t.calls = nil
	t.save(st)
	return t.event(engine.Event{Kind: engine.EvReturned, Resume: flow + "." + name})
}

// Set writes one slot, or a contact field as contact.FIELD; "" and null empty it.
func (t *Talk) Set(name, value string) error {
	return t.SetValue(flows.TestValue{Name: name, Text: value, Empty: value == "" || value == "null"})
}

// SetValue writes one slot, or a contact field as contact.FIELD.
func (t *Talk) SetValue(v flows.TestValue) error {
	t.remember()
	if field, ok := strings.CutPrefix(v.Name, "contact."); ok {
		return t.setContact(field, v)
	}
	v.Name = strings.TrimPrefix(v.Name, "slots.")
	t.save(t.withValue(t.State(), v))
	return nil
}

func (t *Talk) setContact(field string, v flows.TestValue) error {
	c, value := &t.contact, v.Text
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
		c.Verified, t.verified = value == "true", time.Time{}
	case "vip":
		c.VIP = value == "true"
	case "new":
		c.New = value == "true"
	case "unreachable":
		c.Unreachable = value == "true"
	case "tags":
		if c.Tags = v.List; v.List == nil {
			c.Tags = strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == ' ' })
		}
	default:
		return fmt.Errorf("contact has no %q", field)
	}
	return nil
}

// SetLanguage changes the contact's language.
func (t *Talk) SetLanguage(lang string) { t.contact.Language = lang }
