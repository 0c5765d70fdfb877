package engine

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Ceilings of language.md 2.16.
const (
	maxEntered  = 100 // states entered in one turn
	maxSaid     = 10  // bot messages in one turn
	maxPerMin   = 10  // bot messages in 60 s
	maxPerHour  = 30
	maxSent     = 30 // times kept
	maxText     = 10_000
	maxStack    = 8
	maxPath     = 64
	maxAttempts = 16 // of misses: a person reads the last ones
	maxTags     = 50
	maxTag      = 64
	maxMatched  = 100      // characters kept of the words that chose a topic
	maxEntry    = 1_000    // characters kept of how the customer came
	maxCalls    = 20       // look-ups with nothing but their results between them
	maxSlots    = 64 << 10 // bytes of all slots together
)

// turn is one step in progress. It owns a private copy of the state; what it
// shares with the state from before (slots, tags, path) is copied before the
// first write.
type turn struct {
	set    *Set
	pinned *Set // what the pinned flow runs on, nil when that is live or there is none
	st     State
	ev     *Event
	event  Event // what ev points at in a step
	now    time.Time
	lang   string
	eval   evaluator

	told  int        // bytes of values that its conditions have told the trace
	value any        // candidate of a check, value of a confirm text
	def   *StateDef  // at the position, once it was looked up
	queue *queueRoot // only while a handoff's words are rendered
	said  int
	enter int // states entered

	room   scratch
	out    []Effect
	trace  Trace
	quotes []Quote

	joined    spoken   // the whole message
	parts     []spoken // of a burst, newest first
	current   *spoken  // the form a stage looks at now
	apart     bool     // an expression is about that form, not about the whole message
	exempt    bool     // tap or exact answer: the loop ceiling does not count
	first     bool     // the message is still to be tried on the first question
	cause     string   // of a handoff this turn may end in
	by        string   // phrase or rule that decided
	score     float64
	hangs     *Question // open when an escape or the person exit took over
	hangsAt   [2]string
	hangStack []Frame
	next      target // state to enter; no flow: none
	over      bool   // the turn has ended: waiting, handed off or resolved
	waits     bool   // silence has to be armed again
	delay     time.Duration
	typing    bool
	last      string // last words of the bot
	public    bool

	shown     []button // of the open question, made once
	shownFor  *StateDef
	shownSub  string
	keepShift bool // "one moment" has set the shift

	newSet    bool // the live set is another one than in the step before
	shadowing bool // the flow that runs is in the shadow

	re   *Replay  // the correction that is being walked, nil = none
	kept *Waiting // look-up that was open when a correction came

	reply       answered // of the next path step
	beside      bool     // a public flow runs while a private question is open
	pressed     string   // id of the button that was chosen
	calling     string   // key of the calling exit, of the next path step
	backTo      int      // step that the next one goes back to, from 1
	via         chooser  // what chose an exit that has a name of its own
	instead     *string  // words that stand in for the built-in handoff sentence
	personExits int
	proved      string // how this turn has verified the contact

	ownSlots, ownCounts, ownPath bool
}

// target is the state that is entered next.
type target struct{ flow, name string }

// queueRoot is what the environment name queue shows.
type queueRoot struct {
	alias, name string
	position    int
	wait        *int
	open        bool
}

// fault is an engine error on its way out of a turn; Step catches it.
type fault struct {
	err   error
	where string
}

func (t *turn) fail(where string, err error) { panic(fault{err, where}) }

// flow and state at the stored position.
func (t *turn) flowDef() *Flow { return t.flow(t.st.Flow) }

// state is the state at the position; while one field of a form is asked in
// the chat, the state that asks for it.
func (t *turn) state() *StateDef {
	st := t.written()
	if q := t.st.Question; q != nil && q.Field != "" && st != nil {
		if field := st.fields[q.Field]; field != nil {
			return field
		}
	}
	return st
}

// written is the state at the position as the flow has it.
func (t *turn) written() *StateDef {
	if d := t.def; d != nil && d.Name == t.st.Name && d.Flow == t.st.Flow {
		return d
	}
	t.def = nil
	if f := t.flowDef(); f != nil {
		t.def = f.States[t.st.Name]
	}
	return t.def
}

// position is flow.state without making the text anew.
func (t *turn) position() string {
	if st := t.state(); st != nil {
		return st.full
	}
	return t.st.Position()
}

func (t *turn) note(s TraceStep) { t.trace.Steps = append(t.trace.Steps, s) }

// cond is a condition of a flow: it must come out as yes or no.
func (t *turn) cond(x *Expr) bool {
	out, err := t.decide(x)
	b, ok := out.(bool)
	if (err != nil || !ok) && t.ev.World.Masked {
		t.noteError(x) // what it read is all that is left of this turn
	}
	if err != nil {
		t.fail(x.Rule, err)
	}
	if !ok {
		t.fail(x.Rule, fmt.Errorf("a condition came out as %s", kindOf(out)))
	}
	t.noteCond(x, b)
	return b
}

