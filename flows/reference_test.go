package flows

import (
	"flag"
	"os"
	"testing"
)

var update = flag.Bool("update", false, "write docs/designers/keys.md anew")

// The page of every key is what the table says, and shows every map of it.
func TestReferenceIsTrue(t *testing.T) {
	t.Parallel()
	const page = "../docs/designers/keys.md"
	want := Reference()
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != want {
		t.Error("docs/designers/keys.md is older than the table; write it with: go test ./flows -run TestReferenceIsTrue -update")
	}
	shown := map[string]bool{}
	for _, name := range referenceOrder {
		shown[name] = true
		if len(grammar()[name].keys) == 0 {
			t.Errorf("%s is no map of the language", name)
		}
	}
	for name := range grammar() {
		if !shown[name] {
			t.Errorf("%s is not in the reference", name)
		}
	}
}
