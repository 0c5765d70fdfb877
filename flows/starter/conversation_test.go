package starter_test

import (
	"strings"
	"testing"

	"dispatcher/flows"
	"dispatcher/flows/rehearse"
	"dispatcher/flows/starter"
)

// The starter's own tests pass, and they go through all of it.
func TestConversations(t *testing.T) {
	t.Parallel()
	files, err := flows.Read(starter.FS, "starter")
	if err != nil {
		t.Fatal(err)
	}
	project, tests := flows.LoadTests(files, flows.Options{})
	if !project.OK() || !tests.OK() || len(tests.Files) == 0 {
		var out strings.Builder
		tests.WriteText(&out, false)
		t.Fatal(project.Summary(), out.String())
	}
	report := (&rehearse.Suite{Project: project, Tests: tests}).Run()
	if !report.OK() {
		var out strings.Builder
		report.WriteText(&out, rehearse.Style{})
		t.Error(out.String())
	}
	if c := report.Coverage; c.States.Percent() < 100 || c.Transitions.Percent() < 85 {
		var out strings.Builder
		c.WriteMissing(&out)
		t.Errorf("%s\n%s", c.Line(), out.String())
	}
}
