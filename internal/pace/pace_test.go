package pace

import (
	"testing"
	"time"
)

// Work is counted, waiting is not.
func TestWorkIsCountedAndWaitingIsNot(t *testing.T) {
	t.Parallel()
	hundred := Of(func() {
		for range 100 {
			unit()
		}
	})
	if hundred < 30 || hundred > 300 {
		t.Errorf("a hundred units cost %.1f", hundred)
	}
	if n := Of(func() { <-time.After(50 * time.Millisecond) }); n > 20 {
		t.Errorf("waiting costs %.1f", n)
	}
}
