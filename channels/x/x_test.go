package x_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"dispatcher/channels"
	"dispatcher/channels/channeltest"
	"dispatcher/channels/wire"
	"dispatcher/channels/x"
	"dispatcher/dm"
)

func TestMain(m *testing.M) { channeltest.Main(m) }

const (
	secret    = "example-consumer-secret"
	oldSecret = "example-consumer-secret-before"
	foreign   = "example-consumer-secret-of-another"
	keys      = "account_id: \"900100\"\napp_id: \"7001\"\nconsumer_key: ck\naccess_token: at-0123456789\naccess_token_secret: ats-0123456789\n"
	good      = keys + "consumer_secret: " + secret + "\n"
)

func sign(r *channels.Request, which int) {
	s := map[int]string{0: secret, 1: oldSecret, -1: foreign}[which]
	r.Header.Set("X-Twitter-Webhooks-Signature", x.Sign([]byte(s), r.Body))
}

func body(data string) []byte {
	return []byte(`{"for_user_id":"900100","direct_message_events":[{"type":"message_create","id":"1700000001","created_timestamp":"1795161600123","message_create":{"target":{"recipient_id":"900100"},"sender_id":"900200","message_data":` + data + `}}]}`)
}

func crc(tokens ...string) channels.Request {
	return channels.Request{Method: http.MethodGet, Query: url.Values{"crc_token": tokens}}
}

func spec() channeltest.Spec {
	return channeltest.Spec{
		Open:           x.Open,
		GoodConfig:     good,
		TwoSecrets:     keys + "consumer_secret: [" + secret + ", " + oldSecret + "]\n",
		MissingSecrets: []string{"enabled: true", keys, keys + "consumer_secret: \"\"", keys + "consumer_secret: changeme", keys + "consumer_secret: \"${env:UNSET}\"", "account_id: \"900100\"\nconsumer_secret: " + secret, "consumer_secret: " + secret + "\nbearer: b-0123456789"},
		Corpus:         "testdata/in.jsonl", Golden: "testdata/in.golden.jsonl",
		Sign: sign, SignatureHeader: "X-Twitter-Webhooks-Signature",
		Secrets: []string{secret, "ats-0123456789", "at-0123456789"},
		Rows:    rows(),
		Hostile: []channels.Request{
			{Method: http.MethodGet}, crc(), crc(""), crc("a", "a"), crc(`{"for_user_id":"900100"}`), crc(strings.Repeat("a", 129)),
			crc("a\nb"), crc("a%b"), crc("<b>"), crc("ä"),
		},
		Tap: func(payload, label string) []byte {
			return body(fmt.Sprintf(`{"text":%q,"quick_reply_response":{"type":"options","metadata":%q}}`, label, payload))
		},
		Typed: func(text string) []byte { return body(fmt.Sprintf(`{"text":%q}`, text)) },
		Echo:  []byte(`{"for_user_id":"900100","direct_message_events":[{"type":"message_create","id":"1700000005","created_timestamp":"1795161604123","message_create":{"target":{"recipient_id":"900200"},"sender_id":"900100","source_app_id":"7001","message_data":{"text":"Hello"}}}]}`),
	}
}

