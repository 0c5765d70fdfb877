package inbox

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"

	"dispatcher/storage"
)

// refusing is a store whose disk refuses one settlement of a kind.
type refusing struct {
	storage.Store
	do    string
	times atomic.Int32
}

func (s *refusing) Settle(ctx context.Context, list []storage.Settlement) ([]storage.Settled, error) {
	if slices.ContainsFunc(list, func(set storage.Settlement) bool { return set.Do == s.do }) && s.times.Add(-1) >= 0 {
		return nil, fmt.Errorf("%w: disk full", storage.ErrDegraded)
	}
	return s.Store.Settle(ctx, list)
}

// TestFullDiskHoldsNobodyUp: a mark or a result that the disk refused is
// written as soon as it takes it; the conversation does not wait for a lease
// to run out.
func TestFullDiskHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	for _, do := range []string{"mark", "sent"} {
		t.Run(do, func(t *testing.T) {
			t.Parallel()
			store := &refusing{do: do}
			store.times.Store(1)
			r := newRig(t, withStore(func(db storage.Store) storage.Store { store.Store = db; return store }))
			r.accept(text("ada", "hello"))
			r.want("Hello, this is the assistant.", "What is it about?")
			r.until("nothing left to send", func() bool {
				_, words := r.rows("ada")
				return len(words) == 3 && r.delivery("ada", words[1]) == storage.DeliverySent && r.delivery("ada", words[2]) == storage.DeliverySent
			})
			if store.times.Load() >= 0 {
				t.Error("nothing was refused")
			}
		})
	}
}
