package inbox

import (
	"slices"
	"strings"
	"testing"
	"time"

	"dispatcher/dm/schedule"
)

// The start page tells the first flow as it is written.
func TestOutlineIsTheFirstFlowInPlainWords(t *testing.T) {
	t.Parallel()
	dir, v := newFolder(t)
	got := startRig(t, dir, v, strings.Replace(shopFlow, "Goodbye.", `"Goodbye {{ contact.name }}!"`, 1)).Outline()
	want := []Stage{
		{Name: "start", Says: greeting, Asks: true},
		{Name: "number", Says: "What is your order number?", Asks: true},
		{Name: "hand", Says: "I have passed this on.", Ends: true},
		{Name: "done", Says: "Goodbye …!", Ends: true},
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %+v", got)
	}
}

func TestHoursInWords(t *testing.T) {
	t.Parallel()
	week := &schedule.Schedule{Name: "support", Location: time.UTC}
	for day := time.Monday; day <= time.Friday; day++ {
		week.Hours[day] = []schedule.Period{{From: 9 * 60, To: 20 * 60}}
	}
	always := &schedule.Schedule{Name: "always", Location: time.UTC}
	for day := range always.Hours {
		always.Hours[day] = []schedule.Period{{From: 0, To: 1440}}
	}
	friday := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		of   *schedule.Schedule
		now  time.Time
		want string
	}{
		{week, friday, "until 20:00, then Mon 09:00"},
		{week, friday.Add(24 * time.Hour), "from Mon 09:00"},
		{always, friday, "at any time"},
		{&schedule.Schedule{Name: "never", Location: time.UTC}, friday, ""},
	} {
		if got := hours(c.of, c.now); got != c.want {
			t.Errorf("%s at %v: %q, want %q", c.of.Name, c.now, got, c.want)
		}
	}
}
