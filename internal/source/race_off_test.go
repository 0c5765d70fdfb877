//go:build !race

package source

const scale = 1
