package webhook_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	standard "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"dispatcher/channels"
	"dispatcher/channels/channeltest"
	"dispatcher/channels/webhook"
	"dispatcher/dm"
)

func TestMain(m *testing.M) { channeltest.Main(m) }

// The secrets of the worked examples, and one of another channel.
const (
	secret    = "whsec_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcY"
	oldSecret = "whsec_ISIjJCUmJygpKissLS4vMDEyMzQ1Njc4"
	foreign   = "whsec_QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo="
	push      = "secret: " + secret + "\noutbound: {url: \"https://shop.example/dispatcher\"}\n"
)

func key(s string) []byte {
	k, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(s, "whsec_"))
	if err != nil {
		panic(err)
	}
	return k
}

func sign(r *channels.Request, which int) {
	s := map[int]string{0: secret, 1: oldSecret, -1: foreign}[which]
	at := strconv.FormatInt(channeltest.Now.Unix(), 10)
	r.Header.Set("Webhook-Id", "evt_0001")
	r.Header.Set("Webhook-Timestamp", at)
	r.Header.Set("Webhook-Signature", webhook.Signature(key(s), "evt_0001", at, r.Body))
}

func spec() channeltest.Spec {
	created := func(text, option string) []byte {
		return []byte(fmt.Sprintf(`{"type":"message.created","timestamp":"2026-11-20T08:00:00Z","data":{"id":"m-1","contact":{"id":"c-1"},"text":%q%s}}`, text, option))
	}
	return channeltest.Spec{
		Open:           webhook.Open,
		GoodConfig:     push,
		TwoSecrets:     "secret: [" + secret + ", " + oldSecret + "]\noutbound: {url: \"https://shop.example/dispatcher\"}\n",
		MissingSecrets: []string{"enabled: true", "secret: \"\"", "secret: changeme", "secret: whsec_", "secret: \"${env:UNSET}\"", "secret: not-a-webhook-secret", "secret: whsec_c2hvcnQ="},
		Corpus:         "testdata/in.jsonl", Golden: "testdata/in.golden.jsonl",
		Sign: sign, SignatureHeader: "Webhook-Signature",
		Secrets: []string{secret, strings.TrimPrefix(secret, "whsec_")},
		Rows:    rows(),
		Hostile: []channels.Request{{Method: "GET"}},
		Tap: func(payload, label string) []byte {
			return created(label, fmt.Sprintf(`,"option":{"payload":%q,"label":%q}`, payload, label))
		},
		Typed: func(text string) []byte { return created(text, "") },
		Echo:  []byte(`{"type":"message.sent","timestamp":"2026-11-20T08:01:30Z","data":{"id":"m-7","key":"019a-key","contact":{"id":"c-77"},"text":"Hello","author":"bot"}}`),
	}
}

