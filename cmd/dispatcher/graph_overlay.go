package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

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

// trafficOf asks the service how often customers took the edges of the flows.
func (m *Main) trafficOf(ctx context.Context, f *graphFlags, names []string) (o *graph.Overlay, err error) {
	a, err := m.apiOf(ctx, f.whose)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, a.close()) }()
	o = &graph.Overlay{Traffic: true, States: map[string]int{}, Edges: map[graph.EdgeID]int{}}
	var live json.RawMessage
	if err := a.call(ctx, http.MethodGet, "/flows", nil, &live); err != nil { // is there an API at all?
		return nil, a.notFound(ctx, err)
	}
	counted := 0
	for _, name := range names {
		n, err := a.addTraffic(ctx, o, name, f.traffic)
		if refused, ok := errors.AsType[*refusedCall](err); ok && refused.Status == http.StatusNotFound {
			continue // the flow is not live yet: it has no figures
		}
		if err != nil {
			return nil, err
		}
		counted = max(counted, n)
	}
	o.Caption = fmt.Sprintf("Traffic of %s: %s", f.traffic, count(counted, "conversation"))
	return o, nil
}

// addTraffic adds the figures of one flow; n is how many conversations were
// counted.
func (a *api) addTraffic(ctx context.Context, o *graph.Overlay, flow, since string) (n int, err error) {
	var v struct {
		Nodes         []struct{ Name string }
		Conversations int
		Counts        []struct {
			State, Edge string
			Line, Count int
		}
	}
	path := "/flows/" + url.PathEscape(flow) + "/graph?overlay=traffic&since=" + url.QueryEscape(since)
	if err := a.call(ctx, http.MethodGet, path, nil, &v); err != nil {
		return 0, err
	}
	for _, node := range v.Nodes {
		o.States[flow+"."+node.Name] += 0
	}
	for _, c := range v.Counts {
		addTimes(o.States, c.State, c.Count)
		states := []string{c.State}
		if strings.HasPrefix(c.Edge, "everywhere:") { // drawn once for all states
			states = []string{"", flow}
		}
		for _, state := range states {
			addTimes(o.Edges, graph.EdgeID{State: state, Edge: c.Edge, Line: c.Line}, c.Count)
			addTimes(o.Edges, graph.EdgeID{State: state, Edge: c.Edge}, c.Count)
		}
	}
	return v.Conversations, nil
}

// addTimes adds how often a way was taken; 0 is few times, which stay a few
// however many of them there are: their sum would be made up.
func addTimes[K comparable](sums map[K]int, key K, n int) {
	const few = 1 // drawn as few
	switch have := sums[key]; {
	case n == 0:
		sums[key] = max(have, few)
	case have == few:
		sums[key] = n
	default:
		sums[key] = have + n
	}
}
