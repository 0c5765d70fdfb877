package engine

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"dispatcher/dm"
)

// stateVersion is the format of a saved state.
const stateVersion = 1

// maxState is the saved state without slots, tags and look-ups, in bytes; the
// oldest steps of the path are dropped until the rest fits.
const maxState = 8 << 10

// NewState is a conversation before its first event.
func NewState(set *Set) State {
	return State{Version: stateVersion, Set: set.ID, Owner: dm.OwnerBot}
}

// dated marks a date in JSON, which has no dates.
const dated = "\u0000date:"

// EncodeState writes a state as JSON. Dates and lists in slots come back as
// they were.
func EncodeState(st State) ([]byte, error) {
	st.Slots = markDates(st.Slots)
	st.Lookups = markLookups(st.Lookups)
	st.Question, st.Stack = markQuestion(st.Question), markFrames(st.Stack)
	if l := st.Left; l != nil && len(l.Lookups) > 0 {
		marked := *l
		marked.Lookups = markLookups(l.Lookups)
		st.Left = &marked
	}
	b, err := json.Marshal(st)
	if err != nil {
		return nil, fmt.Errorf("encode state: %w", err)
	}
	if len(b) <= maxState { // nearly always: what counts is less than the whole
		return b, nil
	}
	for {
		b, err := json.Marshal(measured(st))
		if err != nil {
			return nil, fmt.Errorf("encode state: %w", err)
		}
		if over := len(b) - maxState; over <= 0 || !shorten(&st, over, len(b)) {
			break
		}
	}
	if b, err = json.Marshal(st); err != nil {
		return nil, fmt.Errorf("encode state: %w", err)
	}
	return b, nil
}

// measured is what the cap is about: the state without slots, values that are
// not slots yet, tags and look-ups.
func measured(st State) State {
	st.Slots, st.Order, st.Tags, st.Lookups = nil, nil, nil, nil
	if q := st.Question; q != nil {
		bare := *q
		bare.Value, bare.Choices = nil, nil
		st.Question = &bare
	}
	if l := st.Left; l != nil {
		bare := *l
		bare.Lookups = nil
		st.Left = &bare
	}
	return st
}

// shorten drops the least needed part of a state that is too long: the oldest
// steps of the path, then what only explains, then a correction that waits.
func shorten(st *State, over, size int) bool {
	switch {
	case len(st.Path) > 0:
		drop := min(len(st.Path), 1+over*len(st.Path)/size) // by the share of what is too much
		st.Path = st.Path[drop:]
		st.Dropped += drop
	case len(st.Attempts) > 0:
		st.Attempts = nil
	case st.Replay != nil && st.Replay.Question == nil, st.Replay != nil && st.Question != nil:
		st.Replay = nil
	case st.Replay != nil && len(st.Replay.Steps) > 1:
		kept := *st.Replay
		kept.Steps = kept.Steps[:1]
		st.Replay = &kept
	default:
		return false
	}
	return true
}

// markQuestion does so for a value that waits to be confirmed.
func markQuestion(q *Question) *Question {
	if q == nil || q.Value == nil {
		return q
	}
	at, ok := q.Value.Value.(time.Time)
	if !ok {
		return q
	}
	marked, value := *q, *q.Value
	value.Value = dated + at.Format(time.RFC3339Nano)
	marked.Value = &value
	return &marked
}

// markDates writes dates as marked texts.
func markDates(slots map[string]SlotValue) map[string]SlotValue {
	var out map[string]SlotValue
	for name, v := range slots {
		at, ok := v.Value.(time.Time)
		if !ok {
			continue
		}
		if out == nil {
			out = maps.Clone(slots)
		}
		v.Value = dated + at.Format(time.RFC3339Nano)
		out[name] = v
	}
	if out == nil {
		return slots
	}
	return out
}

// markLookups does so for the results of look-ups.
func markLookups(results map[string]Looked) map[string]Looked {
	if len(results) == 0 {
		return results
	}
	out := make(map[string]Looked, len(results))
	for name, l := range results {
		l.Value, _ = mapped(l.Value, func(v any) any {
			if at, ok := v.(time.Time); ok {
				return dated + at.Format(time.RFC3339Nano)
			}
			return v
		}).(map[string]any)
		out[name] = l
	}
	return out
}

// mapped is a copy of a value of a look-up with every leaf replaced.
func mapped(v any, leaf func(any) any) any {
	fields, ok := v.(map[string]any)
	if !ok {
		return leaf(v)
	}
	out := make(map[string]any, len(fields))
	for name, field := range fields {
		out[name] = mapped(field, leaf)
	}
	return out
}

// DecodeState reads what EncodeState wrote.
func DecodeState(b []byte) (State, error) {
	var st State
	if err := json.Unmarshal(b, &st); err != nil {
		return State{}, fmt.Errorf("decode state: %w", err)
	}
	if st.Version > stateVersion {
		return State{}, fmt.Errorf("decode state: version %d is newer than this program's %d", st.Version, stateVersion)
	}
	for name, v := range st.Slots {
		v.Value = fromJSON(v.Value)
		st.Slots[name] = v
	}
	for name, l := range st.Lookups {
		l.Value, _ = mapped(l.Value, fromJSON).(map[string]any)
		st.Lookups[name] = l
	}
	if st.Left != nil {
		for name, l := range st.Left.Lookups {
			l.Value, _ = mapped(l.Value, fromJSON).(map[string]any)
			st.Left.Lookups[name] = l
		}
	}
	unmarkQuestion(st.Question)
	for i := range st.Stack {
		unmarkQuestion(st.Stack[i].Question)
	}
	return st, nil
}

// unmarkQuestion reads what markQuestion wrote.
func unmarkQuestion(q *Question) {
	if q != nil && q.Value != nil {
		q.Value.Value = fromJSON(q.Value.Value)
	}
}

// markFrames writes the values that wait in interrupted questions.
func markFrames(stack []Frame) []Frame {
	var out []Frame
	for i := range stack {
		marked := markQuestion(stack[i].Question)
		if marked == stack[i].Question {
			continue
		}
		if out == nil {
			out = slices.Clone(stack)
		}
		out[i].Question = marked
	}
	if out == nil {
		return stack
	}
	return out
}

// fromJSON gives dates and lists their kind again.
func fromJSON(v any) any {
	switch x := v.(type) {
	case string:
		if len(x) > len(dated) && x[:len(dated)] == dated {
			if at, err := time.Parse(time.RFC3339Nano, x[len(dated):]); err == nil {
				return at
			}
		}
	case []any:
		list := make([]string, 0, len(x))
		for _, item := range x {
			s, ok := item.(string)
			if !ok {
				return v
			}
			list = append(list, s)
		}
		return list
	}
	return v
}
