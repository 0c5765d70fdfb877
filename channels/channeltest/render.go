package channeltest

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/rivo/uniseg"

	"dispatcher/channels"
	"dispatcher/channels/wire"
	"dispatcher/dm"
)

// scripts are the alphabets of the option matrix.
var scripts = map[string][]string{
	"ascii":     strings.Split("abcdefghijklmnopqrstuvwxyz", ""),
	"emoji":     {"👩‍👩‍👧", "🇫🇷", "👍🏽", "❤️"},
	"arabic":    strings.Split("مرحباكيفحالك", ""),
	"combining": {"e\u0301", "o\u0302\u0323", "a\u030a"},
}

// label makes a label of about n runes that differs by i.
func label(script string, n, i int) string {
	alphabet := scripts[script]
	var b strings.Builder
	for k := i; ; k++ {
		next := alphabet[k%len(alphabet)]
		if wire.Length(b.String()+next, wire.Runes) > n && b.Len() > 0 {
			return b.String()
		}
		b.WriteString(next)
	}
}

// matrix is every message of C8 and C9.
func matrix(thread string, visit func(name string, out dm.Outbound)) {
	text := "What is this about? Please choose, or write it in your own words.\n\nWe read everything. https://shop.example/help?a=1&b=2"
	for _, count := range []int{0, 1, 2, 3, 4, 10, 11, 13, 14, 20, 21, 50} {
		for _, runes := range []int{1, 20, 24, 36, 80} {
			for script := range scripts {
				out := dm.Outbound{Key: "019a-key", Kind: dm.OutMessage, Thread: thread, Author: "bot", Text: text, At: Now}
				for i := range count {
					out.Options = append(out.Options, dm.Option{Payload: wire.OptionPayload([]byte("s"), "c", 100, i), Label: label(script, runes, i), Description: "About " + strconv.Itoa(i)})
				}
				visit(fmt.Sprintf("%d options of %d %s", count, runes, script), out)
			}
		}
	}
	for _, n := range []int{1, 279, 281, 1000, 9999, 30000} {
		visit(fmt.Sprintf("%d letters", n), dm.Outbound{Key: "019a-key", Kind: dm.OutMessage, Thread: thread, Author: "bot", Text: strings.Repeat("wörter ", n/7+1), At: Now})
	}
}

// thread is an id that every platform takes.
const thread = "900200"

// limits: every rendered call is within Caps, and no character is cut in half (C8).
func (s *suite) limits(t *testing.T) {
	caps := s.adapter.Caps()
	matrix(thread, func(name string, out dm.Outbound) {
		plan := s.render(t, name, out)
		for _, call := range plan.Calls {
			s.keepsLimits(t, name, caps, call, out)
		}
	})
}

func (s *suite) render(t *testing.T, name string, out dm.Outbound) channels.Plan {
	t.Helper()
	plan, err := s.adapter.Render(out)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	for i, call := range plan.Calls {
		if call.Part != i {
			t.Errorf("%s: call %d is part %d", name, i, call.Part)
		}
	}
	return plan
}

func (s *suite) keepsLimits(t *testing.T, name string, caps channels.Caps, call channels.Call, out dm.Outbound) {
	t.Helper()
	whole := map[string]bool{}
	for _, words := range append([]string{out.Text}, labelsOf(out)...) {
		for _, c := range clusters(words) {
			whole[c] = true
		}
	}
	most, limit := 0, dm.Limit{}
	for _, f := range caps.Forms {
		if f.Name != channels.FormText {
			most, limit = max(most, f.Max), f.Label
		}
	}
	leaves(call.Body, func(key, value string) {
		switch key {
		case "text":
			if !wire.Fits(value, caps.Text) {
				t.Errorf("%s: text of %d is over %v", name, wire.Length(value, caps.Text.Unit), caps.Text)
			}
		case "label":
			if !wire.Fits(value, limit) {
				t.Errorf("%s: label %q is over %v", name, value, limit)
			}
			head, _, _ := strings.Cut(value, "…")
			for _, c := range clusters(head) {
				if !whole[c] && !strings.Contains(" ()0123456789", c) {
					t.Errorf("%s: %q is half a character", name, c)
				}
			}
		}
	})
	if n := strings.Count(string(call.Body), `"label":`); n > most+len(out.Links) {
		t.Errorf("%s: %d options, at most %d", name, n, most)
	}
}

