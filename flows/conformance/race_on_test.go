//go:build race

package conformance

// raced: the race detector makes everything some ten times slower; less is tried.
const raced = true
