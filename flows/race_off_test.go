//go:build !race

package flows

const scale = 1
