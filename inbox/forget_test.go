package inbox

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"dispatcher/flows"
	"dispatcher/storage"
)

// TestSetsAreForgotten: 90 days after another took its place a set goes, but
// never one that a conversation or message refers to, nor the live one.
func TestSetsAreForgotten(t *testing.T) {
	t.Parallel()
	dir, v := newFolder(t)
	c := newClock(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC))
	r := startRig(t, dir, v, shopFlow, withClock(c))
	first := r.Live().SetID
	r.accept(text("ada", "hello"))
	if n := len(sourceIDs(t, r.store)); n != 2 {
		t.Fatalf("%d files of one set with two", n)
	}
	var ids []string
	for _, word := range []string{"Good day", "Welcome", "Greetings"} {
		c.add(24 * time.Hour)
		p := loadShop(t, strings.Replace(shopFlow, "Hello, this", word+", this", 1))
		if err := r.SetLive(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, p.SetID)
	}
	forget := func(want, files int) {
		t.Helper()
		if n, err := r.ForgetSets(t.Context()); err != nil || n != want {
			t.Fatalf("%d forgotten, want %d: %v", n, want, err)
		}
		if n := len(sourceIDs(t, r.store)); n != files {
			t.Fatalf("%d files are left, want the project's and those of each set, %d", n, files)
		}
	}
	c.add(89*24*time.Hour + time.Hour) // the second went 90 days ago, the third 89
	forget(1, 4)
	forget(0, 4)
	for i, id := range append([]string{first}, ids...) {
		_, err := r.Sources(t.Context(), id)
		if gone := errors.Is(err, ErrUnknownSet); gone != (i == 1) || err != nil && !gone {
			t.Errorf("set %d: %v", i, err)
		}
	}
	c.add(400 * 24 * time.Hour)
	forget(1, 3)
	if _, err := r.Sources(t.Context(), first); err != nil {
		t.Errorf("the set of a conversation is gone: %v", err)
	}
	if history, err := r.History(t.Context()); err != nil || len(history) != 4 {
		t.Errorf("history %+v %v", history, err)
	}
}

// meanwhile is a store in which something happens while a report is made.
type meanwhile struct {
	storage.Store
	happens func()
}

func (m *meanwhile) Report(ctx context.Context, q storage.ReportQuery) (storage.Table, error) {
	table, err := m.Store.Report(ctx, q)
	if q.Name == "revisions" {
		m.happens()
	}
	return table, err
}

// TestASetThatGoesLiveMeanwhileStays, and so does a file that another set took
// from one that goes.
func TestASetThatGoesLiveMeanwhileStays(t *testing.T) {
	t.Parallel()
	dir, v := newFolder(t)
	c := newClock(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC))
	store := &meanwhile{happens: func() {}}
	r := startRig(t, dir, v, shopFlow, withClock(c), withStore(func(s storage.Store) storage.Store {
		store.Store = s
		return store
	}))
	first := r.Live()
	second := loadShop(t, strings.Replace(shopFlow, "Hello, this", "Good day, this", 1))
	both := loadShop(t, shopFlow+"---\nflow: other\nstates:\n  start: {say: Hi., handoff: orders}\n")
	live := func(day int, p *flows.Project) {
		t.Helper()
		c.add(time.Duration(day) * 24 * time.Hour)
		if err := r.SetLive(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	live(1, second)
	c.add(100 * 24 * time.Hour)
	store.happens = func() { live(1, first) }
	if n, err := r.ForgetSets(t.Context()); n != 0 || err != nil {
		t.Fatalf("%d forgotten: %v", n, err)
	}
	live(1, second)
	c.add(100 * 24 * time.Hour)
	store.happens = func() { live(1, both) } // has the file of the first
	if n, err := r.ForgetSets(t.Context()); n != 1 || err != nil {
		t.Fatalf("%d forgotten: %v", n, err)
	}
	for _, p := range []*flows.Project{second, both} {
		if _, err := r.Sources(t.Context(), p.SetID); err != nil {
			t.Error(err)
		}
	}
	if _, err := r.Sources(t.Context(), first.SetID); !errors.Is(err, ErrUnknownSet) {
		t.Errorf("the first set: %v", err)
	}
}
