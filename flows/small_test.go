package flows

import (
	"strings"
	"testing"

	"dispatcher/internal/source"
)

// TestSchemaSaysDefaults: what holds where a key is left out stands in the help
// that editors show.
func TestSchemaSaysDefaults(t *testing.T) {
	t.Parallel()
	for kind, want := range map[string]string{"project": "(default: UTC)", "flow": "(default: private)"} {
		if !strings.Contains(string(Schema(kind)), want) {
			t.Errorf("the schema of %s does not say %s", kind, want)
		}
	}
}

// TestSettingsOfTheDesk: what the desk reads of dispatcher.yaml is handed on.
func TestSettingsOfTheDesk(t *testing.T) {
	t.Parallel()
	files := one(fine)
	files.Data[projectFile] = []byte("dispatcher: 1\nreopen_within: 3h\nclose_after: 5h\npublic_reply: 7m\n")
	c := Load(files, testOptions()).Config
	for want, n := range map[string]*source.Node{"3h": c.ReopenWithin, "5h": c.CloseAfter, "7m": c.PublicReply} {
		if n == nil || n.Text != want {
			t.Errorf("%s is not handed on: %v", want, n)
		}
	}
}

// TestPatternOfTheLargestSize: the limit itself is allowed.
func TestPatternOfTheLargestSize(t *testing.T) {
	t.Parallel()
	largest := 0
	for n := maxSteps - 5; n <= maxSteps+5; n++ {
		if l := new(loader); l.pattern(strings.Repeat("a", n)) == nil {
			largest = n
		}
	}
	if l := new(loader); largest == 0 || l.pattern(strings.Repeat("a", largest+1)) == nil {
		t.Fatalf("the largest pattern has %d letters", largest)
	}
	if largest != maxSteps {
		t.Errorf("a pattern of %d letters is the largest that is taken, want %d", largest, maxSteps)
	}
}
