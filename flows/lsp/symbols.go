package lsp

import (
	"context"
	"strings"

	"dispatcher/flows"
)

// entry is one key of a map with everything below it.
type entry struct {
	key      string
	from, to int // lines: of the key, and the last one that belongs to it
	col, end int // of the key
}

// entries are the keys directly below a key at the head of the file; of "" the
// keys at the head themselves.
func (o *outline) entries(of string) []entry {
	if of == "" {
		return o.entriesIn(0, len(o.lines), 0)
	}
	for _, e := range o.entriesIn(0, len(o.lines), 0) {
		if e.key == of {
			return o.entriesBelow(e)
		}
	}
	return nil
}

// entriesBelow are the keys one level below an entry.
func (o *outline) entriesBelow(e entry) []entry {
	for n := e.from + 1; n <= e.to; n++ {
		if s := o.lines[n]; !s.empty && len(s.tokens) > 0 {
			return o.entriesIn(n, e.to+1, s.tokens[0].col)
		}
	}
	return nil
}

// entriesIn are the keys at a column of some lines, each with the lines up to
// the next token that is not deeper.
func (o *outline) entriesIn(from, to, col int) []entry {
	var out []entry
	for n := from; n < to; n++ {
		s := o.lines[n]
		if s.empty || len(s.tokens) == 0 || s.tokens[0].col > col {
			continue
		}
		if len(out) > 0 && out[len(out)-1].to < 0 {
			out[len(out)-1].to = o.lastBefore(n)
		}
		if t := s.tokens[0]; t.col == col && !t.item {
			out = append(out, entry{key: t.key, from: n, to: -1, col: t.col, end: t.end})
		}
	}
	if len(out) > 0 && out[len(out)-1].to < 0 {
		out[len(out)-1].to = o.lastBefore(to)
	}
	return out
}

// lastBefore is the last line before n that is not blank.
func (o *outline) lastBefore(n int) int {
	for n--; n > 0; n-- {
		if strings.TrimSpace(o.line(n)) != "" {
			break
		}
	}
	return n
}

// flowName is what flow: says.
func (o *outline) flowName() string {
	for _, e := range o.entries("") {
		if e.key == "flow" {
			name, _, _ := strings.Cut(o.line(e.from)[e.end+1:], " #")
			return strings.Trim(strings.TrimSpace(name), `"'`)
		}
	}
	return ""
}

// sections are the keys at the head of a file whose entries are symbols of
// their own.
func sections(kind string) map[string]int {
	switch kind {
	case "flow":
		return map[string]int{"states": symbolClass, "slots": symbolVariable, "everywhere": symbolEvent, "renamed": symbolKey}
	case "project":
		return map[string]int{"schedules": symbolField, "queues": symbolField, "channels": symbolField, "services": symbolFunction,
			"everywhere": symbolEvent, "canned": symbolField}
	}
	return nil
}

func (s *server) documentSymbols(_ context.Context, p *documentParams) (any, error) {
	d, ok := s.document(p.TextDocument.URI)
	if !ok {
		return []documentSymbol{}, nil
	}
	o := newOutline(d.text)
	tree := &symbolTree{outline: o, units: s.encoding(), kind: flows.FileKind(d.path)}
	list := tree.all()
	s.mu.Lock()
	nested := s.client.Capabilities.TextDocument.DocumentSymbol.Hierarchical
	s.mu.Unlock()
	if nested {
		return list, nil
	}
	return flattened([]flatSymbol{}, d.uri, "", list), nil
}

// symbolTree builds the symbols of one file from its shape.
type symbolTree struct {
	*outline
	units encoding
	kind  string
}

func (t *symbolTree) all() []documentSymbol {
	out := []documentSymbol{}
	for _, e := range t.entries("") {
		one := t.symbol(e, symbolProperty)
		kind, parts := sections(t.kind)[e.key]
		switch {
		case parts, t.kind == "locale" && e.key != "language":
			if !parts {
				kind = symbolKey
			}
			for _, below := range t.entriesBelow(e) {
				one.Children = append(one.Children, t.symbol(below, kind))
			}
		case t.kind == "test" && e.key == "tests":
			one.Children = t.tests(e)
		case t.kind == "flow" && e.key == "flow":
			one.Name, one.Kind, one.Detail = t.flowName(), symbolModule, "flow"
			if one.Name == "" {
				one.Name = "flow"
			}
		}
		out = append(out, one)
	}
	return out
}

func (t *symbolTree) symbol(e entry, kind int) documentSymbol {
	name := e.key
	if name == "" {
		name = "?"
	}
	start := t.starts[e.from]
	return documentSymbol{Name: name, Kind: kind, Range: t.span(start+e.col, t.starts[e.to]+len(t.line(e.to)), t.units),
		Selection: t.span(start+e.col, start+e.end, t.units)}
}

// tests are the items below tests:, by their names.
func (t *symbolTree) tests(e entry) []documentSymbol {
	var out []documentSymbol
	col := -1
	for n := e.from + 1; n <= e.to; n++ {
		s := t.lines[n]
		if s.empty || len(s.tokens) == 0 || !s.tokens[0].item || col >= 0 && s.tokens[0].col != col {
			continue
		}
		col = s.tokens[0].col
		if len(out) > 0 {
			last := t.lastBefore(n)
			out[len(out)-1].Range.End = t.position(t.starts[last]+len(t.line(last)), t.units)
		}
		name := strings.Trim(strings.TrimSpace(t.line(n)[s.value:]), `"'`)
		if name == "" {
			name = "?"
		}
		one := t.symbol(entry{key: name, from: n, to: e.to, col: col, end: len(t.line(n))}, symbolFunction)
		out = append(out, one)
	}
	return out
}

// flattened is the tree as a list.
func flattened(out []flatSymbol, uri, within string, list []documentSymbol) []flatSymbol {
	for _, one := range list {
		out = append(out, flatSymbol{one.Name, one.Kind, location{uri, one.Range}, within})
		out = flattened(out, uri, one.Name, one.Children)
	}
	return out
}
