package flows

import (
	"slices"
	"testing"

	"dispatcher/internal/source"
)

// A repair replaces the words and leaves what encloses them: after every one
// is applied the files read well and none of the repaired findings is left.
func TestRepairsKeepTheQuotes(t *testing.T) {
	t.Parallel()
	files := projects(t, "testdata/quoted.txtar")["quoted"]
	var edits []source.Edit
	for _, d := range Load(files, testOptions()).Diagnostics {
		if d.Fix != nil {
			edits = append(edits, d.Fix.Edits...)
		}
	}
	if len(edits) < 10 {
		t.Fatalf("only %d repairs", len(edits))
	}
	slices.SortFunc(edits, func(a, b source.Edit) int { return b.Range.Offset - a.Range.Offset })
	for _, e := range edits {
		data := files.Data[e.Range.File]
		files.Data[e.Range.File] = slices.Concat(data[:e.Range.Offset], []byte(e.Text), data[e.Range.Offset+e.Range.Length:])
	}
	for _, d := range Load(files, testOptions()).Diagnostics {
		if d.Fix != nil || d.Code < "E100" || d.Code == "E201" || d.Code == "E213" {
			t.Errorf("%s:%d:%d %s %s", d.Range.File, d.Range.Line, d.Range.Column, d.Code, d.Message)
		}
	}
}
