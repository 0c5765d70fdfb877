package flows

import (
	"slices"
	"testing"
)

// TestPlacesOfTheTable: what the table says of a place far down in a file.
func TestPlacesOfTheTable(t *testing.T) {
	t.Parallel()
	a := NewAtlas()
	steps := func(path ...string) []Step {
		var out []Step
		for _, p := range path {
			out = append(out, Step{Key: p, Item: p == "-"})
		}
		return out
	}
	for _, c := range []struct {
		kind        string
		path        []Step
		names, word string
		expr        bool
	}{
		{"flow", steps("states", "a", "goto"), NameState, "", false},
		{"flow", steps("states", "a", "options", "Yes"), NameState, "", false},
		{"flow", steps("states", "a", "options", "-", "call", "on", "done"), NameState, "", false},
		{"flow", steps("states", "a", "handoff", "queue", "-", "use"), NameQueue, "", false},
		{"flow", steps("states", "a", "handoff", "priority", "-", "else"), "", "urgent", false},
		{"flow", steps("states", "a", "form", "fields", "-"), NameSlot, "", false},
		{"flow", steps("states", "a", "form", "fields", "-", "slot"), NameSlot, "", false},
		{"flow", steps("states", "a", "branch", "-", "if"), "", "", true},
		{"flow", steps("slots", "a", "check"), "", "", true},
		{"flow", steps("states", "a", "collect", "accept", "-"), "", "video", false},
		{"project", steps("queues", "a", "overflow", "to"), NameQueue, "", false},
		{"project", steps("start", "-", "flow"), NameFlow, "", false},
		{"test", steps("tests", "-", "chat", "-", "handoff"), NameQueue, "", false},
		{"test", steps("tests", "-", "each", "-"), NameState, "", false},
	} {
		p := a.At(c.kind, c.path)
		if p.Names() != c.names || p.Expression() != c.expr || c.word != "" && !slices.Contains(p.Words(), c.word) {
			t.Errorf("%v: names %q, words %v, expression %v", c.path, p.Names(), p.Words(), p.Expression())
		}
	}
	if a.At("flow", steps("states", "a", "nothing", "of")).Known() {
		t.Error("a place that the table does not have is known")
	}
}

// TestIndexKeepsWhatWasThere: a file that stops parsing keeps its names, and
// nothing is said to stand where it no longer does.
func TestIndexKeepsWhatWasThere(t *testing.T) {
	t.Parallel()
	x := NewIndex(NewAtlas())
	files := map[string][]byte{"flows/a.yaml": []byte("flow: a\nstates:\n  start: {goto: start}\n"), "flows/readme.txt": []byte("x")}
	x.Update(files)
	if m, ok := x.At("flows/a.yaml", 33); !ok || m.Kind != NameState || len(x.Of(m)) != 2 || len(x.Declarations(m)) != 1 {
		t.Fatalf("%+v", m)
	}
	x.Update(map[string][]byte{"flows/a.yaml": []byte("flow: [")})
	if _, ok := x.At("flows/a.yaml", 3); ok || len(x.Declared(NameState, "a")) != 1 || len(x.Broken()) != 1 {
		t.Error("a broken file lost its names, or shows them at places of old")
	}
	x.Update(nil)
	if len(x.Declared(NameFlow, "")) != 0 {
		t.Error("a file that is gone is still there")
	}
}