func rows() []channeltest.Row {
	at := channeltest.Now
	row := func(name string, status int, body string, want channels.Outcome) channeltest.Row {
		return channeltest.Row{Name: name, Call: channels.Call{Kind: "send"}, Result: channels.Result{Status: status, Body: []byte(body), Written: true, At: at}, Want: want}
	}
	failed := func(r dm.Reason) channels.Outcome { return channels.Outcome{Verdict: "failed", Reason: r} }
	sent := func(id string) channels.Outcome { return channels.Outcome{Verdict: "sent", IDs: []string{id}} }
	wait := func(d time.Duration) channels.Outcome {
		return channels.Outcome{Verdict: "retry", Reason: dm.ReasonThrottled, RetryAt: at.Add(d), PauseFor: "account"}
	}
	ambiguous := channels.Outcome{Verdict: "ambiguous", Reason: dm.ReasonTransient}
	resets := func(n int64) http.Header { return http.Header{"X-Rate-Limit-Reset": {strconv.FormatInt(n, 10)}} }
	limited := row("429 with reset", 429, `{"title":"Too Many Requests","detail":"Too Many Requests","type":"about:blank","status":429}`, wait(10*time.Minute))
	limited.Result.Header = resets(at.Add(10 * time.Minute).Unix())
	soon := row("429 with a reset in a second", 429, "", wait(time.Minute))
	soon.Result.Header = resets(at.Unix() + 1)
	post := row("a post", 201, `{"data":{"id":"1700000020","text":"x"}}`, sent("post:1700000020"))
	post.Call.URL = "https://api.x.com/2/tweets"
	return []channeltest.Row{
		row("v2", 201, `{"data":{"dm_conversation_id":"900100-900200","dm_event_id":"1700000006"}}`, sent("dm:1700000006")),
		row("sandbox", 200, `{"data":{"id":"1700000006"}}`, sent("dm:1700000006")),
		row("v1.1", 200, `{"event":{"type":"message_create","id":"1700000007"}}`, sent("dm:1700000007")),
		post, limited, soon, row("429 without headers", 429, "", wait(time.Minute)),
		row("code 88", 403, `{"errors":[{"code":88}]}`, wait(time.Minute)),
		row("blocked", 403, `{"errors":[{"code":349,"message":"You cannot send messages to this user."}]}`, failed(dm.ReasonBlocked)),
		row("150", 403, `{"errors":[{"code":150}]}`, failed(dm.ReasonBlocked)),
		row("settings", 403, `{"detail":"You do not have permission to DM one or more participants."}`, failed(dm.ReasonBlocked)),
		row("automated", 403, `{"errors":[{"code":226}]}`, failed(dm.ReasonPolicy)),
		row("plan", 403, `{"errors":[{"code":453}]}`, failed(dm.ReasonNotPermitted)),
		row("214", 403, `{"errors":[{"code":214}]}`, failed(dm.ReasonNotPermitted)),
		row("authentication", 403, `{"title":"Unsupported Authentication","type":"https://api.twitter.com/2/problems/unsupported-authentication"}`, failed(dm.ReasonNotPermitted)),
		row("401", 401, "", failed(dm.ReasonAuthBroken)), row("400", 400, `{}`, failed(dm.ReasonBadContent)),
		row("404", 404, "", failed(dm.ReasonNoRecipient)), row("418", 418, "", failed(dm.ReasonUnknown)),
		row("500", 500, "", ambiguous), row("503", 503, "<html>", ambiguous), row("200 of a proxy", 200, "<html>", ambiguous),
		{Name: "typing", Call: channels.Call{Kind: "typing"}, Result: channels.Result{Status: 403, At: at}, Want: channels.Outcome{Verdict: "ignored"}},
		{Name: "read-back", Call: channels.Call{Kind: "check"}, Result: channels.Result{Status: 502, At: at, Written: true}, Want: channels.Outcome{Verdict: "retry", Reason: dm.ReasonTransient}},
	}
}

func TestConformance(t *testing.T) {
	t.Parallel()
	channeltest.Run(t, spec())
}

func TestConformanceV11(t *testing.T) {
	t.Parallel()
	s := spec()
	s.GoodConfig += "transport: v1.1\n"
	s.TwoSecrets += "transport: v1.1\n"
	channeltest.Run(t, s)
}

func FuzzParse(f *testing.F)  { channeltest.FuzzParse(f, spec()) }
func FuzzVerify(f *testing.F) { channeltest.FuzzVerify(f, spec()) }

func open(t *testing.T, yaml string) *x.Adapter {
	t.Helper()
	return channeltest.Open(t, x.Open, "x", yaml, channeltest.Env(nil)).(*x.Adapter)
}

// The worked examples of channels.md 2.4.
func TestHandshakeAndSignatureWorkedExamples(t *testing.T) {
	t.Parallel()
	for _, yaml := range []string{good, spec().TwoSecrets} {
		resp, ok := open(t, yaml).Handshake(crc("dGVzdC10b2tlbg"))
		if !ok || resp.Status != 200 || string(resp.Body) != `{"response_token":"sha256=/vgHeC66rvvdPNCbaIyUlZC00E0XNrhoae/oqIQ4n9U="}` {
			t.Errorf("%d %s", resp.Status, resp.Body)
		}
	}
	if got := x.Sign([]byte(secret), []byte(`{"for_user_id":"900100","direct_message_events":[]}`)); got != "sha256=v6WCJrSSfDmhbwMmVhNcNtHpa9TdTOQTujTjkRDSHv4=" {
		t.Errorf("signature %s", got)
	}
	plus, _ := open(t, good).Handshake(crc("a+b"))
	space, _ := open(t, good).Handshake(crc("a b"))
	if plus.Status != 200 || !bytes.Equal(plus.Body, space.Body) {
		t.Error("a plus that was decoded as a space is not put back")
	}
}

