package rehearse_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"dispatcher/flows"
	"dispatcher/flows/rehearse"
	"dispatcher/flows/starter"
)

// Every test of the manual passes on the starter project.
func TestTheManual(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("../../docs/designers/testing.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(data), -1)
	if len(blocks) < 2 {
		t.Fatalf("%d blocks", len(blocks))
	}
	for _, b := range blocks {
		files, err := flows.Read(starter.FS, "starter")
		if err != nil {
			t.Fatal(err)
		}
		files.Data["flows/tests/manual.test.yaml"] = []byte(b[1])
		project, tests := flows.LoadTests(files, flows.Options{})
		var out strings.Builder
		tests.WriteText(&out, false)
		if project.OK() && tests.OK() {
			report := (&rehearse.Suite{Project: project, Tests: tests}).Run()
			if report.OK() {
				continue
			}
			report.WriteText(&out, rehearse.Style{})
		}
		t.Errorf("%s\n%s", b[1], out.String())
	}
}

// Every key of the grammar of tests is used by a fixture or a test.
func TestEveryKeyHasAFixture(t *testing.T) {
	t.Parallel()
	var all strings.Builder
	for _, dir := range []string{"testdata/suite", "../starter/flows/tests", "../testdata/acme/flows/tests"} {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			data, err := os.ReadFile(dir + "/" + e.Name())
			if err != nil {
				t.Fatal(err)
			}
			all.Write(data)
		}
	}
	keys := flows.TestKeys()
	if len(keys) < 40 {
		t.Errorf("only %d keys: %v", len(keys), keys)
	}
	for _, key := range keys {
		if !regexp.MustCompile(`(?m)(^|[\s{,\-])` + key + `:`).MatchString(all.String()) {
			t.Errorf("no test uses %s", key)
		}
	}
}
