package schedule

import (
	"slices"
	"time"
)

// span is one open stretch of real time, half open.
type span struct{ from, to time.Time }

// horizon is how far Opens and Add look ahead, in days.
const horizon = 30

// Open says whether t lies in an open period. A nil schedule is always open.
func (s *Schedule) Open(t time.Time) bool {
	if s == nil {
		return true
	}
	// Yesterday's periods and today's are all that may hold t.
	return slices.ContainsFunc(s.spans(t, 0), func(sp span) bool { return !sp.from.After(t) })
}

// Opens is the next moment at or after t that is open: t itself when open,
// false when nothing opens within 30 days.
func (s *Schedule) Opens(t time.Time) (time.Time, bool) {
	if s == nil {
		return t, true
	}
	if s.Open(t) {
		return t, true
	}
	for _, sp := range s.spans(t, horizon+1) {
		if sp.from.Sub(t) <= horizon*24*time.Hour {
			return sp.from, true
		}
	}
	return time.Time{}, false
}

// Closes is the end of the open stretch that t lies in; false when t is not
// open. The zero time with true means it never closes.
func (s *Schedule) Closes(t time.Time) (time.Time, bool) {
	if s == nil {
		return time.Time{}, true
	}
	for _, sp := range s.spans(t, horizon+1) {
		if sp.from.After(t) {
			return time.Time{}, false
		}
		if sp.to.After(t) {
			return sp.to, true
		}
	}
	return time.Time{}, false
}

// Between is the open real time in [a, b); 0 when b is not after a.
func (s *Schedule) Between(a, b time.Time) time.Duration {
	if !b.After(a) {
		return 0
	}
	if s == nil {
		return b.Sub(a)
	}
	days := int(b.Sub(a)/(24*time.Hour)) + 2
	var sum time.Duration
	for _, sp := range s.spans(a, days) {
		from, to := sp.from, sp.to
		if from.Before(a) {
			from = a
		}
		if to.After(b) {
			to = b
		}
		if to.After(from) {
			sum += to.Sub(from)
		}
	}
	return sum
}

// maxAdd bounds the days Add looks through: longer than any ladder of a flow.
const maxAdd = 5 * 366

// Add is the moment by which d of open time has passed since t. A schedule
// that never opens that long gives t plus d of elapsed time after the look-ahead,
// so a timer built on it still ends.
func (s *Schedule) Add(t time.Time, d time.Duration) time.Time {
	if s == nil || d <= 0 {
		return t.Add(max(d, 0))
	}
	days := 1 // most of what is added ends within two days
	for start, done := t, 0; done < maxAdd; done, days = done+days, horizon {
		limit := s.dayStart(start, days)
		for _, sp := range s.spans(start, days) {
			from := sp.from
			if from.Before(start) {
				from = start
			}
			to := sp.to
			if to.After(limit) {
				to = limit
			}
			if !to.After(from) {
				continue
			}
			if open := to.Sub(from); open < d {
				d -= open
				continue
			}
			return from.Add(d)
		}
		start = limit
	}
	return t.AddDate(0, 0, maxAdd).Add(d)
}

// NextOpenDay is the same clock time on the next day that has opening hours,
// or that day's last closing time when that is earlier: what "1 open day" adds.
func (s *Schedule) NextOpenDay(t time.Time) time.Time {
	if s == nil {
		return t.AddDate(0, 0, 1)
	}
	local := t.In(s.zone())
	for i := 1; i <= horizon; i++ {
		day := time.Date(local.Year(), local.Month(), local.Day()+i, 0, 0, 0, 0, s.zone())
		periods := s.periods(day)
		if len(periods) == 0 {
			continue
		}
		same := clock(day, local.Hour()*60+local.Minute()).Add(time.Duration(local.Second()) * time.Second)
		last := time.Time{}
		for _, p := range periods {
			if sp := p.on(day); sp.to.After(last) {
				last = sp.to
			}
		}
		if last.Before(same) {
			return last
		}
		return same
	}
	return t.AddDate(0, 0, horizon)
}
