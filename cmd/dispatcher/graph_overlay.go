package main

import (
	"fmt"

	"dispatcher/flows"
	"dispatcher/flows/graph"
)

// covered runs the tests of a project and gives what they went through. said
// is what a person should know beside the picture; nil without an overlay.
func (m *Main) covered(root string, files *flows.Files) (o *graph.Overlay, said string) {
	project, tests := flows.LoadTests(files, m.options(root, nil))
	if !project.OK() {
		return nil, "the tests cannot be run before the errors are mended; the picture is not painted"
	}
	if !tests.OK() {
		tests.WriteText(m.Err, false)
		return nil, "the tests cannot be read; the picture is not painted"
	}
	t := &tester{main: m, flags: &testFlags{}, out: m.Err}
	report := t.suite(root, project, tests).Run()
	switch {
	case len(report.Outcomes) == 0:
		said = "there are no tests yet, so nothing is covered; write them into flows/tests/NAME.test.yaml"
	case !report.OK():
		said = fmt.Sprintf("%d of %d tests failed; the picture shows what they went through. See: dispatcher test", report.Failed, len(report.Outcomes))
	}
	o = &graph.Overlay{States: map[string]int{}, Edges: map[graph.EdgeID]int{}}
	c := report.Coverage
	o.Caption = fmt.Sprintf("%d tests  %s. Red and dotted: not gone through", len(report.Outcomes), c.Line())
	for _, it := range c.Items {
		switch it.Kind {
		case "state":
			o.States[it.State] = it.Count
		case "transition":
			o.Edges[graph.EdgeID{State: it.State, Edge: it.Edge, Line: it.Line}] += it.Count
			o.Edges[graph.EdgeID{State: it.State, Edge: it.Edge}] += it.Count
		}
	}
	return o, said
}
