package rehearse_test

import (
	"os"
	"strings"
	"testing"

	"dispatcher/flows"
	"dispatcher/flows/rehearse"
)

// The worked example of the language document passes its tests.
func TestTheWorkedExample(t *testing.T) {
	t.Parallel()
	files, err := flows.Read(os.DirFS("../testdata/acme"), "acme")
	if err != nil {
		t.Fatal(err)
	}
	project, tests := flows.LoadTests(files, flows.Options{})
	var out strings.Builder
	if !project.OK() || !tests.OK() || len(tests.Files) != 1 {
		project.WriteText(&out, false)
		tests.WriteText(&out, false)
		t.Fatal(out.String())
	}
	report := (&rehearse.Suite{Project: project, Tests: tests}).Run()
	if report.WriteText(&out, rehearse.Style{}); !report.OK() || report.Passed != 11 {
		t.Error(out.String())
	}
}
