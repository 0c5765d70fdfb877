package schedule

import (
	"slices"
	"time"
)

// zone is the schedule's location, UTC when it has none.
func (s *Schedule) zone() *time.Location {
	if s.Location == nil {
		return time.UTC
	}
	return s.Location
}

// dayStart is the first moment of the local day that lies n days after t's.
func (s *Schedule) dayStart(t time.Time, n int) time.Time {
	l := t.In(s.zone())
	return clock(time.Date(l.Year(), l.Month(), l.Day()+n, 0, 0, 0, 0, s.zone()), 0)
}

// periods are the opening hours of one local date: except, then closed, then
// the weekday.
func (s *Schedule) periods(day time.Time) []Period {
	key := day.Format(time.DateOnly)
	if p, ok := s.Except[key]; ok {
		return p
	}
	if s.Closed[key] {
		return nil
	}
	return s.Hours[day.Weekday()]
}

// spans are the open stretches that end after t, from yesterday's periods (one
// may run past midnight) over n days, in order, overlaps and neighbours joined.
func (s *Schedule) spans(t time.Time, n int) []span {
	local := t.In(s.zone())
	var all []span
	for i := -1; i <= n; i++ {
		day := time.Date(local.Year(), local.Month(), local.Day()+i, 12, 0, 0, 0, s.zone())
		for _, p := range s.periods(day) {
			if sp := p.on(day); sp.to.After(t) && sp.to.After(sp.from) {
				all = append(all, sp)
			}
		}
	}
	slices.SortFunc(all, func(a, b span) int { return a.from.Compare(b.from) })
	return join(all)
}

// join merges stretches that touch.
func join(all []span) []span {
	out := all[:0]
	for _, sp := range all {
		if n := len(out); n > 0 && !sp.from.After(out[n-1].to) {
			if sp.to.After(out[n-1].to) {
				out[n-1].to = sp.to
			}
			continue
		}
		out = append(out, sp)
	}
	return out
}

// on is the period on one local date in real time.
func (p Period) on(day time.Time) span {
	to := p.To
	if to <= p.From {
		to += minutesPerDay
	}
	return span{clock(day, p.From), clock(day, to)}
}

const minutesPerDay = 24 * 60

// clock is the local wall-clock minute m of day's date (m may exceed a day). A
// minute that a daylight-saving jump leaves out becomes the next one that
// exists; of a minute that exists twice the first counts.
func clock(day time.Time, m int) time.Time {
	y, mo, d := day.Date()
	loc := day.Location()
	t := time.Date(y, mo, d, 0, m, 0, 0, loc)
	want := time.Date(y, mo, d, 0, m, 0, 0, time.UTC)
	if sameWall(t, want) {
		// time.Date does not promise which of two equal clock times it gives.
		for _, back := range []time.Duration{time.Hour, 30 * time.Minute} {
			if early := t.Add(-back); sameWall(early, want) {
				return early
			}
		}
		return t
	}
	// Left out: the jump lies between the wall time read with the offset before
	// it and the one read with the offset after it.
	return jump(t.Add(-26*time.Hour), t.Add(26*time.Hour), want)
}

// jump finds the first existing minute whose wall clock is not before want.
func jump(lo, hi time.Time, want time.Time) time.Time {
	for hi.Sub(lo) > time.Second {
		mid := lo.Add(hi.Sub(lo) / 2)
		if wall(mid).Before(want) {
			lo = mid
		} else {
			hi = mid
		}
	}
	return hi.Truncate(time.Second)
}

// wall is the wall clock of t written as if it were UTC, so that two can be compared.
func wall(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
}

func sameWall(t, want time.Time) bool { return wall(t).Equal(want) }
