package graph_test

import (
	"bytes"
	"flag"
	"fmt"
	"io/fs"
	"testing"

	"dispatcher/flows"
	"dispatcher/flows/cookbook"
	"dispatcher/flows/starter"
)

var whole = flag.Bool("whole", false, "draw all 300 generated flows")

// TestGeneratedFlows draws flows of 3 to 120 states: nothing lies on anything
// else, the bytes are the same each time, and fewer lines cross than in a
// plain breadth-first layout.
func TestGeneratedFlows(t *testing.T) {
	t.Parallel()
	many := 60 / slower
	if *whole {
		many = 300
	} else if testing.Short() {
		many = 12
	}
	var all, small tally // small: flows whose every line is drawn in full
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
		all.add(pic)
		if states <= 40 {
			small.add(pic)
		}
	}
	t.Logf("%d flows: %s; of up to 40 states: %s", many, all, small)
	for _, sum := range []tally{all, small} {
		if sum.ratio() > 0.6 {
			t.Errorf("crossings against those of a breadth-first layout: %s, at most 0.6 are wanted", sum)
		}
	}
}

// tally is how many lines cross, ours and those of a plain layout.
type tally struct{ ours, plain int }

func (s *tally) add(p *picture) { s.ours, s.plain = s.ours+p.crossings(), s.plain+p.plain() }

func (s tally) ratio() float64 { return float64(s.ours) / float64(max(s.plain, 1)) }

func (s tally) String() string {
	return fmt.Sprintf("%d crossings, %d breadth first, ratio %.2f", s.ours, s.plain, s.ratio())
}

// TestProjectsAreDrawn draws the starter project and the cookbook, each flow
// alone and all together: nothing lies on anything else.
func TestProjectsAreDrawn(t *testing.T) {
	t.Parallel()
	projects := map[string]fs.FS{"starter": starter.FS}
	for _, r := range cookbook.Recipes() {
		dir, err := cookbook.Project(r.Name)
		if err != nil {
			t.Fatal(err)
		}
		projects[r.Name] = dir
	}
	var sum tally
	flowsDrawn := 0
	for name, dir := range projects {
		p := loadFS(t, name, dir)
		for _, flow := range append(draw(t, p, "").Flows(), "") {
			svg := draw(t, p, flow).SVG()
			wellFormed(t, svg)
			pic := read(t, svg)
			if f := pic.faults(); f.any() {
				t.Errorf("%s %s: %+v", name, flow, f)
			}
			if flow != "" {
				sum.add(pic)
				flowsDrawn++
			}
		}
	}
	t.Logf("%d flows: %s", flowsDrawn, sum)
}

func loadFS(t *testing.T, name string, dir fs.FS) *flows.Project {
	t.Helper()
	files, err := flows.Read(dir, name)
	if err != nil {
		t.Fatal(err)
	}
	return flows.Load(files, flows.Options{})
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
