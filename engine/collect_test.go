package engine

import (
	"testing"
	"time"
)

// asking is a set with one question about one slot; then it is handed over.
func asking(t testing.TB, sl *Slot, c *Collect) *Set {
	t.Helper()
	c.Slot = sl.Name
	if c.Ask == nil {
		c.Ask = tx("Well?")
	}
	return linkedSet(t, []*Flow{flow("a", states{
		"start": {Exit: to("a.q")},
		"q":     {Collect: c, Exit: to("a.end")},
		"end":   {Exit: closes("done")},
	})}, sl)
}

func TestConfirm(t *testing.T) {
	t.Parallel()
	set := asking(t, orderSlot(), &Collect{Confirm: true})
	c := talk(t, set).user("hi").user("AB123456").says("bot: I have AB123456. Is that right? [Yes|No]")
	yes := *c
	yes.user("ok").says("resolve done").slot("order_number", "AB123456")
	thumb := *c
	thumb.user("👍").says("resolve done")
	other := *c
	other.user("CD123456").says("bot: I have CD123456. Is that right? [Yes|No]").user("hmm").says("bot: Sorry, that doesn't look right. Please try again. [Yes|No]").tap("yes", 0).slot("order_number", "CD123456")
	c.tap("no", 0).says("bot: Well?").user("AB123456").user("no").says("bot: Well?").user("AB123456").says("bot: I have*")
	c.user("nope").says("bot: Thanks. Someone*", "handoff general gave_up gave_up")
	if len(c.st.Slots) != 0 {
		t.Fatalf("%+v", c.st.Slots)
	}
}

func TestWhichOne(t *testing.T) {
	t.Parallel()
	set := asking(t, orderSlot(), &Collect{})
	c := talk(t, set).user("hi").user("AB123456 or CD123456").says("bot: Which one is it? [AB123456|CD123456]")
	typed, tapped := *c, *c
	typed.user("cd 123456").slot("order_number", "CD123456")
	tapped.tap("choice_1", 0).slot("order_number", "AB123456")
	c.user("2").slot("order_number", "CD123456")
	talk(t, set).user("hi").user("AB123456, I said AB123456").slot("order_number", "AB123456")
}

func TestWindowsOfWords(t *testing.T) {
	t.Parallel()
	sl := orderSlot()
	sl.Find = ""
	set := asking(t, sl, &Collect{})
	for _, say := range []string{"AB123456", "its AB 123 456.", "it is ab-123-456", "number: AB12345б nope but AB123456", "AB I23456", "A8123456"} {
		c := talk(t, set).user("hi").user(say)
		if say == "A8123456" {
			c.slot("order_number", "AB123456")
			continue
		}
		c.slot("order_number", "AB123456")
	}
	talk(t, set).user("hi").user("XX123456").says("bot: Sorry, that doesn't look right. Please try again.")
}

func TestChoiceYesNoNumberDateList(t *testing.T) {
	t.Parallel()
	low, high := 1.0, 5.0
	size := slot(&Slot{Name: "s", Type: SlotChoice, Values: []SlotValueName{{ID: "small", Label: tx("Small 🐭")}, {ID: "large", Label: tx("Large")}}})
	for _, tc := range []struct {
		slot *Slot
		say  string
		want any
	}{
		{size, "i'd like a large one", "large"}, {size, "🐭", "small"}, {size, "1", "small"}, {size, "SMALL", "small"},
		{slot(&Slot{Name: "s", Type: SlotYesNo}), "yes please", true}, {slot(&Slot{Name: "s", Type: SlotYesNo}), "nah", false}, {slot(&Slot{Name: "s", Type: SlotYesNo}), "👎", false}, {slot(&Slot{Name: "s", Type: SlotYesNo}), "2", false},
		{slot(&Slot{Name: "s", Type: SlotNumber, Min: &low, Max: &high}), "4", 4.0},
		{slot(&Slot{Name: "s", Type: SlotNumber}), "1,234.5", 1234.5},
		{slot(&Slot{Name: "s", Type: SlotDate}), "20/11/2026", time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)},
		{slot(&Slot{Name: "s", Type: SlotDate}), "yesterday", time.Date(2026, 11, 19, 0, 0, 0, 0, time.UTC)},
		{slot(&Slot{Name: "s", Type: SlotDate}), "monday", time.Date(2026, 11, 16, 0, 0, 0, 0, time.UTC)},
		{slot(&Slot{Name: "s", Type: SlotDate}), "25 Dec", time.Date(2025, 12, 25, 0, 0, 0, 0, time.UTC)},
		{slot(&Slot{Name: "s", Type: SlotList}), "apples, pears and plums", []string{"apples", "pears", "plums"}},
	} {
		c := talk(t, asking(t, tc.slot, &Collect{})).user("hi").user(tc.say).says("resolve done")
		st := c.st
		got := st.Slots["s"].Value
		if at, ok := got.(time.Time); ok {
			if !at.Equal(tc.want.(time.Time)) {
				t.Fatalf("%q: %v", tc.say, got)
			}
			continue
		}
		c.slot("s", tc.want)
	}
	c := talk(t, asking(t, slot(&Slot{Name: "s", Type: SlotNumber, Min: &low, Max: &high}), &Collect{Skip: tx("Skip this")})).user("hi").says("bot: Well? [Skip this]")
	one, two := *c, *c
	one.user("1").slot("s", 1.0)
	two.user("skip this").says("resolve done").slot("s", nil)
	c.user("9").says("bot: Sorry, that doesn't*").user("i dont have it").says("resolve done")
}

func TestKnownAlreadyAndAlways(t *testing.T) {
	t.Parallel()
	sl := orderSlot()
	sl.Contact = true
	set := asking(t, sl, &Collect{})
	c := talk(t, set)
	c.w.Contact.Slots = map[string]SlotValue{"order_number": {Value: "AB123456"}}
	c.user("hi").says("resolve done")
	c = talk(t, asking(t, sl, &Collect{Always: true}))
	c.w.Contact.Slots = map[string]SlotValue{"order_number": {Value: "AB123456"}}
	c.user("hi").says("bot: Well?").user("CD123456").says("resolve done")
	if _, ok := c.out[0].(SetContact); !ok {
		t.Fatalf("%+v", c.out)
	}
	with := orderSlot()
	with.Default = "AB000000"
	talk(t, asking(t, with, &Collect{})).user("hi").says("bot: Well?")
}

func TestSeveralFoundAheadFillNothing(t *testing.T) {
	t.Parallel()
	c := talk(t, shop(t)).user("AB123456 and CD123456")
	if _, ok := c.st.Slots["order_number"]; ok {
		t.Fatalf("%+v", c.st.Slots)
	}
}

func TestSlotCeilings(t *testing.T) {
	t.Parallel()
	max := 20_000.0
	sl := slot(&Slot{Name: "s", Type: SlotText, Max: &max})
	long := make([]byte, 9_999)
	for i := range long {
		long[i] = 'a'
	}
	c := talk(t, asking(t, sl, &Collect{})).user("hi")
	c.user(string(long)).says("resolve done")
	plain := slot(&Slot{Name: "s", Type: SlotText})
	talk(t, asking(t, plain, &Collect{})).user("hi").user(string(long)).says("bot: Sorry, that doesn't look right. Please try again.")
}
