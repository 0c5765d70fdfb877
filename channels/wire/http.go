package wire

import (
	"net/http"
	"strconv"
	"time"
)

// RetryAfter is the time a Retry-After header names, seconds or date, at most
// most after at; zero when there is none that makes sense.
func RetryAfter(h http.Header, at time.Time, most time.Duration) time.Time {
	v := h.Get("Retry-After")
	var until time.Time
	if s, err := strconv.ParseInt(v, 10, 64); err == nil && s >= 0 {
		until = at.Add(time.Duration(min(s, int64(most/time.Second))) * time.Second)
	} else if t, err := http.ParseTime(v); err == nil && t.After(at) {
		until = t.UTC()
	} else {
		return time.Time{}
	}
	if limit := at.Add(most); until.After(limit) {
		return limit
	}
	return until
}
