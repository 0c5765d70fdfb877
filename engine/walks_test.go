package engine

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// anyProject draws three flows that call each other in one direction: states
// that ask about slots a, b and c, look things up, branch on them, or say them.
func anyProject(t *rapid.T, id string) *Set {
	slots := []string{"a", "b", "c"}
	names := []string{"one", "two", "three"}
	var flows []*Flow
	for f := range names {
		n := rapid.IntRange(2, 6).Draw(t, "states")
		state := func(i int) string {
			if i == 0 {
				return "start"
			}
			return fmt.Sprintf("s%d", i)
		}
		st := states{}
		for i := range n {
			onward := func() *Exit {
				if i+1 < n {
					return to(names[f] + "." + state(rapid.IntRange(i+1, n-1).Draw(t, "to")))
				}
				if f == 0 {
					return closes("done")
				}
				return back("done")
			}
			anywhere := func() *Exit {
				return to(names[f] + "." + state(rapid.IntRange(0, n-1).Draw(t, "anywhere")))
			}
			slot := rapid.SampledFrom(slots).Draw(t, "slot")
			switch kind := rapid.IntRange(0, 5).Draw(t, "kind"); {
			case kind <= 1:
				st[state(i)] = &StateDef{Collect: &Collect{Slot: slot, Ask: tx(slot + "?"), Confirm: rapid.Bool().Draw(t, "confirm")}, Exit: onward()}
			case kind == 2:
				st[state(i)] = &StateDef{Say: says("So {{ slots." + slot + " ?? 'nothing' }}"), Ask: tx("Which?"), Save: "c", Options: []*Option{opt("x", "The first", onward()), opt("y", "The second", anywhere())}, Exit: onward()}
			case kind == 3:
				st[state(i)] = &StateDef{HTTP: &Lookup{Service: "s", Method: rapid.SampledFrom([]string{"get", "post"}).Draw(t, "method"), Path: tx("/x/{{ slots." + slot + " ?? '0' }}"), Save: "found", Returns: []LookupField{{Name: "n", Type: SlotText}}, OnElse: onward()}, Exit: branch(arm(`found?.n == "1"`, onward()), arm("", onward()))}
			case kind == 4 && f < 2:
				st[state(i)] = &StateDef{Exit: call(names[rapid.IntRange(f+1, 2).Draw(t, "callee")], onward())}
			default:
				st[state(i)] = &StateDef{Set: []SetSlot{{Slot: "d", Expr: x("slots." + slot)}}, Tag: []*Text{tx("t{{ slots." + slot + " ?? '' }}")}, Exit: branch(arm("slots."+slot+` == "42"`, onward()), arm("", onward()))}
			}
		}
		fl := flow(names[f], st)
		fl.Pin = rapid.Bool().Draw(t, "pin")
		flows = append(flows, fl)
	}
	set := newSet(&testing.T{}, flows)
	for _, name := range slots {
		called := map[string][]string{"a": {"alpha"}, "b": {"bravo"}, "c": {"charlie"}}[name]
		set.Slots[name] = &Slot{Name: name, Type: SlotText, Pattern: `\d+|x|y`, Called: called}
		set.SlotOrder = append(set.SlotOrder, name)
	}
	set.ID = id
	if err := set.Link(); err != nil {
		t.Fatal(err)
	}
	return set
}

var walkers = []string{"1", "2", "42", "7", "yes", "no", "wrong alpha", "wrong alpha 42", "change bravo to 9", "wrong charlie", "actually charlie, the second", "wrong alpha bravo", "why", "hmm", "opening", "start over"}

// TestAnyWayIsWalked: whatever is corrected, edited, tapped and changed, no
// step fails, none writes into what it was given, what is saved can be gone on
// with, and somebody or something always ends the wait.
func TestAnyWayIsWalked(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		sets := []*Set{anyProject(rt, "one"), anyProject(rt, "two")}
		c := talk(t, sets[0]).unrecorded().user("hello")
		armed := map[string]time.Time{}
		keepTimers(armed, c.out)
		for range rapid.IntRange(5, 40).Draw(rt, "turns") {
			if c.st.Owner != "bot" {
				return
			}
			anyEvent(rt, c, sets)
			if c.trace.Error != "" {
				rt.Fatalf("%s at %s: %+v", c.trace.Error, c.trace.ErrorAt, c.trace.Steps)
			}
			keepTimers(armed, c.out)
			if c.st.Owner == "bot" && len(armed) == 0 && c.st.Waiting == nil {
				rt.Fatalf("waits for ever at %s after %v: %+v", c.st.Position(), c.transcript(), c.trace)
			}
			if c.st.Replay != nil && c.st.Question == nil && c.st.Waiting == nil {
				rt.Fatalf("a correction waits for nothing: %+v", c.st.Replay)
			}
		}
	})
}

func anyEvent(rt *rapid.T, c *chat, sets []*Set) {
	what := rapid.IntRange(0, 11).Draw(rt, "event")
	switch {
	case c.st.Waiting != nil && what < 8:
		r := LookupResult{ID: c.st.Waiting.ID, Status: rapid.SampledFrom([]int{200, 200, 404, 500}).Draw(rt, "status"), Body: json.RawMessage(rapid.SampledFrom([]string{`{"n":"1"}`, `{"n":"2"}`, `{}`}).Draw(rt, "body"))}
		c.event(Event{Kind: EvLookup, Lookup: &r})
	case what == 8 && len(c.asked) > 0:
		s := c.asked[rapid.IntRange(0, len(c.asked)-1).Draw(rt, "message")]
		c.press(s, s.Options[rapid.IntRange(0, len(s.Options)-1).Draw(rt, "button")].ID)
	case what == 9:
		c.event(Event{Kind: EvMessage, Edited: true, Seq: int64(rapid.IntRange(1, 8).Draw(rt, "seq")), Text: rapid.SampledFrom([]string{"42", "11", "the second", "x"}).Draw(rt, "edit")})
	case what == 10:
		c.w.Now = c.w.Now.Add(time.Hour)
		c.set = sets[rapid.IntRange(0, 1).Draw(rt, "set")]
		if c.pinned = nil; c.st.Pin != nil && c.st.Pin.Set != c.set.ID && rapid.Bool().Draw(rt, "kept") {
			for _, s := range sets {
				if s.ID == c.st.Pin.Set {
					c.pinned = s
				}
			}
		}
	default:
		c.user(rapid.SampledFrom(walkers).Draw(rt, "say"))
	}
}
