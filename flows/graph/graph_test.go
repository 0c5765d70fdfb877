package graph_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"dispatcher/flows"
	"dispatcher/flows/graph"
)

func load(t testing.TB, files map[string]string) *flows.Project {
	t.Helper()
	f := &flows.Files{Name: "shop", Data: map[string][]byte{}}
	for name, text := range files {
		f.Data[name] = []byte(text)
	}
	return flows.Load(f, flows.Options{})
}

func draw(t testing.TB, p *flows.Project, flow string) *graph.Graph {
	t.Helper()
	g, err := graph.New(p, flow)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// wellFormed reads a document to its end.
func wellFormed(t testing.TB, data []byte) {
	t.Helper()
	dec := xml.NewDecoder(bytes.NewReader(data))
	for {
		if _, err := dec.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatalf("not XML: %v", err)
		}
	}
}

// TestTextsAreEscaped: whatever a designer writes is shown, and nothing of it
// becomes part of the document.
func TestTextsAreEscaped(t *testing.T) {
	t.Parallel()
	hostile := `</text><script>alert(1)</script>&amp;"'` + "\u202e]]>"
	p := load(t, map[string]string{"flows/a.yaml": "flow: a\ndescription: " + quote(hostile) + `
states:
  start:
    ask: ` + quote(hostile) + `
    options:
      - {id: x, label: ` + quote(hostile) + `, goto: done}
  done: {resolve: done}
`})
	svg := draw(t, p, "a").SVG()
	wellFormed(t, svg)
	if s := string(svg); strings.Contains(s, "<script") || strings.ContainsRune(s, '\u202e') || !strings.Contains(s, "&lt;script&gt;") {
		t.Errorf("the hostile text is not shown as text:\n%s", s)
	}
	for _, flow := range []string{"a", ""} {
		dot := string(draw(t, p, flow).DOT())
		if strings.Count(dot, "\n") > 12 || strings.Contains(dot, `"'`+"\n") {
			t.Errorf("DOT:\n%s", dot)
		}
	}
}

func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

func TestNoSuchFlow(t *testing.T) {
	t.Parallel()
	p := load(t, map[string]string{"flows/welcome.yaml": "flow: welcome\nstates:\n  start: {resolve: done}\n"})
	_, err := graph.New(p, "welcom")
	if e, ok := errors.AsType[*graph.NoFlowError](err); !ok || e.Meant != "welcome" {
		t.Errorf("got %v", err)
	}
	if _, err = graph.New(p, "other"); err == nil || !strings.Contains(err.Error(), "there is welcome") {
		t.Errorf("got %v", err)
	}
}

// TestLargestFlow: a flow as large as the language allows is drawn within
// bounded memory, the same each time.
func TestLargestFlow(t *testing.T) {
	t.Parallel()
	if testing.Short() || slower > 1 {
		t.Skip("takes seconds")
	}
	p := load(t, map[string]string{"dispatcher.yaml": "dispatcher: 1\nstart: made\n", "flows/made.yaml": invented(1, 2000), "flows/other.yaml": otherFlow})
	svg := draw(t, p, "made").SVG()
	wellFormed(t, svg)
	if n := bytes.Count(svg, []byte(`class="box"`)); n < 2000 || len(svg) > 8<<20 {
		t.Errorf("%d boxes in %d bytes", n, len(svg))
	}
}

// TestNothingToDraw: a flow without states, and a project without flows, still
// give a document that says so.
func TestNothingToDraw(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"flow: a\nstates: {}\n", "flow: a\n", "flow: [\n"} {
		p := load(t, map[string]string{"flows/a.yaml": text})
		g := draw(t, p, "")
		wellFormed(t, g.SVG())
		if g.Errors() == 0 || !strings.Contains(string(g.SVG()), "There is no state to draw.") {
			t.Errorf("%q: %d errors, %s", text, g.Errors(), g.SVG())
		}
		if !strings.HasPrefix(string(g.Mermaid()), "stateDiagram-v2\n") || !strings.HasSuffix(string(g.DOT()), "}\n") {
			t.Errorf("%q: %s%s", text, g.Mermaid(), g.DOT())
		}
	}
}

// TestOptionsThatDecideABranch: an option whose answer settles the conditions
// is drawn to the one arm that is left, others to each.
func TestOptionsThatDecideABranch(t *testing.T) {
	t.Parallel()
	p := load(t, map[string]string{"flows/a.yaml": `flow: a
slots: {topic: {type: choice, values: [x, y, z]}}
states:
  start:
    ask: What?
    options: [{id: x, label: X}, {id: y, label: "Y"}, {id: z, label: Z}]
    save: topic
    branch:
      - if: slots.topic == "x" or slots.topic in ["x"]
        goto: one
      - if: slots.topic == "y" and contact.vip
        goto: two
      - else: three
  one: {resolve: done}
  two: {resolve: done}
  three: {resolve: done}
`})
	got := string(draw(t, p, "a").Mermaid())
	want := "stateDiagram-v2\n  start --> one: opt x\n  start --> two: opt y, branch 1\n  start --> three: opt y\n  start --> three: opt z\n"
	if !strings.HasPrefix(got, want) {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// TestMermaidWords: a state may have a name that Mermaid takes for its own.
func TestMermaidWords(t *testing.T) {
	t.Parallel()
	p := load(t, map[string]string{"flows/a.yaml": "flow: a\nstates:\n  start: {goto: note}\n  note: {say: Hi, goto: class}\n  class: {resolve: done}\n"})
	got := string(draw(t, p, "a").Mermaid())
	for _, want := range []string{"  start --> note_: next\n", "  note_ --> class_: next\n", "  state \"note\" as note_\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

// TestMermaidFrames: in a project's text every edge stands where the frame of
// its flow may hold it, and leads to a state, not to a frame.
func TestMermaidFrames(t *testing.T) {
	t.Parallel()
	p := load(t, map[string]string{
		"dispatcher.yaml": "dispatcher: 1\nstart: b\neverywhere:\n  hours: {match: [hours], call: a}\n",
		"flows/a.yaml":    "flow: a\nstates:\n  start: {say: Open., return: found}\n",
		"flows/b.yaml":    "flow: b\nstates:\n  start: {call: a, goto: bye}\n  bye: {resolve: done}\n",
	})
	want := `stateDiagram-v2
  everywhere --> a.start: everywhere hours, call a
  state b {
    b.start --> b.bye: result *
    b.bye --> [*]: resolve done
    [*] --> b.start
  }
  b.start --> a.start: call a
  state a {
    a.start --> [*]: return found
    [*] --> a.start
  }
`
	if got := string(draw(t, p, "").Mermaid()); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}
