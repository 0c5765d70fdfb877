// Package schedule answers one question for flows, clocks, promises and
// reports alike: when is somebody there? A period is local wall-clock time,
// half open; a start that does not exist on a daylight-saving day moves to the
// next existing minute, elapsed time counts real minutes.
package schedule

import "time"

// Schedule is opening hours in one time zone.
type Schedule struct {
	Name     string
	Location *time.Location
	Hours    [7][]Period         // by time.Weekday; not Open, which asks
	Closed   map[string]bool     // dates as 2006-01-02
	Except   map[string][]Period // wins over Closed and Open
}

// Period is minutes of a day, From inclusive, To exclusive; To ≤ From runs
// past midnight, To may be 1440.
type Period struct{ From, To int }
