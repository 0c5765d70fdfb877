package server

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
	"golang.org/x/crypto/argon2"
)

func TestLoginFormAndLogout(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.user("agent", "ben@acme.example")
	c := w.browser()
	if got := c.get("/console").want(t, 303).Header.Get("Location"); got != "/login" {
		t.Errorf("the console without a session leads to %q", got)
	}
	wrong := c.form("/login", url.Values{"email": {"ben@acme.example"}, "password": {"not this one at all"}}.Encode()).want(t, 401)
	if !strings.Contains(string(wrong.body), "ben@acme.example") || strings.Contains(string(wrong.body), "not this one") {
		t.Errorf("the page should keep the address and not the password: %.800s", wrong.body)
	}
	right := c.form("/login", url.Values{"email": {" Ben@Acme.Example "}, "password": {goodPassword}}.Encode()).want(t, 303)
	if right.Header.Get("Location") != "/console" {
		t.Errorf("log-in leads to %q", right.Header.Get("Location"))
	}
	cookie := sessionOf(t, right.Response, cookiePlain)
	if cookie.Secure || !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode || len(cookie.Value) != 43 {
		t.Errorf("cookie on loopback: %+v", cookie)
	}
	c.get("/console").want(t, 200)
	c.form("/logout", "").want(t, 204)
	c.get("/api/v1/me").wantProblem(t, 401, "login_required")
	w.browser().get("/api/v1/me", "Cookie", cookiePlain+"="+cookie.Value).wantProblem(t, 401, "login_required")
}

func TestLoginIsSlowedPerAccountAndNeverLockedForGood(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.user("agent", "ben@acme.example")
	c := w.browser()
	try := func(password string) reply {
		return c.post("/login", map[string]string{"email": "ben@acme.example", "password": password})
	}
	for range loginPerAccount {
		try("wrong").wantProblem(t, 401, "login_required")
	}
	got := try(goodPassword).wantProblem(t, 429, "rate_limited")
	if got.Header.Get("Retry-After") != "60" {
		t.Errorf("Retry-After %q, want 60", got.Header.Get("Retry-After"))
	}
	w.clock.move(61 * time.Second)
	for range loginPerAccount {
		try("wrong").wantProblem(t, 401, "login_required")
	}
	if got := try("wrong").wantProblem(t, 429, "rate_limited").Header.Get("Retry-After"); got != "120" {
		t.Errorf("the second delay is %s s, want 120: it should grow", got)
	}
	w.clock.move(maxDelay)
	try(goodPassword).want(t, 200)
	try("wrong").wantProblem(t, 401, "login_required") // a right one sets the account free
}

func TestUnknownUsersTakeTheSameWork(t *testing.T) {
	t.Parallel()
	h := newHasher(fullCost)
	// Both ways do exactly one argon2id of the same cost: compare the parameters
	// of the stored dummy with those of a real hash rather than wall time.
	real, err := h.make(context.Background(), goodPassword)
	must(t, err)
	if want := "argon2id$v=19$m=19456,t=2,p=1"; cost(real) != want {
		t.Errorf("a hash costs %s, want %s", cost(real), want)
	}
	if cost(real) != cost(h.dummy()) {
		t.Errorf("unknown users cost %s, known ones %s", cost(h.dummy()), cost(real))
	}
	for _, row := range []struct {
		hash, password string
		want           bool
	}{{real, goodPassword, true}, {real, "something else entirely", false}, {"", goodPassword, false}} {
		got, err := h.check(context.Background(), row.hash, row.password)
		if err != nil || got != row.want {
			t.Errorf("check = %v, %v; want %v", got, err, row.want)
		}
	}
	one := fastest(func() {
		argon2.IDKey([]byte("x"), make([]byte, argonSalt), fullCost.time, fullCost.memory, argonThreads, argonKey)
	})
	took := fastest(func() { _, _ = h.check(context.Background(), "", goodPassword) })
	if took < one/8 {
		t.Errorf("an unknown user answers after %v, one hash takes %v", took, one)
	}
}

// fastest is the shortest of some runs: what the work takes, without what else
// the machine does.
func fastest(work func()) time.Duration {
	least := time.Hour
	for range 5 {
		start := time.Now()
		work()
		least = min(least, time.Since(start))
	}
	return least
}

func cost(phc string) string { return strings.Join(strings.Split(phc, "$")[1:4], "$") }

