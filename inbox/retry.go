package inbox

import (
	"math/rand/v2"
	"time"
)

// Bounds of the retry schedule (channels.md 4.3).
const (
	retryLeast = time.Second
	retryMost  = 900 * time.Second
)

// retryDelay is the wait before attempt n (2, 3, …) with full jitter; random
// gives numbers in [0, 1).
func retryDelay(n int32, random func() float64) time.Duration {
	top := retryMost
	if n < 12 {
		top = min(retryMost, time.Second<<max(n-2, 0))
	}
	return max(retryLeast, time.Duration(random()*float64(top)))
}

// parkDelay is the wait before a parked event is tried again: 2 s to 15 min, full jitter.
func parkDelay(n int32, random func() float64) time.Duration {
	top := retryMost
	if n < 9 {
		top = min(retryMost, 4*time.Second<<max(n, 0))
	}
	return max(2*time.Second, time.Duration(random()*float64(top)))
}

func jitter() float64 { return rand.Float64() }
