package proof

import (
	"flag"
	"os"
	"slices"
	"strings"
	"testing"
)

var scaleFlag = flag.String("proof.scale", "", "size of the proofs: change, night or release; empty leaves them out")

// size is how much a proof does.
type size int

const (
	change size = iota
	night
	release
)

// scale gives the size of this run and leaves the proof out of plain go test.
func scale(t testing.TB) size {
	t.Helper()
	switch *scaleFlag {
	case "change":
		return change
	case "night":
		return night
	case "release":
		return release
	case "":
		t.Skip("a proof: run it with make proof")
	default:
		t.Fatalf("-proof.scale=%s: it is change, night or release", *scaleFlag)
	}
	return change
}

// of picks the figure for a size.
func of[T any](s size, perChange, perNight, perRelease T) T {
	return [...]T{perChange, perNight, perRelease}[s]
}

// require skips loudly a proof whose tool is missing, and fails it where
// PROOF_REQUIRE names the tool or the run is CI's.
func require(t testing.TB, tool string, have bool) {
	t.Helper()
	if have {
		return
	}
	if os.Getenv("CI") != "" || slices.Contains(strings.Split(os.Getenv("PROOF_REQUIRE"), ","), tool) {
		t.Fatalf("this proof needs %s, which this machine lacks", tool)
	}
	t.Skipf("NOT PROVEN: this proof needs %s, which this machine lacks", tool)
}

// report prints one line of the table of promises: what was done, what came of it.
func report(t testing.TB, format string, args ...any) {
	t.Helper()
	t.Logf("PROOF "+format, args...)
}
