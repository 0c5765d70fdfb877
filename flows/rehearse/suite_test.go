package rehearse_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"dispatcher/flows"
	"dispatcher/flows/rehearse"
)

var rewrite = flag.Bool("rewrite", false, "write what the fixtures of testdata/suite give into them")

// TestSuites runs the tests of every archive of testdata/suite and compares
// the report, word for word but for the time. The first word of an archive's
// comment says what is looked at: text, cover, verbose, json or check. Files under
// edit/ are the folder of reload steps, files of want.txt what must come out.
func TestSuites(t *testing.T) {
	t.Parallel()
	archives, err := filepath.Glob("testdata/suite/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatal("no archives", err)
	}
	for _, path := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			t.Parallel()
			a, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			got := outcome(t, a)
			if *rewrite {
				rewriteWant(t, path, a, got)
				return
			}
			for _, f := range a.Files {
				if f.Name == "want.txt" && string(f.Data) != got {
					t.Errorf("want\n%s\ngot\n%s", f.Data, got)
				}
			}
		})
	}
}

func rewriteWant(t *testing.T, path string, a *txtar.Archive, got string) {
	t.Helper()
	for i := range a.Files {
		if a.Files[i].Name == "want.txt" {
			a.Files[i].Data = []byte(got)
		}
	}
	if err := os.WriteFile(path, txtar.Format(a), 0o644); err != nil {
		t.Fatal(err)
	}
}

// suiteOf loads an archive; the files of a folder edit… are another project.
func suiteOf(t testing.TB, a *txtar.Archive) (*rehearse.Suite, *flows.Files) {
	t.Helper()
	files := &flows.Files{Name: "shop", Data: map[string][]byte{}}
	edits := map[string]*flows.Files{}
	for _, f := range a.Files {
		switch dir, rest, _ := strings.Cut(f.Name, "/"); {
		case strings.HasPrefix(dir, "edit"):
			if edits[dir] == nil {
				edits[dir] = &flows.Files{Name: dir, Data: map[string][]byte{}}
			}
			edits[dir].Data[rest] = f.Data
		case strings.HasSuffix(f.Name, ".yaml"):
			files.Data[f.Name] = f.Data
		}
	}
	project, tests := flows.LoadTests(files, flows.Options{})
	return &rehearse.Suite{Project: project, Tests: tests, Open: func(folder string) (*flows.Project, error) {
		if edits[folder] == nil {
			return nil, fmt.Errorf("there is no folder %s in the project", folder)
		}
		return flows.Load(edits[folder], flows.Options{}), nil
	}}, files
}

var (
	tookTime = regexp.MustCompile(`in \d+\.\d\ds`)
	tookMS   = regexp.MustCompile(`"ms":[0-9.e-]+`)
)

func outcome(t *testing.T, a *txtar.Archive) string {
	t.Helper()
	suite, _ := suiteOf(t, a)
	what, _, _ := strings.Cut(strings.TrimSpace(string(a.Comment)), " ")
	what = strings.TrimRight(what, ":")
	var out strings.Builder
	if what == "check" {
		suite.Tests.WriteText(&out, false)
		return out.String()
	}
	if !suite.Project.OK() || !suite.Tests.OK() {
		suite.Project.WriteText(&out, false)
		suite.Tests.WriteText(&out, false)
		t.Fatal(out.String())
	}
	report := suite.Run()
	if what == "json" {
		return tookMS.ReplaceAllString(string(report.JSON()), `"ms":0`) + "\n"
	}
	report.WriteText(&out, rehearse.Style{Cover: what == "cover", Verbose: what == "verbose"})
	return tookTime.ReplaceAllString(out.String(), "in 0.00s")
}
