package inbox

import (
	"context"
	"slices"
	"strings"
	"testing"
)

// replaysAsBefore runs whatever a test of this package has stored through the
// set that is live: every kind of conversation there is passes here, and none
// may differ from itself.
func (r *rig) replaysAsBefore() {
	r.t.Helper()
	live := r.Live()
	if live == nil || r.wrap != nil {
		return
	}
	out, err := r.Replay(context.Background(), live, ReplayQuery{})
	if err != nil {
		r.t.Errorf("replay: %v", err)
		return
	}
	history, err := r.History(context.Background())
	if err != nil || slices.ContainsFunc(history, func(l LiveSet) bool { return l.Set != live.SetID }) {
		return // edited meanwhile: what ran is another project
	}
	for _, d := range out.Differences {
		r.t.Errorf("an unchanged project differs: %+v", d)
	}
}

// replay runs everything that is stored through other flows.
func (r *rig) replay(flow string) *Replay {
	r.t.Helper()
	out, err := r.Replay(r.t.Context(), loadProject(r.t, r.project, flow), ReplayQuery{})
	if err != nil {
		r.t.Fatal(err)
	}
	return out
}

// TestReplay_EachKindOfDifference plants one edit after the other into the
// flow of a talk that is stored.
func TestReplay_EachKindOfDifference(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.accept(text("ann", "hello"))
	first := r.want("Hello, this is the assistant.", "What is it about?")
	r.accept(tapOn("ann", first.Options[0]))
	r.want("What is your order number?")
	r.accept(text("ann", "AB-123456"))
	r.want("I have passed this on.")

	if out := r.replay(shopFlow); out.Same != 1 || out.Differ != 0 || len(out.Part)+len(out.Skip) != 0 || out.Turns != 3 {
		t.Fatalf("unchanged: %+v", out)
	}
	for _, c := range []struct{ old, now, kind, place, then, is string }{
		{"goto: number}", "goto: done}", DiffOutcome, "flows/welcome.yaml:7", "asks welcome.number “What is your order number?”", "ends: done"},
		{"label: My order, goto: number}", "label: My order, goto: hand}", DiffOutcome, "flows/welcome.yaml:7", "asks welcome.number", "to people: queue orders"},
		{"queue: orders", "queue: general", DiffQueue, "flows/welcome.yaml:16", "orders", "general"},
		{"    goto: hand", "    tag: [numbered]\n    goto: hand", DiffTags, "flows/welcome.yaml:7", "none", "numbered"},
		{"What is your order number?", "Which order?", DiffWording, "flows/welcome.yaml:9", "welcome.number “What is your order number?”", "welcome.number “Which order?”"},
		{"label: Nothing", "label: Never mind", DiffWording, "flows/welcome.yaml:3", "[My order | Nothing]", "[My order | Never mind]"},
		{"Hello, this is the assistant.", "Good day.", "", "", "", ""},
		{"I have passed this on.", "Somebody will look at it.", "", "", "", ""},
	} {
		edited := strings.Replace(shopFlow, c.old, c.now, 1)
		if edited == shopFlow {
			t.Fatalf("the flow has no %q", c.old)
		}
		out := r.replay(edited)
		if c.kind == "" {
			if out.Differ != 0 {
				t.Errorf("%s: %+v", c.now, out.Differences)
			}
			continue
		}
		if len(out.Differences) != 1 {
			t.Errorf("%s: %+v", c.now, out.Differences)
			continue
		}
		if d := out.Differences[0]; d.Kind != c.kind || d.Place != c.place || !strings.Contains(d.Then, c.then) || !strings.Contains(d.Now, c.is) {
			t.Errorf("%s: %+v", c.now, d)
		}
	}
}
