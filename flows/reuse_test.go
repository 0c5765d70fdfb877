package flows

import (
	"reflect"
	"testing"
	"testing/fstest"

	"dispatcher/dm"
	"dispatcher/internal/source"
)

// TestFoundAlone: what one flow shows by itself is looked for once, comes back
// with the flow, and is looked for again when a channel carries less.
func TestFoundAlone(t *testing.T) {
	t.Parallel()
	label := 20
	limits := func(_, _ string, _ *source.Node) (dm.Limits, bool, []source.Diagnostic) {
		return dm.Limits{Kind: "x", Label: dm.Limit{N: label, Unit: "runes"}, Text: dm.Limit{N: 30, Unit: "utf16"}}, true, nil
	}
	files := func(other string) *Files {
		return &Files{Name: "p", Data: map[string][]byte{
			projectFile: []byte("dispatcher: 1\nstart:\n  - {if: contact.vip, flow: b}\n  - else: a\n"),
			"flows/a.yaml": []byte("flow: a\nstates:\n  start:\n    ask: A question of more than thirty characters?\n    options:\n" +
				"      - {id: one, label: More than ten, match: [same], resolve: done}\n      - {id: two, label: Stop by, match: [same], resolve: done}\n"),
			"flows/b.yaml": []byte("flow: b\nstates:\n  start: {say: " + other + ", resolve: done}\n"),
		}}
	}
	warm := Options{Warm: new(Warm), Limits: limits}
	for i, other := range []string{"Hello", "Good day", "A text of more than thirty characters", "Hello"} {
		if i == 3 {
			label = 10
		}
		got, want := Load(files(other), warm), Load(files(other), Options{Limits: limits})
		if !got.OK() || !reflect.DeepEqual(got.Diagnostics, want.Diagnostics) {
			t.Errorf("%d: %v\nwant %v", i, got.Diagnostics, want.Diagnostics)
		}
		part := warm.Warm.take().parts["flows/a.yaml"]
		if n := len(part.flow.alone.diags); n != 1 && i < 3 || n < 2 && i == 3 {
			t.Errorf("%d: %d findings are kept with the flow: %v", i, n, part.flow.alone.diags)
		}
	}
}

// TestReadAgain: a file that did not change is in memory once.
func TestReadAgain(t *testing.T) {
	t.Parallel()
	fsys := fstest.MapFS{"flows/a.yaml": {Data: []byte(fine)}, "flows/b.yaml": {Data: []byte("x")}, "flows/media/p.png": {Data: []byte("p")}}
	read := func(before *Files) *Files {
		f, err := ReadAgain(fsys, "shop", before)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	first := read(nil)
	if again := read(first); !first.Same(again) || first.Sum() != again.Sum() {
		t.Error("the same folder reads differently")
	}
	for _, path := range []string{"flows/b.yaml", "flows/media/p.png", "flows/tests/a.test.yaml"} {
		fsys[path] = &fstest.MapFile{Data: []byte("y")}
		changed := read(first)
		if first.Same(changed) || first.Sum() == changed.Sum() {
			t.Errorf("a change of %s is not seen", path)
		}
		if &first.Data["flows/a.yaml"][0] != &changed.Data["flows/a.yaml"][0] {
			t.Errorf("after a change of %s a file that did not change is kept twice", path)
		}
		first = changed
	}
}
