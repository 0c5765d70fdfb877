package channeltest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"dispatcher/channels"
)

// failsClosed: no secret, an empty one or a placeholder gives a diagnostic and no adapter (C1).
func (s *suite) failsClosed(t *testing.T) {
	for _, yaml := range s.MissingSecrets {
		a, diags := s.Open(s.Name, Config(t, yaml), s.env())
		if a != nil {
			t.Errorf("opened with %q", yaml)
		}
		if len(diags) == 0 {
			t.Errorf("no diagnostic for %q", yaml)
		}
		for _, d := range diags {
			if d.Code == "" || d.Message == "" {
				t.Errorf("%q: empty diagnostic %+v", yaml, d)
			}
		}
	}
}

func (s *suite) signed(body []byte, secret int) channels.Request {
	r := Post(body)
	s.Sign(&r, secret)
	return r
}

// onlySigned: the good body verifies; nothing near it does (C2).
func (s *suite) onlySigned(t *testing.T) {
	body := []byte(`{"a":1}`)
	if s.NoWebhook || s.Sign == nil {
		if s.adapter.Verify(Post(body), Now) == nil {
			t.Error("a kind without webhook verifies a request")
		}
		return
	}
	if err := s.adapter.Verify(s.signed(body, 0), Now); err != nil {
		t.Fatalf("the good body is refused: %v", err)
	}
	for name, spoil := range spoilers(s.SignatureHeader) {
		r := s.signed(body, 0)
		r.Header = r.Header.Clone()
		spoil(&r)
		if s.adapter.Verify(r, Now) == nil {
			t.Errorf("verified with %s", name)
		}
	}
	if s.adapter.Verify(s.signed(body, -1), Now) == nil {
		t.Error("verified with another channel's secret")
	}
}

// spoilers are the ways in which a signed request is made wrong.
func spoilers(header string) map[string]func(*channels.Request) {
	set := func(change func(string) string) func(*channels.Request) {
		return func(r *channels.Request) { r.Header.Set(header, change(r.Header.Get(header))) }
	}
	return map[string]func(*channels.Request){
		"no header":       func(r *channels.Request) { r.Header.Del(header) },
		"empty header":    set(func(string) string { return "" }),
		"truncated":       set(func(v string) string { return v[:len(v)-5] }),
		"prefix in caps":  set(func(v string) string { return strings.ToUpper(v[:3]) + v[3:] }),
		"other algorithm": set(func(v string) string { return "sha1=" + v[strings.IndexAny(v, ",=")+1:] }),
		"newer version":   set(func(v string) string { return "v1a," + v[strings.IndexAny(v, ",=")+1:] }),
		"bare sum":        set(func(v string) string { return v[strings.IndexAny(v, ",=")+1:] }),
		"garbage behind":  set(func(v string) string { return v + "AAAA" }),
		"two headers":     func(r *channels.Request) { r.Header.Add(header, r.Header.Get(header)) },
		"a changed byte":  func(r *channels.Request) { r.Body = []byte(strings.Replace(string(r.Body), "1", "2", 1)) },
		"a newline":       func(r *channels.Request) { r.Body = append(append([]byte{}, r.Body...), '\n') },
		"no body":         func(r *channels.Request) { r.Body = nil },
	}
}

// rotation: both secrets verify, a third does not, and only the first signs (C3).
func (s *suite) rotation(t *testing.T) {
	if s.TwoSecrets == "" {
		t.Skip("this kind has no inbound secret")
	}
	a := s.open(t, s.TwoSecrets)
	body := []byte(`{"a":1}`)
	for secret, want := range map[int]bool{0: true, 1: true, -1: false} {
		if got := a.Verify(s.signed(body, secret), Now) == nil; got != want {
			t.Errorf("secret %d: verified %v", secret, got)
		}
	}
	auth, ok := a.(channels.Authorizer)
	if !ok {
		return
	}
	first, both := s.open(t, s.GoodConfig).(channels.Authorizer), auth
	want, got := authorized(t, first), authorized(t, both)
	if fmt.Sprint(want) != fmt.Sprint(got) {
		t.Errorf("the second secret changes what is signed:\n%v\n%v", want, got)
	}
}

func authorized(t *testing.T, a channels.Authorizer) http.Header {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, "https://platform.example/send", strings.NewReader(`{"a":1}`))
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Authorize(req, Now, "n0nce"); err != nil {
		t.Fatal(err)
	}
	return req.Header
}

// hostileHandshakes: nothing hostile gets an answer that could pass for a signature (C4).
func (s *suite) hostileHandshakes(t *testing.T) {
	for _, r := range s.Hostile {
		resp, ok := s.adapter.Handshake(r)
		if ok && resp.Status < 300 {
			t.Errorf("%v is answered %d %s", r.Query, resp.Status, resp.Body)
		}
		if ok && resp.Body != nil && !json.Valid(resp.Body) {
			t.Errorf("%v: answer is not JSON: %q", r.Query, resp.Body)
		}
	}
	if resp, ok := s.adapter.Handshake(Post([]byte(`{}`))); ok {
		t.Errorf("a POST is taken for a handshake: %d", resp.Status)
	}
}
