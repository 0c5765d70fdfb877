package fakeplatform_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"dispatcher/channels"
	"dispatcher/channels/channeltest"
	"dispatcher/channels/channeltest/fakeplatform"
	"dispatcher/channels/webhook"
	"dispatcher/channels/x"
	"dispatcher/dm"
)

func TestMain(m *testing.M) { channeltest.Main(m) }

const (
	webhookSecret = "whsec_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcY"
	xSecret       = "example-consumer-secret"
)

// start gives a platform whose clock and ours are the same.
func start(t *testing.T) *fakeplatform.Server {
	t.Helper()
	p := fakeplatform.Start(fakeplatform.Options{WebhookSecret: webhookSecret, Drip: time.Millisecond})
	t.Cleanup(p.Close)
	return p
}

func openWebhook(t *testing.T, p *fakeplatform.Server) channels.Adapter {
	t.Helper()
	return channeltest.Open(t, webhook.Open, "shop", "secret: "+webhookSecret+"\ninsecure: true\noutbound: {url: \""+p.URL+"/webhook\"}\n", channeltest.Env(nil))
}

func openX(t *testing.T, p *fakeplatform.Server, more string) channels.Adapter {
	t.Helper()
	return channeltest.Open(t, x.Open, "x", "account_id: \"900100\"\napp_id: \"7001\"\nconsumer_key: ck\nconsumer_secret: "+xSecret+"\naccess_token: at\naccess_token_secret: ats\ninsecure: true\nbase_url: "+p.URL+"\n"+more, channeltest.Env(nil))
}

// once writes one call and classifies what came of it, as inbox does.
func once(t *testing.T, a channels.Adapter, call channels.Call) (channels.Outcome, channels.Result) {
	t.Helper()
	return onceUnder(t, "", a, call)
}

// onceUnder is once under a fault.
func onceUnder(t *testing.T, fault fakeplatform.FaultKind, a channels.Adapter, call channels.Call) (channels.Outcome, channels.Result) {
	t.Helper()
	patience := time.Minute
	if fault == fakeplatform.TimeoutBefore || fault == fakeplatform.TimeoutAfter { // nothing comes, however long one waits
		patience = 2 * time.Second
	}
	res := exchange(t, a, call, patience)
	return a.Classify(call, res), res
}

