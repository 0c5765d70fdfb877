package graph_test

import (
	"bytes"
	"flag"
	"fmt"
	"testing"
)

var whole = flag.Bool("whole", false, "draw all 300 generated flows")

// TestGeneratedFlows draws flows of 3 to 120 states: nothing lies on anything
// else, the bytes are the same each time, and fewer lines cross than in a
// plain breadth-first layout.
func TestGeneratedFlows(t *testing.T) {
	t.Parallel()
	many := 60
	if *whole {
		many = 300
	} else if testing.Short() {
		many = 20
	}
	var ours, plain int
	for i := range many {
		states := 3 + i*117/(many-1)
		p := load(t, map[string]string{"dispatcher.yaml": "dispatcher: 1\nstart: made\n", "flows/made.yaml": invented(uint64(i), states), "flows/other.yaml": otherFlow})
		svg := draw(t, p, "made").SVG()
		if again := draw(t, p, "made").SVG(); !bytes.Equal(svg, again) {
			t.Errorf("flow %d: drawn twice, not the same bytes", i)
		}
		wellFormed(t, svg)
		pic := read(t, svg)
		if len(pic.boxes) < states || len(pic.edges) == 0 || len(pic.labels) == 0 {
			t.Fatalf("flow %d: %d boxes, %d edges, %d labels for %d states", i, len(pic.boxes), len(pic.edges), len(pic.labels), states)
		}
		if f := pic.faults(); f.any() {
			t.Errorf("flow %d of %d states: %+v", i, states, f)
		}
		ours, plain = ours+pic.crossings(), plain+pic.plain()
	}
	ratio := float64(ours) / float64(max(plain, 1))
	t.Logf("%d flows: %d crossings, %d laid out breadth first: ratio %.2f", many, ours, plain, ratio)
	if ratio > 0.6 {
		t.Errorf("crossings are %.2f of those of a breadth-first layout, at most 0.6 are wanted", ratio)
	}
}

// BenchmarkSVG lays out and writes a flow of so many states.
func BenchmarkSVG(b *testing.B) {
	for _, states := range []int{5, 12, 27, 80, 120, 300, 2000} {
		b.Run(fmt.Sprint(states), func(b *testing.B) {
			p := load(b, map[string]string{"dispatcher.yaml": "dispatcher: 1\nstart: made\n", "flows/made.yaml": invented(3, states), "flows/other.yaml": otherFlow})
			b.ReportAllocs()
			for b.Loop() {
				draw(b, p, "made").SVG()
			}
		})
	}
}
