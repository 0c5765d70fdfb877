//go:build !mutants

package desk

// The seams at which a proof plants a fault. This is the honest build: none.

func readThenWrite() bool { return false }
