package main

import "testing"

// TestThreads: few cores do not mean few threads, and the operator's word holds.
func TestThreads(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		said      string
		now, want int
	}{{"", 1, leastThreads}, {"", 2, leastThreads}, {"", 16, 16}, {"2", 2, 2}, {"1", 1, 1}} {
		if got := threads(c.said, c.now); got != c.want {
			t.Errorf("GOMAXPROCS %q on %d cores: %d threads, want %d", c.said, c.now, got, c.want)
		}
	}
}
