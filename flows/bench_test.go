package flows

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"dispatcher/engine"
)

// large is a project of n flows of 20 states each, every state with texts,
// conditions and ways out.
func large(n int) *Files {
	f := &Files{Name: "large", Data: map[string][]byte{}}
	var rules strings.Builder
	for i := range n {
		fmt.Fprintf(&rules, "  - {if: entry.ref == \"f%d\", flow: f%d}\n", i, i)
		var b strings.Builder
		fmt.Fprintf(&b, "flow: f%d\nstates:\n  start: {goto: s1}\n", i)
		for j := 1; j < 18; j++ {
			fmt.Fprintf(&b, "  s%d:\n    ask: \"Question %d of flow %d, {{ contact.first_name ?? 'you' }}?\"\n    options:\n      Go on: s%d\n      - x\n", j, j, i, j+1)
		}
		text := strings.ReplaceAll(b.String(), "      - x\n", "      Stop here: bye\n")
		text += "  s18: {goto: bye}\n  bye:\n    branch:\n      - if: contact.vip and message.words > 3\n        handoff: general\n      - else: start\n"
		f.Data[fmt.Sprintf("flows/f%03d.yaml", i)] = []byte(text)
	}
	f.Data[projectFile] = []byte("dispatcher: 1\nbudget: {questions: 99}\nstart:\n" + rules.String() + "  - else: f0\n")
	return f
}

func TestLargeProjectIsClean(t *testing.T) {
	t.Parallel()
	p := Load(large(20), Options{})
	if !p.OK() || len(p.Diagnostics) > 0 {
		t.Fatalf("%s %v", p.Summary(), p.Diagnostics[:1])
	}
}

// BenchmarkLoad500 checks and compiles 500 flows of 20 states; x-compile is
// its time over that of compiling as many expressions one by one.
func BenchmarkLoad500(b *testing.B) {
	files := large(500)
	start := time.Now()
	const sample = 500
	for range sample {
		if _, err := engine.CompileExpr("contact.vip and message.words > 3", "x"); err != nil {
			b.Fatal(err)
		}
	}
	one := time.Since(start) / sample
	var p *Project
	for b.Loop() {
		p = Load(files, Options{})
	}
	if !p.OK() {
		b.Fatal(p.Summary())
	}
	b.ReportMetric(float64(b.Elapsed())/float64(b.N)/float64(one)/float64(p.Counts.Expressions), "x-compile")
	b.ReportMetric(float64(p.Counts.Expressions), "expressions")
}

// BenchmarkReload500 loads them again after one flow was edited.
func BenchmarkReload500(b *testing.B) {
	files, opts := large(500), Options{Warm: new(Warm)}
	Load(files, opts)
	for b.Loop() {
		if !Load(files, opts).OK() {
			b.Fatal("the flows are broken")
		}
	}
}

// TestWarmLoadIsTheSame: what was compiled before changes neither the words
// nor the places.
func TestWarmLoadIsTheSame(t *testing.T) {
	t.Parallel()
	warm := Options{Warm: new(Warm)}
	good := func(cond string, above int) *Files {
		return &Files{Name: "p", Data: map[string][]byte{"flows/a.yaml": []byte("flow: a\n" + strings.Repeat("# more\n", above) +
			"states:\n  start:\n    say:\n      - if: " + cond + "\n        text: \"{{ contact.first_name ?? 'you' }} {{ message.words + 1 }}\"\n      - else: Hello\n    resolve: done\n")}}
	}
	for _, files := range []*Files{good("contact.vip", 0), good("contact.vip", 3), good("contact.vipp", 0), good("contact.vip and", 1), good("message.words > 1", 2), good("contact.vip", 0)} {
		got, want := Load(files, warm), Load(files, Options{})
		if got.Summary() != want.Summary() || !reflect.DeepEqual(got.Diagnostics, want.Diagnostics) || got.OK() != want.OK() {
			t.Errorf("%v\nwant %v", got.Diagnostics, want.Diagnostics)
		}
		if got.OK() {
			arm := func(p *Project) *engine.Expr { return p.Set.Flows["a"].States["start"].Say[0].Group[0].If }
			if g, w := arm(got), arm(want); g.Source != w.Source || g.Rule != w.Rule {
				t.Errorf("%s at %s, want %s at %s", g.Source, g.Rule, w.Source, w.Rule)
			}
		}
	}
}
