//go:build failpoints

package main

import (
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// failpoint acts at one named place of the write path, as DISPATCHER_FAILPOINT
// says: NAME=kill, NAME=panic or NAME=stall; NAME@N waits for the N-th time.
// With DISPATCHER_FAILPOINT_FILE the order is read from a file each time, so
// that a proof can give it to a program that runs. Only the proofs build this.
func (m *Main) failpoint() func(string) {
	return func(name string) { _ = m.reach(name) }
}

// storeFailpoint is the same for the store, which also knows NAME=error: the
// disk refuses.
func (m *Main) storeFailpoint() func(string) error { return m.reach }

// reached counts per order how often its place was passed. It is the one
// package-level variable: this file is in no build that people run.
var reached struct {
	mu    sync.Mutex
	order string
	times int
}

func (m *Main) reach(name string) error {
	order := m.Getenv("DISPATCHER_FAILPOINT")
	if file := m.Getenv("DISPATCHER_FAILPOINT_FILE"); file != "" {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil // nothing is ordered
		}
		order = strings.TrimSpace(string(text))
	}
	at, action, _ := strings.Cut(order, "=")
	at, nth, counted := strings.Cut(at, "@")
	if at != name || counted && !now(order, nth) {
		return nil
	}
	return act(name, action)
}

// now says whether this is the time the order waits for.
func now(order, nth string) bool {
	n, err := strconv.Atoi(nth)
	reached.mu.Lock()
	defer reached.mu.Unlock()
	if reached.order != order {
		reached.order, reached.times = order, 0
	}
	reached.times++
	return err == nil && reached.times == n
}

func act(name, action string) error {
	switch action {
	case "kill":
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		time.Sleep(time.Hour) // never returns into the code behind the kill
	case "panic":
		panic("failpoint " + name)
	case "stall":
		time.Sleep(3 * time.Second)
	case "error":
		return syscall.EIO
	}
	return nil
}
