package wire

import (
	"bytes"
	"fmt"
	"io"
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

// PeekBody reads the body of a request that is about to be sent, for signing,
// and leaves it to be sent. A request with GetBody keeps its Body untouched;
// else the bytes that were read stand in for it.
func PeekBody(req *http.Request) ([]byte, error) {
	if req.Body == nil || req.Body == http.NoBody {
		return nil, nil
	}
	if req.GetBody != nil {
		r, err := req.GetBody()
		if err != nil {
			return nil, fmt.Errorf("get the body: %w", err)
		}
		defer func() { _ = r.Close() }() // only read from
		return io.ReadAll(r)
	}
	raw, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, fmt.Errorf("read the body: %w", err)
	}
	_ = req.Body.Close() // was read to its end
	req.Body = io.NopCloser(bytes.NewReader(raw))
	return raw, nil
}
