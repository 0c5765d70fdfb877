//go:build !race

package graph_test

// slower is how many times fewer flows are drawn.
const slower = 1