func labelsOf(out dm.Outbound) []string {
	var list []string
	for _, o := range out.Options {
		list = append(list, o.Label, o.Description)
	}
	return list
}

func clusters(s string) (out []string) {
	g := uniseg.NewGraphemes(s)
	for g.Next() {
		out = append(out, g.Str())
	}
	return out
}

// leaves visits every string of a JSON body with its key.
func leaves(body []byte, visit func(key, value string)) {
	var doc any
	if json.Unmarshal(body, &doc) != nil {
		return
	}
	var walk func(key string, v any)
	walk = func(key string, v any) {
		switch v := v.(type) {
		case string:
			visit(strings.ToLower(key), v)
		case []any:
			for _, item := range v {
				walk(key, item)
			}
		case map[string]any:
			for k, item := range v {
				walk(k, item)
			}
		}
	}
	walk("", doc)
}

// nothingLost: every word and label is in a call, or a Degradation with Loss names it (C9).
func (s *suite) nothingLost(t *testing.T) {
	matrix(thread, func(name string, out dm.Outbound) {
		plan := s.render(t, name, out)
		var all strings.Builder
		for _, call := range plan.Calls {
			leaves(call.Body, func(_, value string) { all.WriteString(value + "\n") })
		}
		said := all.String()
		for _, word := range strings.Fields(out.Text) {
			if !strings.Contains(said, word) {
				t.Errorf("%s: the word %q is lost", name, word)
				break
			}
		}
		for i, o := range out.Options {
			s.saidOrNamed(t, name, said, o.Label, fmt.Sprintf("options[%d].label", i), plan)
			s.saidOrNamed(t, name, said, o.Description, fmt.Sprintf("options[%d].description", i), plan)
		}
	})
}

func (s *suite) saidOrNamed(t *testing.T, name, said, words, path string, plan channels.Plan) {
	t.Helper()
	if strings.Contains(said, words) {
		return
	}
	for _, d := range plan.Degradations {
		if d.Path == path && d.Loss {
			return
		}
	}
	t.Errorf("%s: %s %q is lost without a word", name, path, words)
}

// noSecrets: what is rendered holds no credential (C10).
func (s *suite) noSecrets(t *testing.T) {
	matrix(thread, func(name string, out dm.Outbound) {
		for _, call := range s.render(t, name, out).Calls {
			all := fmt.Sprint(call.URL, call.Header, string(call.Body))
			for _, secret := range s.Secrets {
				if strings.Contains(all, secret) {
					t.Fatalf("%s: a secret is in a call", name)
				}
			}
		}
	})
	diags := fmt.Sprint(s.openDiagnostics(t))
	for _, secret := range s.Secrets {
		if strings.Contains(diags, secret) {
			t.Errorf("a secret is in a diagnostic")
		}
	}
}

func (s *suite) openDiagnostics(t *testing.T) []channels.Diagnostic {
	t.Helper()
	_, diags := s.Open(s.Name, Config(t, s.GoodConfig+"\nunknown_key: 1\n"), s.env())
	if len(diags) == 0 {
		t.Error("an unknown key is not reported")
	}
	return diags
}

