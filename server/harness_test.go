package server

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"dispatcher/desk"
	"dispatcher/flows"
	"dispatcher/inbox"
	"dispatcher/storage"
	"dispatcher/storage/sqlite"
	"dispatcher/vault"
)

// clock is a clock that tests move.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// world is one server on a real store, reached through real HTTP.
type world struct {
	t     *testing.T
	s     *Server
	clock *clock
	store storage.Store
	vault *vault.Vault
	inbox *inbox.Service
	http  *httptest.Server
	dir   string
	logs  *lockedBuffer
	reg   *prometheus.Registry
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// option changes the configuration of a world before the server is made.
type option func(*Config)

func remote(c *Config) {
	c.Loopback, c.Listen = false, "0.0.0.0:8080"
	c.PublicURL = "https://dispatch.example"
	c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
}

func newWorld(t *testing.T, opts ...option) *world {
	t.Helper()
	w := &world{t: t, clock: &clock{at: time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)}, dir: t.TempDir(), logs: &lockedBuffer{}, reg: prometheus.NewRegistry()}
	must(t, os.Chmod(w.dir, 0o700))
	keys, err := vault.ParseKeys(vault.GenerateKey())
	must(t, err)
	w.vault, _, err = vault.New(keys)
	must(t, err)
	store, err := sqlite.Open(context.Background(), sqlite.Options{Dir: w.dir, Durability: sqlite.Normal, Now: w.clock.now, AllowNetworkFS: true})
	must(t, err)
	w.store = store
	t.Cleanup(func() { _ = store.Close() })
	logger := slog.New(slog.NewTextHandler(w.logs, nil))
	w.inbox = startInbox(t, w, logger)
	var s *Server
	d := desk.New(desk.Config{Inbox: w.inbox, Store: w.store, Vault: w.vault, Now: w.clock.now, People: func(ctx context.Context) ([]desk.Person, error) { return s.People(ctx) }})
	cfg := Config{
		Inbox: w.inbox, Desk: d, Store: w.store, Vault: w.vault, Project: func() *flows.Project { return w.inbox.Live() },
		Logger: logger, Registerer: w.reg, Gatherer: w.reg, Listen: "127.0.0.1:8080", Loopback: true, Version: "test",
		Now: w.clock.now, DataDir: w.dir, KeyPlace: "/home/ana/.config/dispatcher/key",
	}
	for _, o := range opts {
		o(&cfg)
	}
	s, err = New(cfg)
	must(t, err)
	s.hash = newHasher(argonCost{memory: 64, time: 1}) // the full cost is tested once
	w.s = s
	w.goLive()
	w.http = httptest.NewUnstartedServer(s.Handler())
	w.http.Config = s.NewHTTPServer("")
	w.http.Start()
	t.Cleanup(w.http.Close)
	return w
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// client is one browser or program.
type client struct {
	w      *world
	http   *http.Client
	header http.Header
}

// browser keeps cookies and follows nothing.
func (w *world) browser() *client {
	jar, err := cookiejar.New(nil)
	must(w.t, err)
	return &client{w: w, header: http.Header{}, http: &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// program sends a bearer token.
func (w *world) program(token string) *client {
	c := w.browser()
	c.http.Jar = nil
	c.header.Set("Authorization", "Bearer "+token)
	return c
}

// reply is an answer, read.
type reply struct {
	*http.Response
	body []byte
}

func (r reply) json(t *testing.T) map[string]any {
	t.Helper()
	out := map[string]any{}
	if err := json.Unmarshal(r.body, &out); err != nil {
		t.Fatalf("%s %s: %d: not a JSON object: %q", r.Request.Method, r.Request.URL.Path, r.StatusCode, r.body)
	}
	return out
}

func (r reply) code(t *testing.T) string { s, _ := r.json(t)["code"].(string); return s }

// want fails unless the status is this one.
func (r reply) want(t *testing.T, status int) reply {
	t.Helper()
	if r.StatusCode != status {
		t.Fatalf("%s %s: status %d, want %d: %.400s", r.Request.Method, r.Request.URL.Path, r.StatusCode, status, r.body)
	}
	return r
}

func (r reply) wantProblem(t *testing.T, status int, code string) reply {
	t.Helper()
	r.want(t, status)
	if got := r.code(t); got != code {
		t.Fatalf("%s %s: code %q, want %q: %s", r.Request.Method, r.Request.URL.Path, got, code, r.body)
	}
	return r
}

// do sends one request; headers are pairs.
func (c *client) do(method, path string, body io.Reader, headers ...string) reply {
	c.w.t.Helper()
	req, err := http.NewRequest(method, c.w.http.URL+path, body)
	must(c.w.t, err)
	for k, v := range c.header {
		req.Header[k] = v
	}
	for i := 0; i+1 < len(headers); i += 2 {
		if headers[i] == "Host" {
			req.Host = headers[i+1]
			continue
		}
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := c.http.Do(req)
	must(c.w.t, err)
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	must(c.w.t, err)
	return reply{resp, raw}
}

func (c *client) get(path string, headers ...string) reply {
	c.w.t.Helper()
	return c.do(http.MethodGet, path, nil, headers...)
}

func (c *client) send(method, path string, body any, headers ...string) reply {
	c.w.t.Helper()
	raw, err := json.Marshal(body)
	must(c.w.t, err)
	return c.do(method, path, bytes.NewReader(raw), append([]string{"Content-Type", "application/json"}, headers...)...)
}

func (c *client) post(path string, body any, headers ...string) reply {
	c.w.t.Helper()
	return c.send(http.MethodPost, path, body, headers...)
}

func (c *client) form(path, encoded string, headers ...string) reply {
	c.w.t.Helper()
	return c.do(http.MethodPost, path, strings.NewReader(encoded), append([]string{"Content-Type", "application/x-www-form-urlencoded"}, headers...)...)
}

const goodPassword = "a sentence about seven otters"

// user makes an account and gives its id.
func (w *world) user(role, email string, teams ...string) string {
	w.t.Helper()
	u, err := w.s.CreateUser(context.Background(), NewUser{Name: "Ana " + role, Email: email, Password: goodPassword, Role: role, Teams: teams})
	must(w.t, err)
	return u.ID
}

// as logs somebody in with a password alone.
func (w *world) as(email string) *client {
	w.t.Helper()
	c := w.browser()
	c.post("/login", map[string]string{"email": email, "password": goodPassword}).want(w.t, http.StatusOK)
	return c
}

// token makes an API token.
func (w *world) token(scopes ...string) string {
	w.t.Helper()
	tok, err := w.s.CreateToken(context.Background(), "test", scopes, 0)
	must(w.t, err)
	return tok
}
