package webhook_test

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"dispatcher/channels"
	"dispatcher/channels/channeltest"
	"dispatcher/channels/webhook"
	"dispatcher/dm"
)

// asked sends one signed request to a pull route.
func asked(t *testing.T, a *webhook.Adapter, h *channeltest.Host, method, path, body string, which int) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(method, "/channels/shop"+path, strings.NewReader(body))
	at := strconv.FormatInt(h.Now().Unix(), 10)
	r.Header.Set("Webhook-Id", "req_1")
	r.Header.Set("Webhook-Timestamp", at)
	k := map[int]string{0: secret, -1: foreign}[which]
	r.Header.Set("Webhook-Signature", webhook.Signature(key(k), "req_1", at, []byte(body)))
	w := httptest.NewRecorder()
	for _, route := range a.Routes(h) {
		if route.Method == method && strings.HasPrefix(path, route.Path) && (route.Path != "/outbox" || !strings.HasPrefix(path, "/outbox/")) {
			route.Handler.ServeHTTP(w, r)
			return w
		}
	}
	t.Fatalf("no route for %s %s", method, path)
	return nil
}

func row(key string) dm.Outbound {
	return dm.Outbound{Key: key, Kind: dm.OutMessage, Thread: "c-77", Author: "bot", Text: "a < b", At: channeltest.Now}
}

func TestPull(t *testing.T) {
	t.Parallel()
	a := open(t, "secret: "+secret+"\n")
	if !a.Caps().Pull {
		t.Fatal("without outbound replies wait to be pulled")
	}
	h := channeltest.NewHost(channeltest.Now)
	if w := asked(t, a, h, "GET", "/outbox?wait=0", "", 0); w.Code != 200 || w.Body.String() != `{"events":[],"cursor":"c-0"}` {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	h.Queue(row("k1"), row("k2"))
	for range 2 { // not acknowledged: handed out again
		w := asked(t, a, h, "GET", "/outbox", "", 0)
		if !strings.Contains(w.Body.String(), `"key":"k1","part":0`) || !strings.Contains(w.Body.String(), `"key":"k2"`) || !strings.Contains(w.Body.String(), `"a < b"`) {
			t.Errorf("%s", w.Body)
		}
	}
	if w := asked(t, a, h, "POST", "/outbox/ack", `{"cursor":"c-1"}`, 0); w.Code != 200 || h.Settled() != 1 {
		t.Errorf("%d %s, %d settled", w.Code, w.Body, h.Settled())
	}
	if w := asked(t, a, h, "GET", "/outbox", "", 0); strings.Contains(w.Body.String(), "k1") || !strings.Contains(w.Body.String(), "k2") {
		t.Errorf("%s", w.Body)
	}
	if w := asked(t, a, h, "POST", "/outbox/ack", `{}`, 0); w.Code != 400 || !strings.Contains(w.Body.String(), "cursor") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	for _, unknown := range []string{"c-9", "nonsense"} {
		w := asked(t, a, h, "POST", "/outbox/ack", `{"cursor":"`+unknown+`"}`, 0)
		if w.Code != 400 || !strings.Contains(w.Body.String(), "cursor is none that GET /outbox answered") {
			t.Errorf("%s: %d %s", unknown, w.Code, w.Body)
		}
	}
	for _, c := range [][2]string{{"GET", "/outbox"}, {"POST", "/outbox/ack"}} {
		if w := asked(t, a, h, c[0], c[1], "", -1); w.Code != http.StatusUnauthorized || strings.Contains(w.Body.String(), "k2") {
			t.Errorf("%s %s with a foreign secret: %d %s", c[0], c[1], w.Code, w.Body)
		}
	}
}

func TestPullWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := open(t, "secret: "+secret+"\noutbound: {mode: pull}\n")
		h := channeltest.NewHost(time.Now())
		go func() {
			time.Sleep(10 * time.Second)
			h.Queue(row("k1"))
		}()
		begun := time.Now()
		if w := asked(t, a, h, "GET", "/outbox?wait=25", "", 0); !strings.Contains(w.Body.String(), "k1") || time.Since(begun) != 10*time.Second {
			t.Errorf("after %v: %s", time.Since(begun), w.Body)
		}
		begun = time.Now()
		if w := asked(t, a, h, "GET", "/outbox?after=c-1&wait=600", "", 0); !strings.Contains(w.Body.String(), `"events":[]`) || time.Since(begun) != 25*time.Second {
			t.Errorf("after %v: %s", time.Since(begun), w.Body)
		}
	})
}

func TestPushHasNoPullRoutes(t *testing.T) {
	t.Parallel()
	if r := open(t, push).Routes(channeltest.NewHost(channeltest.Now)); len(r) != 0 {
		t.Errorf("%d routes", len(r))
	}
	var _ channels.Server = open(t, push)
}
