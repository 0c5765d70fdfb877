package web_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"dispatcher/channels"
	"dispatcher/channels/channeltest"
	"dispatcher/channels/web"
	"dispatcher/dm"
)

func TestMain(m *testing.M) { channeltest.Main(m) }

const (
	idSecret = "example-identity-secret"
	idToken  = "di1.eyJzdWIiOiJjdXN0LTc3IiwibmFtZSI6IkFkYSIsImlhdCI6MTc5NTE2MTYwMCwiZXhwIjoxNzk1MTY1MjAwfQ.HJWtR73MDfD_cY2_g17X1HwzICK6XbkptCvApl0z9l0"
	shop     = "https://shop.example"
	good     = "origins: [\"" + shop + "\"]\nidentity_secret: [" + idSecret + "]\n"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	channeltest.Run(t, channeltest.Spec{
		Open: web.Open, Name: "web", GoodConfig: good, NoWebhook: true, Secrets: []string{idSecret},
		MissingSecrets: []string{"identity_secret: \"\"", "identity_secret: short", "identity_secret: \"${env:UNSET}\""},
		Hostile:        []channels.Request{{Method: "GET"}},
	})
}

// site is a browser on a page.
type site struct {
	t      *testing.T
	a      *web.Adapter
	h      *channeltest.Host
	routes []channels.Route
	origin string
	token  string
	ip     string
}

func newSite(t *testing.T, yaml string) *site {
	t.Helper()
	var node channels.ConfigNode
	if yaml != "" {
		node = channeltest.Config(t, yaml)
	}
	ad, diags := web.Open("web", node, channeltest.Env(nil))
	if ad == nil {
		t.Fatalf("%+v", diags)
	}
	h := channeltest.NewHost(channeltest.Now)
	s := &site{t: t, a: ad.(*web.Adapter), h: h, origin: shop, ip: "192.0.2.1:5000"}
	s.routes = s.a.Routes(h)
	return s
}

func (s *site) request(method, path, body string) *http.Request {
	r := httptest.NewRequest(method, "http://dispatch.internal/channels/web"+path, strings.NewReader(body))
	r.RemoteAddr = s.ip
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if s.origin != "" {
		r.Header.Set("Origin", s.origin)
	}
	if s.token != "" {
		r.Header.Set("Authorization", "Bearer "+s.token)
	}
	return r
}

// do runs a request through the route that server would pick.
func (s *site) do(r *http.Request) *httptest.ResponseRecorder {
	s.t.Helper()
	path := strings.TrimPrefix(r.URL.Path, "/channels/web")
	for _, route := range s.routes {
		pattern := route.Path
		if head, ok := strings.CutSuffix(pattern, "{id}"); ok && strings.HasPrefix(path, head) {
			pattern = path
		}
		if route.Method == r.Method && pattern == path {
			w := httptest.NewRecorder()
			route.Handler.ServeHTTP(w, r)
			return w
		}
	}
	s.t.Fatalf("no route for %s %s", r.Method, path)
	return nil
}

func (s *site) call(method, path, body string) *httptest.ResponseRecorder {
	s.t.Helper()
	return s.do(s.request(method, path, body))
}

type sessionAnswer struct {
	Token   string `json:"token"`
	Expires string `json:"expires_at"`
	Contact struct {
		Verified bool   `json:"verified"`
		Name     string `json:"name"`
	} `json:"contact"`
	Seq int64 `json:"seq"`
}

// open makes a session and keeps its token.
func (s *site) open(body string, status int) sessionAnswer {
	s.t.Helper()
	w := s.call("POST", "/web/v1/session", body)
	var got sessionAnswer
	if w.Code != status || json.Unmarshal(w.Body.Bytes(), &got) != nil {
		s.t.Fatalf("POST /session: %d %s, want %d", w.Code, w.Body, status)
	}
	s.token = got.Token
	return got
}

