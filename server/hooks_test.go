package server

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

const ping = `{"type":"ping","timestamp":"2026-11-20T08:00:00Z","data":{}}`

func message(id, text string) string {
	return fmt.Sprintf(`{"type":"message.created","timestamp":"2026-11-20T10:00:00Z","data":{"id":%q,"contact":{"id":"c-77"},"text":%q}}`, id, text)
}

func hookCode(t *testing.T, r reply) string {
	t.Helper()
	e, _ := r.json(t)["error"].(map[string]any)
	code, _ := e["code"].(string)
	return code
}

// P14, channels.md 5: what a stranger sends is refused and nothing is stored.
func TestHostileWebhooks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.user("admin", "ana@acme.example")
	body := message("m-1", "hi")
	good := w.signed("evt-1", body, shopKey)
	with := func(pairs ...string) []string { return append(append([]string{}, good...), pairs...) }
	without := func(name string) []string {
		var out []string
		for i := 0; i < len(good); i += 2 {
			if good[i] != name {
				out = append(out, good[i], good[i+1])
			}
		}
		return out
	}
	old := fmt.Sprint(w.clock.now().Add(-6 * time.Minute).Unix())
	for name, row := range map[string]struct {
		method, path, body string
		headers            []string
		want               int
		code               string
	}{
		"unknown channel":       {"POST", "/channels/nobody/webhook", body, good, 404, "not_found"},
		"bad characters":        {"POST", "/channels/Sho%24p/webhook", body, good, 404, "not_found"},
		"GET without handshake": {"GET", "/channels/shop/webhook", "", nil, 405, "method_not_allowed"},
		"PUT":                   {"PUT", "/channels/shop/webhook", body, good, 405, "method_not_allowed"},
		"DELETE":                {"DELETE", "/channels/shop/webhook", "", nil, 405, "method_not_allowed"},
		"no signature":          {"POST", "/channels/shop/webhook", body, without("webhook-signature"), 401, "bad_signature"},
		"no id":                 {"POST", "/channels/shop/webhook", body, without("webhook-id"), 401, "bad_signature"},
		"no timestamp":          {"POST", "/channels/shop/webhook", body, without("webhook-timestamp"), 401, "bad_signature"},
		"old timestamp":         {"POST", "/channels/shop/webhook", body, with("webhook-timestamp", old), 401, "bad_signature"},
		"other secret":          {"POST", "/channels/shop/webhook", body, w.signed("evt-1", body, []byte(strings.Repeat("x", 32))), 401, "bad_signature"},
		"one byte more":         {"POST", "/channels/shop/webhook", body + "\n", good, 401, "bad_signature"},
		"other algorithm":       {"POST", "/channels/shop/webhook", body, with("webhook-signature", "v1a,AAAA"), 401, "bad_signature"},
		"text":                  {"POST", "/channels/shop/webhook", body, with("Content-Type", "text/plain"), 415, "unsupported_media_type"},
		"no type":               {"POST", "/channels/shop/webhook", body, without("Content-Type"), 415, "unsupported_media_type"},
		"gzip":                  {"POST", "/channels/shop/webhook", body, with("Content-Encoding", "gzip"), 415, "unsupported_media_type"},
		"identity encoding":     {"POST", "/channels/shop/webhook", body, with("Content-Encoding", "identity"), 415, "unsupported_media_type"},
		"too large":             {"POST", "/channels/shop/webhook", strings.Repeat("x", maxBody+1), good, 413, "too_large"},
		"not JSON":              {"POST", "/channels/shop/webhook", "nonsense", w.signed("evt-2", "nonsense", shopKey), 400, "bad_request"},
		"deep":                  {"POST", "/channels/shop/webhook", strings.Repeat("[", 40), w.signed("evt-3", strings.Repeat("[", 40), shopKey), 413, "too_large"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := w.browser().do(row.method, row.path, strings.NewReader(row.body), row.headers...).want(t, row.want)
			if code := hookCode(t, got); code != row.code {
				t.Errorf("code %q, want %q: %s", code, row.code, got.body)
			}
		})
	}
	t.Cleanup(func() {
		list := w.program(w.token("conversations:read")).get("/api/v1/conversations").want(t, 200).json(t)
		if n := len(list["items"].([]any)); n != 0 {
			t.Errorf("%d conversations were made out of refused requests", n)
		}
		if metric := w.metric("dispatcher_inbound_refused_total", "channel", "shop", "why", "signature"); metric < 7 {
			t.Errorf("%v refusals were counted for their signature, want 7 or more", metric)
		}
		if n := strings.Count(w.logs.String(), "webhook refused"); n > 1 {
			t.Errorf("%d log lines about refusals in one minute", n)
		}
	})
}

