//go:build mutants

package inbox

import (
	"log/slog"
	"os"
)

// The seams at which a proof plants a fault, by the environment variable
// DISPATCHER_MUTANT. A proof that does not catch its mutant fails.

func mutant(name string) bool { return os.Getenv("DISPATCHER_MUTANT") == name }

func acknowledgeEarly() bool { return mutant("ack_before_commit") }

func skipMark() bool { return mutant("send_without_mark") }

func cancelAtHandoff() bool { return mutant("cancel_at_handoff") }

func logText(text string) {
	if mutant("log_text") {
		slog.Default().Info("message", slog.String("text", text))
	}
}
