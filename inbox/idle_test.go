package inbox

import (
	"slices"
	"testing"
	"time"

	"dispatcher/storage"
)

// idleRow is the stored row of the timer that ends the wait, and when it is due
// counted from a moment.
func (r *rig) idleRow(thread string, from time.Time) (storage.Timer, time.Duration) {
	r.t.Helper()
	have := r.view(thread).Snap.Timers
	i := slices.IndexFunc(have, func(x storage.Timer) bool { return x.Name == timerIdle })
	if i < 0 {
		return storage.Timer{}, 0
	}
	return have[i], time.UnixMilli(have[i].DueAt).Sub(from)
}

// TestTheEndOfAWaitIsWrittenOnce: each message pushes the end of a wait, its row
// stays for half of the time; fired too soon it changes nothing but itself, and
// the wait ends when it would have.
func TestTheEndOfAWaitIsWrittenOnce(t *testing.T) {
	t.Parallel()
	now := newClock(midday)
	dir, v := newFolder(t)
	r := startRig(t, dir, v, resumeFlow, withClock(now), withProject(shopProject+"idle_close: 10h\n"))
	r.accept(text("ann", "hi"))
	r.want("Colour?")
	first, _ := r.idleRow("ann", midday)
	r.later(now, "ann", 4*time.Hour)
	r.accept(text("ann", "Red"))
	r.want("Size?")
	if kept, due := r.idleRow("ann", midday); kept.ID != first.ID || due != 10*time.Hour {
		t.Fatalf("written again: %+v", kept)
	}
	r.later(now, "ann", 6*time.Hour) // the row is due, the wait is six hours old
	before := r.view("ann").Snap.Conv
	r.alarm.ring()
	r.until("set again", func() bool { _, due := r.idleRow("ann", midday); return due == 14*time.Hour })
	conv := r.view("ann").Snap.Conv
	if conv.Status != storage.Open || conv.LastSeq != before.LastSeq || conv.UpdatedAt != before.UpdatedAt || conv.Position != before.Position {
		t.Fatalf("%+v after %+v", conv, before)
	}
	r.later(now, "ann", 4*time.Hour)
	r.alarm.ring()
	r.until("closed", func() bool { return r.view("ann").Snap.Conv.Status == storage.Resolved })
	if row, _ := r.idleRow("ann", midday); row.ID != 0 {
		t.Fatalf("a closed conversation keeps %+v", row)
	}
}

// TestTheEndOfAWaitIsNeverLate: a row that has less than half of the time to go
// is written again, and so is one that is due after the wait ends.
func TestTheEndOfAWaitIsNeverLate(t *testing.T) {
	t.Parallel()
	now := newClock(midday)
	dir, v := newFolder(t)
	r := startRig(t, dir, v, resumeFlow, withClock(now), withProject(shopProject+"idle_close: 10h\n"))
	r.accept(text("ann", "hi"))
	r.want("Colour?")
	r.later(now, "ann", 6*time.Hour)
	r.accept(text("ann", "Red"))
	r.want("Size?")
	if _, due := r.idleRow("ann", midday); due != 16*time.Hour {
		t.Fatalf("due after %s", due)
	}
	if err := r.SetLive(t.Context(), loadProject(t, shopProject+"idle_close: 2h\n", resumeFlow)); err != nil {
		t.Fatal(err)
	}
	r.accept(text("ann", "why"))
	r.next()
	if _, due := r.idleRow("ann", midday); due != 8*time.Hour {
		t.Fatalf("due after %s, the wait ends after 8h", due)
	}
}
