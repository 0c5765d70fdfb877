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
