// Package manual writes the designers' manual: a page for every construct of
// the language and for every code of check.
// Tables come from the grammar and the catalogue, examples are loaded and
// played, and what stands beside them is what really came out; the words
// around them are in words/, one file per page.
package manual

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"dispatcher/flows"
)

// Note is the first line of every page that is written here, so that nobody
// edits one by hand.
const Note = "<!-- Written by `make docs`; the words are in flows/manual/words. -->\n\n"

// Pages are all written pages by their path below docs/designers. An example
// that does not load, has a finding or fails its test is an error.
func Pages(opts flows.Options) (map[string]string, error) {
	m := &writer{opts: opts, constructs: flows.Constructs(), codes: map[string][]*page{}, pages: map[string]string{}}
	if err := m.read(); err != nil {
		return nil, err
	}
	var wrong []error
	for _, p := range m.all {
		text, err := m.construct(p)
		if err != nil {
			wrong = append(wrong, fmt.Errorf("words/%s.md: %w", p.name, err))
		}
		m.pages["reference/"+p.name+".md"] = text
	}
	m.pages["reference/README.md"] = m.index()
	m.pages["keys.md"] = m.keys()
	wrong = append(wrong, m.writeCodes())
	return m.pages, errors.Join(append(wrong, m.whole())...)
}

// writer is one run of Pages.
type writer struct {
	opts       flows.Options
	constructs map[string]flows.Construct
	all        []*page
	codes      map[string][]*page // pages that a code belongs to
	pages      map[string]string
}

// whole says which key has no page, which code belongs to none, and which page
// names something that there is not.
func (m *writer) whole() error {
	var wrong []string
	shown := map[string]bool{}
	for _, p := range m.all {
		for _, t := range p.tables {
			c, known := m.constructs[t.construct]
			if !known {
				wrong = append(wrong, p.name+" shows "+t.construct+", which is no map of the language")
			}
			for _, k := range t.keys {
				if !slices.ContainsFunc(c.Keys, func(have flows.Key) bool { return have.Name == k }) {
					wrong = append(wrong, p.name+" shows "+t.construct+"."+k+", which is no key")
				}
			}
			for _, k := range t.of(c) {
				shown[t.construct+"."+k.Name] = true
			}
		}
		for _, name := range p.see {
			if m.pages["reference/"+name+".md"] == "" {
				wrong = append(wrong, p.name+" points to "+name+", which is no page")
			}
		}
	}
	for name, c := range m.constructs {
		for _, k := range c.Keys {
			if !shown[name+"."+k.Name] {
				wrong = append(wrong, "no page shows "+name+"."+k.Name)
			}
		}
	}
	wrong = append(wrong, m.wrongCodes()...)
	if len(wrong) > 0 {
		slices.Sort(wrong)
		return fmt.Errorf("%s", strings.Join(wrong, "\n"))
	}
	return nil
}

// wrongCodes are codes without a page of their construct, and the reverse.
func (m *writer) wrongCodes() []string {
	var wrong []string
	all := flows.Codes()
	for _, code := range all {
		if len(m.codes[code]) == 0 {
			wrong = append(wrong, "no page names "+code)
		}
	}
	for _, code := range slices.Sorted(maps.Keys(m.codes)) {
		if !slices.Contains(all, code) {
			wrong = append(wrong, m.codes[code][0].name+" names "+code+", which is no code")
		}
	}
	return wrong
}

// cell is a text that may stand in a table.
func cell(s string) string {
	if s == "" {
		return "–"
	}
	return strings.ReplaceAll(s, "|", `\|`)
}
