package rehearse

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"dispatcher/engine"
	"dispatcher/flows"
)

// call is a look-up that has been sent; it is open while it has no result.
type call struct {
	id      string
	name    string // GET /path?query
	returns json.RawMessage
	due     time.Time
	result  *engine.LookupResult
}

// SetMocks replaces the answers of look-ups from here on.
func (t *Talk) SetMocks(mocks []flows.Mock) {
	t.mocks, t.used = mocks, map[string]int{}
}

// send makes a look-up: the first mock that fits answers it, each attempt of a
// retry being one call of its own.
func (t *Talk) send(e engine.Call) {
	c := call{id: e.ID, name: strings.ToUpper(e.Method) + " " + e.Path, returns: e.Returns, due: t.now}
	m := t.mockFor(e)
	if m == nil && t.ready != "" {
		if r, err := answered(t.ready); err == nil {
			t.answers = append(slices.Clip(t.answers), answer{c.name, r})
			r.ID, r.Returns = e.ID, e.Returns
			c.result, t.ready = &r, ""
			t.calls = append(slices.Clip(t.calls), c)
			return
		}
	}
	if m == nil {
		t.Unmocked = append(t.Unmocked, c.name+" ("+e.Service+")")
		t.calls = append(slices.Clip(t.calls), c)
		return
	}
	for attempt := 0; ; attempt++ {
		a := t.next(m)
		c.due = c.due.Add(a.After)
		if attempt >= e.Retry || !again(a) {
			c.result = &engine.LookupResult{ID: e.ID, Status: a.Status, Fail: a.Fail, Body: a.Body, Returns: e.Returns}
			break
		}
	}
	t.calls = append(slices.Clip(t.calls), c)
}

// again says that an attempt is worth another: no answer in time, no
// connection, 429, 5xx.
func again(a flows.MockAnswer) bool {
	return a.Fail == "timeout" || a.Fail == "refused" || a.Status == 429 || a.Status >= 500
}

// next is the response of this call; the last of a list repeats.
func (t *Talk) next(m *flows.Mock) flows.MockAnswer {
	i := min(t.used[m.Key], len(m.Says)-1)
	t.used[m.Key]++
	return m.Says[i]
}

// mockFor is the mock for a call: one with a query before one without, one
// without * before one with, else as written.
func (t *Talk) mockFor(e engine.Call) *flows.Mock {
	var best *flows.Mock
	rank := -1
	for i := range t.mocks {
		m := &t.mocks[i]
		if m.Method != strings.ToLower(e.Method) || !fitsPath(m, e.Path) {
			continue
		}
		r := 0
		if m.HasQ {
			r += 2
		}
		if !strings.Contains(m.Path, "*") {
			r++
		}
		if r > rank {
			best, rank = m, r
		}
	}
	return best
}

// fitsPath compares a call with a mock, escaped or not.
func fitsPath(m *flows.Mock, target string) bool {
	p, query, _ := strings.Cut(target, "?")
	if !glob(m.Path, p) {
		plain, err := url.PathUnescape(p)
		if err != nil || !glob(m.Path, plain) {
			return false
		}
	}
	return !m.HasQ || fitsQuery(m.Query, query)
}

// fitsQuery compares parameters, whatever their order; a value may hold *.
func fitsQuery(want, got string) bool {
	w, errW := url.ParseQuery(want)
	g, errG := url.ParseQuery(got)
	if errW != nil || errG != nil {
		return want == got
	}
	if len(w) != len(g) {
		return false
	}
	for name, values := range w {
		have := g[name]
		if len(have) != len(values) {
			return false
		}
		for i := range values {
			if !glob(values[i], have[i]) {
				return false
			}
		}
	}
	return true
}

// glob compares a text with one that may hold * for any run of characters.
func glob(pattern, s string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == s
	}
	first, last := parts[0], parts[len(parts)-1]
	if len(s) < len(first)+len(last) || !strings.HasPrefix(s, first) || !strings.HasSuffix(s, last) {
		return false
	}
	s = s[len(first) : len(s)-len(last)]
	for _, p := range parts[1 : len(parts)-1] {
		i := strings.Index(s, p)
		if i < 0 {
			return false
		}
		s = s[i+len(p):]
	}
	return true
}

// dueCall takes the first open call whose result is there by a moment.
func (t *Talk) dueCall(until time.Time) (int, bool) {
	best := -1
	for i, c := range t.calls {
		if c.result != nil && !c.due.After(until) && (best < 0 || c.due.Before(t.calls[best].due)) {
			best = i
		}
	}
	return best, best >= 0
}

// taken removes a call and makes the event of its result.
func (t *Talk) taken(i int) engine.Event {
	c := t.calls[i]
	t.calls = slices.Delete(slices.Clone(t.calls), i, i+1)
	return engine.Event{Kind: engine.EvLookup, Lookup: c.result}
}

// Answer answers the open look-up, or else the next: a status with JSON or
// without, or timeout, refused, invalid.
func (t *Talk) Answer(how string) ([]Line, error) {
	r, err := answered(how)
	if err != nil {
		return nil, err
	}
	t.remember()
	i := slices.IndexFunc(t.calls, func(c call) bool { return c.result == nil })
	if i < 0 {
		t.ready = how
		return nil, nil
	}
	t.traces = nil
	t.answers = append(slices.Clip(t.answers), answer{t.calls[i].name, r})
	r.ID, r.Returns = t.calls[i].id, t.calls[i].returns
	t.calls = slices.Clone(t.calls)
	t.calls[i].result, t.calls[i].due = &r, t.now
	return t.event(t.taken(i))
}

// answered reads an answer as it is typed.
func answered(how string) (engine.LookupResult, error) {
	word, body, _ := strings.Cut(strings.TrimSpace(how), " ")
	switch word {
	case "timeout", "refused", "invalid":
		return engine.LookupResult{Fail: word}, nil
	}
	n, err := strconv.Atoi(word)
	if err != nil || n < 100 || n > 599 {
		return engine.LookupResult{}, fmt.Errorf("%q is no answer: write 200 {\"name\": \"value\"}, 404, timeout, refused or invalid", how)
	}
	r := engine.LookupResult{Status: n}
	if body = strings.TrimSpace(body); body != "" {
		if !json.Valid([]byte(body)) {
			return r, fmt.Errorf("%s is not JSON", body)
		}
		r.Body = json.RawMessage(body)
	}
	return r, nil
}