// metric reads one counter.
func (w *world) metric(name string, labels ...string) float64 {
	w.t.Helper()
	families, err := w.reg.Gather()
	must(w.t, err)
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
	next:
		for _, m := range f.GetMetric() {
			for i := 0; i < len(labels); i += 2 {
				found := false
				for _, l := range m.GetLabel() {
					found = found || (l.GetName() == labels[i] && l.GetValue() == labels[i+1])
				}
				if !found {
					continue next
				}
			}
			return m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	return 0
}

func TestWebhookAnswersAndReplays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.browser()
	send := func(id, body string) reply {
		return c.do("POST", "/channels/shop/webhook", strings.NewReader(body), w.signed(id, body, shopKey)...)
	}
	if got := send("evt-0", ping).want(t, 200); string(bytes.TrimSpace(got.body)) != `{"pong":true}` {
		t.Errorf("ping: %s", got.body)
	}
	if got := send("evt-1", message("m-1", "hi")).want(t, 200); string(bytes.TrimSpace(got.body)) != `{"accepted":[{"id":"m-1","duplicate":false}]}` {
		t.Errorf("first: %s", got.body)
	}
	if got := send("evt-1", message("m-1", "hi")).want(t, 200); string(bytes.TrimSpace(got.body)) != `{"accepted":[{"id":"m-1","duplicate":true}]}` {
		t.Errorf("replay: %s", got.body)
	}
	if got := send("evt-9", message("m-1", "hi")).want(t, 200); !strings.Contains(string(got.body), `"duplicate":true`) {
		t.Errorf("redelivery under another id: %s", got.body)
	}
	if got := send("evt-1", message("m-2", "other")).want(t, 409); hookCode(t, got) != "conflict" {
		t.Errorf("same id, other body: %s", got.body)
	}
	w.s.Drain()
	got := send("evt-2", message("m-3", "late")).want(t, 503)
	if got.Header.Get("Retry-After") == "" {
		t.Error("503 without Retry-After")
	}
	c.get("/readyz").want(t, 503)
	c.get("/healthz").want(t, 200)
}

// The CRC handshake of channels.md 2.4, and what must not be signed (R81).
func TestHandshake(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.browser()
	got := c.get("/channels/x/webhook?crc_token=dGVzdC10b2tlbg").want(t, 200)
	if want := `{"response_token":"sha256=/vgHeC66rvvdPNCbaIyUlZC00E0XNrhoae/oqIQ4n9U="}`; string(bytes.TrimSpace(got.body)) != want {
		t.Errorf("handshake %s, want %s", got.body, want)
	}
	for _, bad := range []string{`{"for_user_id":"900100"}`, strings.Repeat("a", 129), "", "a b{"} {
		req, err := http.NewRequest("GET", w.http.URL+"/channels/x/webhook", nil)
		must(t, err)
		req.URL.RawQuery = "crc_token=" + strings.NewReplacer("{", "%7B", "}", "%7D", "\"", "%22", " ", "%20").Replace(bad)
		resp, err := c.http.Do(req)
		must(t, err)
		_ = resp.Body.Close()
		if resp.StatusCode != 400 {
			t.Errorf("crc_token %.20q: %d, want 400", bad, resp.StatusCode)
		}
	}
	last := 0
	for range handshakesPerMin + 1 {
		last = c.get("/channels/x/webhook?crc_token=abc").StatusCode
	}
	if last != 429 {
		t.Errorf("handshake %d in a minute: %d, want 429", handshakesPerMin+2, last)
	}
}

