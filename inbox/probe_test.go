package inbox

import (
	"sync"
	"testing"
)

// A dead channel whose probe finds nothing to send is probed again: rows that
// fall due later must leave.
func TestProbe_WithoutWorkIsNoProbe(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	acct, _ := r.Account("fake")
	r.outbox.mu.Lock()
	x := r.outbox.senders[acct.Number]
	r.outbox.mu.Unlock()
	x.mu.Lock()
	x.failures = deadAfter
	x.mu.Unlock()
	var workers sync.WaitGroup
	x.take(t.Context(), sendWorkers, &workers)
	workers.Wait()
	r.accept(text("ada", "hello"))
	r.next()
	r.until("the channel lives again", func() bool { return !r.Sending("fake").Dead })
}
