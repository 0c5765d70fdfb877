package server

import (
	"net/http"
	"strings"
	"sync"
	"testing"
)

// The main job over HTTP: waits, claimed, answered, resolved.
func TestTheMainJobOverHTTP(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.user("admin", "ana@acme.example")
	w.start()
	c := w.as("ana@acme.example")
	me := c.get("/api/v1/me").want(t, 200).json(t)["id"].(string)
	id := w.waiting("mia")
	path := "/api/v1/conversations/" + id
	live := c.stream("/api/v1/events")
	detail := c.get(path).want(t, 200).json(t)
	if detail["packet"] == nil || detail["phase"] != "queue" {
		t.Fatalf("detail %v", detail)
	}
	epoch := func() string { return num(c.get(path).want(t, 200).json(t)["epoch"]) }
	c.post(path+"/claim", map[string]any{}).wantProblem(t, 428, "epoch_required")
	moved := c.post(path+"/claim", map[string]any{}, "If-Epoch", epoch()).want(t, 200).json(t)
	if moved["phase"] != "agent" || moved["owner"].(map[string]any)["id"] != me {
		t.Errorf("claim %v", moved)
	}
	if ev, ok := live.next(); !ok || !strings.Contains(ev.data, id) {
		t.Errorf("the stream says %+v", ev)
	}
	c.post(path+"/release", map[string]any{}, "If-Epoch", "1").wantProblem(t, 409, "stale_epoch")
	text := map[string]any{"text": "Hello Mia, Ana here."}
	c.post(path+"/messages", text, "If-Epoch", epoch()).wantProblem(t, 422, "invalid") // no Idempotency-Key
	c.post(path+"/messages", text, "Idempotency-Key", "k0").wantProblem(t, 428, "epoch_required")
	first := c.post(path+"/messages", text, "If-Epoch", epoch(), "Idempotency-Key", "k1").want(t, 202)
	again := c.post(path+"/messages", text, "If-Epoch", epoch(), "Idempotency-Key", "k1").want(t, 202)
	if first.json(t)["id"] != again.json(t)["id"] {
		t.Errorf("one key sent twice: %s %s", first.body, again.body)
	}
	c.post(path+"/messages", map[string]any{"text": "Hello [[order number]]"}, "If-Epoch", epoch(), "Idempotency-Key", "k2").wantProblem(t, 422, "blank_open")
	c.post(path+"/notes", map[string]any{"text": "was friendly"}).want(t, 201)
	msgs := c.get(path+"/messages?limit=200").want(t, 200).json(t)["items"].([]any)
	if len(msgs) < 6 {
		t.Errorf("%d messages", len(msgs))
	}
	if turns := c.get(path+"/trace").want(t, 200).json(t)["turns"].([]any); len(turns) < 3 {
		t.Errorf("%d turns in the trace", len(turns))
	}
	contact := detail["contact"].(map[string]any)["id"].(string)
	c.get("/api/v1/contacts/"+contact).want(t, 200)
	c.post(path+"/slots/order_number/reveal", map[string]any{}).want(t, 200)
	c.send("PATCH", path, map[string]any{"priority": "urgent", "labels": map[string]any{"add": []string{"late"}}}).want(t, 200)
	c.post("/api/v1/presence-beats", map[string]any{"conversation": id, "viewing": true}).want(t, 204)
	last := num(c.get(path).json(t)["seq"])
	c.do("POST", path+"/resolve", strings.NewReader(`{"last_seen_seq":`+last+`}`), "Content-Type", "application/json", "If-Epoch", epoch()).want(t, 200)
	c.post(path+"/undo", map[string]any{}, "If-Epoch", epoch()).want(t, 200)
	if c.get("/api/v1/audit?action=reveal").want(t, 200).json(t)["items"].([]any) == nil {
		t.Error("the reveal is not in the audit trail")
	}
	if got := c.get("/api/v1/queues").want(t, 200).json(t)["items"].([]any); len(got) != 2 {
		t.Errorf("queues %v", got)
	}
	c.post("/api/v1/queues/orders/take-next", map[string]any{}).want(t, 204)
	c.get("/api/v1/handoffs").want(t, 200)
	for _, name := range []string{"dispatcher_clock_seconds", "dispatcher_handoffs_total", "dispatcher_ownership_changes_total"} {
		if !w.measured(name) {
			t.Errorf("nothing was measured as %s", name)
		}
	}
}

