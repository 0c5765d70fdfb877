package flows

import (
	"strings"
	"testing"
)

func TestShortPath(t *testing.T) {
	t.Parallel()
	path := strings.Fields(strings.Repeat("s ", shownSteps))
	if got := shortPath(path); strings.Contains(got, "more") || strings.Count(got, "→") != shownSteps-1 {
		t.Errorf("a path of %d states is cut: %s", shownSteps, got)
	}
	long := append(append([]string{"first"}, strings.Fields(strings.Repeat("s ", 1998))...), "last")
	got := shortPath(long)
	if !strings.HasPrefix(got, "first → ") || !strings.HasSuffix(got, " → last") || !strings.Contains(got, " → (1976 more) → ") || len(got) > 400 {
		t.Errorf("a path of 2000 states reads %q", got)
	}
}
