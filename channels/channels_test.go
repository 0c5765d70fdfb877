package channels_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"dispatcher/channels"
	"dispatcher/dm"
)

func TestStatusOf(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err    error
		status int
		code   string
		words  string
	}{
		{channels.ErrSignature, 401, "bad_signature", "bad_signature"},
		{fmt.Errorf("no header: %w", channels.ErrSignature), 401, "bad_signature", "no header"},
		{&channels.FieldError{Field: "data.id", Problem: "is missing"}, 400, "bad_request", "data.id is missing"},
		{channels.ErrNotFound, 404, "not_found", "not_found"}, {channels.ErrNoMethod, 405, "method_not_allowed", "method_not_allowed"},
		{channels.ErrConflict, 409, "conflict", "conflict"}, {channels.ErrTooLarge, 413, "too_large", "too_large"},
		{channels.ErrUnsupported, 415, "unsupported_media_type", "unsupported_media_type"}, {channels.ErrLimited, 429, "rate_limited", "rate_limited"},
		{channels.ErrOverloaded, 503, "overloaded", "overloaded"}, {channels.ErrNotReady, 503, "not_ready", "not_ready"},
		{channels.ErrTooOld, 200, "too_old", "too_old"}, {channels.ErrNoSession, 401, "no_session", "no_session"}, {channels.ErrForbidden, 403, "forbidden", "forbidden"},
		{errors.New("open /secret/path"), 500, "internal", "internal error; try again"},
	} {
		status, code := channels.StatusOf(c.err)
		if status != c.status || code != c.code || channels.MessageOf(c.err) != c.words {
			t.Errorf("%v: %d %s %q", c.err, status, code, channels.MessageOf(c.err))
		}
	}
	if status, code := channels.StatusOf(nil); status != 200 || code != "" {
		t.Error("nil is no error")
	}
}

func TestLimitsOf(t *testing.T) {
	t.Parallel()
	runes := func(n int) dm.Limit { return dm.Limit{N: n, Unit: "runes"} }
	got := channels.LimitsOf("shop", channels.Caps{
		Kind: "k", Text: runes(4096), InARow: 5,
		Forms: []channels.Form{
			{Name: "buttons", Max: 3, Label: runes(20), Body: runes(1024), NoURLs: true},
			{Name: "list", Max: 10, Label: runes(24), Description: runes(72)}, {Name: "text", Max: 1000},
		},
	})
	want := dm.Limits{Channel: "shop", Kind: "k", Options: 10, Label: runes(20), Few: 3, RowLabel: runes(24), NoURLs: true, Text: runes(4096), TextOptions: runes(1024), InARow: 5}
	if got != want {
		t.Errorf("%+v", got)
	}
	if l := channels.LimitsOf("x", channels.Caps{Forms: []channels.Form{{Name: "text", Max: 1000}}}); l.Options != 0 {
		t.Errorf("numbered text is no native form: %+v", l)
	}
}

func TestParseConfigAndSuggestions(t *testing.T) {
	t.Parallel()
	n, diags := channels.ParseConfig("dispatcher.yaml", []byte("kind: web\norigins: [a]\n"))
	if len(diags) > 0 || n.Get("kind").Text != "web" || n.Get("origins").Kind != channels.NodeList {
		t.Errorf("%+v %+v", n, diags)
	}
	if w, ok := channels.DidYouMean("orgins", []string{"kind", "origins"}); !ok || w != "origins" {
		t.Errorf("%q", w)
	}
	if _, diags := channels.ParseConfig("f.yaml", []byte("a: [")); len(diags) == 0 || !strings.HasPrefix(diags[0].Code, "E0") {
		t.Errorf("%+v", diags)
	}
}
