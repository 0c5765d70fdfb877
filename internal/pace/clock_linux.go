package pace

import (
	"syscall"
	"time"
)

// threadUsage is RUSAGE_THREAD of getrusage(2).
const threadUsage = 1

func threadTime() time.Duration { return usage(threadUsage) }

func processTime() time.Duration { return usage(syscall.RUSAGE_SELF) }

func usage(who int) time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(who, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
