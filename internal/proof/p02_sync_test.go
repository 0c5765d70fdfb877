package proof

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"dispatcher/internal/proof/kill"
	"dispatcher/internal/proof/trace"
)

// TestPromise_P2_SyncBeforeAck: no 2xx is written before a sync that follows
// the turn's write to the log, seen from outside by strace.
func TestPromise_P2_SyncBeforeAck(t *testing.T) {
	s := scale(t)
	t.Parallel()
	_, err := exec.LookPath("strace")
	require(t, "strace", err == nil)
	each := of(s, 12, 400, 400) // contacts one after the other, and at each of 16 clients a sixteenth
	for _, clients := range []int{1, 16} {
		t.Run(fmt.Sprint("clients", clients), func(t *testing.T) {
			t.Parallel()
			start := time.Now()
			acks, v := traced(t, kill.Options{}, clients, max(1, each/clients))
			for _, bad := range v.Violations {
				t.Error(bad)
			}
			if int64(v.Acks) != acks || acks == 0 {
				t.Errorf("the trace shows %d acknowledgements, the senders got %d", v.Acks, acks)
			}
			report(t, "P2_SyncBeforeAck: %d clients, %d acknowledgements, %d syncs of the log: %d violations; %.0f s",
				clients, v.Acks, v.Syncs, len(v.Violations), time.Since(start).Seconds())
		})
	}
	t.Run("mutant/ack_before_commit", func(t *testing.T) {
		t.Parallel()
		_, v := traced(t, kill.Options{Binary: kill.Build(t, instrumented), Env: []string{"DISPATCHER_MUTANT=ack_before_commit"}}, 1, 2)
		if len(v.Violations) == 0 {
			t.Errorf("acknowledging before the commit was not noticed in %d acknowledgements", v.Acks)
		}
	})
}

// traced runs a load on the program under strace and judges the trace.
func traced(t *testing.T, opt kill.Options, clients, contacts int) (int64, trace.Verdict) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "calls")
	opt.Wrap = trace.Args(file)
	r := newRig(t, opt)
	child := childOf(t, r.svc.Pid())
	t.Cleanup(func() { _ = syscall.Kill(child, syscall.SIGKILL) }) // strace alone would leave it running
	r.again = 0
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var wg sync.WaitGroup
	for c := range clients {
		rng := rand.New(rand.NewPCG(3, uint64(c)))
		wg.Go(func() {
			for n := range contacts {
				r.customer(ctx, rng, fmt.Sprintf("s%d-%d", c, n), (c+n)%rigChannels, 0)
			}
		})
	}
	wg.Wait()
	if err := syscall.Kill(child, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case <-r.svc.Exited():
	case <-time.After(30 * time.Second):
		t.Fatal("the traced program did not stop within 30 s")
	}
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	calls, err := trace.Read(f)
	if err != nil {
		t.Fatal(err)
	}
	return r.acks.Load(), trace.SyncBeforeAck(calls, "/channels/")
}

// childOf finds the program that strace runs.
func childOf(t *testing.T, pid int) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		t.Fatal(err)
	}
	child, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatalf("children of strace: %q", text)
	}
	return child
}
