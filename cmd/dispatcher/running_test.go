package main

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TestHangupLooksAgain: SIGHUP asks for another look at the flow files and
// does not end the service.
func TestHangupLooksAgain(t *testing.T) {
	t.Parallel()
	mine := make(chan os.Signal, 1)
	signal.Notify(mine, syscall.SIGHUP) // from here on it does not end this process; for good, one may still be on its way when the test ends
	ctx, stop := context.WithCancel(t.Context())
	kicked := make(chan struct{}, 1)
	var wg sync.WaitGroup
	wg.Go(func() {
		onHangup(ctx, func() {
			select {
			case kicked <- struct{}{}:
			default:
			}
		})
	})
	again := time.NewTicker(5 * time.Millisecond) // it may not listen yet
	defer again.Stop()
	for looked := false; !looked; {
		if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		select {
		case <-kicked:
			looked = true
		case <-again.C:
		}
	}
	stop()
	wg.Wait()
}