func rows() []channeltest.Row {
	send := channels.Call{Kind: "send"}
	at := channeltest.Now
	row := func(name string, status int, body string, h http.Header, want channels.Outcome) channeltest.Row {
		return channeltest.Row{Name: name, Call: send, Result: channels.Result{Status: status, Body: []byte(body), Header: h, Written: true, At: at}, Want: want}
	}
	failed := func(r dm.Reason) channels.Outcome { return channels.Outcome{Verdict: "failed", Reason: r} }
	wait := func(s string) http.Header { return http.Header{"Retry-After": {s}} }
	later := func(d time.Duration) channels.Outcome {
		return channels.Outcome{Verdict: "retry", Reason: dm.ReasonThrottled, RetryAt: at.Add(d), PauseFor: "account"}
	}
	throttled := channels.Outcome{Verdict: "retry", Reason: dm.ReasonThrottled}
	transient := channels.Outcome{Verdict: "retry", Reason: dm.ReasonTransient}
	sent := channels.Outcome{Verdict: "sent"}
	return []channeltest.Row{
		row("200 with id", 200, `{"id":"m-8"}`, nil, channels.Outcome{Verdict: "sent", IDs: []string{"m-8"}}),
		row("201", 201, "", nil, sent), row("202", 202, "<html>", nil, sent), row("204", 204, "", nil, sent),
		row("already had it", 409, "", nil, sent), row("gone", 410, "", nil, failed(dm.ReasonGone)),
		row("408", 408, "", nil, throttled), row("425", 425, "", nil, throttled),
		row("429 seconds", 429, "", wait("7"), later(7*time.Second)),
		row("503 date", 503, "", wait(at.Add(time.Minute).Format(http.TimeFormat)), later(time.Minute)),
		row("429 a day", 429, "", wait("86400"), later(time.Hour)),
		row("429 nonsense", 429, "", wait("soon"), throttled),
		row("500", 500, "", nil, transient), row("502", 502, "<html>", nil, transient),
		row("401", 401, "", nil, failed(dm.ReasonAuthBroken)), row("403", 403, "", nil, failed(dm.ReasonAuthBroken)),
		row("400", 400, "", nil, failed(dm.ReasonBadContent)), row("418", 418, "", nil, failed(dm.ReasonBadContent)),
		row("redirect", 302, "", nil, failed(dm.ReasonUnknown)),
		{Name: "typing is best effort", Call: channels.Call{Kind: "typing"}, Result: channels.Result{Status: 500, At: at}, Want: channels.Outcome{Verdict: "ignored"}},
	}
}

func TestConformance(t *testing.T) {
	t.Parallel()
	channeltest.Run(t, spec())
}

func FuzzParse(f *testing.F)  { channeltest.FuzzParse(f, spec()) }
func FuzzVerify(f *testing.F) { channeltest.FuzzVerify(f, spec()) }

func open(t *testing.T, yaml string) *webhook.Adapter {
	t.Helper()
	return channeltest.Open(t, webhook.Open, "shop", yaml, channeltest.Env(nil)).(*webhook.Adapter)
}

// The worked example of channels.md 2.1, and what the reference library makes of it.
func TestSignatureWorkedExample(t *testing.T) {
	t.Parallel()
	body := []byte(`{"type":"ping","timestamp":"2026-11-20T08:00:00Z","data":{}}`)
	if got := webhook.Signature(key(secret), "evt_0001", "1795161600", body); got != "v1,ltXgG2lEvNh09UdHnbxe4hb5LaM+dNKqpj/53SG83SE=" {
		t.Errorf("new secret: %s", got)
	}
	if got := webhook.Signature(key(oldSecret), "evt_0001", "1795161600", body); got != "v1,a3+6yaf+U14zpIjC3cIgaO0RF7Ox0HYS+HQjfE/RaFw=" {
		t.Errorf("old secret: %s", got)
	}
	wh, err := standard.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := wh.Sign("evt_0001", channeltest.Now, body)
	if err != nil || theirs != webhook.Signature(key(secret), "evt_0001", "1795161600", body) {
		t.Errorf("the reference library signs %s, %v", theirs, err)
	}
}

