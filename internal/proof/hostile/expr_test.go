package hostile

import (
	"flag"
	"strings"
	"testing"
)

// The proofs of ./internal/proof/... are given one flag for all packages.
var _ = flag.String("proof.scale", "", "of package proof; not used here")

// FuzzExprCompileRun is P9's: p09 runs it in a child with a memory limit.
func FuzzExprCompileRun(f *testing.F) {
	long := strings.Repeat("aé b1", 2000)
	for _, k := range Killers() {
		f.Add(k, long)
	}
	f.Fuzz(func(t *testing.T, src, text string) {
		if len(text) > 0 && len(text) < 100 {
			text = strings.Repeat(text, 10_000/len(text))
		}
		if r := []rune(text); len(r) > 10_000 {
			text = string(r[:10_000]) // channels keep that much
		}
		compile, run := RunExpr(src, text)
		if why := compile.Over(); why != "" {
			t.Fatalf("compiling takes %s: %.120q", why, src)
		}
		if why := run.Over(); why != "" {
			t.Fatalf("running takes %s: %.120q", why, src)
		}
	})
}

// TestRunExprRuns: an expression that is good is run, in all its places.
func TestRunExprRuns(t *testing.T) {
	t.Parallel()
	_, cheap := RunExpr(`slots.n > 1`, "hi")
	_, dear := RunExpr(`any(slots.l, any(slots.l, any(slots.l, # == "zzz")))`, "hi")
	if cheap.Bytes == 0 || dear.CPU <= cheap.CPU {
		t.Errorf("%+v, %+v: the expression is not run", cheap, dear)
	}
}
