package main

import (
	"slices"
	"time"
)

// median of the rounds; 0 of none.
func median(list []float64) float64 {
	if len(list) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(list))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// extremes are the least and the most.
func extremes(list []float64) (low, high float64) {
	if len(list) == 0 {
		return 0, 0
	}
	return slices.Min(list), slices.Max(list)
}

// quantile of durations, by nearest rank; it sorts the list.
func quantile(list []time.Duration, q float64) time.Duration {
	if len(list) == 0 {
		return 0
	}
	slices.Sort(list)
	at := int(q*float64(len(list))+0.999999) - 1
	return list[min(max(at, 0), len(list)-1)]
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
func us(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// ratios divides round by round.
func ratios(a, b []float64) []float64 {
	out := make([]float64, 0, len(a))
	for i := range min(len(a), len(b)) {
		if b[i] > 0 {
			out = append(out, a[i]/b[i])
		}
	}
	return out
}
