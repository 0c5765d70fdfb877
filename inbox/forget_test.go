package inbox

import (
	"errors"
	"strings"
	"testing"
	"time"
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
	var ids []string
	for _, word := range []string{"Good day", "Welcome", "Greetings"} {
		c.add(24 * time.Hour)
		p := loadShop(t, strings.Replace(shopFlow, "Hello, this", word+", this", 1))
		if err := r.SetLive(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, p.SetID)
	}
	forget := func(want int) {
		t.Helper()
		if n, err := r.ForgetSets(t.Context()); err != nil || n != want {
			t.Fatalf("%d forgotten, want %d: %v", n, want, err)
		}
	}
	c.add(89*24*time.Hour + time.Hour) // the second went 90 days ago, the third 89
	forget(1)
	forget(0)
	for i, id := range append([]string{first}, ids...) {
		_, err := r.Sources(t.Context(), id)
		if gone := errors.Is(err, ErrUnknownSet); gone != (i == 1) || err != nil && !gone {
			t.Errorf("set %d: %v", i, err)
		}
	}
	c.add(400 * 24 * time.Hour)
	forget(1)
	if _, err := r.Sources(t.Context(), first); err != nil {
		t.Errorf("the set of a conversation is gone: %v", err)
	}
	if history, err := r.History(t.Context()); err != nil || len(history) != 4 {
		t.Errorf("history %+v %v", history, err)
	}
}
