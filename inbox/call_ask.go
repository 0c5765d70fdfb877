package inbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"dispatcher/flows"
)

// callDepth is how deep an answer may be nested.
const callDepth = 16

// service is one declared service with its references resolved.
type service struct {
	alias   string
	base    *url.URL
	header  map[string]string
	timeout time.Duration
	guard   []netip.Prefix
	local   bool
	client  *http.Client
	slots   chan struct{}
}

// newService resolves the references of a declaration. The error names what
// is missing, never a value.
func newService(def flows.Service, secret func(string) (string, error)) (*service, error) {
	if secret == nil {
		secret = func(ref string) (string, error) { return ref, nil }
	}
	raw, err := secret(def.URL)
	if err != nil {
		return nil, err
	}
	base, err := url.Parse(strings.TrimSuffix(raw, "/"))
	if err != nil || base.Host == "" {
		return nil, errors.New("inbox: its url is no web address")
	}
	if base.User != nil {
		return nil, errors.New("inbox: its url holds a user name or password; send them in a header")
	}
	s := &service{alias: def.Alias, base: base, header: make(map[string]string, len(def.Headers)), timeout: def.Timeout, guard: def.AllowPrivate, local: def.Insecure,
		slots: make(chan struct{}, callsPerService)}
	for name, value := range def.Headers {
		if s.header[name], err = secret(value); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// same says whether a service is still declared as it was.
func (s *service) same(o *service) bool {
	return s.base.String() == o.base.String() && s.local == o.local && s.timeout == o.timeout && maps.Equal(s.header, o.header) && slices.Equal(s.guard, o.guard)
}

// answer is what became of a request. An answer with fail has no status, or
// one whose body nobody can read.
type answer struct {
	status   int
	fail     string // timeout refused invalid
	body     json.RawMessage
	attempts int
	why      string // for the log: a word of ours
}

func failed(word string) answer { return answer{fail: word} }

// word is the answer as a label: a class of status, or what failed.
func (a answer) word() string {
	if a.fail != "" {
		return a.fail
	}
	return strconv.Itoa(a.status/100) + "xx"
}

// well says that the service answers, whatever it says.
func (a answer) well() bool {
	return a.status > 0 && a.status < 500 && a.status != http.StatusTooManyRequests
}

// says is the answer to a yes-or-no question: 2xx, and no word to the contrary
// in its body.
func (a answer) says() bool {
	said := struct {
		OK *bool `json:"ok"`
	}{}
	if a.fail != "" || a.status < 200 || a.status > 299 || len(a.body) > 0 && json.Unmarshal(a.body, &said) != nil {
		return false
	}
	return said.OK == nil || *said.OK
}

// again says whether another attempt may help (language.md 2.11).
func (a answer) again() bool {
	return a.fail == failTimeout || a.fail == failRefused && a.why != whyForbidden || a.status == http.StatusTooManyRequests || a.status >= 500
}

// whyForbidden marks a request that must not be made at all.
const whyForbidden = "forbidden"

// ask makes a request, and makes it again as often as it says. key is the
// same on every attempt.
func (s *service) ask(ctx context.Context, r callRequest, key string, wait func(n int) time.Duration) answer {
	ctx, cancel := context.WithTimeout(ctx, callTotal)
	defer cancel()
	for n := 0; ; n++ {
		got := s.once(ctx, r, key)
		got.attempts = n + 1
		if n >= r.Retry || !got.again() {
			return got
		}
		pause := wait(n)
		if end, ok := ctx.Deadline(); ok && time.Until(end) <= pause {
			return got
		}
		t := time.NewTimer(pause)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return got
		}
	}
}

// once makes one attempt.
func (s *service) once(ctx context.Context, r callRequest, key string) answer {
	timeout := r.Timeout
	if timeout <= 0 {
		timeout = s.timeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	req, err := s.request(ctx, r, key)
	if err != nil {
		return answer{fail: failRefused, why: whyForbidden}
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return failure(ctx, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, answerBytes+1))
	if err != nil {
		return failure(ctx, err)
	}
	got := answer{status: resp.StatusCode}
	switch {
	case len(body) > answerBytes:
		got.fail, got.why = failInvalid, "too_large"
	case tooDeep(body, callDepth):
		got.fail, got.why = failInvalid, "too_deep"
	case json.Valid(body):
		got.body = body
	}
	return got
}

// failure sorts an error: the time is over, or nobody is there.
func failure(ctx context.Context, err error) answer {
	var timeout net.Error
	switch {
	case errors.Is(err, ErrForbiddenAddress) || errors.Is(err, ErrForbiddenURL):
		return answer{fail: failRefused, why: whyForbidden}
	case ctx.Err() != nil, errors.As(err, &timeout) && timeout.Timeout():
		return answer{fail: failTimeout}
	}
	return answer{fail: failRefused}
}

// request is one attempt. Host, scheme and credentials are the declaration's;
// the flow has only a path and a body.
func (s *service) request(ctx context.Context, r callRequest, key string) (*http.Request, error) {
	u, err := url.Parse(s.base.String() + r.Path)
	if err != nil || u.Scheme != s.base.Scheme || u.Host != s.base.Host || u.User.String() != s.base.User.String() {
		return nil, fmt.Errorf("inbox: service %s: path leads elsewhere", s.alias)
	}
	var body io.Reader
	if len(r.Body) > 0 {
		body = bytes.NewReader(r.Body)
	}
	req, err := http.NewRequestWithContext(ctx, strings.ToUpper(r.Method), u.String(), body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "Dispatcher")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for name, value := range s.header {
		req.Header.Set(name, value)
	}
	if r.Method != "get" {
		req.Header.Set("Idempotency-Key", key)
	}
	return req, nil
}

// tooDeep says whether brackets are nested deeper than that, outside of texts.
func tooDeep(body []byte, most int) bool {
	depth, quoted := 0, false
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			if depth++; depth > most {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}
