package proof

import (
	"context"
	"errors"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"dispatcher/internal/proof/disk"
	"dispatcher/internal/proof/kill"
)

// diskMiB leaves room above the 256 MiB below which nothing is accepted.
const diskMiB = 320

// TestPromise_P11_DiskFull: a disk that fills up stops the intake, corrupts
// nothing, and the program goes on by itself when there is space again.
func TestPromise_P11_DiskFull(t *testing.T) {
	s := scale(t)
	t.Parallel()
	d, r := smallDisk(t, kill.Options{})
	fills := of(s, 3, 60, 60)
	slowest, stopped := filling(t, d, r, fills)
	r.settle(time.Minute)
	f := r.book()
	clean(t, f)
	if slowest > 5*time.Second {
		t.Errorf("it took %s after the space was back", slowest)
	}
	report(t, "P11_DiskFull: a disk of %d MiB filled to the last page %d times under load, intake stopped %d times and said so, back after at most %.1f s: %s; integrity ok",
		diskMiB, fills, stopped, slowest.Seconds(), f)
	t.Run("mutant/ack_before_commit", func(t *testing.T) {
		t.Parallel()
		d, r := smallDisk(t, kill.Options{Binary: kill.Build(t, instrumented), Env: []string{"DISPATCHER_MUTANT=ack_before_commit"}})
		filling(t, d, r, 2)
		r.settle(time.Minute)
		if f := r.book(); len(f.Lost) == 0 {
			t.Errorf("acknowledging what the disk refused was not noticed: %s", f)
		}
	})
}

// smallDisk is a rig whose data lies on a disk of its own.
func smallDisk(t *testing.T, opt kill.Options) (*disk.Small, *rig) {
	t.Helper()
	d, err := disk.Mount(t, diskMiB)
	if errors.Is(err, disk.ErrNotAllowed) {
		require(t, "tmpfs", false)
	}
	if err != nil {
		t.Fatal(err)
	}
	opt.Data = filepath.Join(d.Dir, "data")
	return d, newRig(t, opt)
}

// filling fills and clears the disk under load, every third time only down to
// where nothing new is accepted. It gives the longest time from the space
// being back to the next acknowledgement, and how often the intake stood still.
func filling(t *testing.T, d *disk.Small, r *rig, times int) (slowest time.Duration, stopped int) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	wait := r.load(ctx, 11, 12, 10*time.Millisecond)
	for n := range times {
		if !r.ackAfter(r.acks.Load()+50, 30*time.Second) {
			t.Errorf("fill %d: no load", n)
			break
		}
		leave := int64(0)
		if n%3 == 2 {
			leave = 128 << 20
		}
		if err := d.Fill(leave); err != nil {
			t.Error(err)
			break
		}
		if still(r) {
			stopped++
		} else {
			t.Errorf("fill %d: events were acknowledged for 10 s on a full disk", n)
		}
		if status := get(t, r.svc.URL+"/readyz"); status != http.StatusServiceUnavailable {
			t.Errorf("fill %d: /readyz answers %d on a full disk", n, status)
		}
		if err := d.Clear(); err != nil {
			t.Error(err)
			break
		}
		start := time.Now()
		if !r.ackAfter(r.acks.Load(), 30*time.Second) {
			t.Errorf("fill %d: nothing was acknowledged for 30 s after the space was back", n)
			break
		}
		slowest = max(slowest, time.Since(start))
	}
	stop()
	wait()
	return slowest, stopped
}

// still waits until nothing was acknowledged for a second.
func still(r *rig) bool {
	for range 10 {
		if !r.ackAfter(r.acks.Load(), time.Second) {
			return true
		}
		pause(context.Background(), 300*time.Millisecond)
	}
	return false
}

func get(t *testing.T, url string) int {
	t.Helper()
	client := &http.Client{Timeout: 5 * time.Second}
	defer client.CloseIdleConnections()
	res, err := client.Get(url)
	if err != nil {
		t.Error(err)
		return 0
	}
	_ = res.Body.Close()
	return res.StatusCode
}
