package inbox

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"dispatcher/flows"
	"dispatcher/storage"
)

// TestStagedHeldAndLiveSurviveARestart: what waits, what runs and whether
// files are held are in the store, with everything that became of every set.
func TestStagedHeldAndLiveSurviveARestart(t *testing.T) {
	t.Parallel()
	dir, v := newFolder(t)
	r := startRig(t, dir, v, shopFlow)
	first := r.Live()
	second := loadShop(t, strings.Replace(shopFlow, "Hello, this", "Good day, this", 1))
	third := loadShop(t, strings.Replace(shopFlow, "Hello, this", "Welcome, this", 1))
	ctx := t.Context()
	audit := []storage.AuditEntry{{Actor: "ana", Verb: "flows.publish", Object: "set:" + second.SetID}}
	must := func(errs ...error) {
		t.Helper()
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
	}
	must(r.Stage(ctx, second, StagedSet{By: "file change", Result: ResultStaged, Tests: TestCount{Passed: 3}}),
		r.Stage(ctx, second, StagedSet{By: "file change", Result: ResultStaged}), // again: no second line
		r.SwitchLive(ctx, second, Switch{By: "ana", Result: ResultPublished, Audit: audit}))
	if _, err := r.Staged(ctx); !errors.Is(err, storage.ErrNotFound) {
		t.Fatalf("what was published is still staged: %v", err)
	}
	must(r.Stage(ctx, third, StagedSet{By: "file change", Result: ResultStaged}))
	if st, err := r.Discard(ctx, "ana", nil); err != nil || st.Set != third.SetID {
		t.Fatalf("%+v %v", st, err)
	}
	if _, err := r.Discard(ctx, "ana", nil); !errors.Is(err, storage.ErrNotFound) {
		t.Fatalf("discarded twice: %v", err)
	}
	must(r.SwitchLive(ctx, first, Switch{By: "ana", Result: ResultRolledBack, Held: true, Audit: audit}))
	r.close()

	again := startRig(t, dir, v, shopFlow) // its start names the first set, as a start with held files does
	l, err := again.LiveSince(ctx)
	if err != nil || l.Set != first.SetID || !l.Held || l.By != "ana" {
		t.Fatalf("live %+v %v", l, err)
	}
	if st, err := again.Staged(ctx); err != nil || st.Set != third.SetID || st.Result != ResultDiscarded {
		t.Fatalf("staged %+v %v", st, err)
	}
	history, err := again.History(ctx)
	must(err)
	var got []string
	for _, h := range history {
		name := map[string]string{first.SetID: "first", second.SetID: "second", third.SetID: "third"}[h.Set]
		got = append(got, name+" "+h.Result)
	}
	want := []string{"first rolled_back", "third discarded", "third staged", "second published", "second staged", "first live"}
	if !sameLines(got, want) {
		t.Errorf("history %q, want %q", got, want)
	}
	p, err := again.Revision(ctx, second.SetID[:8])
	if err != nil || p.SetID != second.SetID || !p.OK() {
		t.Fatalf("%v %v", p, err)
	}
	if _, err := again.Revision(ctx, "ffff"); !errors.Is(err, ErrUnknownSet) {
		t.Errorf("a set that never was: %v", err)
	}
	if q := again.SetOf(ctx, second.SetID); q == nil || q != again.SetOf(ctx, second.SetID) {
		t.Error("a set is compiled again each time it is asked for")
	}
	if again.SetOf(ctx, strings.Repeat("f", 64)) != nil {
		t.Error("a set that never was is there")
	}
}

// sameLines compares two histories; lines of one moment may stand in any order.
func sameLines(got, want []string) bool {
	a, b := slices.Clone(got), slices.Clone(want)
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(a, b)
}

// TestWhatLiesBesideAGoodSetSaysNothingOfIt: files that belong to no set can be
// refused with it, and its history stays what it was.
func TestWhatLiesBesideAGoodSetSaysNothingOfIt(t *testing.T) {
	t.Parallel()
	dir, v := newFolder(t)
	r := startRig(t, dir, v, shopFlow)
	live := r.Live().SetID
	other := loadShop(t, strings.Replace(shopFlow, "Hello, this", "Bonjour, this", 1)).SetID
	for _, set := range []string{live, other} {
		if err := r.Seen(t.Context(), set, "file change", ResultRejected); err != nil {
			t.Fatal(err)
		}
	}
	history, err := r.History(t.Context())
	if err != nil || len(history) != 2 || history[0].Set != other || history[0].Result != ResultRejected || history[1].Set != live || history[1].Result != ResultLive {
		t.Errorf("history %+v %v", history, err)
	}
	for set, want := range map[string]bool{live: true, other: false} {
		if ran, err := r.Ran(t.Context(), set); err != nil || ran != want {
			t.Errorf("%.8s ran: %v %v", set, ran, err)
		}
	}
}

// TestSetsKeepEight: of the sets that do not run, the last eight that were
// used stay compiled.
func TestSetsKeepEight(t *testing.T) {
	t.Parallel()
	var c sets
	name := func(i int) string { return string(rune('a'+i)) + "-set" }
	for i := range 9 {
		c.keep(&flows.Project{SetID: name(i)})
		if c.get(name(0)) == nil && i < 8 {
			t.Fatalf("the first is gone after %d", i)
		}
	}
	if c.get(name(0)) == nil || c.get(name(1)) != nil || len(c.held) != maxSets {
		t.Errorf("%d are held", len(c.held))
	}
}

// TestPlanCountsOpenConversations, those of agents and queues as well, and
// reads a state only where the change reaches.
func TestPlanCountsOpenConversations(t *testing.T) {
	t.Parallel()
	dir, v := newFolder(t)
	r := startRig(t, dir, v, shopFlow)
	for _, who := range []string{"ada", "bob", "cyd"} {
		r.accept(text(who, "hello"))
		r.accept(text(who, "My order"))
	}
	same, err := r.Plan(t.Context(), r.Live())
	if err != nil || same.Open != 3 || same.Unaffected != 3 || same.NeedsChoice() {
		t.Fatalf("%+v %v", same, err)
	}
	gone := loadShop(t, strings.NewReplacer("  number:", "  elsewhere:", "goto: number", "goto: elsewhere").Replace(shopFlow))
	plan, err := r.Plan(t.Context(), gone)
	if err != nil || plan.Choice != 3 || len(plan.Problems) != 1 || plan.Problems[0].Code != "W501" ||
		plan.Problems[0].Message != "3 conversations wait in welcome.number, which this change removes" {
		t.Fatalf("%s %+v %v", plan.Summary(), plan.Problems, err)
	}
}
