//go:build mutants

package desk

import (
	"os"
	"slices"
	"strings"
)

// The seams at which a proof plants a fault, by the environment variable
// DISPATCHER_MUTANT, one name or several with commas.

// readThenWrite: a claim looks first and writes later, whatever came between.
func readThenWrite() bool {
	return slices.Contains(strings.Split(os.Getenv("DISPATCHER_MUTANT"), ","), "read_then_write_claim")
}
