package conformance

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"dispatcher/flows"
	"dispatcher/internal/pace"
)

// badInput is what broken editors, wrong files and attackers write, with a
// code that must be among those found.
func badInput() []struct{ name, flow, code string } {
	good := "flow: a\nstates:\n  start: {say: Hi, resolve: done}\n"
	start := "flow: a\nslots: {t: {type: text, default: x}}\nstates:\n  start:\n"
	deep := strings.Repeat("(", 200) + "1 == 1" + strings.Repeat(")", 200)
	return []struct{ name, flow, code string }{
		{"100,000 lines", "flow: a\nstates:\n" + strings.Repeat("  start: {resolve: done}\n", 35_000), "E108"},
		{"100,000 lines of comments and a mistake", good + strings.Repeat("# x\n", 100_000) + "goto: x\n", "E101"},
		{"600,000 brackets", strings.Repeat("[", 600_000), "E007"},
		{"600,000 braces", "flow: a\nx: " + strings.Repeat("{a: ", 200_000), "E007"},
		{"an alias bomb", "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nd: [*c, *c]\n", "E008"},
		{"invalid UTF-8", "flow: a\xff\xfe\nstates: {}\n", "E007"},
		{"UTF-16", "\xff\xfef\x00l\x00", "E007"},
		{"NUL", good + "\x00", "E007"},
		{"tabs", "flow: a\nstates:\n\tstart: {resolve: done}\n", "E002"},
		{"two documents", good + "---\n" + good, "E007"},
		{"over 1 MiB", good + "# " + strings.Repeat("x", 1<<20), "E007"},
		{"nothing", "", "E007"},
		{"a mark alone", "\xef\xbb\xbf", "E007"},
		{"1 MiB of {{", "flow: a\nstates:\n  start:\n    resolve: done\n    say: \"" + strings.Repeat("{{", 1<<19-100) + "\"\n", "E213"},
		{"an expression of 3,000 characters", start + "    when: \"" + strings.Repeat("1 + ", 800) + "1 > 0\"\n    resolve: done\n", "E207"},
		{"an expression too deep", start + "    when: " + deep + "\n    resolve: done\n", "E207"},
		{"an expression that would loop", start + "    when: \"any(1..1000000000, # > 3)\"\n    resolve: done\n", "E205"},
		{"an expression that would double", start + "    when: \"repeat(slots.t, 1000000) != 'x'\"\n    resolve: done\n", "E205"},
		{"a pattern that its example does not match", "flow: a\nslots: {o: {pattern: '[A-Z]{2}', example: ab1}}\nstates:\n  start: {collect: {o: O?}, resolve: done}\n", "E321"},
		{"a pattern that would repeat for ever", "flow: a\nslots: {o: {pattern: '(a{1000}){1000}'}}\nstates:\n  start: {collect: {o: O?}, resolve: done}\n", "E206"},
		{"an option that an escape swallows", start + "    ask: Which?\n    options: {Stop: two, Other: two}\n  two: {resolve: done}\n", "E324"},
		{"an option that another escape hears", start + "    ask: Which?\n    options: {Real person: two, Other: two}\n  two: {resolve: done}\n", "W323"},
		{"300,000 aliases", "a: &a x\nb: [" + strings.Repeat("*a,", 300_000) + "]\n", "E008"},
		{"a million empty {{ }}", "flow: a\nstates:\n  start:\n    resolve: done\n    say: \"" + strings.Repeat("{{}}", 1<<18-100) + "\"\n", "E201"},
		{"15,000 arms of one branch", start + "    branch:\n" + manyLines("      - {if: slots.t == \"%d\", goto: start}\n", 15_000), "W313"},
		{"patterns of a million steps", "flow: a\nslots:\n" + manyLines("  s%d: {pattern: '"+strings.Repeat(`(\\pL{100})`, 20)+"'}\n", 3_000) + "states:\n  start: {resolve: done}\n", "E206"},
		{"20,000 patterns that are too much together", "flow: a\nslots:\n" + manyLines("  s%[1]d: {pattern: '(.{30}){30}%[1]d'}\n", 20_000) + "states:\n  start: {resolve: done}\n", "E206"},
		{"10,000 unknown keys", "flow: a\n" + manyLines("key%d: x\n", 10_000), "E101"},
		{"5,000 states", "flow: a\nstates:\n  start: {resolve: done}\n" + manyLines("  s%d: {resolve: done}\n", 5_000), "E007"},
	}
}

func manyLines(format string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

// TestBadInput: whatever is in the file, a problem with a place in bounded time
// and memory, and no set that could take the place of the
// one that runs.
func TestBadInput(t *testing.T) { // not parallel: memory is that of the whole process
	const mostUnits, mostMemory = 450, 512 << 20
	slowest, largest, who := 0.0, uint64(0), ""
	for _, in := range badInput() {
		if raced && len(in.flow) > 200_000 {
			continue
		}
		files := empty("shop")
		files.Data["flows/a.yaml"] = []byte(in.flow)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		var p *flows.Project
		units := pace.Of(func() { p = flows.Load(files, options("")) })
		runtime.ReadMemStats(&after)
		used := after.TotalAlloc - before.TotalAlloc
		if units > slowest {
			slowest, who = units, in.name
		}
		largest = max(largest, used)
		if units > mostUnits && !raced || used > mostMemory {
			t.Errorf("%s costs %.0f units and %d MiB", in.name, units, used>>20)
		}
		hit := false
		for _, d := range p.Diagnostics {
			hit = hit || d.Code == in.code
			if d.Range.File == "" || d.Range.Line < 1 || d.Range.Column < 1 || d.Message == "" || d.Code == "E299" {
				t.Errorf("%s: %+v", in.name, d)
			}
		}
		if !hit {
			t.Errorf("%s: no %s among %d problems: %s", in.name, in.code, len(p.Diagnostics), shown(p.Diagnostics[:min(3, len(p.Diagnostics))]))
		}
		if in.code[0] == 'E' && (p.OK() || p.Set != nil) {
			t.Errorf("%s was taken", in.name)
		}
	}
	t.Logf("%d bad inputs: slowest %.0f units (%s), largest %d MiB allocated", len(badInput()), slowest, who, largest>>20)
}

// TestFlowFiles: 500 files of flows are taken, the next one is not (E007).
func TestFlowFiles(t *testing.T) {
	t.Parallel()
	files := empty("shop")
	files.Data["dispatcher.yaml"] = []byte("dispatcher: 1\nstart: f0\n")
	for i := range 500 {
		files.Data[fmt.Sprintf("flows/f%d.yaml", i)] = fmt.Appendf(nil, "flow: f%d\nstates:\n  start: {resolve: done}\n", i)
	}
	if p := flows.Load(files, options("")); !p.OK() {
		t.Errorf("500 flows are too many: %s", shown(p.Diagnostics[:1]))
	}
	files.Data["flows/last.yaml"] = []byte("flow: last\nstates:\n  start: {resolve: done}\n")
	if p := flows.Load(files, options("")); p.OK() || p.Diagnostics[0].Code != "E007" {
		t.Error("501 flows are taken")
	}
}