// measured says whether a metric has a value.
func (w *world) measured(name string) bool {
	w.t.Helper()
	all, err := w.reg.Gather()
	must(w.t, err)
	for _, family := range all {
		if family.GetName() == name {
			return len(family.GetMetric()) > 0
		}
	}
	return false
}

func num(v any) string {
	f, _ := v.(float64)
	return itoa(int(f))
}

// W17 in small: Ben is not in Orders; nothing of it answers him.
func TestWhatOneMayNotSeeIsNotThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.user("admin", "ana@acme.example")
	w.user("agent", "ben@acme.example")
	w.user("agent", "eva@acme.example", "care")
	id := w.waiting("mia")
	path := "/api/v1/conversations/" + id
	ben, eva := w.as("ben@acme.example"), w.as("eva@acme.example")
	contact := eva.get(path).want(t, 200).json(t)["contact"].(map[string]any)["id"].(string)
	for _, c := range []struct{ method, path string }{
		{"GET", path}, {"GET", path + "/messages"}, {"GET", path + "/trace"}, {"PATCH", path}, {"POST", path + "/claim"}, {"POST", path + "/take-over"},
		{"POST", path + "/resolve"}, {"POST", path + "/notes"}, {"POST", path + "/messages"}, {"POST", path + "/slots/order_number/reveal"},
		{"GET", "/api/v1/contacts/" + contact}, {"GET", "/api/v1/queues/orders"}, {"POST", "/api/v1/queues/orders/take-next"},
	} {
		body := map[string]any{}
		if strings.HasSuffix(c.path, "/notes") || strings.HasSuffix(c.path, "/messages") {
			body["text"] = "x"
		}
		var got reply
		if c.method == http.MethodGet {
			got = ben.get(c.path)
		} else {
			got = ben.send(c.method, c.path, body, "If-Epoch", "3", "Idempotency-Key", c.path)
		}
		got.wantProblem(t, 404, "not_found")
	}
	if list := ben.get("/api/v1/conversations").want(t, 200).json(t)["items"].([]any); len(list) != 0 {
		t.Errorf("Ben's list holds %v", list)
	}
	ben.post("/api/v1/presence-beats", map[string]any{"conversation": id, "viewing": true}).wantProblem(t, 404, "not_found")
}

// W3 in small: many claim at once, one wins, the others learn who.
func TestOneClaimWins(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.user("admin", "ana@acme.example")
	w.user("lead", "lea@acme.example")
	id := w.waiting("mia")
	path := "/api/v1/conversations/" + id
	clients := []*client{w.as("ana@acme.example"), w.as("lea@acme.example")}
	epoch := num(clients[0].get(path).want(t, 200).json(t)["epoch"])
	var wg sync.WaitGroup
	got := make([]reply, len(clients))
	for i, c := range clients {
		wg.Go(func() { got[i] = c.post(path+"/claim", map[string]any{}, "If-Epoch", epoch) })
	}
	wg.Wait()
	won := 0
	for _, r := range got {
		if r.StatusCode == 200 {
			won++
			continue
		}
		r.wantProblem(t, 409, "already_claimed")
		if facts := r.json(t); facts["owner"] == nil || facts["since"] == nil || facts["epoch"] == nil {
			t.Errorf("the loser learns %s", r.body)
		}
	}
	if won != 1 {
		t.Errorf("%d claims won", won)
	}
}

