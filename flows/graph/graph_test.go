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
