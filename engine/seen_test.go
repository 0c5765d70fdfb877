package engine

import (
	"strings"
	"testing"
)

// What is stored beside the reasons tells nothing of a look-up that is read
// whole, and no more of all the conditions of a turn than the bound.
func TestWhatAStoredTraceKeepsOfValues(t *testing.T) {
	t.Parallel()
	tn := &turn{set: &Set{}, ev: &Event{World: World{Explain: true, Masked: true}}}
	if got := tn.storedValue(map[string]any{"recipient": "Mia Wolf"}); strings.Contains(got, "Mia") {
		t.Errorf("a whole look-up is stored as %q", got)
	}
	x := &Expr{Source: "open('a')"}
	tn.eval.asked = []string{strings.Repeat("a", 2*maxSeen)}
	kept := 0
	for range 1000 {
		kept += len(tn.seen(x))
	}
	if kept < maxTurnSeen || kept > maxTurnSeen+2*maxSeen {
		t.Errorf("1000 conditions keep %d bytes of values", kept)
	}
}
