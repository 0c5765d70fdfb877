package inbox

import (
	"errors"
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
