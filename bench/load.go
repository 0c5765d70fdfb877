package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// clients is how many wait at once where nothing else is said.
const clients = 64

// outcome is what came of one stretch of load.
type outcome struct {
	done, refused int64
	took          time.Duration
	waits         []time.Duration // of an open loop: from when it should have been sent
	why           error           // of the first refusal
}

// rate is accepted per second.
func (o outcome) rate() float64 { return float64(o.done) / o.took.Seconds() }

// work sends or writes one thing; who is the waiter, from 0.
type work func(who int) error

// closedLoop has n waiters do it as fast as each is answered.
func closedLoop(ctx context.Context, n int, d time.Duration, do work) (outcome, error) {
	var o outcome
	var done, refusedN atomic.Int64
	var fails failures
	var wg sync.WaitGroup
	begun := time.Now()
	for who := range n {
		wg.Go(func() {
			for time.Since(begun) < d && ctx.Err() == nil {
				if err := do(who); isRefused(err) {
					refusedN.Add(1)
					fails.refused(err)
				} else if err != nil {
					fails.add(err)
					return
				} else {
					done.Add(1)
				}
			}
		})
	}
	wg.Wait()
	o.done, o.refused, o.took, o.why = done.Load(), refusedN.Load(), time.Since(begun), fails.first
	return o, fails.err()
}

// openLoop begins perSecond of them a second whether or not earlier ones are
// answered, on up to n waiters; each wait counts from the moment it should
// have begun, so a stall is not forgiven.
func openLoop(ctx context.Context, n int, perSecond float64, d time.Duration, do work) (outcome, error) {
	var o outcome
	var fails failures
	var next, refusedN atomic.Int64
	total := int64(perSecond * d.Seconds())
	waits := make([][]time.Duration, n)
	var wg sync.WaitGroup
	begun := time.Now()
	for who := range n {
		wg.Go(func() {
			for ctx.Err() == nil {
				i := next.Add(1) - 1
				if i >= total {
					return
				}
				due := begun.Add(time.Duration(float64(i) / perSecond * float64(time.Second)))
				time.Sleep(time.Until(due))
				err := do(who)
				waits[who] = append(waits[who], time.Since(due))
				if isRefused(err) {
					refusedN.Add(1)
					fails.refused(err)
				} else if err != nil {
					fails.add(err)
					return
				}
			}
		})
	}
	wg.Wait()
	o.took, o.refused, o.why = time.Since(begun), refusedN.Load(), fails.first
	for _, list := range waits {
		o.waits = append(o.waits, list...)
	}
	o.done = int64(len(o.waits)) - o.refused
	return o, fails.err()
}

// failures keeps the first refusal and every error that ended a waiter.
type failures struct {
	mu    sync.Mutex
	first error
	hard  error
}

func (f *failures) refused(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.first == nil {
		f.first = err
	}
}

func (f *failures) add(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.hard = errors.Join(f.hard, err)
}

func (f *failures) err() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.hard != nil {
		return fmt.Errorf("load: %w", f.hard)
	}
	return nil
}