func TestVerifyTimeAndList(t *testing.T) {
	t.Parallel()
	a := open(t, push)
	body := []byte(`{}`)
	for name, c := range map[string]struct {
		change func(h http.Header)
		now    time.Time
		good   bool
	}{
		"exact":              {func(http.Header) {}, channeltest.Now, true},
		"five minutes late":  {func(http.Header) {}, channeltest.Now.Add(5 * time.Minute), true},
		"later":              {func(http.Header) {}, channeltest.Now.Add(5*time.Minute + time.Second), false},
		"too early":          {func(http.Header) {}, channeltest.Now.Add(-5*time.Minute - time.Second), false},
		"words for time":     {func(h http.Header) { h.Set("Webhook-Timestamp", "now") }, channeltest.Now, false},
		"negative time":      {func(h http.Header) { h.Set("Webhook-Timestamp", "-1795161600") }, channeltest.Now, false},
		"no time":            {func(h http.Header) { h.Del("Webhook-Timestamp") }, channeltest.Now, false},
		"no id":              {func(h http.Header) { h.Del("Webhook-Id") }, channeltest.Now, false},
		"other id":           {func(h http.Header) { h.Set("Webhook-Id", "evt_0002") }, channeltest.Now, false},
		"id with space":      {func(h http.Header) { h.Set("Webhook-Id", "evt 1") }, channeltest.Now, false},
		"good one in a list": {func(h http.Header) { h.Set("Webhook-Signature", "v1a,xx v1,AAAA "+h.Get("Webhook-Signature")) }, channeltest.Now, true},
		"only another version": {func(h http.Header) {
			h.Set("Webhook-Signature", strings.Replace(h.Get("Webhook-Signature"), "v1,", "v2,", 1))
		}, channeltest.Now, false},
	} {
		r := channeltest.Post(body)
		sign(&r, 0)
		c.change(r.Header)
		err := a.Verify(r, c.now)
		if (err == nil) != c.good {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && !errors.Is(err, channels.ErrSignature) {
			t.Errorf("%s: %v is not a signature error", name, err)
		}
	}
}

func TestParseNamesTheField(t *testing.T) {
	t.Parallel()
	a := open(t, push)
	for body, field := range map[string]string{
		`[]`:                                   "body",
		`{}`:                                   "type",
		`{"type":5,"data":{}}`:                 "type",
		`{"type":"message.created"}`:           "data",
		`{"type":"message.created","data":{}}`: "data.contact.id",
		`{"type":"message.created","data":{"contact":{"id":"c"}}}`:                     "data.text",
		`{"type":"message.created","data":{"contact":{"id":"c"},"text":5}}`:            "data.text",
		`{"type":"message.updated","data":{"contact":{"id":"c"},"text":"x"}}`:          "data.id",
		`{"type":"message.updated","data":{"id":"m","contact":{"id":"c"},"text":"x"}}`: "data.revision",
		`{"type":"delivery.updated","data":{"state":"read"}}`:                          "data.key",
		`{"type":"delivery.updated","data":{"key":"k","state":"lost"}}`:                "data.state",
		`{"type":"control.changed","data":{"contact":{"id":"c"},"owner":"them"}}`:      "data.owner",
	} {
		_, err := a.Parse(channeltest.Post([]byte(body)))
		var fe *channels.FieldError
		if !errors.As(err, &fe) || fe.Field != field || !errors.Is(err, channels.ErrMalformed) {
			t.Errorf("%s: %v, want field %s", body, err, field)
		}
	}
}

func TestParseDetails(t *testing.T) {
	t.Parallel()
	parse := func(a *webhook.Adapter, body string) dm.Inbound {
		t.Helper()
		r := channeltest.Post([]byte(body))
		sign(&r, 0)
		got, err := a.Parse(r)
		if err != nil || len(got) != 1 {
			t.Fatalf("%s: %v %d", body, err, len(got))
		}
		return got[0]
	}
	a := open(t, push)
	const head = `{"type":"message.created","data":{"contact":{"id":"c","verified":true},`
	if in := parse(a, head+`"text":"a\u0000b"}}`); in.ExternalID != "evt_0001" || in.MessageID != "evt_0001" || in.Text != "a\uFFFDb" || !in.Sender.Verified || !in.At.IsZero() {
		t.Errorf("%+v", in)
	}
	if in := parse(open(t, push+"identity: claimed\n"), head+`"text":""}}`); in.Sender.Verified {
		t.Error("a claimed identity is taken for verified")
	}
	if in := parse(a, head+`"text":"Yes","option":{"payload":"forged","label":"Refund"}}}`); in.Kind != dm.KindText || in.Text != "Refund" || in.Tap != nil {
		t.Errorf("%+v", in)
	}
	if in := parse(a, `{"type":"brand.new","data":{}}`); in.Kind != dm.KindIgnored || in.Note == "" {
		t.Errorf("%+v", in)
	}
	if in := parse(a, strings.Replace(head, `"c"`, `"`+strings.Repeat("x", 600)+`"`, 1)+`"text":"a"}}`); !strings.HasPrefix(in.Thread, "h:") {
		t.Errorf("thread %q", in.Thread)
	}
	started := `{"type":"conversation.started","data":{"id":"s","contact":{"id":"c"},"entry":{"ref":"%s"}}}`
	if in := parse(a, fmt.Sprintf(started, "e110000returnsjZT3UD2LCGI-wylR")); in.Entry.Ref != "returns" || in.Entry.Signed {
		t.Errorf("another channel's token is signed: %+v", in.Entry)
	}
	if in := parse(a, fmt.Sprintf(started, "summer")); in.Entry.Ref != "summer" || in.Entry.Source != "link" {
		t.Errorf("%+v", in.Entry)
	}
}

func TestSignedEntry(t *testing.T) {
	t.Parallel()
	a := channeltest.Open(t, webhook.Open, "telegram", push, channeltest.Env(nil)) // the example's token belongs to a channel of this name
	for _, c := range []struct {
		at     time.Time
		signed bool
	}{{channeltest.Now, true}, {time.Date(2027, 1, 2, 0, 0, 0, 0, time.UTC), false}} {
		r := channeltest.Post([]byte(`{"type":"conversation.started","data":{"id":"s","contact":{"id":"c"},"entry":{"ref":"e1101z0returnswpp6eZLcTEmHmk1g"}}}`))
		r.Header.Set("Webhook-Timestamp", strconv.FormatInt(c.at.Unix(), 10))
		got, err := a.Parse(r)
		if err != nil || got[0].Entry.Ref != "returns" || got[0].Entry.Signed != c.signed {
			t.Errorf("%v: %+v %v", c.at, got, err)
		}
	}
}

func TestRespond(t *testing.T) {
	t.Parallel()
	a := open(t, push)
	message := channels.Request{Body: []byte(`{"type":"message.created","data":{}}`)}
	ping := channels.Request{Body: []byte(`{"type":"ping"}`)}
	for name, c := range map[string]struct {
		r       channels.Request
		results []channels.Accepted
		err     error
		status  int
		body    string
	}{
		"ping":      {ping, nil, nil, 200, `{"pong":true}`},
		"accepted":  {message, []channels.Accepted{{ID: "m-1", Status: "applied"}}, nil, 200, `{"accepted":[{"id":"m-1","duplicate":false}]}`},
		"duplicate": {message, []channels.Accepted{{ID: "m-1", Status: "duplicate"}}, nil, 200, `{"accepted":[{"id":"m-1","duplicate":true}]}`},
		"typing":    {message, nil, nil, 200, `{"accepted":[]}`},
		"conflict":  {message, []channels.Accepted{{ID: "m-1", Status: "conflict"}}, nil, 409, `"code":"conflict"`},
		"signature": {message, nil, fmt.Errorf("x: %w", channels.ErrSignature), 401, `{"error":{"code":"bad_signature","message":"x"}}`},
		"shape":     {message, nil, &channels.FieldError{Field: "data.text", Problem: "is missing"}, 400, `data.text is missing`},
		"channel":   {message, nil, channels.ErrNotFound, 404, `not_found`},
		"large":     {message, nil, channels.ErrTooLarge, 413, `too_large`},
		"media":     {message, nil, channels.ErrUnsupported, 415, `unsupported_media_type`},
		"limited":   {message, nil, channels.ErrLimited, 429, `rate_limited`},
		"overload":  {message, nil, channels.ErrOverloaded, 503, `overloaded`},
		"ours":      {message, nil, errors.New("disk: /var/secret"), 500, `internal`},
	} {
		got := a.Respond(c.r, c.results, c.err)
		if got.Status != c.status || !strings.Contains(string(got.Body), c.body) || !json.Valid(got.Body) {
			t.Errorf("%s: %d %s", name, got.Status, got.Body)
		}
		if retry := got.Header.Get("Retry-After"); (retry != "") != (c.status == 429 || c.status == 503) {
			t.Errorf("%s: Retry-After %q", name, retry)
		}
		if strings.Contains(string(got.Body), "/var/secret") {
			t.Errorf("%s: an inner error is told", name)
		}
	}
}

// TestRenderDocument renders the messages of channels.md 2.1 and compares byte by byte.
func TestRenderDocument(t *testing.T) {
	t.Parallel()
	a := open(t, push)
	at := func(minute, second int) time.Time { return time.Date(2026, 11, 20, 8, minute, second, 0, time.UTC) }
	base := dm.Outbound{Key: "019a-key", Kind: dm.OutMessage, Thread: "c-77", Conversation: "cv-5", Author: "bot", At: at(0, 2)}
	question, agent, typing, edit, owner, resolved := base, base, base, base, base, base
	question.Text, question.Locale = "What is this about?", "en-GB"
	question.Options = []dm.Option{{Payload: "o1.2s.0.4J1KFSGb", Label: "Refund", Description: "Money back"}, {Payload: "o1.2s.1.8TAH1Q_P", Label: "Delivery"}}
	agent.Key, agent.Author, agent.AuthorName, agent.Text, agent.ReplyTo, agent.At = "019b-key", "agent", "Bo", "I found it.", "m-1", at(2, 0)
	agent.Links = []dm.Link{{Label: "Track", URL: "https://shop.example/t/1"}}
	agent.Media = []dm.Media{{Kind: "image", URL: "https://dispatch.example/channels/shop/media/1?e=1795248000&s=yYWhthXXhR5-6_GDWouViA", MIME: "image/png", Alt: "map"}}
	typing.Kind = dm.OutTyping
	edit.Kind, edit.Key, edit.Target, edit.Text, edit.At = dm.OutEdit, "019c-key", "019b-key", "I found it today.", at(3, 0)
	owner.Kind, owner.Epoch, owner.At, owner.Control = dm.OutOwner, 3, at(2, 0), &dm.ControlData{Owner: "queue", Metadata: "returns"}
	resolved.Kind, resolved.At = dm.OutResolved, at(30, 0)
	lines := channeltest.Lines(t, "testdata/out.jsonl")
	for i, out := range []dm.Outbound{question, agent, typing, edit, owner, resolved} {
		plan, err := a.Render(out)
		if err != nil || len(plan.Calls) != 1 || len(plan.Degradations) != 0 {
			t.Fatalf("line %d: %v %+v", i+1, err, plan)
		}
		if !bytes.Equal(plan.Calls[0].Body, lines[i]) {
			t.Errorf("line %d:\ngot  %s\nwant %s", i+1, plan.Calls[0].Body, lines[i])
		}
	}
}

// What is asked before a message is kept is what is rendered later.
func TestLayoutSaysWhatRenderMakes(t *testing.T) {
	t.Parallel()
	a := open(t, push)
	for i, out := range []dm.Outbound{
		{Text: "hello"},
		{Text: strings.Repeat("word ", 1000)},
		{Text: "which?", Options: []dm.Option{{Label: strings.Repeat("long ", 40), Payload: "o1.1.0.abcdefgh"}}},
		{Text: strings.Repeat("word ", 1000), Options: make([]dm.Option, 60), Links: []dm.Link{{URL: "https://shop.example/a", Label: "a"}}},
		{Media: []dm.Media{{Kind: "image", Name: "a.png", Alt: "a"}}, ReplyTo: "m-1"},
	} {
		out.Key, out.Kind, out.Thread, out.Author = "019a-key", dm.OutMessage, "c", "bot"
		plan, err := a.Render(out)
		if err != nil {
			t.Fatal(err)
		}
		if parts, report := a.Layout(out); parts != len(plan.Calls) || !reflect.DeepEqual(report, plan.Degradations) {
			t.Errorf("%d: %d parts %+v, rendered %d parts %+v", i, parts, report, len(plan.Calls), plan.Degradations)
		}
	}
}

func TestAuthorizeSignsWithConstantID(t *testing.T) {
	t.Parallel()
	a := open(t, push)
	plan, err := a.Render(dm.Outbound{Key: "019a-key", Kind: dm.OutMessage, Thread: "c", Author: "bot", Text: strings.Repeat("word ", 1000)})
	if err != nil || len(plan.Calls) < 2 {
		t.Fatalf("%v, %d calls", err, len(plan.Calls))
	}
	receiver := open(t, push) // verifies as the other side would
	for _, wait := range []time.Duration{0, time.Minute} {
		call := plan.Calls[1]
		req, err := http.NewRequest(call.Method, call.URL, bytes.NewReader(call.Body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header = call.Header.Clone()
		if wait > 0 { // a sender that cannot read its body twice
			req.GetBody, req.Body = nil, io.NopCloser(bytes.NewReader(call.Body))
		}
		now := channeltest.Now.Add(wait)
		if err := a.Authorize(req, now, "n0nce"); err != nil {
			t.Fatal(err)
		}
		if id := req.Header.Get("Webhook-Id"); id != "019a-key.1" {
			t.Errorf("id %q", id)
		}
		if err := receiver.Verify(channels.Request{Header: req.Header, Body: call.Body}, now); err != nil {
			t.Error(err)
		}
	}
}

func TestOpen(t *testing.T) {
	t.Parallel()
	for yaml, want := range map[string]string{
		push + "outbuond: 1\n": "E101",
		"secret: " + secret + "\noutbound: {url: \"http://shop.example\"}\n":           "E134",
		"secret: " + secret + "\noutbound: {url: \"http://127.0.0.1:9\"}\n":            "E134",
		"secret: " + secret + "\noutbound: {mode: push}\n":                             "E110",
		"secret: " + secret + "\noutbound: {mode: pull, url: \"https://a.example\"}\n": "E111",
		"secret: " + secret + "\ncaps: {text: none}\n":                                 "E105",
		"secret: " + secret + "\ncaps: {media: [image, hologram]}\n":                   "E105",
		"secret: " + secret + "\ncaps: [text]\n":                                       "E104",
	} {
		a, diags := webhook.Open("shop", channeltest.Config(t, yaml), channeltest.Env(nil))
		if a != nil || len(diags) != 1 || diags[0].Code != want {
			t.Errorf("%s: %+v", yaml, diags)
		}
	}
	second, diags := webhook.Open("shop", channeltest.Config(t, "secret: [\n  changeme,\n  whsec_c2hvcnQ-not-base64]\n"), channeltest.Env(nil))
	if second != nil || len(diags) != 2 || diags[0].Range.Line != 2 || diags[1].Range.Line != 3 {
		t.Errorf("each secret is told at its own place: %+v", diags)
	}
	slash, err := open(t, "secret: "+secret+"\noutbound: {url: \"https://shop.example/in/?a=1/\"}\n").Render(row("k"))
	if err != nil || slash.Calls[0].URL != "https://shop.example/in/?a=1/" {
		t.Errorf("the address is changed: %v %s", err, slash.Calls[0].URL)
	}
	a := open(t, "secret: "+secret+"\ninsecure: true\noutbound: {url: \"http://127.0.0.1:9/x\"}\ncaps: {text: 160, options: 0, media: [], typing: false, edit: false, window: 24h}\n")
	caps := a.Caps()
	limits := channels.LimitsOf("shop", caps)
	if limits.Options != 0 || limits.Text.N != 160 || caps.Window != 24*time.Hour || caps.Typing != nil || caps.Edit || caps.Pull || caps.Burst != 0 {
		t.Errorf("%+v", caps)
	}
	if l := channels.LimitsOf("shop", open(t, push).Caps()); l.Options != 13 || l.Label.N != 36 || l.Text.N != 4000 || l.Kind != "webhook" {
		t.Errorf("%+v", l)
	}
}
