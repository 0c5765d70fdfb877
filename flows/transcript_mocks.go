package flows

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"time"

	"dispatcher/internal/source"
)

// mockKey is VERB /path[?query].
var mockKey = regexp.MustCompile(`^([A-Za-z]+) +(/[^?\s]*|\*)(?:\?(\S*))?$`)

// mockForm checks the shape of a response or a list of them.
func (l *loader) mockForm(n *source.Node) {
	if n.Kind == source.List {
		l.items(n, "map:mock")
		return
	}
	l.shape(n, "mock")
}

// wantedForm checks the right side of an expectation.
func (l *loader) wantedForm(n *source.Node) {
	switch n.Kind {
	case source.List:
		l.items(n, "scalar")
	case source.Map:
		l.shape(n, "wanted")
	}
}

// mocks reads the answers of look-ups.
func (l *loader) mocks(n *source.Node) []Mock {
	if n == nil || n.Kind != source.Map {
		return nil
	}
	var out []Mock
	for _, p := range n.Pairs {
		m, ok := l.mock(p)
		if ok {
			out = append(out, m)
		}
	}
	return out
}

func (l *loader) mock(p source.Pair) (Mock, bool) {
	parts := mockKey.FindStringSubmatch(p.Key.Text)
	if parts == nil || !slices.Contains(lookupMethods, strings.ToLower(parts[1])) {
		l.err("E105", p.Key.Words(), "%q is not a call; write GET /path or GET /path?name=value (get, post, put, patch, delete)", p.Key.Text)
		return Mock{}, false
	}
	m := Mock{Method: strings.ToLower(parts[1]), Path: parts[2], Query: parts[3], HasQ: strings.Contains(p.Key.Text, "?"), Key: p.Key.Text, Line: p.Key.Range.Line}
	switch p.Value.Kind {
	case source.List:
		for _, item := range p.Value.Items {
			m.Says = append(m.Says, l.mockAnswer(item))
		}
	case source.Null:
		l.err("E110", p.Key.Words(), "a response is missing; write {status: 200, json: …} or {fail: timeout}")
	default:
		m.Says = []MockAnswer{l.mockAnswer(p.Value)}
	}
	return m, len(m.Says) > 0
}

func (l *loader) mockAnswer(n *source.Node) MockAnswer {
	a := MockAnswer{Status: l.integer(n.Get("status"), 200, 100, 599)}
	if f := n.Get("fail"); f != nil && f.Kind == source.Scalar {
		a.Fail, a.Status = l.oneOf(f, "timeout", mockFailures...), 0
		for _, other := range []string{"json", "status"} {
			if p := n.Pair(other); p != nil {
				l.err("E117", p.Key.Words(), "%s means nothing beside fail: there is no answer", other)
			}
		}
	}
	if j := n.Pair("json"); j != nil {
		a.Body = jsonOf(j.Value)
	}
	if d := n.Get("after"); d != nil && d.Kind == source.Scalar {
		a.After = l.duration(d, time.Second)
	}
	return a
}

// jsonNumber is a number as JSON writes one.
var jsonNumber = regexp.MustCompile(`^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$`)

// jsonOf is a YAML value as JSON: numbers, true, false and null without quotes
// are such, everything else is text.
func jsonOf(n *source.Node) json.RawMessage {
	raw, err := json.Marshal(plainValue(n))
	if err != nil {
		return json.RawMessage("null") // cannot happen: texts, lists and maps only
	}
	return raw
}

func plainValue(n *source.Node) any {
	switch n.Kind {
	case source.Null:
		return nil
	case source.List:
		out := make([]any, 0, len(n.Items))
		for _, item := range n.Items {
			out = append(out, plainValue(item))
		}
		return out
	case source.Map:
		out := make(map[string]any, len(n.Pairs))
		for _, p := range n.Pairs {
			out[p.Key.Text] = plainValue(p.Value)
		}
		return out
	}
	switch {
	case n.Style != source.Plain:
		return n.Text
	case n.Text == "true" || n.Text == "false":
		return n.Text == "true"
	case jsonNumber.MatchString(n.Text):
		return json.Number(n.Text)
	}
	return n.Text
}
