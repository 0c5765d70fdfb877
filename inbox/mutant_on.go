//go:build mutants

package inbox

import (
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"
)

// The seams at which a proof plants a fault, by the environment variable
// DISPATCHER_MUTANT, one name or several with commas. A proof that does not catch its mutant fails.

func mutant(name string) bool {
	return slices.Contains(strings.Split(os.Getenv("DISPATCHER_MUTANT"), ","), name)
}

func acknowledgeEarly() bool { return mutant("ack_before_commit") }

// epochUnchecked: words decided under an old epoch leave all the same.
func epochUnchecked() bool { return mutant("epoch_not_checked") }

func skipMark() bool { return mutant("send_without_mark") }

func cancelAtHandoff() bool { return mutant("cancel_at_handoff") }

func logText(text string) {
	if mutant("log_text") {
		slog.Default().Info("message", slog.String("text", text))
	}
}

// forgetSeen: an event is known only while it is worked on.
func forgetSeen() bool { return mutant("dedupe_deleted") }

// lastFirst: a place is given before its lane is taken, so the last to come
// may be the first to be stored.
func lastFirst() bool { return mutant("id_before_lock") }

// admitEverything: no budget is looked at.
func admitEverything() bool { return mutant("admit_everything") }

// poisonSpreads: an event that cannot be decided on fails those beside it.
func poisonSpreads() bool { return mutant("poison_spreads") }

// stopAtOnce: nothing in flight is finished before the process ends.
func stopAtOnce() bool { return mutant("stop_at_once") }

// stepPanics is no fault of ours: with step_panics the engine fails at every
// text that begins with the word poison, each time it sees it.
func stepPanics(text string) {
	if mutant("step_panics") && strings.HasPrefix(text, "poison") {
		panic("step_panics")
	}
}

var lane = make(chan struct{}, 1)

// oneLane: all addresses wait in one line, one event at a time, each for as
// long as a slow disk takes.
func oneLane(events int) (leave func()) {
	if !mutant("one_lane") {
		return func() {}
	}
	lane <- struct{}{}
	time.Sleep(time.Duration(events) * 6 * time.Millisecond)
	return func() { <-lane }
}
