//go:build race

package flows

// scale makes hostile input smaller where the race detector makes all slower.
const scale = 40
