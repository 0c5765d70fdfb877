package inbox

import (
	"slices"
	"testing"
	"time"

	"dispatcher/dm"
)

// A message that was taken back and comes long after that is neither shown nor
// answered, whether its sender is known or not.
func TestLateOriginalOfARemovedMessageIsHidden(t *testing.T) {
	t.Parallel()
	for _, known := range []bool{true, false} {
		c := newClock(noon)
		r := newRig(t, withClock(c))
		if known {
			r.accept(text("ada", "hello"))
			r.want(greeting, "What is it about?")
		}
		lost := text("ada", "never mind what I said")
		gone := text("ada", "")
		gone.Kind, gone.Target, gone.MessageID = dm.KindRemoved, lost.MessageID, ""
		if got := r.accept(gone); got[0].Status != statusParked {
			t.Fatalf("removal %+v", got)
		}
		r.until("tombstone", func() bool {
			r.tick(c, time.Minute)
			return r.counted(r.metrics.refusedInbound, "removed_unseen") == 1
		})
		if got := r.accept(lost); got[0].Status != statusDuplicate {
			t.Errorf("known %v: the late original is %+v", known, got)
		}
		if !known {
			continue // there is no conversation to look into
		}
		if _, words := r.rows("ada"); slices.Contains(words, lost.Text) {
			t.Errorf("it is shown: %q", words)
		}
	}
}
