package proof

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"dispatcher/internal/proof/kill"
)

// TestPromise_P10_Rolling: restarts under load are invisible: nothing is lost
// or doubled, and each ends by itself, soon, with everything given back.
func TestPromise_P10_Rolling(t *testing.T) {
	s := scale(t)
	t.Parallel()
	restarts := of(s, 5, 200, 200)
	r := newRig(t, kill.Options{})
	exits := rolling(r, restarts, 10*time.Millisecond)
	r.settle(time.Minute)
	f := r.book()
	clean(t, f)
	slices.Sort(exits)
	p99 := exits[len(exits)*99/100]
	if p99 > 10*time.Second {
		t.Errorf("exits took up to %s, p99 %s", exits[len(exits)-1], p99)
	}
	report(t, "P10_Rolling: %d restarts by SIGTERM under load, exits p50 %.2f s p99 %.2f s, all with status 0: %s",
		len(exits), exits[len(exits)/2].Seconds(), p99.Seconds(), f)
	t.Run("mutant/stop_at_once", func(t *testing.T) {
		t.Parallel()
		const rounds = 10 // even a slow disk (one_lane) may have nothing in hand at any of six stops
		for range rounds {
			r := newRig(t, kill.Options{Binary: kill.Build(t, instrumented), Env: []string{"DISPATCHER_MUTANT=stop_at_once,ack_before_commit,one_lane"}})
			rolling(r, 6, 0)
			r.settle(time.Minute)
			if len(r.book().Lost) > 0 {
				return
			}
		}
		t.Errorf("a stop that finishes nothing was not noticed in %d rounds", rounds)
	})
}

// rolling restarts the program under load and gives how long each stop took.
func rolling(r *rig, restarts int, think time.Duration) (exits []time.Duration) {
	ctx, stop := context.WithCancel(context.Background())
	wait := r.load(ctx, 10, 24, think)
	for n := range restarts {
		if !r.ackAfter(r.acks.Load()+60, 30*time.Second) {
			r.t.Errorf("restart %d: no load", n)
			break
		}
		from := len(r.svc.Log())
		exits = append(exits, r.svc.Term())
		if state := r.svc.State(); state == nil || state.ExitCode() != 0 {
			r.t.Errorf("restart %d: it ended with %v", n, state)
		}
		if said := r.svc.Log()[from:]; !strings.Contains(said, "stopped") {
			r.t.Errorf("restart %d: it did not say that it stopped", n)
		}
		if err := r.svc.Restart(); err != nil {
			r.t.Errorf("restart %d: %v", n, err)
			break
		}
	}
	stop()
	wait()
	return exits
}
