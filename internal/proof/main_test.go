package proof

import (
	"os"
	"testing"

	"dispatcher/internal/proof/kill"
)

// TestMain takes the programs that were built away again.
func TestMain(m *testing.M) {
	code := m.Run()
	kill.Cleanup()
	os.Exit(code)
}
