package inbox

import (
	"sync/atomic"
	"testing"
	"time"

	"dispatcher/storage"
)

func TestFence_OwnerWaitsForThoseInside(t *testing.T) {
	t.Parallel()
	f := newFence()
	leave := f.enter(1)
	f.enter(2)() // another conversation is nobody's business
	shut, opened := make(chan struct{}), make(chan func(), 1)
	go func() {
		close(shut)
		opened <- f.shut(1, time.Minute)
	}()
	<-shut
	select {
	case <-opened:
		t.Fatal("it did not wait for the sender inside")
	case <-time.After(20 * time.Millisecond):
	}
	leave()
	leave() // as often as one likes
	open := <-opened
	var entered atomic.Bool
	done := make(chan struct{})
	go func() {
		f.enter(1)()
		entered.Store(true)
		close(done)
	}()
	<-time.After(20 * time.Millisecond)
	if entered.Load() {
		t.Error("a sender came in while the owner changes")
	}
	open()
	<-done
	if len(f.convs) != 0 {
		t.Errorf("%d entries are kept", len(f.convs))
	}
}

func TestFence_OwnerWaitsNoLongerThanItMay(t *testing.T) {
	t.Parallel()
	f := newFence()
	leave := f.enter(1)
	defer leave()
	start := time.Now()
	f.shut(1, 50*time.Millisecond)()
	if took := time.Since(start); took < 50*time.Millisecond || took > time.Minute {
		t.Errorf("it waited %s", took)
	}
}

// A row that is marked and not begun when a person takes over: either its
// request begins before the commit, or never.
func TestFence_MarkedRowAgainstTakeOver(t *testing.T) {
	t.Parallel()
	marked, goOn := make(chan struct{}), make(chan struct{})
	var first atomic.Bool
	r := newRig(t, withFail(func(name string) {
		if name == "send.after_mark" && first.CompareAndSwap(false, true) {
			close(marked)
			<-goOn
		}
	}))
	r.accept(text("ada", "hello"))
	<-marked
	committed := make(chan struct{})
	go func() {
		_, err := r.Do(t.Context(), storage.Key{ID: r.view("ada").Snap.Conv.ID}, func(v *View) (*Draft, error) {
			d := v.Draft()
			return d, d.Fire(Shift{Edge: EdgeTakeOver, By: "ana"})
		})
		if err != nil {
			t.Error(err)
		}
		close(committed)
	}()
	select {
	case <-committed:
		t.Fatal("the take-over was committed beside a row that is about to leave")
	case <-time.After(50 * time.Millisecond):
	}
	close(goOn)
	r.next()
	<-committed
}
