package starter_test

import (
	"strings"
	"testing"

	"dispatcher/flows"
	"dispatcher/flows/starter"
)

func TestStarterIsClean(t *testing.T) {
	t.Parallel()
	files, err := flows.Read(starter.FS, "starter")
	if err != nil {
		t.Fatal(err)
	}
	p := flows.Load(files, flows.Options{})
	var out strings.Builder
	p.WriteText(&out, false)
	if !p.OK() || len(p.Diagnostics) > 0 {
		t.Fatal(out.String())
	}
	if p.Name != "acme-shop" || p.Counts.Flows != 4 {
		t.Errorf("%s: %s", p.Name, p.Summary())
	}
	for path, data := range files.Data {
		if strings.Contains(string(data), "${") {
			t.Errorf("%s has a reference", path)
		}
	}
}

func TestMinimalIsCleanAndTwelveLines(t *testing.T) {
	t.Parallel()
	if n := strings.Count(starter.Minimal, "\n"); n != 12 {
		t.Errorf("%d lines", n)
	}
	p := flows.Load(&flows.Files{Name: "minimal", Data: map[string][]byte{"flows/hello.yaml": []byte(starter.Minimal)}}, flows.Options{})
	if !p.OK() || len(p.Diagnostics) > 0 {
		t.Fatal(p.Diagnostics)
	}
}
