package server

import (
	"strings"
	"testing"
)

// The record of explain is found by an id, its beginning, or a message's id,
// by whoever may see the conversation; what is not there is said with what is.
func TestATraceIsFoundByWhatPeopleHaveAtHand(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.user("admin", "ana@acme.example")
	w.user("designer", "dan@acme.example")
	w.user("agent", "ben@acme.example")
	id := w.waiting("mia")
	ana, dan, ben := w.as("ana@acme.example"), w.as("dan@acme.example"), w.as("ben@acme.example")
	at := func(id string) string { return "/api/v1/conversations/" + id + "/trace" }

	whole := ana.get(at(id)).want(t, 200)
	turns := whole.json(t)["turns"].([]any)
	if whole.json(t)["version"] != float64(1) || len(turns) < 3 {
		t.Fatalf("%s", whole.body)
	}
	for _, c := range []*client{ana, dan} {
		for _, name := range []string{id, id[:20], strings.ReplaceAll(id, "-", "")} {
			if got := c.get(at(name)).want(t, 200); string(got.body) != string(whole.body) {
				t.Errorf("%s: %s, want %s", name, got.body, whole.body)
			}
		}
	}
	second := turns[1].(map[string]any)
	one := ana.get(at(id)+"?turn=2").want(t, 200)
	byMessage := ana.get(at(id+"-"+num(second["seq"]))).want(t, 200)
	if got := one.json(t)["turns"].([]any); len(got) != 1 || got[0].(map[string]any)["turn"] != float64(2) || one.json(t)["turn_count"] != float64(len(turns)) {
		t.Errorf("turn 2: %s", one.body)
	}
	if string(byMessage.body) != string(one.body) {
		t.Errorf("by its message: %s", byMessage.body)
	}

	for name, says := range map[string]string{
		at(id) + "?turn=99": "this conversation has turns 1 to " + itoa(len(turns)), at(id + "-9999"): "nothing about message 9999",
		at(id[:35] + "x"): "did you mean " + id, at("00000000-0000-7000-8000-000000000000"): "the latest is " + id, at("zz"): "the latest is " + id,
	} {
		got := ana.get(name)
		got.wantProblem(t, 404, "not_found")
		if detail, _ := got.json(t)["detail"].(string); !strings.Contains(detail, says) {
			t.Errorf("%s: %q, want %q", name, detail, says)
		}
	}
	for _, name := range []string{id, id[:20], id + "-1", "zz", id[:35] + "x"} { // not Ben's queue
		got := ben.get(at(name))
		got.wantProblem(t, 404, "not_found")
		if name != id && name != id+"-1" && strings.Contains(string(got.body), id) {
			t.Errorf("%s: what one may not see is named: %s", name, got.body)
		}
	}
	w.browser().get(at(id)).wantProblem(t, 401, "login_required")
}
