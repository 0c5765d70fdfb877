package server

import (
	"encoding/json"
	"fmt"
	"testing"
)

// A picture of a flow has what is drawn, and how often each edge was taken: by
// number from five on, and never by whom.
func TestGraphOfAFlow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)

	w.user("designer", "dana@acme.example")
	dana := w.as("dana@acme.example")
	for i := range 6 {
		person := fmt.Sprintf("p%d", i)
		w.writes(person, person+"-1", "hello").want(t, 200)
		w.writes(person, person+"-2", "My order").want(t, 200)
		if i == 0 {
			w.writes(person, person+"-3", "AB123456").want(t, 200)
		}
	}
	var v graphView
	must(t, json.Unmarshal(dana.get("/api/v1/flows/welcome/graph").want(t, 200).body, &v))
	if len(v.Nodes) != 3 || v.Nodes[0].Asks != "options" || len(v.Edges) == 0 || v.Edges[0].Label != "opt order" || v.Edges[0].To != "welcome.number" || len(v.Counts) != 0 {
		t.Errorf("without figures: %+v", v)
	}
	must(t, json.Unmarshal(dana.get("/api/v1/flows/welcome/graph?overlay=traffic&since=7d").want(t, 200).body, &v))
	got := map[string]edgeCount{}
	for _, c := range v.Counts {
		got[c.State+" "+c.Edge] = c
	}
	if c := got["welcome.start opt:order"]; c.Count != 6 || c.Few || c.Line == 0 {
		t.Errorf("six took opt:order: %+v", v.Counts)
	}
	if c := got["welcome.number collected"]; c.Count != 0 || !c.Few {
		t.Errorf("one took collected, which is few: %+v", v.Counts)
	}
	if v.Conversations != 6 || v.More || v.Since == nil {
		t.Errorf("%d conversations, more %v, since %v", v.Conversations, v.More, v.Since)
	}
	dana.get("/api/v1/flows/nothing/graph").want(t, 404)
	dana.get("/api/v1/flows/welcome/graph?overlay=traffic&since=soon").want(t, 422)
	dana.get("/api/v1/flows/welcome/graph?overlay=moods").want(t, 422)
}