func TestOAuth1WorkedExamples(t *testing.T) {
	t.Parallel()
	a := open(t, "account_id: \"900100\"\nconsumer_key: ck\nconsumer_secret: cs\naccess_token: at\naccess_token_secret: as\n")
	for _, c := range []struct{ url, kind, body, want string }{
		{"https://api.x.com/2/dm_conversations/with/900200/messages", "application/json", `{"text":"hi"}`, `oauth_signature="aa%2BqLmiC2Jt9qz%2FXM0TAkdFXGlE%3D"`},
		{"https://api.x.com/1.1/direct_messages/indicate_typing.json", "application/x-www-form-urlencoded", "recipient_id=900200", `oauth_signature="` + url.QueryEscape("nI49J2GFbg58VDjcR1Z75pqfUnY=") + `"`},
	} {
		req, err := http.NewRequest(http.MethodPost, c.url, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", c.kind)
		if err := a.Authorize(req, channeltest.Now, "n0nce"); err != nil {
			t.Fatal(err)
		}
		got := req.Header.Get("Authorization")
		if !strings.Contains(got, c.want) || strings.Contains(got, "cs") || !strings.HasPrefix(got, "OAuth oauth_consumer_key=\"ck\", ") {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
}

func TestBearer(t *testing.T) {
	t.Parallel()
	for yaml, want := range map[string]string{
		"account_id: \"1\"\nconsumer_secret: " + secret + "\nbearer: app-token-1\n":                                "Bearer app-token-1",
		"account_id: \"1\"\nconsumer_secret: " + secret + "\noauth2: {client_id: c-1, access_token: user-token}\n": "Bearer user-token",
		good + "bearer: app-token-1\n": "OAuth ",
	} {
		req, err := http.NewRequest(http.MethodPost, "https://api.x.com/2/tweets", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		if err := open(t, yaml).Authorize(req, channeltest.Now, "n"); err != nil || !strings.HasPrefix(req.Header.Get("Authorization"), want) {
			t.Errorf("%q, %v", req.Header.Get("Authorization"), err)
		}
	}
}

func parse(t *testing.T, a *x.Adapter, b string) []dm.Inbound {
	t.Helper()
	got, err := a.Parse(channeltest.Post([]byte(b)))
	if err != nil {
		t.Fatalf("%s: %v", b, err)
	}
	return got
}

func TestParseDetails(t *testing.T) {
	t.Parallel()
	a := open(t, good+"ignore_apps: [\"55\"]\n")
	one := func(data string) dm.Inbound {
		t.Helper()
		got := parse(t, a, string(body(data)))
		if len(got) != 1 {
			t.Fatalf("%d events", len(got))
		}
		return got[0]
	}
	if in := one(`{"text":"&amp;lt; is &lt;"}`); in.Text != "&lt; is <" {
		t.Errorf("unescaped twice: %q", in.Text)
	}
	if in := one(`{"text":"https://t.co/a https://t.co/ab","entities":{"urls":[{"url":"https://t.co/a","expanded_url":"https://one.example"},{"url":"https://t.co/ab","expanded_url":"https://two.example"}]}}`); in.Text != "https://one.example https://two.example" {
		t.Errorf("%q", in.Text)
	}
	if in := one(`{"text":"Refund","quick_reply_response":{"type":"options"}}`); in.Kind != dm.KindTap || in.Tap.Payload != "" || in.Tap.Label != "Refund" {
		t.Errorf("%+v", in)
	}
	if in := one(`{"text":"here","attachment":{"type":"location","location":{"type":"shared_coordinate","shared_coordinate":{"coordinates":{"type":"Point","coordinates":[-0.12,51.5]}}}}}`); in.Location == nil || in.Location.Lat != 51.5 || in.Location.Long != -0.12 {
		t.Errorf("%+v", in.Location)
	}
	if in := one(`{"text":"I want to return something [returns-i54a]"}`); in.Text != "I want to return something" || in.Entry == nil || in.Entry.Ref != "returns" || in.Entry.Signed {
		t.Errorf("%q %+v", in.Text, in.Entry)
	}
	other := strings.ReplaceAll(string(body(`{"text":"a"}`)), `"900100"`, `"900999"`)
	if got := parse(t, a, other); len(got) != 1 || got[0].Kind != dm.KindIgnored || got[0].Note != "other account" {
		t.Errorf("%+v", got)
	}
	for _, foreign := range []string{
		`{"for_user_id":"900999","direct_message_indicate_typing_events":[{"created_timestamp":"1795161605123","sender_id":"900200","target":{"recipient_id":"900999"}}]}`,
		`{"data":{"event_uuid":"1","filter":{"user_id":"900999"},"event_type":"post.mention.create","payload":{"id":"17","text":"@other","author_id":"900200"}}}`,
	} {
		if got := parse(t, a, foreign); len(got) != 1 || got[0].Kind != dm.KindIgnored || got[0].Note != "other account" {
			t.Errorf("%+v", got)
		}
	}
	seconds := strings.Replace(string(body(`{"text":"a"}`)), "1795161600123", "1795161600", 1)
	if got := parse(t, a, seconds); !got[0].At.IsZero() || got[0].Note == "" || got[0].Kind != dm.KindText {
		t.Errorf("%+v", got)
	}
	echo := string(spec().Echo)
	for app, want := range map[string]string{"7001": "us", "99": "other", "55": "other", "": "unknown"} {
		got := parse(t, a, strings.Replace(echo, "7001", app, 1))[0]
		author := map[string]string{"99": "human", "55": "bot"}[app]
		if got.Echo.App != want || author != "" && got.Echo.Author != author || got.Thread != "900200" {
			t.Errorf("app %q: %+v", app, got.Echo)
		}
	}
}

func TestOneBadEventHarmsNoOther(t *testing.T) {
	t.Parallel()
	good := func(id int) string {
		return fmt.Sprintf(`{"type":"message_create","id":"%d","created_timestamp":"1795161600123","message_create":{"sender_id":"900200","message_data":{"text":"t"}}}`, id)
	}
	for _, bad := range []string{`null`, `5`, `"x"`, `[]`, `{}`, `{"type":"message_create"}`, `{"type":"message_create","message_create":[]}`, `{"type":"reaction"}`} {
		got := parse(t, open(t, good2()), `{"for_user_id":"900100","direct_message_events":[`+good(1)+`,`+bad+`,`+good(2)+`]}`)
		texts := 0
		for _, in := range got {
			if in.Kind == dm.KindText {
				texts++
			}
		}
		if texts != 2 || len(got) != 3 {
			t.Errorf("%s: %d texts of %d events", bad, texts, len(got))
		}
	}
}

func good2() string { return good }

func TestSameEventThroughBothWrappers(t *testing.T) {
	t.Parallel()
	a := open(t, good)
	lines := channeltest.Lines(t, "testdata/in.jsonl")
	xaa := strings.Replace(string(lines[1]), "1700000002", "1700000001", 1)
	if one, two := parse(t, a, string(lines[0]))[0], parse(t, a, xaa)[0]; one.ExternalID != two.ExternalID {
		t.Errorf("%s, %s", one.ExternalID, two.ExternalID)
	}
}

func TestTooManyEvents(t *testing.T) {
	t.Parallel()
	a := open(t, good)
	many := func(n int) []byte {
		return []byte(`{"for_user_id":"900100","direct_message_events":[` + strings.TrimSuffix(strings.Repeat(`{"type":"x"},`, n), ",") + `]}`)
	}
	if got, err := a.Parse(channeltest.Post(many(1000))); err != nil || len(got) != 1000 {
		t.Errorf("%d %v", len(got), err)
	}
	_, err := a.Parse(channeltest.Post(many(1001)))
	if status, _ := channels.StatusOf(err); status != 413 {
		t.Errorf("%v is answered %d", err, status)
	}
	// server parks what a platform signed and we cannot read; a kind with answers of its own would not get that.
	if _, own := channels.Adapter(a).(channels.Responder); own {
		t.Error("x answers for itself")
	}
}

func render(t *testing.T, yaml string, out dm.Outbound) channels.Plan {
	t.Helper()
	plan, err := open(t, yaml).Render(out)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// TestRenderDocument renders the messages of channels.md 2.4 and compares byte by byte.
func TestRenderDocument(t *testing.T) {
	t.Parallel()
	lines := channeltest.Lines(t, "testdata/out.jsonl")
	question := dm.Outbound{Kind: dm.OutMessage, Thread: "900200", Author: "bot", Text: "What is this about?", Options: []dm.Option{{Payload: "o1.2s.0.4J1KFSGb", Label: "Refund"}, {Payload: "o1.2s.1.8TAH1Q_P", Label: "Delivery"}}}
	native := question
	native.Options = []dm.Option{{Payload: "o1.2s.0.4J1KFSGb", Label: "Refund", Description: "Money back"}, {Payload: "o1.2s.1.8TAH1Q_P", Label: "Delivery", Description: "Where it is"}}
	native.Links = []dm.Link{{Label: "Track", URL: "https://shop.example/t/1"}}
	public := dm.Outbound{Kind: dm.OutMessage, Thread: "900200", Visibility: dm.Public, Target: "post:1700000010", Text: "@ada_x Sorry to hear that, please send us the details privately",
		Links: []dm.Link{{Label: "Write to us", URL: "https://x.com/messages/compose?recipient_id=900100"}}}
	media := dm.Outbound{Kind: dm.OutMessage, Thread: "900200", Text: "Here is the map", Media: []dm.Media{{Kind: "image", Handle: "880055"}}}
	for _, c := range []struct {
		yaml, url string
		out       dm.Outbound
		line      int
	}{
		{good, "https://api.x.com/2/dm_conversations/with/900200/messages", question, 1},
		{good, "https://api.x.com/2/dm_conversations/with/900200/messages", media, 3},
		{good + "transport: v1.1\n", "https://api.x.com/1.1/direct_messages/events/new.json", native, 4},
		{good + "public_link: card\n", "https://api.x.com/2/tweets", public, 8},
	} {
		call := render(t, c.yaml, c.out).Calls[0]
		if call.URL != c.url || call.Method != "POST" || !bytes.Equal(call.Body, lines[c.line-1]) {
			t.Errorf("line %d: %s\ngot  %s\nwant %s", c.line, call.URL, call.Body, lines[c.line-1])
		}
	}
	inText := render(t, good, public).Calls[0]
	if !strings.Contains(string(inText.Body), "direct_message_deep_link") || !strings.Contains(inText.Text, "recipient_id=900100") {
		t.Errorf("public_link: text leaves the link out of the words: %s", inText.Body)
	}
}

func TestRenderMarks(t *testing.T) {
	t.Parallel()
	typing := dm.Outbound{Kind: dm.OutTyping, Thread: "900200"}
	read := dm.Outbound{Kind: dm.OutRead, Thread: "900200", Target: "dm:1700000005"}
	if p := render(t, good, typing); len(p.Calls) != 0 || p.Degradations[0].Code != "typing.none" {
		t.Errorf("%+v", p)
	}
	v11 := good + "transport: v1.1\n"
	if p := render(t, v11, typing); string(p.Calls[0].Body) != "recipient_id=900200" || p.Calls[0].Kind != "typing" {
		t.Errorf("%+v", p)
	}
	if p := render(t, v11, read); string(p.Calls[0].Body) != "last_read_event_id=1700000005&recipient_id=900200" {
		t.Errorf("%s", p.Calls[0].Body)
	}
	if _, err := open(t, good).Render(dm.Outbound{Kind: dm.OutMessage, Thread: "../2/tweets", Text: "a"}); err == nil {
		t.Error("a thread that is no id goes into the path")
	}
	half := dm.Outbound{Kind: dm.OutMessage, Thread: "1", Options: []dm.Option{{Label: "a", Description: "x"}, {Label: "b"}}}
	if p := render(t, v11, half); len(p.Degradations) != 1 || p.Degradations[0].Code != "description.dropped" || strings.Contains(string(p.Calls[0].Body), "description") {
		t.Errorf("%+v %s", p.Degradations, p.Calls[0].Body)
	}
	link := dm.Outbound{Kind: dm.OutMessage, Thread: "1", Text: "Q", Options: []dm.Option{{Label: "https://a.example"}}}
	if p := render(t, v11, link); !strings.Contains(p.Calls[0].Text, "1. https://a.example") {
		t.Errorf("%+v", p)
	}
}

func TestPublicReplyKeepsItsLimit(t *testing.T) {
	t.Parallel()
	for _, text := range []string{strings.Repeat("word ", 100), strings.Repeat("文字", 100)} {
		p := render(t, good, dm.Outbound{Kind: dm.OutMessage, Thread: "1", Visibility: dm.Public, Target: "post:5", Text: text})
		for _, call := range p.Calls {
			weight := 0
			for _, r := range call.Text {
				if weight++; r > 4351 {
					weight++
				}
			}
			if weight > 280 || !strings.Contains(string(call.Body), `"in_reply_to_tweet_id":"5"`) {
				t.Errorf("weight %d: %s", weight, call.Body)
			}
		}
	}
	if _, err := open(t, good+"public: listen\n").Render(dm.Outbound{Kind: dm.OutMessage, Thread: "1", Visibility: dm.Public, Text: "a"}); err == nil {
		t.Error("replies in public although it only listens")
	}
}

func TestReconcile(t *testing.T) {
	t.Parallel()
	a := open(t, good)
	out := dm.Outbound{Kind: dm.OutMessage, Thread: "900200", Text: "Fish & chips", At: channeltest.Now}
	call, err := a.RenderReconcile(out, channeltest.Now)
	if err != nil || call.Method != "GET" || !strings.HasPrefix(call.URL, "https://api.x.com/2/dm_conversations/with/900200/dm_events?") {
		t.Fatalf("%+v %v", call, err)
	}
	event := func(id, sender, text string, at time.Time) string {
		return fmt.Sprintf(`{"id":%q,"text":%q,"sender_id":%q,"event_type":"MessageCreate","created_at":%q}`, id, text, sender, at.Format(time.RFC3339))
	}
	after := channeltest.Now.Add(time.Second)
	for name, c := range map[string]struct {
		data string
		id   string
	}{
		"there":         {event("11", "900100", "Fish &amp; chips", after), "dm:11"},
		"newest":        {event("9", "900100", "Fish &amp; chips", after) + "," + event("11", "900100", "Fish &amp; chips", after), "dm:11"},
		"too old":       {event("11", "900100", "Fish &amp; chips", channeltest.Now.Add(-time.Hour)), ""},
		"other words":   {event("11", "900100", "Fish", after), ""},
		"the customer":  {event("11", "900200", "Fish &amp; chips", after), ""},
		"nothing there": {"", ""},
	} {
		res := channels.Result{Status: 200, Body: []byte(`{"data":[` + c.data + `]}`)}
		found, id, err := a.ParseReconcile(res, out)
		if err != nil || found != (c.id != "") || id != c.id {
			t.Errorf("%s: %v %q %v", name, found, id, err)
		}
	}
	for _, res := range []channels.Result{{Status: 429}, {Status: 200, Body: []byte("<html>")}, {Err: http.ErrHandlerTimeout}} {
		if found, _, err := a.ParseReconcile(res, out); found || err == nil {
			t.Errorf("%+v: %v %v", res, found, err)
		}
	}
}

func TestOpen(t *testing.T) {
	t.Parallel()
	for yaml, want := range map[string]string{
		good + "transport: v3\n":                    "E105",
		good + "transprot: v2\n":                    "E101",
		good + "base_url: ftp://api.x.com\n":        "E134",
		strings.Replace(good, "900100", "@shop", 1): "E105",
		good + "buckets: {dmm: {n: 1, per: 1s}}\n":  "E103",
	} {
		a, diags := x.Open("x", channeltest.Config(t, yaml), channeltest.Env(nil))
		if a != nil || len(diags) != 1 || diags[0].Code != want {
			t.Errorf("%s: %+v", yaml, diags)
		}
	}
	v2, v11 := open(t, good).Caps(), open(t, good+"transport: v1.1\ncoalesce: false\nbase_url: http://127.0.0.1:1/\ninsecure: true\n").Caps()
	if l := channels.LimitsOf("x", v2); l.Options != 0 || l.Text.N != 10000 || !v2.Coalesce || v2.Send != channels.Reconcilable {
		t.Errorf("%+v", l)
	}
	if l := channels.LimitsOf("x", v11); l.Options != 20 || l.Label.N != 36 || !l.AllOrNone || !l.NoURLs || l.InARow != 5 || v11.Coalesce {
		t.Errorf("%+v", l)
	}
	env := channeltest.Env(nil)
	env.LimitsOnly = true
	a, diags := x.Open("x", nil, env)
	if a == nil {
		t.Fatalf("limits only: %+v", diags)
	}
	r := channeltest.Post([]byte(`{}`))
	r.Header.Set("X-Twitter-Webhooks-Signature", "sha256="+base64.StdEncoding.EncodeToString(wire.MAC(nil, "{}")))
	if resp, ok := a.Handshake(crc("abc")); a.Verify(r, channeltest.Now) == nil || ok && resp.Status == 200 {
		t.Error("an adapter without secret believes an empty one")
	}
}
