package manual

import (
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"dispatcher/flows"
)

//go:embed words
var words embed.FS

// groups are the parts of the reference, in the order of its index.
var groups = []string{"The conversation", "Saying and asking", "Where it goes", "People", "Other systems", "The whole project", "Testing and changing"}

// page is the words of one page: a head of "name: value" lines, then parts
// that each begin at a line "-- name --". The parts "for" and "cases" are
// Markdown; every other part is a file of the example.
type page struct {
	name   string // of the file
	title  string
	group  string
	brief  string // one line for the index
	tables []table
	codes  []string
	see    []string
	intro  string // what it is for
	cases  string // what happens when …
	files  []file
}

// file is one file of an example.
type file struct{ path, text string }

// table is a map of the language, or some of its keys.
type table struct {
	construct string
	keys      []string // nil = all
}

// of are the keys that a table shows.
func (t table) of(c flows.Construct) []flows.Key {
	if t.keys == nil {
		return c.Keys
	}
	var out []flows.Key
	for _, name := range t.keys {
		for _, k := range c.Keys {
			if k.Name == name {
				out = append(out, k)
			}
		}
	}
	return out
}

// read reads the words of all pages, in the order of the index.
func (m *writer) read() error {
	names, err := fs.Glob(words, "words/*.md")
	if err != nil {
		return err
	}
	for _, name := range names {
		data, err := words.ReadFile(name)
		if err != nil {
			return err
		}
		p, err := parse(strings.TrimSuffix(strings.TrimPrefix(name, "words/"), ".md"), string(data))
		if err != nil {
			return err
		}
		m.all = append(m.all, p)
		for _, code := range p.codes {
			m.codes[code] = append(m.codes[code], p)
		}
	}
	slices.SortStableFunc(m.all, func(a, b *page) int { return slices.Index(groups, a.group) - slices.Index(groups, b.group) })
	return nil
}

func parse(name, text string) (*page, error) {
	p := &page{name: name}
	part, rest := "", map[string]string{}
	var order []string
	for line := range strings.Lines(text) {
		if inner, ok := strings.CutPrefix(line, "-- "); ok && strings.HasSuffix(strings.TrimSpace(inner), " --") {
			part = strings.TrimSuffix(strings.TrimSpace(inner), " --")
			order = append(order, part)
			continue
		}
		if part != "" {
			rest[part] += line
			continue
		}
		if err := p.head(line); err != nil {
			return nil, err
		}
	}
	for _, part := range order {
		switch body := strings.TrimSpace(rest[part]); part {
		case "for":
			p.intro = body
		case "cases":
			p.cases = body
		default:
			p.files = append(p.files, file{part, body + "\n"})
		}
	}
	if p.title == "" || p.brief == "" || p.intro == "" || !slices.Contains(groups, p.group) {
		return nil, fmt.Errorf("words/%s.md needs title, group, brief and the part for", name)
	}
	return p, nil
}

func (p *page) head(line string) error {
	name, value, ok := strings.Cut(strings.TrimSpace(line), ": ")
	switch {
	case strings.TrimSpace(line) == "":
	case name == "title":
		p.title = value
	case name == "group":
		p.group = value
	case name == "brief":
		p.brief = value
	case name == "codes":
		p.codes = strings.Fields(value)
	case name == "see":
		p.see = strings.Fields(value)
	case name == "keys":
		p.tables = tables(value)
	default:
		ok = false
	}
	if !ok && strings.TrimSpace(line) != "" {
		return fmt.Errorf("words/%s.md: %q is no line of a head", p.name, line)
	}
	return nil
}

// tables reads "state(ask options) option": some keys of one map, all of another.
func tables(s string) []table {
	var out []table
	for s = strings.TrimSpace(s); s != ""; s = strings.TrimSpace(s) {
		end := strings.IndexAny(s, " (")
		if end < 0 {
			return append(out, table{construct: s})
		}
		t := table{construct: s[:end]}
		if s[end] == '(' {
			inside, after, _ := strings.Cut(s[end+1:], ")")
			t.keys, s = strings.Fields(inside), after
		} else {
			s = s[end:]
		}
		out = append(out, t)
	}
	return out
}
