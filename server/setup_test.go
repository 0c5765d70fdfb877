package server

import (
	"context"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
)

// allRoutes are one address of every kind.
var beforeSetup = []struct {
	path     string
	loopback int // status before there is an account
	remote   int
}{
	{"/healthz", 200, 200},
	{"/readyz", 200, 200},
	{"/", 200, 404},
	{"/widget.js", 200, 404},
	{"/console", 404, 404},
	{"/console/c/x", 404, 404},
	{"/studio", 404, 404},
	{"/login", 404, 404},
	{"/login/second", 404, 404},
	{"/api/v1/me", 404, 404},
	{"/api/v1/conversations", 404, 404},
	{"/api/v1/nothing", 404, 404},
	{"/api/openapi.json", 404, 404},
	{"/api/docs", 404, 404},
	{"/problems/invalid", 404, 404},
	{"/setup", 404, 404},
	{"/setup/AAAAAAAAAAAAAAAAAAAAAA", 404, 404},
	{"/metrics", 404, 404},
	{"/debug/pprof/", 404, 404},
	{"/channels/sim/sim/sent", 404, 404},
	{"/channels/nobody/webhook", 404, 404},
}

// R85: nothing but the routes of the table answers before there is an account.
func TestFreshStartAnswersOnlyTheFirstRunRoutes(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string][]option{"loopback": nil, "remote": {remote}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, opts...)
			c := w.browser()
			for _, row := range beforeSetup {
				want := row.loopback
				if name == "remote" {
					want = row.remote
				}
				if got := c.get(row.path, "Host", hostOf(w)).StatusCode; got != want {
					t.Errorf("GET %s = %d, want %d", row.path, got, want)
				}
			}
			if got := c.post("/login", map[string]string{"email": "a@b.example", "password": goodPassword}, "Host", hostOf(w)).StatusCode; got != 404 {
				t.Errorf("POST /login = %d, want 404", got)
			}
		})
	}
}

func hostOf(w *world) string {
	if w.s.cfg.Loopback {
		return "localhost"
	}
	return "dispatch.example"
}

func (w *world) setupPath() string {
	w.t.Helper()
	link, expires, err := w.s.SetupLink(context.Background())
	must(w.t, err)
	if got := expires.Sub(w.clock.now()); got != 24*time.Hour {
		w.t.Fatalf("the link is good for %v, want 24h", got)
	}
	u, err := url.Parse(link)
	must(w.t, err)
	return u.Path
}

func TestSetupLinkIsKeptPrivateHashedAndSingleUse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.setupPath()
	path := w.setupPath()
	info, err := os.Stat(filepath.Join(w.dir, "setup-link"))
	must(t, err)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("setup-link has mode %o, want 600", info.Mode().Perm())
	}
	c := w.browser()
	c.get(first).want(t, 404) // a newer link ends the one before
	c.get(path).want(t, 200)
	c.get(path).want(t, 200) // looking uses nothing up (R88)
	form := url.Values{"name": {"Ana"}, "email": {"ana@acme.example"}, "password": {"fourteen signs"}, "second_factor": {"later"}}
	if got := c.form(path, form.Encode()).want(t, 422); !strings.Contains(string(got.body), "14 characters") {
		t.Errorf("the page does not say what is wrong with the password: %.600s", got.body)
	}
	form.Set("password", goodPassword)
	got := c.form(path, form.Encode()).want(t, 303)
	if got.Header.Get("Location") != "/console" {
		t.Errorf("set-up leads to %q, want /console", got.Header.Get("Location"))
	}
	c.get("/console").want(t, 200)
	c.get(path).want(t, 404)
	c.form(path, form.Encode()).want(t, 404)
	if _, err := os.Stat(filepath.Join(w.dir, "setup-link")); !os.IsNotExist(err) {
		t.Errorf("the file setup-link is still there: %v", err)
	}
	if link, _, err := w.s.SetupLink(context.Background()); link != "" || err != nil {
		t.Errorf("SetupLink after set-up = %q, %v; want none", link, err)
	}
}

func TestSetupLinkEndsAfterADay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := w.setupPath()
	w.clock.move(24 * time.Hour)
	w.browser().get(path).want(t, 404)
}

func TestSetupAsJSONWithSecondFactor(t *testing.T) {
	t.Parallel()
	w := newWorld(t, remote)
	path := w.setupPath()
	c := w.browser()
	body := map[string]string{"name": "Ana", "email": "ana@acme.example", "password": goodPassword, "second_factor": "later"}
	tls := []string{"Host", "dispatch.example", "X-Forwarded-Proto", "https"}
	c.post(path, body, tls...).wantProblem(t, 422, "invalid") // not on loopback: no admin without it
	body["second_factor"] = "now"
	got := c.post(path, body, tls...).want(t, 201)
	secret, _ := got.json(t)["totp_secret"].(string)
	if codes, _ := got.json(t)["recovery_codes"].([]any); len(codes) != 10 || secret == "" {
		t.Fatalf("set-up gives %d recovery codes and secret %q: %s", len(codes), secret, got.body)
	}
	cookie := sessionOf(t, got.Response, cookieSecure)
	if !cookie.Secure || !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode || cookie.Path != "/" || cookie.Domain != "" {
		t.Errorf("cookie %+v", cookie)
	}
	half := append(tls, "Cookie", cookieSecure+"="+cookie.Value)
	c.get("/api/v1/me", half...).wantProblem(t, 401, "second_factor")
	c.post("/login/second", map[string]string{"code": "000000"}, half...).wantProblem(t, 401, "second_factor")
	code, err := totp.GenerateCode(secret, w.clock.now())
	must(t, err)
	full := c.post("/login/second", map[string]string{"code": code}, half...).want(t, 200)
	fresh := sessionOf(t, full.Response, cookieSecure)
	if fresh.Value == cookie.Value {
		t.Error("the session was not renewed at log-in")
	}
	me := c.get("/api/v1/me", append(tls, "Cookie", cookieSecure+"="+fresh.Value)...).want(t, 200).json(t)
	if me["second_factor"] != true || me["role"] != "admin" {
		t.Errorf("me = %v", me)
	}
	c.get("/api/v1/me", half...).wantProblem(t, 401, "login_required") // the half session is gone
}

func sessionOf(t *testing.T, r *http.Response, name string) *http.Cookie {
	t.Helper()
	for _, c := range r.Cookies() {
		if c.Name == name {
			return c
		}
	}
	t.Fatalf("no cookie %s in %v", name, r.Header["Set-Cookie"])
	return nil
}