// softCond is a condition whose error counts as false (first rules, options).
func (t *turn) softCond(x *Expr) bool {
	out, err := t.decide(x)
	b, ok := out.(bool)
	if err != nil || !ok {
		t.noteError(x)
		return false
	}
	t.noteCond(x, b)
	return b
}

// decide evaluates a condition; what it asks is kept for its reasons.
func (t *turn) decide(x *Expr) (any, error) {
	t.eval.noting, t.eval.asked = t.ev.World.Masked, t.eval.asked[:0]
	out, err := t.eval.eval(x)
	t.eval.noting = false
	return out, err
}

func (t *turn) noteError(x *Expr) {
	t.note(TraceStep{What: "condition", Cond: x.Source, Value: "error", Seen: t.seen(x), At: x.Rule})
}

func (t *turn) noteCond(x *Expr, b bool) {
	value := "false"
	if b {
		value = "true"
	}
	t.note(TraceStep{What: "condition", Cond: x.Source, Value: value, Seen: t.seen(x), At: x.Rule})
}

// setSlot fills a slot; the state from before is left alone.
func (t *turn) setSlot(name string, v SlotValue) {
	if !t.ownSlots {
		t.st.Slots = maps.Clone(t.st.Slots)
		t.ownSlots = true
	}
	if t.st.Slots == nil {
		t.st.Slots = map[string]SlotValue{}
	}
	v.At = t.now.UnixMilli()
	v.Seq, v.Step = t.ev.Seq, t.steps()
	sl := t.slotDef(name)
	if sl != nil {
		v.Rules = sl.rules
	}
	if v.State == "" {
		v.State = t.position()
	}
	t.st.Slots[name] = v
	t.st.Order = append(without(t.st.Order, name), name)
	t.noteSlot(name, v)
	if sl != nil && sl.Contact {
		t.out = append(t.out, SetContact{Slots: map[string]SlotValue{name: v}})
	}
	if name == "topic" {
		t.topic(v)
	}
}

// topic remembers how the conversation's topic was found.
func (t *turn) topic(v SlotValue) {
	id, ok := v.Value.(string)
	sl := t.slotDef("topic")
	if !ok || sl == nil || sl.Type != SlotChoice {
		return
	}
	how := "rule"
	switch t.trace.Stage {
	case "tap":
		how = "tap"
	case "exact":
		how = "label"
		if onlyDigits(t.joined.norm()) {
			how = "number"
		}
	case "words":
		how = "keyword"
	case "fuzzy":
		how = "fuzzy"
	}
	topic := &Topic{ID: id, Label: id, How: how, Matched: cutRunes(t.by, maxMatched), Score: t.score}
	if st := t.state(); st != nil {
		for _, o := range st.allOptions() {
			if o.ID == id && o.Label != nil {
				topic.Label = t.labelOf(o)
			}
		}
	}
	t.st.Topic = topic
}

// dropSlot empties a slot.
func (t *turn) dropSlot(name string) {
	if _, ok := t.st.Slots[name]; ok {
		t.noteStored("slot", name, "emptied")
		if !t.ownSlots {
			t.st.Slots = maps.Clone(t.st.Slots)
			t.ownSlots = true
		}
		delete(t.st.Slots, name)
		t.st.Order = without(t.st.Order, name)
	}
	if sl := t.slotDef(name); sl != nil && sl.Contact {
		if _, ok := t.ev.World.Contact.Slots[name]; ok {
			t.out = append(t.out, SetContact{Slots: map[string]SlotValue{name: {}}})
		}
	}
}

// without is a fresh copy of a list that lacks one name.
func without(list []string, name string) []string {
	out := make([]string, 0, len(list)+1)
	for _, n := range list {
		if n != name {
			out = append(out, n)
		}
	}
	return out
}

// slot is the value of a slot: of this conversation, of the contact, or its default.
func (t *turn) slot(name string) any {
	if v, ok := t.st.Slots[name]; ok {
		return v.Value
	}
	if sl := t.slotDef(name); sl != nil {
		if sl.Contact {
			if v, ok := t.remembered(sl); ok {
				return v
			}
		}
		return sl.Default
	}
	return nil
}

// forgotten says that this turn has emptied a slot of the contact.
func (t *turn) forgotten(name string) bool {
	for _, e := range t.out {
		if c, ok := e.(SetContact); ok {
			if v, ok := c.Slots[name]; ok && v.Value == nil {
				return true
			}
		}
	}
	return false
}

