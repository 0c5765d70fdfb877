package sim_test

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"dispatcher/channels"
	"dispatcher/channels/channeltest"
	"dispatcher/channels/sim"
	"dispatcher/channels/web"
	"dispatcher/channels/x"
	"dispatcher/dm"
)

func TestMain(m *testing.M) { channeltest.Main(m) }

// capsOf is what cmd gives: the limits of every kind.
func capsOf(kind string) (channels.Caps, bool) {
	open, ok := map[string]channels.Opener{"web": web.Open, "x": x.Open}[kind]
	if !ok {
		return channels.Caps{}, false
	}
	a, _ := open(kind, nil, channels.Env{LimitsOnly: true})
	return a.Caps(), true
}

func withCaps(e *channels.Env) { e.CapsOf = capsOf }

func TestConformance(t *testing.T) {
	t.Parallel()
	channeltest.Run(t, channeltest.Spec{
		Open: sim.Open, Name: "sim", GoodConfig: "like: x\n", NoWebhook: true, Env: withCaps,
		MissingSecrets: []string{"like: nothing\n", "like: sim\n"},
		Corpus:         "testdata/in.jsonl", Golden: "testdata/in.golden.jsonl",
		Hostile: []channels.Request{{Method: "GET"}},
		Typed: func(text string) []byte {
			b, err := json.Marshal(map[string]string{"as": "customer", "person": "mia", "id": "s-1", "text": text})
			if err != nil {
				t.Error(err)
			}
			return b
		},
		Tap: func(payload, label string) []byte {
			return []byte(`{"as":"customer","person":"mia","id":"s-2","option":{"payload":"` + payload + `","label":"` + label + `"}}`)
		},
	})
}

func open(t *testing.T, yaml string) *sim.Adapter {
	t.Helper()
	env := channeltest.Env(nil)
	withCaps(&env)
	return channeltest.Open(t, sim.Open, "telegram", yaml, env).(*sim.Adapter) // the entry token of testdata belongs to this name
}

func TestBorrowedLimits(t *testing.T) {
	t.Parallel()
	if c := open(t, "like: x\n").Caps(); c.Kind != "sim" || c.Text.N != 10000 || !c.Native || len(c.Buckets) != 0 || c.Send != channels.Reconcilable {
		t.Errorf("%+v", c)
	}
	if c := open(t, "enabled: true\n").Caps(); channels.LimitsOf("sim", c).Options != 13 {
		t.Errorf("%+v", c)
	}
}

func TestLoopbackOnly(t *testing.T) {
	t.Parallel()
	env := channeltest.Env(nil)
	withCaps(&env)
	env.Loopback = false
	a, diags := sim.Open("sim", nil, env)
	if a != nil || len(diags) != 1 {
		t.Errorf("started on an open address: %+v", diags)
	}
	env.LimitsOnly = true
	if a, diags := sim.Open("sim", nil, env); a == nil {
		t.Errorf("no limits for check: %+v", diags)
	}
}

func call(t *testing.T, a *sim.Adapter, h *channeltest.Host, method, path, body string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(method, "/channels/telegram"+path, strings.NewReader(body))
	w := httptest.NewRecorder()
	for _, route := range a.Routes(h) {
		if route.Method == method && route.Path == r.URL.Path[len("/channels/telegram"):] {
			route.Handler.ServeHTTP(w, r)
			return w
		}
	}
	t.Fatalf("no route for %s %s", method, path)
	return nil
}

func TestEventsAndSent(t *testing.T) {
	t.Parallel()
	a, h := open(t, "like: x\n"), channeltest.NewHost(channeltest.Now)
	for i, line := range channeltest.Lines(t, "testdata/in.jsonl") {
		for n, want := range []string{`"duplicate":false`, `"duplicate":true`} {
			if w := call(t, a, h, "POST", "/sim/events", string(line)); w.Code != 200 || !strings.Contains(w.Body.String(), want) {
				t.Errorf("line %d, time %d: %d %s", i+1, n+1, w.Code, w.Body)
			}
		}
	}
	got := h.Accepted()
	if len(got) != 4 || got[0].Kind != dm.KindMention || got[1].Kind != dm.KindTap || !got[1].Entry.Signed || got[1].Entry.Ref != "returns" || got[2].Echo.App != "other" || got[3].Status.State != "read" {
		t.Errorf("%+v", got)
	}
	for body, status := range map[string]int{`{`: 400, `{}`: 400, `{"as":"boss","person":"mia","id":"1"}`: 400, `{"as":"customer","person":"mia","text":"a"}`: 400, strings.Repeat(" ", 1<<20+1): 413} {
		if w := call(t, a, h, "POST", "/sim/events", body); w.Code != status {
			t.Errorf("%.60q: %d %s", body, w.Code, w.Body)
		}
	}
	h.Fail(channels.ErrOverloaded)
	if w := call(t, a, h, "POST", "/sim/events", `{"as":"customer","person":"mia","id":"9","text":"a"}`); w.Code != 503 || w.Header().Get("Retry-After") == "" {
		t.Errorf("%d", w.Code)
	}
	h.LogSent(channels.Shown{Seq: 3, Event: "message", Data: json.RawMessage(`{"text":"a"}`)})
	h.LogSent(channels.Shown{Seq: 4, Event: "message", Data: json.RawMessage(`{"text":"b"}`)})
	if w := call(t, a, h, "GET", "/sim/sent?after=3", ""); strings.TrimSpace(w.Body.String()) != `{"events":[{"seq":4,"event":"message","data":{"text":"b"}}],"seq":4}` {
		t.Errorf("%s", w.Body)
	}
	if w := call(t, a, h, "GET", "/sim/sent?after=x", ""); w.Code != 400 {
		t.Errorf("%d", w.Code)
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	for yaml, want := range map[string]channels.Outcome{
		"faults: {status: 429, retry_after: 7}\n": {Verdict: channels.Retry, RetryAt: channeltest.Now.Add(7 * time.Second)},
		"faults: {after_accept: timeout}\n":       {Verdict: channels.Ambiguous},
		"faults: {status: 500}\n":                 {Verdict: channels.Ambiguous},
		"faults: {status: 401}\n":                 {Verdict: channels.Failed},
		"like: x\n":                               {Verdict: channels.Sent},
	} {
		a := open(t, yaml)
		plan, err := a.Render(dm.Outbound{Kind: dm.OutMessage, Key: "k", Text: "a"})
		if err != nil {
			t.Fatal(err)
		}
		res := a.Do(context.Background(), plan.Calls[0])
		res.At = channeltest.Now
		got := a.Classify(plan.Calls[0], res)
		if got.Verdict != want.Verdict || !got.RetryAt.Equal(want.RetryAt) {
			t.Errorf("%s: %+v", yaml, got)
		}
		if a.Caps().Native == strings.Contains(yaml, "faults") {
			t.Errorf("%s: native %v", yaml, a.Caps().Native)
		}
		found, _, err := a.ParseReconcile(channels.Result{}, dm.Outbound{Key: "k"})
		if err != nil || found != strings.Contains(yaml, "after_accept") {
			t.Errorf("%s: found %v", yaml, found)
		}
	}
	env := channeltest.Env(nil)
	withCaps(&env)
	if a, diags := sim.Open("sim", channeltest.Config(t, "faults: {status: 200}\n"), env); a != nil || len(diags) != 1 {
		t.Errorf("%+v", diags)
	}
}
