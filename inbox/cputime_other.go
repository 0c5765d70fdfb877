//go:build !linux

package inbox

import "time"

// cost is the time f takes.
func cost(f func()) time.Duration {
	start := time.Now()
	f()
	return time.Since(start)
}
