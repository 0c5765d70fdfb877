//go:build !race

package rehearse_test

// slower is how many times fewer transcripts are run.
const slower = 1