func exchange(t *testing.T, a channels.Adapter, call channels.Call, patience time.Duration) channels.Result {
	t.Helper()
	var wrote atomic.Bool
	ctx, stop := context.WithTimeout(context.Background(), patience)
	defer stop()
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaderField: func(string, []string) { wrote.Store(true) }})
	req, err := http.NewRequestWithContext(ctx, call.Method, call.URL, bytes.NewReader(call.Body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = call.Header.Clone()
	if err := a.(channels.Authorizer).Authorize(req, time.Now(), "n0nce"); err != nil {
		t.Fatal(err)
	}
	res := channels.Result{At: time.Now()}
	client := http.Client{Transport: channeltest.Transport()}
	resp, err := client.Do(req)
	if err == nil {
		defer func() { _ = resp.Body.Close() }()
		res.Status, res.Header = resp.StatusCode, resp.Header
		res.Body, err = io.ReadAll(resp.Body)
	}
	res.Err, res.Written = err, wrote.Load()
	return res
}

func message(key, text string) dm.Outbound {
	return dm.Outbound{Key: key, Kind: dm.OutMessage, Thread: "900200", Author: "bot", Text: text, At: time.Now(), Options: []dm.Option{{Payload: "o1.2s.0.4J1KFSGb", Label: "Refund"}}}
}

func only(t *testing.T, a channels.Adapter, out dm.Outbound) channels.Call {
	t.Helper()
	plan, err := a.Render(out)
	if err != nil || len(plan.Calls) != 1 {
		t.Fatalf("%v, %d calls", err, len(plan.Calls))
	}
	return plan.Calls[0]
}

// TestEveryFault: what the platform does, what our side makes of it, and
// whether the customer has it (C16).
func TestEveryFault(t *testing.T) {
	t.Parallel()
	const sent, retry, failed, ambiguous = channels.Sent, channels.Retry, channels.Failed, channels.Ambiguous
	for _, c := range []struct {
		fault      fakeplatform.FaultKind
		webhook, x string
		has        bool
	}{
		{"", sent, sent, true},
		{fakeplatform.Throttle, retry, retry, false},
		{fakeplatform.ServerError, retry, ambiguous, false},
		{fakeplatform.BadGateway, retry, ambiguous, true},
		{fakeplatform.TimeoutBefore, retry, ambiguous, false},
		{fakeplatform.TimeoutAfter, retry, ambiguous, true},
		{fakeplatform.ResetBefore, retry, ambiguous, false},
		{fakeplatform.ResetMidBody, retry, ambiguous, true},
		{fakeplatform.SlowDrip, sent, sent, true},
		{fakeplatform.Permanent, failed, failed, false},
		{fakeplatform.Unauthorized, failed, failed, false},
		{fakeplatform.Blocked, failed, failed, false},
		{fakeplatform.DuplicateAck, sent, sent, true},
		{fakeplatform.WrongJSON, sent, ambiguous, true},
	} {
		t.Run(string(c.fault), func(t *testing.T) {
			t.Parallel()
			for kind, want := range map[string]string{"webhook": c.webhook, "x": c.x} {
				p := start(t)
				a := openWebhook(t, p)
				if kind == "x" {
					a = openX(t, p, "")
				}
				if c.fault != "" {
					p.Script(fakeplatform.Fault{Kind: c.fault, Wait: 90 * time.Second})
				}
				got, res := onceUnder(t, c.fault, a, only(t, a, message("019a-key", "Hello")))
				if got.Verdict != want {
					t.Errorf("%s: %+v of %d %s %v, want %s", kind, got, res.Status, res.Body, res.Err, want)
				}
				if has := len(p.Shown()) == 1; has != c.has {
					t.Errorf("%s: the customer has it: %v", kind, has)
				}
				if c.fault == fakeplatform.Throttle && (got.RetryAt.Before(res.At.Add(85*time.Second)) || got.PauseFor != "account") {
					t.Errorf("%s: %+v", kind, got)
				}
				if problems := p.Problems(); len(problems) > 0 || p.Pending() != 0 {
					t.Errorf("%s: %v, %d pending", kind, problems, p.Pending())
				}
			}
		})
	}
}

// TestWebhookExactlyOnce: whatever goes wrong, retries under one id show the customer each part once.
func TestWebhookExactlyOnce(t *testing.T) {
	t.Parallel()
	p := start(t)
	a := openWebhook(t, p)
	p.Chance(7, 0.6, fakeplatform.ServerError, fakeplatform.BadGateway, fakeplatform.ResetBefore, fakeplatform.ResetMidBody, fakeplatform.DuplicateAck, fakeplatform.WrongJSON)
	for i := range 30 {
		call := only(t, a, message(fmt.Sprintf("key-%d", i), fmt.Sprintf("text %d", i)))
		for try := 0; ; try++ {
			if got, _ := once(t, a, call); got.Verdict == channels.Sent {
				break
			}
			if try == 50 {
				t.Fatal("never sent")
			}
		}
	}
	shown := p.Shown()
	if len(shown) != 30 || len(p.Ledger()) <= 30 {
		t.Fatalf("%d shown of %d requests", len(shown), len(p.Ledger()))
	}
	for i, d := range shown {
		if d.Key != fmt.Sprintf("key-%d", i) || d.Text != fmt.Sprintf("text %d", i) || d.Options[0] != "Refund" || d.At.IsZero() {
			t.Errorf("%d: %+v", i, d)
		}
	}
	if problems := p.Problems(); len(problems) > 0 {
		t.Error(problems)
	}
}

// TestXReadBack: an ambiguous send is found when it arrived, and only then.
func TestXReadBack(t *testing.T) {
	t.Parallel()
	for fault, want := range map[fakeplatform.FaultKind]bool{fakeplatform.BadGateway: true, fakeplatform.TimeoutAfter: true, fakeplatform.TimeoutBefore: false, fakeplatform.ResetBefore: false} {
		p := start(t)
		a := openX(t, p, "")
		out := message("k", "Fish & chips <now>")
		p.Script(fakeplatform.Fault{Kind: fault})
		if got, _ := onceUnder(t, fault, a, only(t, a, out)); got.Verdict != channels.Ambiguous {
			t.Fatalf("%s: %+v", fault, got)
		}
		r := a.(channels.Reconciler)
		call, err := r.RenderReconcile(out, out.At)
		if err != nil {
			t.Fatal(err)
		}
		found, id, err := r.ParseReconcile(exchange(t, a, call, time.Minute), out)
		if err != nil || found != want || found != strings.HasPrefix(id, "dm:") {
			t.Errorf("%s: %v %q %v", fault, found, id, err)
		}
	}
}

func TestXOtherCalls(t *testing.T) {
	t.Parallel()
	p := start(t)
	v11 := openX(t, p, "transport: v1.1\n")
	for _, out := range []dm.Outbound{
		message("k", "Hello"), {Kind: dm.OutTyping, Thread: "900200"}, {Kind: dm.OutRead, Thread: "900200", Target: "dm:1"},
		{Kind: dm.OutMessage, Thread: "900200", Visibility: dm.Public, Target: "post:5", Text: "@ada Sorry"},
	} {
		if got, res := once(t, v11, only(t, v11, out)); got.Verdict != channels.Sent {
			t.Errorf("%s: %+v %s", out.Kind, got, res.Body)
		}
	}
	var kinds []string
	for _, d := range p.Ledger() {
		kinds = append(kinds, d.Kind)
	}
	if strings.Join(kinds, " ") != "send typing read post" || len(p.Problems()) > 0 {
		t.Errorf("%v %v", kinds, p.Problems())
	}
}

// TestStrict: the platform refuses what is not documented or not signed.
func TestStrict(t *testing.T) {
	t.Parallel()
	p := start(t)
	post := func(path, body string, h http.Header) int {
		t.Helper()
		req, err := http.NewRequest(http.MethodPost, p.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header = h
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return resp.StatusCode
	}
	bearer := http.Header{"Authorization": {"Bearer b"}, "Content-Type": {"application/json"}}
	dm := "/2/dm_conversations/with/900200/messages"
	for _, c := range []struct {
		path, body string
		header     http.Header
		want       int
	}{
		{"/webhook", `{}`, http.Header{}, 401},
		{dm, `{"text":"a"}`, http.Header{"Content-Type": {"application/json"}}, 401},
		{dm, `{"text":"a"}`, http.Header{"Authorization": {"OAuth oauth_token=\"x\""}, "Content-Type": {"application/json"}}, 401},
		{dm, `{"text":"a","quick_reply":{}}`, bearer, 400}, {dm, `{"text":""}`, bearer, 400}, {dm, `{"text":"a"}`, bearer, 201},
		{"/2/dm_conversations/with/ada/messages", `{"text":"a"}`, bearer, 404},
		{"/2/tweets", `{"text":"` + strings.Repeat("a", 281) + `"}`, bearer, 403},
		{"/1.1/direct_messages/events/new.json", `{"event":{"type":"message_create","message_create":{"target":{"recipient_id":"1"},"message_data":{"text":"a","quick_reply":{"type":"options","options":[{"label":"x","description":"d"},{"label":"y"}]}}}}}`, bearer, 400},
	} {
		if got := post(c.path, c.body, c.header); got != c.want {
			t.Errorf("%s %s: %d, want %d", c.path, c.body, got, c.want)
		}
	}
	if len(p.Problems()) != 8 || len(p.Shown()) != 1 {
		t.Errorf("%v", p.Problems())
	}
}

// TestSender: it goes on until it is told 2xx, and stops at a final refusal.
func TestSender(t *testing.T) {
	t.Parallel()
	var hits atomic.Int64
	var ids []string
	a := channeltest.Open(t, webhook.Open, "shop", "secret: "+webhookSecret+"\n", channeltest.Env(nil))
	ours := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || a.Verify(channels.Request{Header: r.Header, Body: body}, time.Now()) != nil {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		ids = append(ids, r.Header.Get("Webhook-Id"))
		if hits.Add(1) < 3 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer ours.Close()
	s := fakeplatform.WebhookSender(ours.URL, webhookSecret)
	var slept []time.Duration
	s.Sleep = func(_ context.Context, d time.Duration) error { slept = append(slept, d); return nil }
	got, err := s.Send(t.Context(), "evt-1", fakeplatform.WebhookMessage("m-1", "c-1", "hi", time.Now()))
	if err != nil || got.Attempts != 3 || got.Acked.IsZero() || fmt.Sprint(ids) != "[evt-1 evt-1 evt-1]" || len(slept) != 2 {
		t.Errorf("%+v %v %v %v", got, err, ids, slept)
	}
	foreign := fakeplatform.WebhookSender(ours.URL, "whsec_QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo=")
	if got, err := foreign.Send(t.Context(), "evt-2", []byte(`{}`)); !errors.Is(err, fakeplatform.ErrRefused) || !got.Acked.IsZero() {
		t.Errorf("%+v %v", got, err)
	}
}

// TestBodiesAreUnderstood: what the platform sends is what our adapters read.
func TestBodiesAreUnderstood(t *testing.T) {
	t.Parallel()
	p := start(t)
	w, xa := openWebhook(t, p), openX(t, p, "")
	now := time.Now().UTC().Truncate(time.Millisecond)
	for name, c := range map[string]struct {
		a    channels.Adapter
		body []byte
		kind string
	}{
		"webhook text": {w, fakeplatform.WebhookMessage("m", "c", "a < b", now), dm.KindText},
		"webhook tap":  {w, fakeplatform.WebhookTap("m", "c", "o1.2s.0.4J1KFSGb", "a < b", now), dm.KindTap},
		"x text":       {xa, fakeplatform.XMessage("900100", "900200", "1", "a < b", "", now), dm.KindText},
		"x tap":        {xa, fakeplatform.XMessage("900100", "900200", "1", "a < b", "o1.2s.0.4J1KFSGb", now), dm.KindTap},
		"x echo":       {xa, fakeplatform.XEcho("900100", "900200", "1", "7001", "a < b", now), dm.KindEcho},
	} {
		got, err := c.a.Parse(channeltest.Post(c.body))
		if err != nil || len(got) != 1 || got[0].Kind != c.kind || got[0].Text != "a < b" || !got[0].At.Equal(now) {
			t.Errorf("%s: %+v %v", name, got, err)
		}
	}
}

// TestEchoes: an accepted message comes back signed, as ours.
func TestEchoes(t *testing.T) {
	t.Parallel()
	p := start(t)
	a := openX(t, p, "")
	heard := make(chan dm.Inbound, 1)
	ours := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		req := channels.Request{Header: r.Header, Body: body}
		if err != nil || a.Verify(req, time.Now()) != nil {
			return
		}
		if got, err := a.Parse(req); err == nil && len(got) == 1 {
			heard <- got[0]
		}
	}))
	defer ours.Close()
	p.EchoTo(fakeplatform.XSender(ours.URL, xSecret))
	if got, _ := once(t, a, only(t, a, message("k", "Hello"))); got.Verdict != channels.Sent {
		t.Fatal(got)
	}
	select {
	case in := <-heard:
		if in.Echo == nil || in.Echo.App != "us" || in.Thread != "900200" {
			t.Errorf("%+v", in)
		}
	case <-t.Context().Done():
		t.Error("no echo")
	}
}

func TestWait(t *testing.T) {
	t.Parallel()
	p := start(t)
	a := openX(t, p, "")
	go func() { once(t, a, only(t, a, message("k", "Hello"))) }()
	got, err := p.Wait(t.Context(), func(l []fakeplatform.Delivery) bool { return len(l) == 1 && l[0].Status == 201 })
	if err != nil || got[0].Text == "" {
		t.Errorf("%+v %v", got, err)
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if _, err := p.Wait(ctx, func(l []fakeplatform.Delivery) bool { return false }); err == nil {
		t.Error("waited for ever")
	}
}