// A platform signed it, so it is acknowledged and parked for the operator.
func TestUnreadableBodyOfAPlatformIsParked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.user("admin", "ana@acme.example")
	body := `{"for_user_id":`
	mac := hmac.New(sha256.New, []byte("example-consumer-secret"))
	mac.Write([]byte(body))
	sig := "sha256=" + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	w.browser().do("POST", "/channels/x/webhook", strings.NewReader(body), "Content-Type", "application/json", "x-twitter-webhooks-signature", sig).want(t, 200)
	op := w.program(w.token("channels:manage"))
	list := op.get("/api/v1/parked").want(t, 200).json(t)["items"].([]any)
	if len(list) != 1 {
		t.Fatalf("%d parked, want 1: %v", len(list), list)
	}
	one := list[0].(map[string]any)
	if one["channel"] != "x" || one["error"] == "" {
		t.Errorf("parked %v", one)
	}
	op.post("/api/v1/parked/"+one["id"].(string)+"/discard", map[string]any{}).want(t, 204)
	if list := op.get("/api/v1/parked").json(t)["items"].([]any); len(list) != 0 {
		t.Errorf("still parked: %v", list)
	}
	op.post("/api/v1/parked/"+one["id"].(string)+"/discard", map[string]any{}).wantProblem(t, 404, "not_found")
}

func TestChunkedBodyOverTheLimit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	pr, pw := io.Pipe()
	go func() {
		defer pw.Close()
		for range 2 * maxBody / 4096 {
			if _, err := pw.Write(make([]byte, 4096)); err != nil {
				return
			}
		}
	}()
	req, err := http.NewRequest("POST", w.http.URL+"/channels/shop/webhook", pr)
	must(t, err)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	must(t, err)
	defer resp.Body.Close()
	if resp.StatusCode != 413 {
		t.Errorf("status %d, want 413", resp.StatusCode)
	}
}

func TestTooManyConnectionsAre503(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *Config) { c.MaxConnections = 1 })
	addr := strings.TrimPrefix(w.http.URL, "http://")
	first, err := net.Dial("tcp", addr)
	must(t, err)
	defer first.Close()
	_, err = io.WriteString(first, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
	must(t, err)
	_, err = first.Read(make([]byte, 1)) // the server has it now
	must(t, err)
	w.browser().get("/healthz").want(t, 503)
}

func TestSimNeedsASessionOrScope(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.browser()
	event := map[string]any{"as": "customer", "person": "mia", "id": "s-1", "text": "hello"}
	c.post("/channels/sim/sim/events", event).want(t, 404) // before set-up (ruling 29)
	w.user("agent", "ben@acme.example")
	c.post("/channels/sim/sim/events", event).want(t, 401)
	w.program(w.token("conversations:read")).post("/channels/sim/sim/events", event).want(t, 403)
	w.program(w.token("sim")).post("/channels/sim/sim/events", event).want(t, 200)
	ben := w.as("ben@acme.example")
	ben.get("/channels/sim/sim/sent").want(t, 200)
	ben.get("/channels/shop/sim/sent").want(t, 404)
}

func TestWidgetFrameAndRoutes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.browser()
	csp := c.get("/channels/web/web/frame").want(t, 200).Header.Get("Content-Security-Policy")
	if !strings.Contains(csp, "frame-ancestors 'self' https://shop.example;") {
		t.Errorf("policy of the frame: %s", csp)
	}
	c.get("/channels/shop/web/frame").want(t, 404)
	c.get("/chat").want(t, 200)
	c.get("/channels/web/web/v1/nothing", "Origin", "https://shop.example").want(t, 404)
	if got := c.do("PUT", "/channels/web/web/v1/messages", nil, "Origin", "https://shop.example").StatusCode; got != 405 {
		t.Errorf("PUT on a widget route: %d, want 405", got)
	}
	made := c.post("/channels/web/web/v1/session", map[string]any{}, "Origin", "https://shop.example").want(t, 201)
	if got := made.Header.Get("Access-Control-Allow-Origin"); got != "https://shop.example" {
		t.Errorf("CORS %q", got)
	}
	c.post("/channels/web/web/v1/session", map[string]any{}, "Origin", "https://evil.example").want(t, 403)
}
