package proof

import (
	"fmt"
	"os"
	"testing"

	"dispatcher/internal/proof/kill"
)

// TestMain takes the programs that were built away again. Started as the child
// of a proof it is that child.
func TestMain(m *testing.M) {
	if dir := os.Getenv(storeChild); dir != "" {
		fmt.Fprintln(os.Stderr, writeUntilKilled(dir, os.Stdout))
		os.Exit(1)
	}
	code := m.Run()
	kill.Cleanup()
	os.Exit(code)
}
