package server

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestRevisionsAreShownAndCompared: every set that was seen, its files, and
// what it changes in words and as text.
func TestRevisionsAreShownAndCompared(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.user("admin", "ana@acme.example")
	c := w.as("ana@acme.example")
	first := w.inbox.Live()
	second := loadProject(t, strings.Replace(flowFile, "states:", "description: Said anew.\nstates:", 1))
	if !second.OK() {
		t.Fatal(second.Summary())
	}
	must(t, w.inbox.SetLiveBy(context.Background(), second, "file change"))
	runs := c.get("/api/v1/revisions").want(t, 200).json(t)["items"].([]any)
	newest := runs[0].(map[string]any)
	if len(runs) != 2 || newest["set"] != second.SetID || newest["live"] != true || newest["by"] != "file change" || newest["result"] != "live" {
		t.Fatalf("revisions %v", runs)
	}
	one := c.get("/api/v1/revisions/"+first.SetID[:8]).want(t, 200).json(t)
	if one["id"] != first.SetID || one["live"] != false || one["files"].(map[string]any)["flows/welcome.yaml"] != flowFile {
		t.Errorf("revision %v", one["id"])
	}
	c.get("/api/v1/revisions/ffffffff").wantProblem(t, 404, "not_found")
	diff := c.get("/api/v1/revisions/"+second.SetID+"/diff").want(t, 200).json(t) // the live one against the one before
	if diff["from"] != first.SetID || !strings.Contains(diff["text"].(string), "+description: Said anew.\n") || len(diff["words"].([]any)) == 0 {
		t.Errorf("diff %v", diff)
	}
	plan := c.post("/api/v1/revisions/"+first.SetID+"/plan", map[string]any{}).want(t, 200).json(t)
	if plan["version"] != 1.0 || plan["open"] == nil || plan["choice"] != 0.0 || plan["to"] != first.SetID {
		t.Errorf("plan %v", plan)
	}
	c.post("/api/v1/revisions/"+strings.Repeat("f", 64)+"/plan", map[string]any{"files": map[string]string{"flows/a.yaml": "flow: a\n"}}).wantProblem(t, 422, "invalid")
	flow := c.get("/api/v1/flows/welcome").want(t, 200).json(t)
	if flow["set"] != second.SetID || len(flow["states"].([]any)) == 0 || len(flow["edges"].([]any)) == 0 {
		t.Errorf("flow %v", flow)
	}
	c.get("/api/v1/flows/nobody").wantProblem(t, 404, "not_found")
}

// TestPlanTakesAWholeProject: its files may be far longer than other bodies,
// with an Idempotency-Key too, and what is too long is told in its own words.
func TestPlanTakesAWholeProject(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.user("admin", "ana@acme.example")
	c := w.as("ana@acme.example")
	note := strings.Repeat("# "+strings.Repeat("x", 1000)+"\n", 900)
	long := loadProject(t, flowFile+note)
	long.Files.Data["dispatcher.yaml"] = append(long.Files.Data["dispatcher.yaml"], note...)
	files := map[string]string{}
	for name, data := range long.Files.Data {
		files[name] = string(data)
	}
	body := map[string]any{"files": files}
	path := "/api/v1/revisions/" + long.Files.SetID() + "/plan"
	for _, header := range [][]string{nil, {"Idempotency-Key", "k1"}} {
		if plan := c.post(path, body, header...).want(t, 200).json(t); plan["to"] != long.Files.SetID() {
			t.Errorf("plan %v", plan)
		}
	}
	local := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader("{}"))
	r.ContentLength = MaxProject + 1
	w.s.LocalHandler().ServeHTTP(local, r)
	if local.Code != 413 || !strings.Contains(local.Body.String(), "32 MiB") {
		t.Errorf("too large: %d %s", local.Code, local.Body)
	}
}

// TestLocalHandlerIsTheAPIOnly: whoever may open the socket file acts as the
// operator, and reaches nothing but the API.
func TestLocalHandlerIsTheAPIOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	local := w.s.LocalHandler()
	ask := func(path string) int {
		rec := httptest.NewRecorder()
		local.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, path, nil))
		return rec.Code
	}
	if code := ask("/api/v1/flows"); code != 200 {
		t.Errorf("/flows: %d", code)
	}
	for _, path := range []string{"/console", "/", "/channels/shop/outbox"} {
		if code := ask(path); code != 404 {
			t.Errorf("%s: %d", path, code)
		}
	}
}
