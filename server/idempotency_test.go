package server

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestIdempotencyKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.user("admin", "ana@acme.example")
	c := w.as("ana@acme.example")
	body := map[string]any{"name": "ci", "scopes": []string{"conversations:read"}}
	first := c.post("/api/v1/tokens", body, "Idempotency-Key", "k1").want(t, 201)
	again := c.post("/api/v1/tokens", body, "Idempotency-Key", "k1").want(t, 201)
	if string(first.body) != string(again.body) || again.Header.Get("Content-Type") != first.Header.Get("Content-Type") {
		t.Errorf("the second answer differs:\n%s\n%s", first.body, again.body)
	}
	if n := len(c.get("/api/v1/tokens").json(t)["items"].([]any)); n != 1 {
		t.Errorf("%d tokens were made, want 1", n)
	}
	body["name"] = "other"
	c.post("/api/v1/tokens", body, "Idempotency-Key", "k1").wantProblem(t, 422, "key_reused")
	w.clock.move(24 * time.Hour)
	c = w.as("ana@acme.example")
	c.post("/api/v1/tokens", body, "Idempotency-Key", "k1").want(t, 201) // forgotten after a day
	c.post("/api/v1/tokens", body, "Idempotency-Key", strings.Repeat("k", 256)).wantProblem(t, 422, "invalid")
	refused := map[string]any{"name": "x", "scopes": []string{"no:such"}}
	c.post("/api/v1/tokens", refused, "Idempotency-Key", "k2").wantProblem(t, 422, "invalid")
	c.post("/api/v1/tokens", refused, "Idempotency-Key", "k2").wantProblem(t, 422, "invalid") // a refusal is an answer too
}

func TestIdempotencyKeysBelongToTheirCaller(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.user("admin", "ana@acme.example")
	w.user("admin", "eva@acme.example")
	body := map[string]any{"name": "ci", "scopes": []string{"conversations:read"}}
	a := w.as("ana@acme.example").post("/api/v1/tokens", body, "Idempotency-Key", "k1").want(t, 201).json(t)
	b := w.as("eva@acme.example").post("/api/v1/tokens", body, "Idempotency-Key", "k1").want(t, 201).json(t)
	if a["token"] == b["token"] {
		t.Error("one caller was given another one's answer")
	}
}

func TestAServerErrorIsNotKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	calls := 0
	run := func(status int) *recorder {
		rec := &recorder{header: http.Header{}}
		r, _ := http.NewRequest(http.MethodPost, "/api/v1/x", strings.NewReader("{}"))
		r.Header.Set("Idempotency-Key", "k")
		who := &identity{}
		who.ID = "a"
		w.s.idempotent(rec, r, who, operation{}, func(out http.ResponseWriter, _ *http.Request) {
			calls++
			out.WriteHeader(status)
		})
		return rec
	}
	run(503)
	run(200)
	if got := run(500); calls != 2 || got.status != 200 {
		t.Errorf("%d calls, last status %d; want 2 and the kept 200", calls, got.status)
	}
}

func TestASecondRequestWhileTheFirstRuns(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var wg sync.WaitGroup
	inside, leave := make(chan struct{}), make(chan struct{})
	call := func(body string, h func(http.ResponseWriter, *http.Request)) *recorder {
		rec := &recorder{header: http.Header{}}
		r, _ := http.NewRequest(http.MethodPost, "/api/v1/x", strings.NewReader(body))
		r.Header.Set("Idempotency-Key", "k")
		who := &identity{}
		who.ID = "a"
		w.s.idempotent(rec, r, who, operation{}, h)
		return rec
	}
	wg.Go(func() {
		call("{}", func(http.ResponseWriter, *http.Request) { close(inside); <-leave })
	})
	<-inside
	never := func(http.ResponseWriter, *http.Request) { t.Error("ran twice") }
	if got := call("{}", never); got.status != 409 || !strings.Contains(got.body.String(), "in_progress") {
		t.Errorf("same body: %d %s", got.status, got.body.String())
	}
	if got := call(`{"a":1}`, never); got.status != 422 || !strings.Contains(got.body.String(), "key_reused") {
		t.Errorf("other body: %d %s", got.status, got.body.String())
	}
	close(leave)
	wg.Wait()
}
