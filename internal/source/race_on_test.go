//go:build race

package source

// scale makes hostile input smaller where the race detector makes all slower.
const scale = 10