// roundTrip: a tap, a typed label and a typed number come back to the same option (C11).
func (s *suite) roundTrip(t *testing.T) {
	if s.Typed == nil {
		t.Skip("this kind has no webhook")
	}
	classify := s.Classifier
	if classify == nil {
		classify = exactly
	}
	for _, count := range []int{1, 2, 3, 10, 13, 14, 20, 21} {
		var options []dm.Option
		for i := range count {
			options = append(options, dm.Option{Payload: wire.OptionPayload([]byte("s"), "c", 100, i), Label: "Choice " + string(rune('A'+i))})
		}
		for i, o := range options {
			bodies := [][]byte{s.Typed(o.Label), s.Typed(strconv.Itoa(i + 1))}
			if s.Tap != nil {
				bodies = append(bodies, s.Tap(o.Payload, o.Label))
			}
			for _, body := range bodies {
				events, err := s.adapter.Parse(s.request(body))
				if err != nil || len(events) != 1 {
					t.Fatalf("%s: %v, %d events", body, err, len(events))
				}
				payload := ""
				if events[0].Tap != nil {
					payload = events[0].Tap.Payload
				}
				if got := classify(events[0].Text, payload, options); got != i {
					t.Errorf("option %d of %d came back as %d: %s", i, count, got, body)
				}
			}
		}
	}
}

// exactly understands what is exact: the payload, the label, the number.
func exactly(text, payload string, options []dm.Option) int {
	for i, o := range options {
		if payload != "" && payload == o.Payload {
			return i
		}
	}
	for i, o := range options {
		if strings.EqualFold(text, o.Label) || text == strconv.Itoa(i+1) {
			return i
		}
	}
	return -1
}

// classify: the kind's table, and every status with bodies of every sort (C12).
func (s *suite) classify(t *testing.T) {
	for _, row := range s.Rows {
		got := s.adapter.Classify(row.Call, row.Result)
		got.Code = ""
		if fmt.Sprint(got) != fmt.Sprint(row.Want) {
			t.Errorf("%s: got %+v, want %+v", row.Name, got, row.Want)
		}
	}
	if s.adapter.Caps().Native {
		return
	}
	idempotent := s.adapter.Caps().Send == channels.Idempotent
	for _, body := range []string{"", "<html>502 Bad Gateway</html>", "{}", "null", `{"errors":null}`, `[`, `{"errors":[{"code":"x"}]}`, `"x"`} {
		for status := 100; status < 600; status++ {
			got := s.adapter.Classify(channels.Call{Kind: "send"}, channels.Result{Status: status, Body: []byte(body), Written: true, At: Now})
			s.plausible(t, status, got, idempotent)
		}
	}
	got := s.adapter.Classify(channels.Call{Kind: "send"}, channels.Result{Err: errors.New("refused"), At: Now})
	if got.Verdict != channels.Retry {
		t.Errorf("not connected: %+v", got)
	}
	got = s.adapter.Classify(channels.Call{Kind: "send"}, channels.Result{Err: errors.New("reset"), Written: true, At: Now})
	if got.Verdict == channels.Sent || got.Verdict == channels.Failed || (got.Verdict == channels.Ambiguous) == idempotent {
		t.Errorf("reset after writing: %+v", got)
	}
}

func (s *suite) plausible(t *testing.T, status int, got channels.Outcome, idempotent bool) {
	t.Helper()
	switch got.Verdict {
	case channels.Sent, channels.Retry, channels.Ambiguous, channels.Failed, channels.Ignored:
	default:
		t.Errorf("%d: verdict %q", status, got.Verdict)
	}
	switch {
	case got.Verdict == channels.Sent && status >= 300 && status != 409:
		t.Errorf("%d is taken for sent", status)
	case got.Verdict == channels.Failed && got.Reason == "":
		t.Errorf("%d failed without a reason", status)
	case status >= 500 && got.Verdict == channels.Failed:
		t.Errorf("%d is taken for final", status)
	case idempotent && got.Verdict == channels.Ambiguous:
		t.Errorf("%d is ambiguous on an idempotent channel", status)
	case !got.RetryAt.IsZero() && got.RetryAt.Before(Now):
		t.Errorf("%d: retry in the past", status)
	case (status == 418 || status == 451) && got.Verdict != channels.Failed:
		t.Errorf("%d: %+v", status, got)
	}
}
