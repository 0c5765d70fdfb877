package schedule

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func london(t testing.TB) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation("Europe/London")
	if err != nil {
		t.Skip("no time zone data on this machine")
	}
	return loc
}

// office is Monday to Friday 8–20, Saturday in two halves, Friday night past
// midnight, with a holiday and an exception.
func office(t testing.TB) *Schedule {
	s := &Schedule{Name: "office", Location: london(t)}
	for d := time.Monday; d <= time.Friday; d++ {
		s.Hours[d] = []Period{{8 * 60, 20 * 60}}
	}
	s.Hours[time.Friday] = append(s.Hours[time.Friday], Period{22 * 60, 2 * 60})
	s.Hours[time.Saturday] = []Period{{9 * 60, 12 * 60}, {13 * 60, 17 * 60}}
	s.Closed = map[string]bool{"2026-12-25": true, "2026-12-24": true}
	s.Except = map[string][]Period{"2026-12-24": {{8 * 60, 13 * 60}}}
	return s
}

func at(t testing.TB, text string) time.Time {
	t.Helper()
	when, err := time.ParseInLocation("2006-01-02 15:04", text, london(t))
	if err != nil {
		t.Fatal(err)
	}
	return when
}

func TestOpen(t *testing.T) {
	t.Parallel()
	s := office(t)
	for when, want := range map[string]bool{
		"2026-11-20 07:59": false, "2026-11-20 08:00": true, "2026-11-20 19:59": true, "2026-11-20 20:00": false,
		"2026-11-20 22:00": true, "2026-11-21 01:59": true, "2026-11-21 02:00": false, "2026-11-21 12:30": false, "2026-11-21 13:00": true, "2026-11-22 12:00": false,
		"2026-12-24 12:59": true, "2026-12-24 13:00": false, "2026-12-25 10:00": false, "2026-12-25 23:00": false,
	} {
		if got := s.Open(at(t, when)); got != want {
			t.Errorf("open at %s = %v", when, got)
		}
	}
}

func TestOpensAndCloses(t *testing.T) {
	t.Parallel()
	s := office(t)
	for when, want := range map[string]string{
		"2026-11-20 10:00": "2026-11-20 10:00", "2026-11-20 20:30": "2026-11-20 22:00", "2026-11-21 02:00": "2026-11-21 09:00", "2026-11-21 17:00": "2026-11-23 08:00", "2026-12-24 13:00": "2026-12-26 09:00",
	} {
		got, ok := s.Opens(at(t, when))
		if !ok || !got.Equal(at(t, want)) {
			t.Errorf("opens after %s = %v %v, want %s", when, got, ok, want)
		}
	}
	if got, ok := s.Closes(at(t, "2026-11-20 23:00")); !ok || !got.Equal(at(t, "2026-11-21 02:00")) {
		t.Errorf("closes = %v %v", got, ok)
	}
	if _, ok := s.Closes(at(t, "2026-11-22 12:00")); ok {
		t.Error("a closed schedule closes")
	}
	if _, ok := (&Schedule{}).Opens(at(t, "2026-11-20 10:00")); ok {
		t.Error("an empty schedule opens")
	}
}

func TestDaylightSaving(t *testing.T) {
	t.Parallel()
	night := &Schedule{Location: london(t)}
	night.Hours[time.Sunday] = []Period{{30, 4 * 60}}
	spring, autumn := at(t, "2026-03-29 00:00"), at(t, "2026-10-25 00:00")
	if got := night.Between(spring, spring.Add(24*time.Hour)); got != 150*time.Minute {
		t.Errorf("spring night has %v", got)
	}
	if got := night.Between(autumn, autumn.Add(24*time.Hour)); got != 270*time.Minute {
		t.Errorf("autumn night has %v", got)
	}
	gap := &Schedule{Location: london(t)}
	gap.Hours[time.Sunday] = []Period{{90, 180}} // 01:30 does not exist on 29 March
	opens, ok := gap.Opens(spring)
	if !ok || opens.In(london(t)).Format("15:04") != "02:00" {
		t.Errorf("a start that does not exist opens at %v", opens.In(london(t)))
	}
}

func TestAddAndBetweenAgree(t *testing.T) {
	t.Parallel()
	s := office(t)
	if got := s.Add(at(t, "2026-11-20 19:50"), 30*time.Minute); !got.Equal(at(t, "2026-11-20 22:20")) {
		t.Error(got)
	}
	base := at(t, "2026-01-01 00:00")
	rapid.Check(t, func(rt *rapid.T) {
		from := base.Add(time.Duration(rapid.IntRange(0, 365*24*60).Draw(rt, "minute")) * time.Minute)
		d := time.Duration(rapid.IntRange(1, 200*60).Draw(rt, "open")) * time.Minute
		end := s.Add(from, d)
		if got := s.Between(from, end); got != d {
			rt.Fatalf("%v + %v = %v, which holds %v", from, d, end, got)
		}
		mid := from.Add(end.Sub(from) / 2)
		if s.Between(from, mid)+s.Between(mid, end) != d {
			rt.Fatalf("the halves of %v–%v do not add up", from, end)
		}
		if opens, ok := s.Opens(from); ok && (!s.Open(opens) || s.Between(from, opens) != 0) {
			rt.Fatalf("opens %v after %v", opens, from)
		}
	})
}

func TestNoScheduleIsAlwaysOpen(t *testing.T) {
	t.Parallel()
	var s *Schedule
	now := time.Date(2026, 11, 20, 3, 0, 0, 0, time.UTC)
	opens, ok := s.Opens(now)
	if !s.Open(now) || !ok || !opens.Equal(now) || s.Between(now, now.Add(time.Hour)) != time.Hour || !s.Add(now, time.Hour).Equal(now.Add(time.Hour)) {
		t.Fatal("nil is not always open")
	}
	if never := (&Schedule{}).Add(now, time.Hour); !never.After(now) {
		t.Fatal("a timer in a schedule that never opens does not end")
	}
}

func TestNextOpenDay(t *testing.T) {
	t.Parallel()
	s := office(t)
	for when, want := range map[string]string{"2026-11-19 10:00": "2026-11-20 10:00", "2026-11-20 19:00": "2026-11-21 17:00", "2026-11-21 10:00": "2026-11-23 10:00"} {
		if got := s.NextOpenDay(at(t, when)); !got.Equal(at(t, want)) {
			t.Errorf("%s + 1 open day = %v, want %s", when, got, want)
		}
	}
}
