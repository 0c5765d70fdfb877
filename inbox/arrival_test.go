package inbox

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dispatcher/channels"
	"dispatcher/dm"
)

// A transport id counts for a day, over midnight as well.
func TestTransportIDOfYesterdayWithOtherBodyIsAConflict(t *testing.T) {
	t.Parallel()
	c := newClock(time.Date(2026, 3, 2, 23, 30, 0, 0, time.UTC))
	r := newRig(t, withClock(c))
	m := text("ada", "hello")
	if _, err := r.Accept(WithRequest(t.Context(), "req-1", []byte("body")), "fake", []dm.Inbound{m}); err != nil {
		t.Fatal(err)
	}
	c.add(time.Hour)
	if got, err := r.Accept(WithRequest(t.Context(), "req-1", []byte("body")), "fake", []dm.Inbound{m}); err != nil || got[0].Status != "duplicate" {
		t.Fatalf("same body: %+v, %v", got, err)
	}
	if _, err := r.Accept(WithRequest(t.Context(), "req-1", []byte("body!")), "fake", []dm.Inbound{text("ada", "x")}); !errors.Is(err, channels.ErrConflict) {
		t.Fatalf("other body: %v", err)
	}
	if _, err := r.Accept(WithRequest(t.Context(), "req-2", []byte("body!")), "fake", []dm.Inbound{text("ada", "y")}); err != nil {
		t.Fatalf("another id: %v", err)
	}
}

// Two bodies under one transport id at the same moment: one of them is taken.
func TestTransportIDIsTakenOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var wg sync.WaitGroup
	var taken, conflicts atomic.Int32
	for i := range 16 {
		wg.Go(func() {
			m := text([]string{"ada", "bob"}[i%2], "hello")
			ctx := WithRequest(t.Context(), "0199f2c4-7a30-7cc0-8a41-000000000001", fmt.Appendf(nil, "body %d", i))
			switch got, err := r.Accept(ctx, "fake", []dm.Inbound{m}); {
			case errors.Is(err, channels.ErrConflict):
				conflicts.Add(1)
			case err == nil && got[0].Status == statusApplied:
				taken.Add(1)
			default:
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
	wg.Wait()
	if taken.Load() != 1 || conflicts.Load() != 15 {
		t.Errorf("%d taken, %d conflicts", taken.Load(), conflicts.Load())
	}
}

// The row of an address is written when it says something new, and to the
// minute for the reply window.
func TestIdentityIsWrittenWhenItChanges(t *testing.T) {
	t.Parallel()
	c := newClock(time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC))
	r := newRig(t, withClock(c))
	lastIn := func() int64 { return r.view("ada").Snap.Identity.LastInAt }
	r.accept(text("ada", "one"))
	start := lastIn()
	if start == 0 {
		t.Fatal("the first message left no time")
	}
	c.add(30 * time.Second)
	r.accept(text("ada", "two"))
	if got := lastIn(); got != start {
		t.Errorf("written again after 30 s: moved by %d ms", got-start)
	}
	c.add(40 * time.Second)
	r.accept(text("ada", "three"))
	if got := lastIn() - start; got != 70_000 {
		t.Errorf("after 70 s moved by %d ms", got)
	}
	c.add(time.Second)
	m := text("ada", "four")
	m.Sender.Handle = "@ada.new"
	r.accept(m)
	if v := r.view("ada"); v.Address.Party.Handle != "@ada.new" || v.Snap.Identity.LastInAt-start != 71_000 {
		t.Errorf("another handle: %+v after %d ms", v.Address, v.Snap.Identity.LastInAt-start)
	}
}
