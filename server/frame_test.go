package server

import (
	"testing"

	"dispatcher/storage"
)

// What everybody gets is the same bytes, not a copy each; what somebody may
// not see is not among theirs.
func TestFramesOfOneReadingAreShared(t *testing.T) {
	t.Parallel()
	var events []storage.Event
	for c := range 4 {
		events = append(events, storage.Event{Cursor: storage.Cursor(c + 1), Type: "message.created"})
	}
	all := renderAll(events, 1)
	if len(all) != 3 || all[0].Cursor != 2 {
		t.Fatalf("%d events after the first", len(all))
	}
	join := func(of ...int) (out, want []byte) {
		var b bunch
		for _, i := range of {
			b.add(&all[i])
			want = append(want, render(all[i].Event).frame...)
		}
		return b.out, want
	}
	for _, of := range [][]int{{0}, {0, 1, 2}, {1, 2}, {0, 2}, {0, 2, 1}} {
		if out, want := join(of...); string(out) != string(want) {
			t.Errorf("%v: %q, want %q", of, out, want)
		}
	}
	one, _ := join(0, 1, 2)
	two, _ := join(0, 1, 2)
	if &one[0] != &two[0] {
		t.Error("two readers of the same events have a copy each")
	}
	late := renderAll([]storage.Event{{Cursor: 5, Type: "message.created"}}, 4)
	var b bunch
	for _, ev := range append(all, late...) {
		b.add(&ev)
	}
	if string(b.out) != string(one)+string(late[0].frame) || string(all[2].frame) != string(render(all[2].Event).frame) {
		t.Errorf("events of two readings: %q", b.out)
	}
}
