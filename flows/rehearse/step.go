package rehearse

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"dispatcher/dm"
	"dispatcher/engine"
)

// maxRounds is how many look-ups one input may lead to.
const maxRounds = 50

// event runs one event and everything it causes at this moment: results of
// look-ups that are there at once.
func (t *Talk) event(ev engine.Event) ([]Line, error) {
	t.Unmocked, t.refused = nil, nil
	lines, err := t.step(ev)
	for rounds := 0; err == nil; rounds++ {
		i, ok := t.dueCall(t.now)
		if !ok {
			break
		}
		if rounds == maxRounds {
			return lines, fmt.Errorf("%w: %s", ErrRound, t.calls[i].name)
		}
		var more []Line
		more, err = t.step(t.taken(i))
		lines = append(lines, more...)
	}
	return lines, err
}

// nextDue is the earliest timer or result not after a moment; results come
// before timers, timers of one moment by name.
func (t *Talk) nextDue(until time.Time) (engine.Event, time.Time, bool) {
	name, at, timer := t.nextTimer(until)
	if i, ok := t.dueCall(until); ok && (!timer || !t.calls[i].due.After(at)) {
		due := t.calls[i].due
		return t.taken(i), due, true
	}
	if !timer {
		return engine.Event{}, time.Time{}, false
	}
	delete(t.timers, name)
	return engine.Event{Kind: engine.EvTimer, Timer: name, DueAt: at}, at, true
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

// step runs one event on the state as storage would give it back.
func (t *Talk) step(ev engine.Event) ([]Line, error) {
	st, err := engine.DecodeState(t.state)
	if err != nil {
		return nil, fmt.Errorf("read the saved state: %w", err)
	}
	ev.Seq = t.seq
	ev.World = t.world(st)
	sets := t.sets(st)
	r := engine.Step(sets, st, ev)
	t.traces = append(t.traces, r.Trace)
	if t.opt.Watch != nil {
		t.opt.Watch(r)
	}
	b, err := engine.EncodeState(r.State)
	if err != nil {
		return nil, fmt.Errorf("save the state: %w", err)
	}
	before := t.state
	t.state, t.owner = b, r.State.Owner
	return t.apply(r.Effects, t.inFirst(sets, before, ev))
}

// sets are what a step resolves against.
func (t *Talk) sets(st engine.State) engine.Sets {
	sets := engine.Sets{Live: t.live()}
	t.pinned[sets.Live.ID] = sets.Live
	if st.Pin != nil && st.Pin.Set != sets.Live.ID {
		sets.Pinned = t.pinned[st.Pin.Set]
	}
	return sets
}

// inFirst is what the same step says in the project's first language: the
// words that a test was written for.
func (t *Talk) inFirst(sets engine.Sets, state []byte, ev engine.Event) []engine.Effect {
	if !t.opt.InFirst {
		return nil
	}
	st, err := engine.DecodeState(state)
	if err != nil {
		return nil
	}
	ev.World.InFirst = true
	return engine.Step(sets, st, ev).Effects
}

// twin is the effect of the first language that stands for one of the step:
// of the same kind, at the same place.
func twin(effects, first []engine.Effect, i int) engine.Effect {
	if len(first) != len(effects) {
		return nil
	}
	switch e := effects[i].(type) {
	case engine.Say:
		if f, ok := first[i].(engine.Say); ok && f.Rule == e.Rule && len(f.Options) == len(e.Options) {
			return f
		}
	case engine.Handoff:
		if f, ok := first[i].(engine.Handoff); ok {
			return f
		}
	}
	return nil
}

// apply does the effects in order.
func (t *Talk) apply(effects, first []engine.Effect) ([]Line, error) {
	var lines []Line
	for i, e := range effects {
		switch e := e.(type) {
		case engine.Say:
			if e.Place {
				continue
			}
			lines = append(lines, t.said1(e, twin(effects, first, i)))
		case engine.Handoff:
			t.before.Holdout = t.before.Holdout || e.Cause == dm.CauseHoldout
			if e.Raised {
				lines = append(lines, Line{Kind: LineNote, Text: "-- priority " + e.Priority})
				continue
			}
			line := Line{Kind: LineHandoff, Handoff: &e}
			if f, ok := twin(effects, first, i).(engine.Handoff); ok {
				line.First = &Line{Kind: LineHandoff, Handoff: &f}
			}
			lines = append(lines, line)
		case engine.Resolve:
			t.timers = map[string]time.Time{}
			lines = append(lines, Line{Kind: LineResolved, Reason: e.Reason})
		case engine.OpenNew:
			t.reopen(t.State())
			t.started, t.said = true, 1
			ev := e.Event
			ev.Opening = true
			more, err := t.step(ev)
			lines = append(lines, more...)
			if err != nil {
				return lines, err
			}
		default:
			lines = append(lines, t.quiet(e)...)
		}
	}
	return lines, nil
}

// said1 is one message of the bot; its buttons may be tapped from now on.
func (t *Talk) said1(e engine.Say, first engine.Effect) Line {
	line := Line{Kind: LineBot, Text: e.Text, Options: e.Options, Public: e.Public, Rule: e.Rule, Media: e.Media, Alt: e.Alt}
	s := sent{options: e.Options, record: e.Question}
	if f, ok := first.(engine.Say); ok {
		line.First = &Line{Kind: LineBot, Text: f.Text, Options: f.Options, Media: f.Media, Alt: f.Alt}
		s.first = f.Options
	}
	if len(e.Options) > 0 {
		t.sent = append(t.sent, s)
	}
	return line
}

// quiet does the effects that the customer does not see.
func (t *Talk) quiet(e engine.Effect) []Line {
	switch e := e.(type) {
	case engine.SetTimer:
		t.timers[e.Name] = e.At
	case engine.CancelTimers:
		maps.DeleteFunc(t.timers, func(name string, _ time.Time) bool { return strings.HasPrefix(name, e.Prefix) })
	case engine.SetContact:
		t.keepContact(e)
	case engine.Call:
		open := len(t.Unmocked)
		t.send(e)
		if len(t.Unmocked) > open {
			return []Line{{Kind: LineNote, Text: "-- looks up " + t.Unmocked[open]}}
		}
	case engine.CSAT:
		t.survey = t.now
		return []Line{{Kind: LineNote, Text: fmt.Sprintf("-- survey %d %s", e.Score, e.Comment)}}
	case engine.FormErrors:
		t.refused = e.Fields
		var out []Line
		for _, name := range slices.Sorted(maps.Keys(e.Fields)) {
			out = append(out, Line{Kind: LineNote, Text: "-- form: " + name + ": " + e.Fields[name]})
		}
		return out
	case engine.GiveBack:
		return []Line{{Kind: LineNote, Text: "-- given back (" + e.Result + ")"}}
	}
	return nil
}

// Refused are the fields of a submitted form that were not taken, with what
// is wrong; nil when the last input was no such form.
func (t *Talk) Refused() map[string]string { return t.refused }

func (t *Talk) keepContact(e engine.SetContact) {
	if e.Language != "" {
		t.contact.Language = e.Language
	}
	if e.VerifiedBy != "" {
		t.contact.Verified, t.contact.VerifiedBy, t.verified = true, e.VerifiedBy, e.VerifiedUntil
	}
	if len(e.Slots) == 0 {
		return
	}
	kept := maps.Clone(t.contact.Slots)
	if kept == nil {
		kept = map[string]engine.SlotValue{}
	}
	for name, v := range e.Slots {
		if v.Value == nil {
			delete(kept, name)
			continue
		}
		kept[name] = v
	}
	t.contact.Slots = kept
}

// StateJSON is the saved state, indented.
func (t *Talk) StateJSON() string {
	var v any
	if json.Unmarshal(t.state, &v) != nil {
		return string(t.state)
	}
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return string(t.state)
	}
	return string(b)
}
