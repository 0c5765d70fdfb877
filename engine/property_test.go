package engine

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// anyFlow draws a small set: every state asks or leads on to a later one, so
// that a turn ends; what a customer does may lead anywhere.
func anyFlow(t *rapid.T) *Set {
	n := rapid.IntRange(1, 6).Draw(t, "states")
	name := func(i int) string {
		if i == 0 {
			return "start"
		}
		return fmt.Sprintf("s%d", i)
	}
	st := states{}
	for i := range n {
		target := func() *Exit {
			switch rapid.IntRange(0, 4).Draw(t, "exit") {
			case 0:
				return hand("")
			case 1:
				return closes("done")
			}
			return to("f." + name(rapid.IntRange(0, n-1).Draw(t, "to")))
		}
		later := func() *Exit {
			if i+1 < n {
				return to("f." + name(rapid.IntRange(i+1, n-1).Draw(t, "later")))
			}
			return closes("end")
		}
		switch rapid.IntRange(0, 2).Draw(t, "kind") {
		case 0:
			st[name(i)] = &StateDef{Say: says("hello {{ slots.s ?? 'you' }}"), Exit: later()}
		case 1:
			st[name(i)] = &StateDef{Ask: tx("Which?"), Options: []*Option{opt("one", "One thing", target(), "uno"), opt("two", "Two 🐭", target(), "dos"), opt("three", "Three", target())}}
		default:
			c := &Collect{Slot: "s", Ask: tx("What?"), Confirm: rapid.Bool().Draw(t, "confirm"), Always: true, MaxTries: rapid.IntRange(1, 4).Draw(t, "tries")}
			if rapid.Bool().Draw(t, "skip") {
				c.Skip = tx("Skip")
			}
			st[name(i)] = &StateDef{Collect: c, Exit: target(), NoReply: []Wait{{After: Delay{For: time.Minute}, Say: tx("Hello?")}}}
		}
	}
	low := 2.0
	set := newSetOf(flow("f", st), slot(&Slot{Name: "s", Type: SlotText, Pattern: `\d+`, Min: &low}))
	if err := set.Link(); err != nil {
		t.Fatal(err)
	}
	return set
}

func newSetOf(f *Flow, sl *Slot) *Set {
	return &Set{
		ID: "p", Languages: []string{"en"}, Timezone: time.UTC, DefaultQueue: "q", Queues: map[string]*Queue{"q": {Alias: "q"}},
		Slots: map[string]*Slot{sl.Name: sl}, SlotOrder: []string{sl.Name}, Flows: map[string]*Flow{f.Name: f}, FlowOrder: []string{f.Name},
		Start: []StartRule{{Flow: f.Name}}, Defaults: Defaults{MaxTries: 3, Fuzzy: 0.82, OldTaps: "jump"}, IdleClose: 24 * time.Hour,
	}
}

var utterances = []string{"hi", "one thing", "2", "uno", "12", "7", "yes", "no", "why", "one moment", "i dont have it", "agent", "start over", "gibberish words here", "thre", "🐭", "", "wrong s", "None of these"}

// TestEveryWaitEnds: whatever the customer does, a bot wait has a timer that
// ends it, a turn ends, nothing panics, and the state survives being saved.
func TestEveryWaitEnds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		set := anyFlow(rt)
		c := talk(t, set).unrecorded()
		armed := map[string]time.Time{}
		for range rapid.IntRange(1, 25).Draw(rt, "turns") {
			if len(c.asked) > 0 && rapid.IntRange(0, 3).Draw(rt, "do") == 0 {
				s := c.asked[rapid.IntRange(0, len(c.asked)-1).Draw(rt, "message")]
				i := rapid.IntRange(0, len(s.Options)-1).Draw(rt, "button")
				c.event(Event{Kind: EvMessage, Text: s.Options[i].Label, Tap: &Tap{Record: s.Question, Index: i, Label: s.Options[i].Label}})
			} else {
				c.user(rapid.SampledFrom(utterances).Draw(rt, "say"))
			}
			if c.trace.Error != "" {
				rt.Fatalf("error %s at %s", c.trace.Error, c.trace.ErrorAt)
			}
			keepTimers(armed, c.out)
			if c.st.Owner != "bot" {
				break
			}
			if len(armed) == 0 {
				rt.Fatalf("waits for ever at %s after %v", c.st.Position(), c.transcript())
			}
		}
		silence(rt, c, armed)
	})
}

func keepTimers(armed map[string]time.Time, out []Effect) {
	for _, e := range out {
		switch e := e.(type) {
		case SetTimer:
			armed[e.Name] = e.At
		case CancelTimers:
			for name := range armed {
				if strings.HasPrefix(name, e.Prefix) {
					delete(armed, name)
				}
			}
		}
	}
}

// silence lets every timer fire; the bot must not own the conversation after.
func silence(rt *rapid.T, c *chat, armed map[string]time.Time) {
	for range 50 {
		if c.st.Owner != "bot" || c.looking() { // whoever makes a look-up ends it
			return
		}
		name, at := "", time.Time{}
		for n, when := range armed {
			if name == "" || when.Before(at) {
				name, at = n, when
			}
		}
		if name == "" {
			rt.Fatalf("silence never ends at %s", c.st.Position())
		}
		delete(armed, name)
		c.w.Now = at
		c.event(Event{Kind: EvTimer, Timer: name, DueAt: at})
		keepTimers(armed, c.out)
	}
	rt.Fatalf("50 timers and still the bot's at %s", c.st.Position())
}

// TestTriesEnd: answers that fit nothing lead to a person within a bound.
func TestTriesEnd(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		c := talk(t, anyFlow(rt)).unrecorded().user("hello")
		for range 5 {
			if c.st.Owner != "bot" {
				return
			}
			c.user("gibberish that fits nothing")
		}
		if c.st.Owner == "bot" {
			rt.Fatalf("asks for ever at %s: %v", c.st.Position(), c.transcript())
		}
	})
}

// TestWhatCleaningLeaves: the quick answer is that of cleaning itself.
func TestWhatCleaningLeaves(t *testing.T) {
	t.Parallel()
	steps := []string{"trim", "upper", "lower", "remove_spaces", "digits", "letters_digits", "look_alikes", "remove:#-", "remove:aA", "remove:XYZ"}
	rapid.Check(t, func(rt *rapid.T) {
		sl := &Slot{Clean: rapid.SliceOfN(rapid.SampledFrom(steps), 0, 4).Draw(rt, "clean")}
		word := rapid.StringMatching(`[#aAxXyzé0-9.-]{1,4}`).Draw(rt, "word")
		cleaned, _ := clean(sl, nfkc(word))
		if got := gives(sl, word); got != (cleaned != "") {
			rt.Fatalf("%q by %v: %v, cleaned %q", word, sl.Clean, got, cleaned)
		}
	})
}

func TestSimilarityIsAMetricLikeness(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		a, b := rapid.StringN(0, 80, -1).Draw(rt, "a"), rapid.StringN(0, 80, -1).Draw(rt, "b")
		s := Similarity(a, b)
		if s != Similarity(b, a) || s < 0 || s > 1 || Similarity(a, a) != 1 || s == 1 && string([]rune(a)) != string([]rune(b)) {
			rt.Fatalf("%q %q %v", a, b, s)
		}
	})
	if Similarity("retrun", "return") != 1-1.0/6 {
		t.Fatal("an exchange of neighbours is one change")
	}
}
