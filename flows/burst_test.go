package flows

import (
	"testing"
	"time"
)

// TestBurst: off is written 0 or 0s; a channel that says nothing takes the adapter's own.
func TestBurst(t *testing.T) {
	t.Parallel()
	for written, want := range map[string]time.Duration{"{burst: 0}": 0, "{burst: 0s}": 0, "{burst: 900ms}": 900 * time.Millisecond, "{}": -1} {
		p := Load(&Files{Name: "p", Data: map[string][]byte{
			"dispatcher.yaml":  []byte("dispatcher: 1\nchannels:\n  web: " + written + "\n"),
			"flows/hello.yaml": []byte("flow: hello\nstates:\n  start:\n    say: Hi\n    handoff: general\n"),
		}}, Options{})
		if !p.OK() {
			t.Errorf("web: %s: %s", written, p.Diagnostics[0].Message)
			continue
		}
		if got := p.Set.Channels["web"].Burst; got != want && !(want < 0 && got < 0) {
			t.Errorf("web: %s gives %v, want %v", written, got, want)
		}
	}
}