// known says that a slot is filled; a default does not count.
func (t *turn) known(name string) bool {
	if v, ok := t.st.Slots[name]; ok {
		return v.Value != nil
	}
	sl := t.slotDef(name)
	if sl == nil || !sl.Contact {
		return false
	}
	v, ok := t.remembered(sl)
	return ok && v != nil
}

// remembered is the value that the contact brings for a slot, unless this turn
// has emptied it or the slot's rules, which may be others by now, refuse it.
func (t *turn) remembered(sl *Slot) (any, bool) {
	v, ok := t.ev.World.Contact.Slots[sl.Name]
	if !ok || t.forgotten(sl.Name) {
		return nil, false
	}
	if v.Rules == sl.rules {
		return v.Value, true
	}
	again := t.reread(sl, &v)
	if again == nil {
		return nil, false
	}
	return again.Value, true
}

// roomFor says whether a value fits into what all slots may hold together.
func (t *turn) roomFor(name string, v any) bool {
	size := valueSize(v)
	if size < 1024 && len(t.st.Slots) < 32 {
		return true
	}
	for n, have := range t.st.Slots {
		if n != name {
			size += valueSize(have.Value) + len(have.Raw)
		}
	}
	return size <= maxSlots
}

func valueSize(v any) int {
	switch x := v.(type) {
	case string:
		return len(x)
	case []string:
		n := 0
		for _, s := range x {
			n += len(s)
		}
		return n
	}
	return 8
}

// tag adds conversation tags.
func (t *turn) tag(texts []*Text) {
	for _, tx := range texts {
		name := strings.ToLower(strings.TrimSpace(t.text(tx)))
		name = cutRunes(name, maxTag)
		if name == "" || slices.Contains(t.st.Tags, name) || len(t.st.Tags) >= maxTags {
			continue
		}
		t.st.Tags = append(slices.Clip(t.st.Tags), name)
		t.noteStored("tag", name, "added")
	}
}

func (t *turn) untag(texts []*Text) {
	for _, tx := range texts {
		name := strings.ToLower(strings.TrimSpace(t.text(tx)))
		if slices.Contains(t.st.Tags, name) {
			t.st.Tags = without(t.st.Tags, name)
			t.noteStored("tag", name, "removed")
		}
	}
}

// assign does a list of set.
func (t *turn) assign(list []SetSlot) {
	for i := range list {
		s := &list[i]
		v := s.Value
		switch {
		case s.Expr != nil:
			out, err := t.eval.eval(s.Expr)
			if err != nil {
				t.fail(s.Expr.Rule, err)
			}
			v = out
		case s.Text != nil:
			v = t.text(s.Text)
		}
		if s.Slot == "language" {
			t.setLanguage(v)
			continue
		}
		if v = t.fitted(s.Slot, v); v == nil {
			t.dropSlot(s.Slot)
			continue
		}
		if !t.roomFor(s.Slot, v) {
			t.note(TraceStep{What: "slot", Option: s.Slot, Value: "too large", At: s.At.String()})
			continue
		}
		t.setSlot(s.Slot, SlotValue{Value: v, How: "set"})
	}
}

// fitted makes a value what the slot's type holds; a blank text is no value.
func (t *turn) fitted(name string, v any) any {
	if n, ok := number(v); ok {
		v = n
	}
	if list, ok := v.([]any); ok {
		items := make([]string, len(list))
		for i := range list {
			items[i] = t.formatValue(list[i])
		}
		v = items
	}
	s, isText := v.(string)
	if isText && strings.TrimSpace(s) == "" {
		return nil
	}
	sl := t.slotDef(name)
	if !isText || sl == nil || sl.Type == SlotText || sl.Type == "" {
		return v
	}
	if typed, ok := t.reader().typed(sl, strings.TrimSpace(s)); ok {
		return typed
	}
	return nil
}

func (t *turn) setLanguage(v any) {
	lang, ok := v.(string)
	if !ok || lang == "" {
		return
	}
	t.out = append(t.out, SetContact{Language: lang})
	t.st.Language = pickLanguage(t.set.Languages, lang, "")
	if !t.ev.World.InFirst {
		t.lang = t.st.Language
	}
}

func (t *turn) reader() reader {
	return reader{lang: t.lang, order: t.set.DateOrder, fuzzy: t.set.Defaults.Fuzzy, now: t.now, loc: t.set.Timezone, eval: &t.eval}
}

// pickLanguage is the contact's language if the project has it, else the
// channel's locale, else the first.
func pickLanguage(have []string, contact, locale string) string {
	for _, want := range [...]string{contact, locale} {
		if want == "" {
			continue
		}
		for _, l := range have {
			if strings.EqualFold(l, want) {
				return l
			}
		}
		for _, l := range have {
			if strings.EqualFold(baseOf(l), baseOf(want)) {
				return l
			}
		}
	}
	if len(have) == 0 {
		return "en"
	}
	return have[0]
}
