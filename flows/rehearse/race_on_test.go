//go:build race

package rehearse_test

// slower is how many times fewer transcripts are run where the race detector makes all slower.
const slower = 10
