package engine

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"dispatcher/dm"
)

// Step decides one event: the new state and everything that happens, from its
// arguments alone. It never panics on data: what goes wrong inside gives the
// state from before the event, the built-in sentence and a handoff with cause
// engine_error.
func Step(sets Sets, st State, ev Event) Result {
	t := turns.Get().(*turn)
	defer t.release()
	t.event = ev
	t.set, t.st, t.ev, t.now = sets.Live, st, &t.event, ev.World.Now
	t.out, t.trace.Steps = t.room.out, t.room.steps
	t.eval.t = t
	t.eval.env = environments.Get().(map[string]any)
	t.eval.env[hidden] = &t.eval
	t.lang = pickLanguage(t.set.Languages, ev.World.Contact.Language, ev.World.Channel.Locale)
	if ev.World.InFirst {
		t.lang = t.set.first()
	}
	t.usePin(sets)
	if f := t.protected(); f != nil {
		return t.rescue(st, *f)
	}
	if !t.exempt && !ev.World.Rehearsal && t.floods(st) {
		return t.breakLoop(st)
	}
	return t.result()
}

// turns keeps the scratch space of steps; nothing of a step stays in it.
var turns = sync.Pool{New: func() any { return &turn{room: newScratch()} }}

// scratch is lists that a step fills and hands out as exact copies.
type scratch struct {
	out     []Effect
	steps   []TraceStep
	buttons []button
	record  []byte
}

func newScratch() scratch {
	return scratch{make([]Effect, 0, 8), make([]TraceStep, 0, 8), make([]button, 0, 16), make([]byte, 0, 512)}
}

// maxScratch bounds what an unusual step may leave behind in the pool.
const maxScratch = 128

// emptied is a list for the next step with nothing left in it.
func emptied[T any](list []T) []T {
	if cap(list) > maxScratch {
		return make([]T, 0, 8)
	}
	clear(list)
	return list[:0]
}

func (t *turn) release() {
	t.eval.release()
	room := scratch{emptied(t.out), emptied(t.trace.Steps), emptied(t.room.buttons), t.room.record[:0]}
	*t = turn{} // cleared in place: a literal would be made beside it and copied
	t.room = room
	turns.Put(t)
}

// protected runs the step and catches what goes wrong in it.
func (t *turn) protected() (f *fault) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case fault:
			f = &r
		default:
			f = &fault{err: fmt.Errorf("internal problem: %v", r), where: t.st.Position()}
		}
	}()
	t.step()
	return nil
}

// step chooses by the kind of event.
func (t *turn) step() {
	t.trace.Event, t.trace.Set, t.trace.From = t.ev.Kind, t.set.ID, t.position()
	t.adopt()
	if t.ev.Kind != EvLookup {
		t.st.Calls = 0
	}
	switch t.ev.Kind {
	case EvMessage, EvStart:
		t.message()
	case EvTimer:
		t.timer()
	case EvReturned:
		t.returned()
	case EvResolved:
		t.resolved()
	case EvMention:
		t.mention()
	case EvLookup:
		t.looked()
	case EvForm:
		t.submitted()
	case EvVerify:
		t.verified()
	case EvDelegate:
		t.delegate()
	}
	t.run()
	t.armSilence()
	t.armLent()
	if t.newSet && !t.waits {
		t.rearm() // the ladder may be another one now
	}
	t.dropPin()
}

// adopt brings a state up to the live set.
func (t *turn) adopt() {
	if t.st.Version == 0 {
		t.st.Version = stateVersion
	}
	if t.st.Owner == "" {
		t.st.Owner = dm.OwnerBot
	}
	if t.st.Question != nil {
		q := *t.st.Question
		t.st.Question = &q
	}
	if t.newSet = t.newSet || t.st.Set != "" && t.st.Set != t.set.ID; t.newSet {
		t.rereadSlots()
	}
	t.st.Set = t.set.ID
	t.st.Language = t.lang
	t.enteredBy()
}

// enteredBy keeps how the customer came. Where the channel does not say, a
// conversation began with words, or with a button of one that was closed.
func (t *turn) enteredBy() {
	entry := t.ev.World.Entry
	switch {
	case entry.Source != "" || entry.Ref != "":
	case t.st.Entry != nil:
		return
	default:
		entry.Source = "direct"
		if id := t.closedOption(); id != "" {
			entry.Source, entry.Option = "button", id
		}
	}
	if t.st.Entry == nil || *t.st.Entry != entry {
		entry.Ref, entry.Text = cutRunes(entry.Ref, maxEntry), cutRunes(entry.Text, maxEntry)
		if t.st.Entry != nil && *t.st.Entry == entry {
			return
		}
		kept := entry // here, so that a step that keeps what it has allocates nothing
		t.st.Entry = &kept
	}
}

// run enters states until the turn waits, hands off or resolves.
func (t *turn) run() {
	for t.next.flow != "" && !t.over {
		n := t.next
		t.next = target{}
		t.enterState(n.flow, n.name)
	}
}

// message is a customer's message or the opening of a conversation.
func (t *turn) message() {
	if t.st.Owner == dm.OwnerQueue {
		t.queued()
		return
	}
	if t.st.Owner != dm.OwnerBot {
		return // people read it; a closed conversation is not written to
	}
	t.listen()
	if t.looking() {
		t.meanwhile()
		return
	}
	if t.ev.Edited {
		t.edited()
		return
	}
	if t.st.After && t.st.Question == nil {
		t.openNew()
		return
	}
	if t.st.Flow == "" || t.st.Question == nil && !t.st.After {
		t.open()
		return
	}
	if t.ev.Kind == EvStart {
		return
	}
	if !t.place() {
		return
	}
	t.waits = true
	t.classify()
}

