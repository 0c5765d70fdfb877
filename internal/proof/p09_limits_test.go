package proof

import (
	"fmt"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/expr-lang/expr"

	"dispatcher/engine"
	"dispatcher/flows"
	"dispatcher/flows/starter"
	"dispatcher/internal/proof/hostile"
)

// childMemory is the address space of the child in KiB: what a run-away
// expression would need many times over.
const childMemory = 4 << 20

// TestPromise_P9_FuzzExprCompileRun: no expression, pattern or text hangs or
// exhausts the process. The fuzzer runs in a child that cannot take more than
// its memory, so that a crash is a result and not the end of the proof.
func TestPromise_P9_FuzzExprCompileRun(t *testing.T) {
	size := scale(t)
	begun := time.Now()
	runs := fuzzChild(t, of(size, 20*time.Second, 20*time.Minute, 2*time.Hour))
	texts, worst := hostileTexts(t, of(size, 1000, 50_000, 500_000))
	t.Run("mutant", func(t *testing.T) {
		// The same measure, of the library without our limits.
		list := make([]int, 60)
		program, err := expr.Compile(`count(l, count(l, count(l, any(l, # < 0)) > 0) > 0)`, expr.Env(map[string]any{"l": list}))
		if err != nil {
			t.Fatal(err)
		}
		cost := hostile.Measure(func() { _, err = expr.Run(program, map[string]any{"l": list}) })
		if cost.CPU <= hostile.MaxCPU {
			t.Errorf("an expression without fuel takes %+v (%v): the measure does not see it", cost, err)
		}
		built := hostile.Measure(func() { _ = strings.Repeat("x", 17<<20) })
		if built.Over() == "" {
			t.Errorf("17 MiB in one piece are not seen: %+v", built)
		}
	})
	report(t, "P9: %d seeds, %s runs of the fuzzer in a child with %d GiB, %d texts (dearest step %v, %d KiB): no run over %v, no allocation over %d MiB, no crash; %.1f s",
		len(hostile.Killers()), runs, childMemory>>20, texts, worst.CPU, worst.Bytes>>10, hostile.MaxCPU, hostile.MaxBytes>>20, time.Since(begun).Seconds())
}

var fuzzed = regexp.MustCompile(`execs: (\d+)`)

// fuzzChild builds the fuzz target and runs it under a limit of memory.
func fuzzChild(t *testing.T, long time.Duration) (runs string) {
	t.Helper()
	dir := t.TempDir()
	binary := filepath.Join(dir, "fuzz.test")
	if out, err := exec.Command("go", "test", "-c", "-fuzz=^FuzzExprCompileRun$", "-o", binary, "dispatcher/internal/proof/hostile").CombinedOutput(); err != nil {
		t.Fatalf("build the fuzzer: %v\n%s", err, out)
	}
	cmd := exec.Command("sh", "-c", fmt.Sprintf(`ulimit -v %d && exec "$0" "$@"`, childMemory), binary, "-test.run=^$", "-test.fuzz=^FuzzExprCompileRun$",
		"-test.fuzztime="+long.String(), "-test.fuzzminimizetime=5s", "-test.fuzzcachedir="+filepath.Join(dir, "cache"), "-test.parallel=2")
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	all := fuzzed.FindAllStringSubmatch(string(out), -1)
	if err != nil || len(all) == 0 {
		t.Fatalf("the fuzzer: %v\n%s", err, tailOf(out, 4000))
	}
	return all[len(all)-1][1]
}

func tailOf(out []byte, n int) string {
	if len(out) > n {
		out = out[len(out)-n:]
	}
	return string(out)
}

// hostileTexts lets customers write what hurts classifiers, normalisers and
// finders, to every state of the starter that listens.
func hostileTexts(t *testing.T, n int) (int, hostile.Cost) {
	t.Helper()
	files, err := flows.Read(starter.FS, "starter")
	if err != nil {
		t.Fatal(err)
	}
	set := loadAs(files).Set
	if set == nil {
		t.Fatal("the starter does not load")
	}
	r := rand.New(rand.NewPCG(9, 9))
	var worst hostile.Cost
	for i := range n {
		st := engine.NewState(set)
		for turn, text := range []string{"hi", walk[i%len(walk)], hostile.Text(r), hostile.Text(r)} {
			ev := engine.Event{Kind: engine.EvMessage, Seq: int64(turn + 1), Text: text, Opening: turn == 0,
				World: engine.World{Now: time.Unix(1795161600+int64(turn), 0).UTC(), ID: "c", Rehearsal: true}}
			var res engine.Result
			cost := hostile.Measure(func() { res = engine.Step(engine.Sets{Live: set}, st, ev) })
			st = res.State
			if why := cost.Over(); why != "" {
				t.Errorf("a text of %d bytes takes %s at %s: %.80q", len(text), why, st.Position(), text)
			}
			worst.CPU, worst.Bytes = max(worst.CPU, cost.CPU), max(worst.Bytes, cost.Bytes)
		}
	}
	return n, worst
}

// walk leads to the states that ask.
var walk = []string{"1", "2", "3", "4", "menu", "AB123456"}