func TestListsAreCursored(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.user("admin", "ana@acme.example")
	for i := range 5 {
		w.writes("person"+itoa(i), "m"+itoa(i), "hello")
	}
	c := w.as("ana@acme.example")
	seen, cursor := map[string]bool{}, ""
	for pages := 0; ; pages++ {
		page := c.get("/api/v1/conversations?limit=2&cursor="+cursor).want(t, 200).json(t)
		for _, it := range page["items"].([]any) {
			seen[it.(map[string]any)["id"].(string)] = true
		}
		next, _ := page["next_cursor"].(string)
		if next == "" {
			break
		}
		if pages == 0 {
			c.get("/api/v1/conversations?limit=2&view=mine&cursor="+next).wantProblem(t, 422, "invalid") // another question
			c.get("/api/v1/conversations?limit=2&cursor="+next[:len(next)-2]+"AA").wantProblem(t, 422, "invalid")
		}
		if cursor = next; pages > 5 {
			t.Fatal("the list does not end")
		}
	}
	if len(seen) != 5 {
		t.Errorf("%d conversations listed, want 5", len(seen))
	}
	c.get("/api/v1/conversations?limit=201").wantProblem(t, 422, "invalid")
}

func TestKillSwitchAndChannels(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.user("admin", "ana@acme.example")
	c := w.as("ana@acme.example")
	c.send("PUT", "/api/v1/kill-switch", map[string]any{"on": true}).wantProblem(t, 422, "invalid") // always a reason
	got := c.send("PUT", "/api/v1/kill-switch", map[string]any{"on": true, "reason": "odd answers"}).want(t, 200).json(t)
	if got["on"] != true || got["scope"] != "all" {
		t.Errorf("kill switch %v", got)
	}
	if page := c.get("/console").want(t, 200); !strings.Contains(string(page.body), "Assistant paused by Ana admin") {
		t.Error("the console does not say who paused the assistant")
	}
	if off := c.send("PUT", "/api/v1/kill-switch", map[string]any{"on": false}).want(t, 200).json(t); off["on"] != false {
		t.Errorf("after resume: %v", off)
	}
	list := c.get("/api/v1/channels").want(t, 200).json(t)["items"].([]any)
	if len(list) != 4 {
		t.Errorf("channels %v", list)
	}
	c.post("/api/v1/channels/nobody/resume", map[string]any{}).wantProblem(t, 404, "not_found")
	c.post("/api/v1/channels/x/resume", map[string]any{}).want(t, 200)
	flows := c.get("/api/v1/flows").want(t, 200).json(t)
	if flows["live"].(map[string]any)["set"] == "" || flows["folder"].(map[string]any)["state"] != "same" || flows["problems"] == nil {
		t.Errorf("flows %v", flows)
	}
	if runs := c.get("/api/v1/revisions").want(t, 200).json(t)["items"].([]any); len(runs) != 1 {
		t.Errorf("revisions %v", runs)
	}
	ready := w.browser().get("/readyz").want(t, 200).json(t)
	if ready["status"] != "ready" || ready["checks"].(map[string]any)["flows"] != "live" {
		t.Errorf("readyz %v", ready)
	}
}

// P18 in small: what passes through the server leaves no trace in its log.
func TestNothingPersonalIsLogged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.user("admin", "ana@acme.example")
	id := w.waiting("canary-person")
	c := w.as("ana@acme.example")
	epoch := num(c.get("/api/v1/conversations/" + id).json(t)["epoch"])
	c.post("/api/v1/conversations/"+id+"/claim", map[string]any{}, "If-Epoch", epoch).want(t, 200)
	c.post("/api/v1/conversations/"+id+"/notes", map[string]any{"text": "canary-note"}).want(t, 201)
	logs := w.logs.String()
	for _, canary := range []string{"canary", "AB123456", "ab 123456", "Mia K.", goodPassword, "ana@acme.example"} {
		if strings.Contains(logs, canary) {
			t.Errorf("the log holds %q:\n%s", canary, logs)
		}
	}
}

// An operator holds a channel and lets it go on; one that is read here has nothing to hold.
func TestPauseAChannel(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.user("admin", "ana@acme.example")
	w.start()
	c := w.as("ana@acme.example")
	if v := c.post("/api/v1/channels/x/pause", map[string]any{"reason": "maintenance"}).want(t, 200).json(t); v["state"] != "paused" || v["reason"] != "maintenance" {
		t.Errorf("paused: %v", v)
	}
	c.post("/api/v1/channels/web/pause", map[string]any{}).wantProblem(t, 422, "invalid")
	if v := c.post("/api/v1/channels/x/resume", map[string]any{}).want(t, 200).json(t); v["state"] != "open" {
		t.Errorf("resumed: %v", v)
	}
}
