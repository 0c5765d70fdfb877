//go:build race

package engine

// raced says that the detector runs: it makes pools forget, so that what they
// save cannot be counted.
const raced = true
