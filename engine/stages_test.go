package engine

import (
	"testing"
	"time"
)

// stage checks which stage of language.md 2.6 decided the last message.
func (c *chat) stage(want string) *chat {
	c.t.Helper()
	if c.trace.Stage != want {
		c.t.Fatalf("stage %q, want %q; trace %+v", c.trace.Stage, want, c.trace)
	}
	return c
}

// TestStagesAreNamed: the trace names the stage that decided, also while
// somebody is being verified.
func TestStagesAreNamed(t *testing.T) {
	t.Parallel()
	c := talk(t, verifySet(t, &Verify{By: VerifyCode})).user("AB123456")
	c.user("why").stage("side").says("bot: So that nobody else*")
	c.user("my order number is wrong").stage("correction")
	talk(t, verifySet(t, &Verify{By: VerifyCode})).user("hi").user("agent").stage("everywhere")
	menu := talk(t, shop(t)).user("hi")
	menu.user("xyzzy").stage("none").says("bot: Sorry, I didn't catch that.*").took("no_match:1")
	menu.user("2").stage("exact")
}

// TestDatesAndListsAreReadBack: what waits for a yes keeps its kind between
// two steps, also on the stack below a side trip.
func TestDatesAndListsAreReadBack(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind, text string
		want       any
	}{
		{SlotDate, "19/11/2026", time.Date(2026, 11, 19, 0, 0, 0, 0, time.UTC)},
		{SlotList, "apples and pears", []string{"apples", "pears"}},
		{SlotNumber, "1,5", 1.5},
		{SlotText, "  as typed ", "as typed"},
	} {
		set := newSet(t, []*Flow{
			flow("a", states{"start": {Collect: &Collect{Slot: "v", Ask: tx("V?"), Confirm: true}, Exit: to("a.end_")}, "end_": {Ask: tx("Else?"), Options: []*Option{opt("no", "No", closes("done"))}}}),
			flow("hours", states{"start": {Say: says("Nine to five."), Exit: back("done")}}),
		}, slot(&Slot{Name: "v", Type: c.kind}))
		set.Everywhere = []*Escape{{Name: "hours", Match: map[string][]string{"en": {"opening hours"}}, Exit: call("hours", nil)}}
		talk(t, relink(t, set)).user("hi").user(c.text).says("bot: I have*").user("opening hours").says("bot: Nine to five.", "bot: *").user("yes").at("a.end_").slot("v", c.want)
	}
}
