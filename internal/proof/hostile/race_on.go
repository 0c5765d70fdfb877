//go:build race

package hostile

// slow is how much the race detector lengthens a run, generously.
const slow = 20
