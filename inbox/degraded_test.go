package inbox

import (
	"testing"
	"time"
)

// Counting what waits costs a hundredth of the time, and is done every 15 s at least.
func TestGaugesLeaveTimeForWork(t *testing.T) {
	t.Parallel()
	for took, want := range map[time.Duration]time.Duration{
		0: 0, time.Millisecond: 100 * time.Millisecond, 50 * time.Millisecond: 5 * time.Second, time.Second: 15 * time.Second,
	} {
		if got := gaugeRest(took); got != want {
			t.Errorf("after %v it rests %v, want %v", took, got, want)
		}
	}
}