func TestPasswordRules(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{
		"fourteen signs", "passwordpassword", "Password12345678", "123456789012345", "qwertyuiopasdfgh", "aaaaaaaaaaaaaaaa", "abcabcabcabcabcabc",
		"letmeinletmeinletmein", "P@ssw0rdP@ssw0rd", "iloveyouiloveyou1", "benben@acme.example", "dispatcherdispatcher", "Summer2026Summer2026",
	} {
		if checkPassword(bad, "ben@acme.example", "Ben Ode") == "" {
			t.Errorf("%q was taken", bad)
		}
	}
	for _, good := range []string{goodPassword, "correct horse battery staple", "my purple coffee in summer", "vier Kühe tanzen spät", "x9$kQ!2mLw#8vTzR", "日本語のパスワードは長くてもいいのです"} {
		if why := checkPassword(good, "ben@acme.example", "Ben Ode"); why != "" {
			t.Errorf("%q was refused: %s", good, why)
		}
	}
}

func TestSecondFactorWorksOnceAndRecoveryToo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := w.setupPath()
	c := w.browser()
	made := c.post(path, map[string]string{"name": "Ana", "email": "ana@acme.example", "password": goodPassword, "second_factor": "now"}).want(t, 201).json(t)
	code, err := totp.GenerateCode(made["totp_secret"].(string), w.clock.now())
	must(t, err)
	c.post("/login/second", map[string]string{"code": code}).want(t, 200)
	c.get("/api/v1/me").want(t, 200)

	again := w.browser()
	step := again.post("/login", map[string]string{"email": "ana@acme.example", "password": goodPassword}).want(t, 200).json(t)
	if step["code"] != "second_factor" || step["next"] != "/login/second" || step["totp_secret"] != nil {
		t.Errorf("log-in with a second factor answers %v", step)
	}
	again.get("/login/second").want(t, 200)
	again.post("/login/second", map[string]string{"code": code}).wantProblem(t, 401, "second_factor") // used
	recovery := made["recovery_codes"].([]any)[0].(string)
	again.post("/login/second", map[string]string{"code": strings.ToUpper(recovery)}).want(t, 200)

	third := w.browser()
	third.post("/login", map[string]string{"email": "ana@acme.example", "password": goodPassword}).want(t, 200)
	third.post("/login/second", map[string]string{"code": recovery}).wantProblem(t, 401, "second_factor")
	for range loginPerAccount {
		third.post("/login/second", map[string]string{"code": "123456"})
	}
	third.post("/login/second", map[string]string{"code": "123456"}).wantProblem(t, 429, "rate_limited")
}

func TestRemoteAdminWithoutSecondFactorHasToEnrol(t *testing.T) {
	t.Parallel()
	w := newWorld(t, remote)
	w.user("admin", "ana@acme.example")
	w.user("agent", "ben@acme.example")
	c := w.browser()
	host := []string{"Host", "dispatch.example", "X-Forwarded-Proto", "https"}
	got := c.post("/login", map[string]string{"email": "ana@acme.example", "password": goodPassword}, host...).want(t, 200).json(t)
	if got["code"] != "second_factor" || got["totp_secret"] == "" {
		t.Errorf("an admin without second factor got %v", got)
	}
	if got := c.post("/login", map[string]string{"email": "ben@acme.example", "password": goodPassword}, host...).want(t, 200).json(t); got["next"] != "/console" {
		t.Errorf("an agent got %v", got)
	}
}

func TestSessionsEndWhenIdleAndAfterAWeek(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.user("agent", "ben@acme.example")
	idle, busy := w.as("ben@acme.example"), w.as("ben@acme.example")
	for range 7*3 + 1 { // every 8 h less a little, for a week
		w.clock.move(8*time.Hour - 2*time.Minute)
		if busy.get("/api/v1/me").StatusCode != 200 {
			break
		}
	}
	if age := w.clock.now().Sub(time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)); age < sessionMax-9*time.Hour || age > sessionMax+8*time.Hour {
		t.Errorf("a busy session ended after %v, want 7 days", age)
	}
	w.clock.move(8 * time.Hour)
	busy.get("/api/v1/me").wantProblem(t, 401, "login_required")
	idle.get("/api/v1/me").wantProblem(t, 401, "login_required")
}

func TestPasswordAndRoleChangesEndSessions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.user("admin", "ana@acme.example")
	id := w.user("agent", "ben@acme.example")
	admin, ben := w.as("ana@acme.example"), w.as("ben@acme.example")
	admin.send("PATCH", "/api/v1/users/"+id, map[string]any{"role": "lead"}).want(t, 200)
	ben.get("/api/v1/me").wantProblem(t, 401, "login_required")
	ben = w.as("ben@acme.example")
	admin.send("PATCH", "/api/v1/users/"+id, map[string]any{"disabled": true}).want(t, 200)
	ben.get("/api/v1/me").wantProblem(t, 401, "login_required")
	w.browser().post("/login", map[string]string{"email": "ben@acme.example", "password": goodPassword}).wantProblem(t, 401, "login_required")
	me := admin.get("/api/v1/me").json(t)["id"].(string)
	admin.send("PATCH", "/api/v1/users/"+me, map[string]any{"role": "agent"}).wantProblem(t, 422, "invalid") // the last admin
}
