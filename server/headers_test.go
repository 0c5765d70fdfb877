package server

import (
	"strings"
	"testing"

	"dispatcher/flows"
	"dispatcher/server/web"
)

// The headers of runtime.md 5.4, word for word.
const wantPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self'; connect-src 'self'; " +
	"font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

func TestEveryAnswerHasTheSecurityHeaders(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.user("admin", "ana@acme.example")
	c := w.as("ana@acme.example")
	for _, path := range []string{"/", "/login", "/console", "/widget.js", web.URL("console.css"), "/api/v1/me", "/api/v1/nothing", "/nothing", "/healthz", "/readyz", "/problems/invalid", "/api/openapi.json", "/channels/nobody/webhook"} {
		h := c.get(path, "Accept", "text/html").Header
		for name, want := range map[string]string{
			"Content-Security-Policy":    wantPolicy,
			"X-Content-Type-Options":     "nosniff",
			"Referrer-Policy":            "no-referrer",
			"Cross-Origin-Opener-Policy": "same-origin",
			"Permissions-Policy":         permissionsPolicy,
			"Strict-Transport-Security":  "",
		} {
			if path == "/login" && name == "Content-Security-Policy" {
				continue // redirects to the console
			}
			if got := h.Get(name); got != want {
				t.Errorf("%s: %s = %q, want %q", path, name, got, want)
			}
		}
		if cache := h.Get("Cache-Control"); !strings.HasPrefix(path, "/assets") && path != "/widget.js" && cache != "no-store" {
			t.Errorf("%s: Cache-Control = %q", path, cache)
		}
	}
}

func TestDocsPageAloneRelaxesItsPolicy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.user("admin", "ana@acme.example")
	got := w.browser().get("/api/docs").want(t, 200)
	csp := got.Header.Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "style-src 'self' 'unsafe-inline'", "frame-ancestors 'none'", "'sha256-"} {
		if !strings.Contains(csp, want) {
			t.Errorf("policy of the docs lacks %s: %s", want, csp)
		}
	}
	if strings.Contains(csp, "script-src 'self' 'unsafe-inline'") || strings.Contains(string(got.body), "//cdn") || strings.Contains(string(got.body), "unpkg") {
		t.Errorf("docs reach outside or allow inline script: %s", csp)
	}
	if w.browser().get("/api/docs/swagger-ui-bundle.js").StatusCode != 200 {
		t.Error("the page's script is not served from here")
	}
}

func TestHSTSOnlyOverTLS(t *testing.T) {
	t.Parallel()
	w := newWorld(t, remote)
	c := w.browser()
	if got := c.get("/healthz").Header.Get("Strict-Transport-Security"); got != "" {
		t.Errorf("HSTS over plain HTTP: %q", got)
	}
	if got := c.get("/healthz", "X-Forwarded-Proto", "https").Header.Get("Strict-Transport-Security"); got == "" {
		t.Error("no HSTS behind a proxy that speaks TLS")
	}
}

func TestHostIsChecked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.user("admin", "ana@acme.example")
	c := w.browser()
	for host, want := range map[string]int{"localhost:1": 200, "127.0.0.1": 200, "[::1]:80": 200, "evil.example": 421, "localhost.evil.example": 421} {
		if got := c.get("/", "Host", host).StatusCode; got != want {
			t.Errorf("Host %s: %d, want %d", host, got, want)
		}
	}
	c.get("/healthz", "Host", "10.0.0.7:8080").want(t, 200)
	c.get("/channels/nobody/webhook", "Host", "tunnel.example").want(t, 404)
}

// R82: an address out of X-Forwarded-For counts only from a trusted proxy.
func TestForwardedAddressNeedsATrustedProxy(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		opts []option
		want int
	}{
		"direct":  {nil, 429},              // one address, whatever the header says
		"trusted": {[]option{remote}, 401}, // every request from another address
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, row.opts...)
			w.user("agent", "ben@acme.example")
			c := w.browser()
			last := 0
			for i := range loginPerAddress + 1 {
				body := map[string]string{"email": "nobody" + itoa(i) + "@acme.example", "password": "x"}
				last = c.post("/login", body, "Host", hostOf(w), "X-Forwarded-For", "198.51.100."+itoa(i)).StatusCode
			}
			if last != row.want {
				t.Errorf("try %d: %d, want %d", loginPerAddress+1, last, row.want)
			}
		})
	}
}

func TestCrossSiteRequestsAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.user("admin", "ana@acme.example")
	c := w.as("ana@acme.example")
	body := map[string]any{"name": "Eve"}
	c.send("PUT", "/api/v1/me", body, "Sec-Fetch-Site", "cross-site").wantProblem(t, 403, "forbidden")
	c.send("PUT", "/api/v1/me", body, "Origin", "https://evil.example").wantProblem(t, 403, "forbidden")
	c.do("PUT", "/api/v1/me", strings.NewReader(`{"name":"Eve"}`), "Content-Type", "text/plain").wantProblem(t, 415, "invalid")
	c.do("POST", "/api/v1/presence-beats", nil).wantProblem(t, 415, "invalid")
	c.send("PUT", "/api/v1/me", body, "Sec-Fetch-Site", "same-origin").want(t, 200)
	c.form("/logout", "", "Sec-Fetch-Site", "cross-site").want(t, 403)
	c.get("/api/v1/me").want(t, 200)
}

func TestUnknownMethodsStoreNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.user("admin", "ana@acme.example")
	c := w.as("ana@acme.example")
	for _, row := range []struct{ method, path string }{{"DELETE", "/login"}, {"PROPFIND", "/"}, {"TRACE", "/api/v1/me"}, {"DELETE", "/api/v1/me"}} {
		if got := c.do(row.method, row.path, nil).StatusCode; got != 405 && got != 501 {
			t.Errorf("%s %s = %d, want 405 or 501", row.method, row.path, got)
		}
	}
}

func TestAPanicIsAnErrorIDAndNoValue(t *testing.T) {
	t.Parallel()
	calm := true
	w := newWorld(t, func(c *Config) {
		live := c.Project
		c.Project = func() *flows.Project {
			if !calm {
				panic("what the customer wrote")
			}
			return live()
		}
	})
	w.user("admin", "ana@acme.example")
	calm = false
	got := w.browser().get("/").wantProblem(t, 500, "internal")
	id, _ := got.json(t)["instance"].(string)
	logs := w.logs.String()
	if id == "" || !strings.Contains(logs, id) {
		t.Errorf("the log does not hold the error id %q: %s", id, logs)
	}
	if strings.Contains(logs, "customer wrote") || strings.Contains(string(got.body), "customer wrote") {
		t.Errorf("the value of the panic came out: %s %s", logs, got.body)
	}
}

func TestHeadIsGetWithoutItsBody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.user("admin", "ana@acme.example")
	c := w.browser()
	for _, path := range []string{"/", "/login", "/api/docs/", "/healthz", "/nothing"} {
		get, head := c.get(path), c.do("HEAD", path, nil)
		if head.StatusCode != get.StatusCode || len(head.body) != 0 || head.Header.Get("Content-Type") != get.Header.Get("Content-Type") {
			t.Errorf("HEAD %s: %d, %d bytes, %s; GET: %d", path, head.StatusCode, len(head.body), head.Header.Get("Content-Type"), get.StatusCode)
		}
	}
	if got := c.do("HEAD", "/channels/shop/webhook", nil).StatusCode; got != 405 {
		t.Errorf("HEAD on a webhook: %d, want 405", got)
	}
}
