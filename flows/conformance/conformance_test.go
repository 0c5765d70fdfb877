package conformance

import (
	"flag"
	"slices"
	"strings"
	"sync"
	"testing"

	"dispatcher/engine"
	"dispatcher/flows"
	"dispatcher/flows/rehearse"
)

var adopt = flag.String("adopt", "", "take what was found in the fixtures with this in their path for what is wanted, once somebody has judged it")

var rewrite = flag.Bool("rewrite", false, "write what check prints into the fixtures that announce something")

// open is the list of fixtures whose rule does not hold yet, with what happens
// instead. They are not run; TestOpenDefects prints them.
var open = map[string]string{}

// TestConformance runs every fixture: what check finds is what is announced,
// at the very line and column, and every transcript passes.
func TestConformance(t *testing.T) {
	t.Parallel()
	for _, f := range fixtures(t) {
		if open[f.path] != "" {
			continue
		}
		t.Run(strings.TrimSuffix(f.path, ".txtar"), func(t *testing.T) {
			t.Parallel()
			f.run(t, nil)
		})
	}
}

func (f *fixture) run(t *testing.T, watch func(string, engine.Result)) {
	t.Helper()
	p, tests, found := f.load()
	text := said(p, tests)
	if *adopt != "" && strings.Contains(f.path, *adopt) {
		f.adopt(t, found)
		return
	}
	if !slices.Equal(found, f.want) {
		t.Errorf("want %s\ngot  %s\n%s", strings.Join(f.want, "\n     "), strings.Join(found, "\n     "), text)
		return
	}
	switch {
	case *rewrite && len(f.want) > 0 && !f.talks:
		f.rewrite(t, text)
	case f.check != nil && string(f.check) != text:
		t.Errorf("check prints\n%s\nwant\n%s", text, f.check)
	case len(f.want) > 0 && !f.talks && f.check == nil:
		t.Error("it announces problems and does not show what check prints")
	}
	if trouble := f.talk(p, tests, watch); trouble != "" {
		t.Error(trouble)
	}
}

// talk runs the transcripts of a fixture and says what is wrong; "" = nothing.
func (f *fixture) talk(p *flows.Project, tests *flows.Tests, watch func(string, engine.Result)) string {
	if !f.talks || !p.OK() || !tests.OK() {
		if f.talks && len(f.want) == 0 {
			return "its tests cannot run:\n" + said(p, tests)
		}
		return ""
	}
	var out strings.Builder
	report := f.suite(p, tests, watch).Run()
	if !report.OK() || len(report.Outcomes) == 0 {
		report.WriteText(&out, rehearse.Style{})
	}
	return out.String()
}

// TestOpenDefects prints the fixtures that do not hold yet.
func TestOpenDefects(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, f := range fixtures(t) {
		known[f.path] = true
		if open[f.path] == "" {
			continue
		}
		p, tests, found := f.load()
		if slices.Equal(found, f.want) && f.talk(p, tests, nil) == "" {
			t.Errorf("%s holds now: take it off the list", f.path)
		}
	}
	for path, what := range open {
		t.Logf("open: %s: %s", path, what)
		if !known[path] {
			t.Errorf("%s is no fixture", path)
		}
	}
	t.Logf("%d open defects", len(open))
}

// traces are those of every transcript.
func traces(t *testing.T, all []*fixture) []engine.Trace {
	t.Helper()
	var mu sync.Mutex
	var out []engine.Trace
	for _, f := range all {
		if !f.talks || open[f.path] != "" {
			continue
		}
		p, tests, _ := f.load()
		if !p.OK() || !tests.OK() {
			continue
		}
		f.suite(p, tests, func(_ string, r engine.Result) {
			mu.Lock()
			defer mu.Unlock()
			out = append(out, r.Trace)
		}).Run()
	}
	return out
}
