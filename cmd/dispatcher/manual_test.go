package main

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dispatcher/flows/manual"
)

var update = flag.Bool("update", false, "write the generated pages of docs/designers anew")

// Every construct and every code has its page, every page is what the grammar,
// the catalogue and the examples say now, and no other page is left over.
func TestTheManualIsTrue(t *testing.T) {
	t.Parallel()
	m, _ := quiet("")
	pages, err := manual.Pages(m.options(os.DevNull, nil))
	if err != nil {
		t.Fatal(err)
	}
	const root = "../../docs/designers/"
	for path, want := range pages {
		if *update {
			if err := writeFile(root+path, []byte(want)); err != nil {
				t.Fatal(err)
			}
		}
		if have, err := os.ReadFile(root + path); err != nil || string(have) != want {
			t.Errorf("docs/designers/%s is not what the program says; write it anew with: make docs", path)
		}
	}
	for _, dir := range []string{"reference", "codes"} {
		for _, path := range globbed(t, root+dir+"/*.md") {
			if pages[dir+"/"+filepath.Base(path)] == "" {
				t.Errorf("%s is about nothing that there is", strings.TrimPrefix(path, "../../"))
			}
		}
	}
}

func globbed(t *testing.T, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		t.Fatalf("%s: %v", pattern, err)
	}
	return paths
}
