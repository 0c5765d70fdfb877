//go:build race

package graph_test

// slower is how many times fewer flows are drawn where the race detector makes
// all slower.
const slower = 10
