package proof

import (
	"context"
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"dispatcher/internal/proof/kill"
)

// TestPromise_P1_KillNine: what was acknowledged is stored once, acted on once
// and in order, whenever the program is killed, and however often and under
// whatever request id an event comes again.
func TestPromise_P1_KillNine(t *testing.T) {
	s := scale(t)
	t.Parallel()
	kills := of(s, 60, 5000, 5000)
	for lane := range 2 {
		t.Run(fmt.Sprint("random", lane), func(t *testing.T) {
			t.Parallel()
			seed := uint64(time.Now().UnixNano())
			t.Logf("seed %d", seed)
			start := time.Now()
			r := newRig(t, kill.Options{})
			n := killing(r, seed, kills, 5, 300)
			r.settle(2 * time.Minute)
			f := r.book()
			clean(t, f)
			report(t, "P1_KillNine: %d kills of the real program, %d redeliveries: %s; integrity ok; %.0f s", n, r.resent.Load(), f, time.Since(start).Seconds())
		})
	}
	t.Run("mutant/ack_before_commit", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, kill.Options{Binary: kill.Build(t, instrumented), Env: []string{"DISPATCHER_MUTANT=ack_before_commit"}})
		killing(r, 1, 6, 5, 60)
		r.settle(time.Minute)
		if f := r.book(); len(f.Lost) == 0 {
			t.Errorf("acknowledging before the commit was not noticed: %s", f)
		}
	})
	t.Run("mutant/dedupe_deleted", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, kill.Options{Binary: kill.Build(t, instrumented), Env: []string{"DISPATCHER_MUTANT=dedupe_deleted"}})
		r.again = 0.5
		killing(r, 2, 1, 200, 400)
		r.settle(time.Minute)
		if f := r.book(); len(f.Doubled) == 0 {
			t.Errorf("forgetting what was processed was not noticed: %s", f)
		}
	})
}

// killing loads the rig and kills its program n times, at random places: from
// least to most milliseconds after the first acknowledgement of a life, some
// while it stops, some while it starts.
func killing(r *rig, seed uint64, n, least, most int) int {
	ctx, stop := context.WithCancel(context.Background())
	wait := r.load(ctx, seed, 12, 40*time.Millisecond)
	rng := rand.New(rand.NewPCG(seed, 99))
	done := 0
	for done < n && !r.t.Failed() {
		if !r.ackAfter(r.acks.Load(), 30*time.Second) {
			r.t.Errorf("kill %d: nothing was acknowledged for 30 s", done)
			break
		}
		pause(ctx, time.Duration(least+rng.IntN(most-least))*time.Millisecond)
		if rng.IntN(8) == 0 { // while it stops
			_ = syscall.Kill(r.svc.Pid(), syscall.SIGTERM)
			pause(ctx, time.Duration(rng.IntN(30))*time.Millisecond)
		}
		r.svc.Kill()
		done++
		for rng.IntN(6) == 0 && done < n { // while it starts
			done += killStart(ctx, r, time.Duration(rng.IntN(250))*time.Millisecond)
		}
		if err := r.svc.Restart(); err != nil {
			r.t.Errorf("start after kill %d: %v", done, err)
		}
	}
	stop()
	wait()
	return done
}

// killStart starts the program and kills it after so long, listening or not.
func killStart(ctx context.Context, r *rig, after time.Duration) int {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = r.svc.Restart() // it is meant to be killed
	}()
	pause(ctx, 5*time.Millisecond+after)
	r.svc.Kill()
	<-ended
	r.svc.Kill() // when it had only just been started
	return 1
}