// listen prepares the texts that stages look at.
func (t *turn) listen() {
	t.joined.raw = readable(t.ev.Text)
	if t.ev.Text == "" && t.ev.Tap != nil {
		t.joined.raw = readable(t.ev.Tap.Label)
	}
	t.current = &t.joined
	if len(t.ev.Parts) > 1 {
		for _, p := range slices.Backward(t.ev.Parts) {
			t.parts = append(t.parts, spoken{raw: readable(p)})
		}
	}
}

// readable is what is classified of a text: its first 10,000 characters,
// without NUL, which no value may hold.
func readable(s string) string {
	return strings.ReplaceAll(cutRunes(s, maxText), "\x00", "")
}

// open starts a conversation, or one that waits without a question.
func (t *turn) open() {
	heard := t.ev.Kind == EvMessage
	if heard && t.st.Flow != "" && t.ours() {
		t.trace.Stage = "tap"
		t.tapStage(nil)
		return
	}
	if HeldOut(t.set, t.ev.World.Contact.ID) {
		t.holdOut()
		return
	}
	if heard && !t.blank() {
		t.fillAhead()
		if t.everywhereStage() {
			t.trace.Stage = "everywhere"
			return
		}
		t.first = true
	}
	t.startRules(false)
}

// startRules enters the flow that the project's start rules choose.
func (t *turn) startRules(public bool) {
	name, ok := t.chooseFlow(public)
	if !ok {
		t.st.Stack = nil
		cause := dm.CauseNoFlow
		if public {
			cause = dm.CausePublic
		}
		t.systemHandoff(cause, !public)
		return
	}
	t.st.Stack = nil
	t.st.Question = nil
	if !public {
		t.unpin()
		t.refresh()
	}
	f := t.set.Flows[name]
	t.first = t.first && f.FirstUse
	if f.Shadow && !public {
		t.shadow(f)
		return
	}
	t.next = target{name, "start"}
}

// step0 fires an edge that may start anywhere and keeps no path.
func (t *turn) step0(edge string) {
	if err := t.edge(atAny, edge); err != nil {
		t.fail(t.st.Position(), err)
	}
}

// machines are those of the flow the conversation is in; before any flow,
// those of the lobby, which know escapes only.
func (t *turn) machines() *machines {
	if f := t.flowDef(); f != nil {
		return f.machines
	}
	return t.set.linked.lobby.machines
}

// chooseFlow finds the first start rule that holds for this visibility. A share
// of rollout is about rules with a condition: what else starts is for everybody.
func (t *turn) chooseFlow(public bool) (string, bool) {
	want := dm.Private
	if public {
		want = dm.Public
	}
	for i := range t.set.Start {
		r := &t.set.Start[i]
		f := t.set.Flows[r.Flow]
		if f == nil || !f.runs(want) || r.If != nil && !t.enrolled(f) {
			continue
		}
		if r.If == nil || t.cond(r.If) {
			return r.Flow, true
		}
	}
	return "", false
}

// runs says whether a flow may run for a visibility; unsaid, it is private.
func (f *Flow) runs(visibility string) bool {
	if len(f.On) == 0 {
		return visibility == dm.Private
	}
	return slices.Contains(f.On, visibility)
}

// StartFlow is the flow that a new conversation would run in these
// circumstances; false when no rule is left.
func StartFlow(set *Set, w World, public bool) (flow string, ok bool) {
	t := &turn{set: set, ev: &Event{World: w}, now: w.Now}
	t.eval = evaluator{t: t, env: map[string]any{}}
	t.eval.env[hidden] = &t.eval
	t.lang = pickLanguage(set.Languages, w.Contact.Language, w.Channel.Locale)
	defer func() {
		if recover() != nil {
			flow, ok = "", false
		}
	}()
	return t.chooseFlow(public)
}

// result is what the step hands out.
func (t *turn) result() Result {
	t.keepSent()
	t.trace.To = t.position()
	res := Result{State: t.st, Effects: slices.Clone(t.out), Trace: t.trace}
	res.Trace.Steps = slices.Clone(t.trace.Steps)
	return res
}

// keepSent adds the time of every message said to the last ones kept; answers
// to taps and exact answers are no part of a loop and not counted.
func (t *turn) keepSent() {
	if t.exempt {
		return
	}
	said := 0
	for _, e := range t.out {
		if _, ok := e.(Say); ok {
			said++
		}
	}
	if said = min(said, maxSent); said == 0 {
		return
	}
	old := t.st.Sent[max(0, len(t.st.Sent)+said-maxSent):]
	t.st.Sent = append(make([]int64, 0, len(old)+said), old...)
	now := t.now.Unix()
	for range said {
		t.st.Sent = append(t.st.Sent, now)
	}
}

// floods says whether this turn's messages would break the loop ceiling.
func (t *turn) floods(before State) bool {
	n := 0
	for _, e := range t.out {
		if s, ok := e.(Say); ok && !s.Public {
			n++
		}
	}
	if n == 0 || t.st.Owner == dm.OwnerQueue && before.Owner != dm.OwnerQueue && n == 1 {
		return false
	}
	minute, hour, now := n, n, t.now.Unix()
	for _, at := range before.Sent {
		age := now - at
		if age < int64(time.Minute/time.Second) {
			minute++
		}
		if age < int64(time.Hour/time.Second) {
			hour++
		}
	}
	return minute > maxPerMin || hour > maxPerHour
}
