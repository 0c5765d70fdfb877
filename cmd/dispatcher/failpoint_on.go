//go:build failpoints

package main

import (
	"os"
	"strings"
	"syscall"
	"time"
)

// failpoint acts at one named place of the write path, as DISPATCHER_FAILPOINT
// says: NAME=kill, NAME=panic or NAME=stall. Only the proofs build this.
func (m *Main) failpoint() func(string) {
	at, action, ok := strings.Cut(m.Getenv("DISPATCHER_FAILPOINT"), "=")
	if !ok {
		return nil
	}
	return func(name string) {
		if name != at {
			return
		}
		switch action {
		case "kill":
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			time.Sleep(time.Hour) // never returns into the code behind the kill
		case "panic":
			panic("failpoint " + name)
		case "stall":
			time.Sleep(3 * time.Second)
		}
	}
}
