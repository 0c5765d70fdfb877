package cookbook_test

import (
	"bytes"
	"errors"
	"io/fs"
	"strings"
	"testing"
	"unicode/utf8"

	"dispatcher/flows"
	"dispatcher/flows/cookbook"
	"dispatcher/flows/rehearse"
)

// read is one recipe as check and test read it.
func read(t *testing.T, name string) *flows.Files {
	t.Helper()
	project, err := cookbook.Project(name)
	if err != nil {
		t.Fatal(err)
	}
	files, err := flows.Read(project, name)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// Every recipe checks without a finding, is proved, and its own conversations
// go through every state, transition, option and condition of it.
func TestRecipes(t *testing.T) {
	t.Parallel()
	for _, r := range cookbook.Recipes() {
		t.Run(r.Name, func(t *testing.T) {
			t.Parallel()
			files := read(t, r.Name)
			clean(t, files)
			project, tests := flows.LoadTests(files, flows.Options{})
			if !project.OK() || !tests.OK() {
				var out strings.Builder
				tests.WriteText(&out, false)
				t.Fatal(out.String())
			}
			report := (&rehearse.Suite{Project: project, Tests: tests}).Run()
			if !report.OK() || report.Passed < 8 {
				var out strings.Builder
				report.WriteText(&out, rehearse.Style{})
				t.Fatal(out.String())
			}
			c := report.Coverage
			for _, part := range []rehearse.Share{c.States, c.Transitions, c.Options, c.Conditions} {
				if part.Percent() < 100 {
					var out strings.Builder
					c.WriteMissing(&out)
					t.Fatalf("%s\n%s", c.Line(), out.String())
				}
			}
		})
	}
}

// clean fails when check says anything, or cannot prove that every wait ends.
func clean(t *testing.T, files *flows.Files) {
	t.Helper()
	p := flows.Load(files, flows.Options{Proof: true})
	var out strings.Builder
	p.WriteText(&out, false)
	if !p.OK() || len(p.Diagnostics) > 0 || p.Proof.Proved < len(p.Proof.States) {
		t.Fatal(out.String())
	}
	for path, data := range files.Data {
		if strings.HasSuffix(path, ".yaml") {
			if formatted, err := flows.Format(path, data); err != nil || !bytes.Equal(formatted, data) {
				t.Errorf("%s is not as dispatcher fmt writes it: %v", path, err)
			}
		}
		if strings.Contains(string(data), "${") {
			t.Errorf("%s has a reference: it would not serve on a fresh machine", path)
		}
	}
	if head := string(files.Data["dispatcher.yaml"]); !strings.HasPrefix(head, "# ") || !strings.Contains(head, "# Change first:") {
		t.Error("dispatcher.yaml does not begin by saying what it does and what to change first")
	}
}

// Every folder is offered, and every offer has a folder and a line that fits.
func TestListIsWhole(t *testing.T) {
	t.Parallel()
	offered := map[string]bool{}
	for _, r := range cookbook.Recipes() {
		offered[r.Name] = true
		if n := utf8.RuneCountInString(r.What); n == 0 || n > 60 {
			t.Errorf("%s: %d characters", r.Name, n)
		}
		if p := flows.Load(read(t, r.Name), flows.Options{}); p.Name != r.Name {
			t.Errorf("%s calls itself %s", r.Name, p.Name)
		}
	}
	folders, err := fs.Glob(cookbook.All(), "*/dispatcher.yaml")
	if err != nil || len(folders) != len(offered) {
		t.Error(len(folders), "folders,", len(offered), "offers", err)
	}
	if _, err := cookbook.Project("nothing"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}
