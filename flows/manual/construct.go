package manual

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"dispatcher/flows"
)

// construct is the page of a construct.
func (m *writer) construct(p *page) (string, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "%s# %s\n\n%s\n", Note, p.title, p.intro)
	if len(p.tables) > 0 {
		b.WriteString("\n## Keys\n")
		for _, t := range p.tables {
			m.table(&b, p, t)
		}
	}
	if len(p.files) > 0 {
		if err := m.example(&b, p); err != nil {
			return "", err
		}
	}
	if p.name == "expressions" {
		functions, err := m.functionTable()
		if err != nil {
			return "", err
		}
		b.WriteString(functions)
	}
	if p.cases != "" {
		fmt.Fprintf(&b, "\n## What happens when\n\n%s\n", p.cases)
	}
	if len(p.codes) > 0 {
		b.WriteString("\n## What check may say\n\n| code | it means |\n|---|---|\n")
		for _, code := range p.codes {
			e, _ := flows.Explain(code)
			fmt.Fprintf(&b, "| [%s](../codes/%s.md) | %s |\n", code, code, cell(e.Title))
		}
	}
	m.also(&b, p)
	return b.String(), nil
}

// table shows the keys of one map.
func (m *writer) table(b *strings.Builder, p *page, t table) {
	c := m.constructs[t.construct]
	if len(p.tables) > 1 {
		fmt.Fprintf(b, "\n### %s\n", c.Title)
	}
	b.WriteString("\n| key | you write | when you leave it out | what it is |\n|---|---|---|---|\n")
	for _, k := range t.of(c) {
		if m.plainExit(t, k) {
			continue
		}
		def := k.Default
		if k.Required {
			def = "**required**"
		}
		fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", k.Name, m.value(p, k), leftOut(def), cell(k.Doc))
	}
	if m.exits(t) {
		b.WriteString("| an exit | `goto` `branch` `call` `return` `handoff` `resolve` | – | where it goes: [exits](exits.md) |\n")
	}
}

// exits says that a map may hold any exit beside its own keys; the page of
// exits shows them once for all.
func (m *writer) exits(t table) bool {
	if t.keys != nil || t.construct == "exit" {
		return false
	}
	have := m.constructs[t.construct].Keys
	return !slices.ContainsFunc(m.constructs["exit"].Keys, func(k flows.Key) bool { return !slices.Contains(have, k) })
}

// plainExit says that a key is one of those exits.
func (m *writer) plainExit(t table, k flows.Key) bool {
	return m.exits(t) && slices.Contains(m.constructs["exit"].Keys, k)
}

// leftOut says in the reader's words what holds when a key is not written.
func leftOut(def string) string {
	said := map[string]string{"person exit": "to a person", "defaults": "as [defaults](defaults.md) say", "{}": "none", "[]": "none"}
	if words, ok := said[def]; ok {
		return words
	}
	return cell(def)
}

// value is what may be written, with a link to the keys that stand inside it.
func (m *writer) value(on *page, k flows.Key) string {
	said := cell(k.Value)
	if k.Holds == "" {
		return said
	}
	for _, p := range m.all {
		for _, t := range p.tables {
			if t.construct != k.Holds || t.keys != nil && on == p {
				continue
			}
			file, anchor := p.name+".md", "keys"
			if len(p.tables) > 1 {
				anchor = slug(m.constructs[t.construct].Title)
			}
			if p == on {
				file = ""
			}
			return fmt.Sprintf("[%s](%s#%s)", said, file, anchor)
		}
	}
	return said
}

// slug is the anchor of a heading.
func slug(heading string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(heading) {
		switch {
		case unicode.IsLetter(r) || unicode.IsDigit(r) || r == '-' || r == '_':
			b.WriteRune(r)
		case r == ' ':
			b.WriteByte('-')
		}
	}
	return b.String()
}

// also points to related pages.
func (m *writer) also(b *strings.Builder, p *page) {
	if len(p.see) == 0 {
		return
	}
	b.WriteString("\n## See also\n\n")
	for _, name := range p.see {
		i := slices.IndexFunc(m.all, func(other *page) bool { return other.name == name })
		if i >= 0 {
			fmt.Fprintf(b, "- [%s](%s.md): %s\n", m.all[i].title, name, lower(m.all[i].brief))
		}
	}
}

// lower begins a sentence in the middle of another.
func lower(s string) string {
	if len(s) > 1 && s[1] >= 'a' && s[1] <= 'z' || strings.HasPrefix(s, "A ") {
		return strings.ToLower(s[:1]) + s[1:]
	}
	return s
}

// index lists all pages of the reference.
func (m *writer) index() string {
	var b strings.Builder
	b.WriteString(Note + "# Reference\n\nOne page for each thing you can write. Every page has the keys, an example that is checked and played by a test,\nand what happens in the corner cases. To find the page of a key you have seen: [every key](../keys.md).\n")
	for _, g := range groups {
		fmt.Fprintf(&b, "\n## %s\n\n| page | what it is |\n|---|---|\n", g)
		for _, p := range m.all {
			if p.group == g {
				fmt.Fprintf(&b, "| [%s](%s.md) | %s |\n", p.title, p.name, cell(p.brief))
			}
		}
	}
	return b.String()
}

// keys lists every key with the page that explains it.
func (m *writer) keys() string {
	var rows []string
	for _, p := range m.all {
		for _, t := range p.tables {
			c := m.constructs[t.construct]
			for _, k := range t.of(c) {
				if m.plainExit(t, k) {
					continue
				}
				rows = append(rows, fmt.Sprintf("| `%s` | %s | %s | [%s](reference/%s.md) |\n", k.Name, lower(c.Title), cell(k.Doc), p.title, p.name))
			}
		}
	}
	slices.SortFunc(rows, func(a, b string) int {
		key := func(row string) string { return strings.SplitN(row, "`", 3)[1] }
		return cmp.Or(strings.Compare(key(a), key(b)), strings.Compare(a, b))
	})
	return Note + "# Every key\n\nEvery key of every file, in the order of the alphabet, and the page that tells more. It is made from the table that\n`dispatcher check` and `dispatcher schema` read.\n\n| key | it stands in | what it is | page |\n|---|---|---|---|\n" +
		strings.Join(slices.Compact(rows), "")
}
