//go:build !race

package engine

// raced says that the detector runs.
const raced = false