func TestConfigNeedsNoToken(t *testing.T) {
	t.Parallel()
	s := newSite(t, good+"button: {color: \"#fff\"}\n")
	w := s.call("GET", "/web/v1/config", "")
	for _, want := range []string{`"text":"Chat with us – about 4 min"`, `"state":"open"`, `"limits":{"media_bytes":10485760,"text":4000}`, `"media":["image","file"]`, `"locale":"en"`} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s has no %s", w.Body, want)
		}
	}
	if w.Header().Get("Cache-Control") != "max-age=15" || w.Header().Get("Access-Control-Allow-Origin") != shop || w.Header().Get("Vary") != "Origin" || w.Header().Get("Access-Control-Allow-Credentials") != "" {
		t.Errorf("%v", w.Header())
	}
}

func TestOrigins(t *testing.T) {
	t.Parallel()
	withOrigins, without := newSite(t, good), newSite(t, "")
	for _, c := range []struct {
		s             *site
		origin, fetch string
		want          int
	}{
		{withOrigins, shop, "", 200}, {withOrigins, "https://evil.example", "", 403}, {withOrigins, "", "", 403}, {withOrigins, "null", "", 403},
		{withOrigins, "http://shop.example", "", 403}, {withOrigins, shop + ":8443", "", 403}, {withOrigins, shop + ".evil.example", "", 403},
		{withOrigins, "https://dispatch.example", "", 200}, {withOrigins, "", "same-origin", 200}, {withOrigins, "", "cross-site", 403},
		{without, "", "", 200}, {without, "http://dispatch.internal", "", 200}, {without, "https://dispatch.example", "", 200}, {without, shop, "", 403},
	} {
		c.s.origin = c.origin
		r := c.s.request("GET", "/web/v1/config", "")
		if c.fetch != "" {
			r.Header.Set("Sec-Fetch-Site", c.fetch)
		}
		w := c.s.do(r)
		if w.Code != c.want || (w.Code == 403 && (!strings.Contains(w.Body.String(), `"code":"forbidden"`) || w.Header().Get("Access-Control-Allow-Origin") != "")) {
			t.Errorf("origin %q, %q: %d %s", c.origin, c.fetch, w.Code, w.Body)
		}
	}
	withOrigins.origin = shop
	w := withOrigins.call("OPTIONS", "/web/v1/messages", "")
	if w.Code != 204 || !strings.Contains(w.Header().Get("Access-Control-Allow-Headers"), "authorization") || w.Header().Get("Access-Control-Allow-Origin") != shop {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}

func TestSessionAloneOpensNoConversation(t *testing.T) {
	t.Parallel()
	s := newSite(t, good)
	got := s.open(`{"entry":"e110000returnsjZT3UD2LCGI-wylR","prefill":"I need help","page":"https://shop.example/returns?secret=1#x","locale":"en-GB"}`, 201)
	if got.Contact.Verified || got.Expires != "2026-12-20T08:00:00Z" || len(s.h.Accepted()) != 0 {
		t.Errorf("%+v, %d events", got, len(s.h.Accepted()))
	}
	again := s.open(`{}`, 200)
	if again.Token != got.Token {
		t.Error("an old token is not gone on with")
	}
	for range 2 { // the panel is opened, and opened again
		if w := s.call("POST", "/web/v1/open", ""); w.Code != 200 {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
	}
	events := s.h.Accepted()
	if len(events) != 1 || events[0].Kind != dm.KindStart || !strings.HasPrefix(events[0].Thread, "anon:") {
		t.Fatalf("%+v", events)
	}
	if e := events[0].Entry; e == nil || e.Ref != "returns" || !e.Signed || e.Source != "widget" || e.URL != "https://shop.example/returns" {
		t.Errorf("%+v", e)
	}
}

func TestOpenWithTheSession(t *testing.T) {
	t.Parallel()
	s := newSite(t, good)
	s.open(`{"open":true}`, 201)
	if got := s.h.Accepted(); len(got) != 1 || got[0].Kind != dm.KindStart {
		t.Errorf("%+v", got)
	}
	s.call("POST", "/web/v1/open", "")
	if got := s.h.Accepted(); len(got) != 1 {
		t.Error("started twice")
	}
}

// TestOpenAfterWords: whoever wrote already is not greeted as if they had not.
func TestOpenAfterWords(t *testing.T) {
	t.Parallel()
	s := newSite(t, good)
	s.open(`{}`, 201)
	s.call("POST", "/web/v1/messages", `{"client_id":"`+client+`","text":"hi"}`)
	if w := s.call("POST", "/web/v1/open", ""); w.Code != 200 || len(s.h.Accepted()) != 1 {
		t.Errorf("%d, %d events", w.Code, len(s.h.Accepted()))
	}
}

const client = "018f0000-0000-4000-8000-000000000001"

func TestMessages(t *testing.T) {
	t.Parallel()
	s := newSite(t, good)
	s.open(`{"prefill":"I need help"}`, 201)
	first := s.call("POST", "/web/v1/messages", `{"client_id":"`+client+`","text":"I need help"}`)
	if first.Code != 201 || !strings.Contains(first.Body.String(), `"seq":1`) {
		t.Fatalf("%d %s", first.Code, first.Body)
	}
	again := s.call("POST", "/web/v1/messages", `{ "text":"I need help", "client_id":"`+client+`" }`)
	if again.Code != 200 || again.Body.String() != first.Body.String() {
		t.Errorf("the same again: %d %s", again.Code, again.Body)
	}
	if w := s.call("POST", "/web/v1/messages", `{"client_id":"`+client+`","text":"Other"}`); w.Code != 409 || !strings.Contains(w.Body.String(), `"code":"conflict"`) {
		t.Errorf("other body: %d %s", w.Code, w.Body)
	}
	events := s.h.Accepted()
	if len(events) != 1 || events[0].Entry == nil || events[0].Entry.Text != "I need help" || events[0].MessageID != client || !strings.HasSuffix(events[0].ExternalID, ":"+client) {
		t.Fatalf("%+v", events)
	}
	tap := s.call("POST", "/web/v1/messages", `{"client_id":"018f0000-0000-4000-8000-000000000002","text":"Refund","option":{"message":"8","payload":"o1.2s.0.4J1KFSGb"}}`)
	if got := s.h.Accepted(); tap.Code != 201 || got[1].Kind != dm.KindTap || got[1].Tap.Payload != "o1.2s.0.4J1KFSGb" || got[1].Text != "Refund" || got[1].Target != "8" || got[1].Entry != nil {
		t.Errorf("%d %s", tap.Code, tap.Body)
	}
}

func TestMessagesRefuse(t *testing.T) {
	t.Parallel()
	s := newSite(t, good)
	s.open(`{}`, 201)
	for body, want := range map[string]struct {
		status int
		words  string
	}{
		`{"text":"a"}`:                                                 {400, "client_id"},
		`{"client_id":"1","text":"a"}`:                                 {400, "client_id"},
		`{"client_id":"` + client + `"}`:                               {400, "text"},
		`{"client_id":"` + client + `","text":5}`:                      {400, "text"},
		`{"client_id":"` + client + `","option":{"payload":"forged"}}`: {400, "option.payload"},
		`{"client_id":"` + client + `","media":["med_9"]}`:             {404, "med_9"},
		`{"client_id":"` + client + `","text":"a"`:                     {400, "JSON"},
		`{"text":"a","text":"b"}`:                                      {400, "twice"},
		`[]`:                                                           {400, "object"},
		strings.Repeat(`{"a":`, 33) + "1" + strings.Repeat("}", 33):    {413, "deeper"},
		`{"client_id":"` + client + `","text":"` + strings.Repeat("a", 1<<20) + `"}`: {413, "over"},
	} {
		w := s.call("POST", "/web/v1/messages", body)
		if w.Code != want.status || !strings.Contains(w.Body.String(), want.words) {
			t.Errorf("%.80s: %d %s", body, w.Code, w.Body)
		}
	}
	r := s.request("POST", "/web/v1/messages", `{}`)
	r.Header.Set("Content-Type", "text/plain")
	if w := s.do(r); w.Code != 415 {
		t.Errorf("text/plain: %d", w.Code)
	}
	r = s.request("POST", "/web/v1/messages", `{}`)
	r.Header.Set("Content-Encoding", "gzip")
	if w := s.do(r); w.Code != 415 {
		t.Errorf("gzip: %d", w.Code)
	}
	s.h.Fail(channels.ErrOverloaded)
	if w := s.call("POST", "/web/v1/messages", `{"client_id":"`+client+`","text":"a"}`); w.Code != 503 || w.Header().Get("Retry-After") == "" {
		t.Errorf("overload: %d", w.Code)
	}
	s.h.Fail(nil)
	if len(s.h.Accepted()) != 0 {
		t.Error("something refused was accepted")
	}
	long := s.call("POST", "/web/v1/messages", `{"client_id":"`+client+`","text":"`+strings.Repeat("é\\u0000", 10000)+`"}`)
	if got := s.h.Accepted(); long.Code != 201 || len([]rune(got[0].Text)) != 10000 || strings.ContainsRune(got[0].Text, 0) {
		t.Errorf("10,000 characters: %d", long.Code)
	}
	s.token = "guessed"
	for _, c := range [][2]string{{"POST", "/messages"}, {"GET", "/events"}, {"POST", "/typing"}, {"POST", "/read"}, {"POST", "/media"}, {"GET", "/media/med_1"}, {"DELETE", "/session"}, {"POST", "/identity"}, {"POST", "/open"}} {
		if w := s.call(c[0], "/web/v1"+c[1], `{}`); w.Code != 401 || !strings.Contains(w.Body.String(), "no_session") {
			t.Errorf("%v with a guessed token: %d %s", c, w.Code, w.Body)
		}
	}
}

func TestClientIDVersion7GivesTheTime(t *testing.T) {
	t.Parallel()
	s := newSite(t, good)
	s.open(`{}`, 201)
	ms := channeltest.Now.Add(-time.Hour).UnixMilli()
	id := func(ms int64, n int) string {
		hex := fmt.Sprintf("%012x", ms)
		return fmt.Sprintf("%s-%s-7000-8000-%012d", hex[:8], hex[8:], n)
	}
	for i, c := range []struct {
		id     string
		stable bool
		at     time.Time
	}{
		{id(ms, 1), true, time.UnixMilli(ms).UTC()},
		{id(ms-48*3600*1000, 2), false, channeltest.Now},
		{client, false, channeltest.Now},
	} {
		w := s.call("POST", "/web/v1/messages", `{"client_id":"`+c.id+`","text":"a"}`)
		if w.Code != 201 {
			t.Fatalf("%s: %d %s", c.id, w.Code, w.Body)
		}
		if got := s.h.Accepted()[i]; got.Stable != c.stable || !got.At.Equal(c.at) {
			t.Errorf("%s: %v %v", c.id, got.Stable, got.At)
		}
	}
}

func TestIdentity(t *testing.T) {
	t.Parallel()
	s := newSite(t, good)
	if got := s.open(`{"identity":"`+idToken+`"}`, 201); !got.Contact.Verified || got.Contact.Name != "Ada" {
		t.Errorf("%+v", got)
	}
	s.call("POST", "/web/v1/messages", `{"client_id":"`+client+`","text":"a"}`)
	if in := s.h.Accepted()[0]; in.Thread != "sub:cust-77" || !in.Sender.Verified || in.Sender.Name != "Ada" {
		t.Errorf("%+v", in.Sender)
	}
	for name, token := range map[string]string{
		"changed": strings.Replace(idToken, "HJW", "HJX", 1), "no prefix": strings.TrimPrefix(idToken, "di1."), "other": "di1.e30.AAAA", "empty": "", "padded": idToken + "=",
	} {
		anon := newSite(t, good)
		if got := anon.open(fmt.Sprintf(`{"identity":%q}`, token), 201); got.Contact.Verified {
			t.Errorf("%s token is taken", name)
		}
		if w := anon.call("POST", "/web/v1/identity", fmt.Sprintf(`{"identity":%q}`, token)); w.Code != 401 {
			t.Errorf("%s: %d", name, w.Code)
		}
	}
	late := newSite(t, good)
	late.h.Advance(time.Hour)
	if got := late.open(`{"identity":"`+idToken+`"}`, 201); got.Contact.Verified {
		t.Error("an expired token is taken")
	}
	none := newSite(t, "origins: [\""+shop+"\"]\n")
	if got := none.open(`{"identity":"`+idToken+`"}`, 201); got.Contact.Verified {
		t.Error("a token is taken without a secret")
	}
}

// An identity that could not be kept is tried again by the same request.
func TestIdentifyFailsAndIsTriedAgain(t *testing.T) {
	t.Parallel()
	s := newSite(t, good)
	s.open(`{"open":true}`, 201)
	s.h.Fail(channels.ErrNotReady)
	if w := s.call("POST", "/web/v1/identity", `{"identity":"`+idToken+`"}`); w.Code != 503 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	s.h.Fail(nil)
	if w := s.call("POST", "/web/v1/identity", `{"identity":"`+idToken+`"}`); w.Code != 200 || !s.h.Proved(s.h.Accepted()[0].Thread).Verified {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
}

func TestOldTokenIsToldTheLastNumber(t *testing.T) {
	t.Parallel()
	s := newSite(t, good)
	if got := s.open(`{"open":true}`, 201); got.Seq != 0 {
		t.Errorf("a new session begins at %d", got.Seq)
	}
	thread := s.h.Accepted()[0].Thread
	s.h.Show(thread, channels.Shown{Seq: 2, Event: "message", Data: json.RawMessage(`{}`)})
	s.h.Show(thread, channels.Shown{Seq: 7, Event: "message", Data: json.RawMessage(`{}`)})
	if got := s.open(`{}`, 200); got.Seq != 7 {
		t.Errorf("an old token is told %d, want 7", got.Seq)
	}
}

func TestAnonymousWhoIdentifiesLater(t *testing.T) {
	t.Parallel()
	s := newSite(t, good)
	s.open(`{"open":true}`, 201)
	if w := s.call("POST", "/web/v1/identity", `{"identity":"`+idToken+`"}`); w.Code != 200 || !strings.Contains(w.Body.String(), `"verified":true`) {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	thread := s.h.Accepted()[0].Thread
	if who := s.h.Proved(thread); who.Name != "Ada" || !who.Verified || who.ID != thread || len(who.AltIDs) != 1 || who.AltIDs[0] != "sub:cust-77" {
		t.Errorf("before another message: %+v", who) // the console shows it at once
	}
	s.call("POST", "/web/v1/messages", `{"client_id":"`+client+`","text":"a"}`)
	got := s.h.Accepted()
	if got[1].Thread != got[0].Thread || !got[1].Sender.Verified || len(got[1].Sender.AltIDs) != 1 || got[1].Sender.AltIDs[0] != "sub:cust-77" {
		t.Errorf("%+v", got[1])
	}
}

func TestNewSessionsAreLimitedByAddress(t *testing.T) {
	t.Parallel()
	s := newSite(t, good)
	for range 10 {
		s.token = ""
		s.open(`{}`, 201)
	}
	s.token = ""
	w := s.call("POST", "/web/v1/session", `{}`)
	if w.Code != 429 || w.Header().Get("Retry-After") != "3600" || !strings.Contains(w.Body.String(), "rate_limited") {
		t.Errorf("the eleventh: %d %v %s", w.Code, w.Header(), w.Body)
	}
	s.ip = "192.0.2.2:1"
	s.open(`{}`, 201)
	s.ip, s.token = "192.0.2.1:9", ""
	s.h.Advance(time.Hour)
	s.open(`{}`, 201)
}

func TestTypingAndRead(t *testing.T) {
	t.Parallel()
	s := newSite(t, good)
	s.open(`{}`, 201)
	for range 3 {
		if w := s.call("POST", "/web/v1/typing", ""); w.Code != 204 {
			t.Fatal(w.Code)
		}
	}
	if s.h.Typed() != 1 {
		t.Errorf("%d marks in one moment", s.h.Typed())
	}
	s.h.Advance(3 * time.Second)
	s.call("POST", "/web/v1/typing", "")
	if s.h.Typed() != 2 {
		t.Errorf("%d marks", s.h.Typed())
	}
	if w := s.call("POST", "/web/v1/read", `{"seq":9}`); w.Code != 204 {
		t.Error(w.Code)
	}
	if w := s.call("POST", "/web/v1/read", `{"seq":"x"}`); w.Code != 400 {
		t.Error(w.Code)
	}
	if w := s.call("DELETE", "/web/v1/session", ""); w.Code != 204 {
		t.Error(w.Code)
	}
	if w := s.call("POST", "/web/v1/typing", ""); w.Code != 401 {
		t.Errorf("a forgotten token: %d", w.Code)
	}
}

func TestSessionExpires(t *testing.T) {
	t.Parallel()
	s := newSite(t, good+"session_ttl: 1h\n")
	s.open(`{}`, 201)
	s.h.Advance(time.Hour)
	if w := s.call("POST", "/web/v1/typing", ""); w.Code != 401 {
		t.Errorf("%d", w.Code)
	}
}

func TestRenderDocument(t *testing.T) {
	t.Parallel()
	s := newSite(t, good)
	plan, err := s.a.Render(dm.Outbound{Kind: dm.OutMessage, Text: "What is this about?", Options: []dm.Option{{Payload: "o1.2s.0.4J1KFSGb", Label: "Refund", Description: "Money back"}}})
	if err != nil || len(plan.Calls) != 1 || string(plan.Calls[0].Body) != `{"text":"What is this about?","options":[{"payload":"o1.2s.0.4J1KFSGb","label":"Refund","description":"Money back"}],"links":[],"media":[]}` {
		t.Errorf("%v %s", err, plan.Calls[0].Body)
	}
	if c := s.a.Caps(); !c.Native || c.Burst != 0 || channels.LimitsOf("web", c).Options != 13 || channels.LimitsOf("web", c).Description.N != 72 {
		t.Errorf("%+v", c)
	}
	if o := s.a.Origins(); len(o) != 1 || o[0] != shop {
		t.Errorf("%v", o)
	}
}

func TestOpenConfig(t *testing.T) {
	t.Parallel()
	for yaml, want := range map[string]string{
		"origins: [\"https://*.example\"]":     "E105",
		"origins: [\"https://shop.example/\"]": "E105",
		"origins: [shop.example]":              "E105",
		"origin: [\"https://shop.example\"]":   "E101",
		"new_sessions: {n: 0}":                 "E105",
		"media: {kinds: [film]}":               "E105",
		"button: {color: red}":                 "E105",
		"button: {positon: left}":              "E101",
	} {
		a, diags := web.Open("web", channeltest.Config(t, yaml+"\n"), channeltest.Env(nil))
		if a != nil || len(diags) != 1 || diags[0].Code != want || diags[0].Range.Line != 1 {
			t.Errorf("%s: %+v", yaml, diags)
		}
	}
}
