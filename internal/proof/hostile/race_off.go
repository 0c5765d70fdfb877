//go:build !race

package hostile

// slow: an honest build is measured as it is.
const slow = 1
