package wire_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"dispatcher/channels/wire"
)

func TestPeekBodyLeavesTheBody(t *testing.T) {
	t.Parallel()
	again, err := http.NewRequest(http.MethodPost, "https://a.example", strings.NewReader("words"))
	if err != nil {
		t.Fatal(err)
	}
	once := again.Clone(t.Context())
	once.GetBody = nil
	once.Body = io.NopCloser(strings.NewReader("words"))
	for name, req := range map[string]*http.Request{"again": again, "once": once} {
		for range 2 {
			if got, err := wire.PeekBody(req); err != nil || string(got) != "words" {
				t.Errorf("%s: %q %v", name, got, err)
			}
		}
		if left, err := io.ReadAll(req.Body); err != nil || string(left) != "words" {
			t.Errorf("%s: %q is left to send, %v", name, left, err)
		}
	}
	none, err := http.NewRequest(http.MethodGet, "https://a.example", nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := wire.PeekBody(none); len(got) != 0 || err != nil {
		t.Errorf("%q %v", got, err)
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)
	for v, want := range map[string]time.Time{
		"7": now.Add(7 * time.Second), "0": now, "99999999999": now.Add(time.Hour), "-1": {}, "soon": {}, "": {},
		"Fri, 20 Nov 2026 08:01:00 GMT": now.Add(time.Minute), "Fri, 20 Nov 2026 07:00:00 GMT": {}, "Sat, 21 Nov 2026 08:00:00 GMT": now.Add(time.Hour),
	} {
		if got := wire.RetryAfter(http.Header{"Retry-After": {v}}, now, time.Hour); !got.Equal(want) {
			t.Errorf("%q: %v, want %v", v, got, want)
		}
	}
}
