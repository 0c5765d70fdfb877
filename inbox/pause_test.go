package inbox

import (
	"errors"
	"testing"
	"time"

	"dispatcher/dm"
)

func TestChannelPausedByHand(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	if err := r.PauseChannel(t.Context(), "fake", "maintenance"); err != nil {
		t.Fatal(err)
	}
	r.accept(text("ada", "hello"))
	<-time.After(30 * time.Millisecond)
	if n := len(r.plat.all()); n != 0 {
		t.Fatalf("%d requests on a paused channel", n)
	}
	if got := r.Sending("fake").Held; got != "maintenance" {
		t.Errorf("held %q", got)
	}
	if err := r.ResumeChannel(t.Context(), "fake"); err != nil {
		t.Fatal(err)
	}
	r.want(greeting)
	if err := r.PauseChannel(t.Context(), "nobody", "x"); !errors.Is(err, errNoChannel) {
		t.Errorf("unknown channel: %v", err)
	}
}

// Access that was revoked holds the channel, once per event.
func TestRevokedAccessHoldsTheChannel(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	revoked := dm.Inbound{Kind: dm.KindAccount, ExternalID: "revoke:1", Note: "access was revoked", Status: &dm.Status{State: "failed", Reason: dm.ReasonAuthBroken}}
	r.accept(revoked)
	if got := r.Sending("fake").Held; got != string(dm.ReasonAuthBroken) {
		t.Fatalf("held %q", got)
	}
	if err := r.ResumeChannel(t.Context(), "fake"); err != nil {
		t.Fatal(err)
	}
	r.accept(revoked) // delivered again
	if got := r.Sending("fake").Held; got != "" {
		t.Errorf("a repeated event held it again: %q", got)
	}
}
