package manual

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"

	"dispatcher/flows"
	"dispatcher/internal/source"
)

// families are the groups of codes, by what a code begins with.
var families = []struct{ name, digits string }{
	{"Files", "0"}, {"Keys, names and values", "1"}, {"Expressions", "2"}, {"Paths and questions", "3"},
	{"Channels, languages, what is left over", "4"}, {"Conversations in progress", "5"},
}

// writeCodes writes a page for every code, and the list of them.
func (m *writer) writeCodes() error {
	var wrong []error
	var b strings.Builder
	b.WriteString(Note + "# What check may say\n\nAn **error** (E) keeps an edit from going live. A **warning** (W) does not: it is something to look at. A code never\nchanges its meaning. `dispatcher check --explain E301` shows in the terminal what stands on its page here.\n")
	for _, f := range families {
		fmt.Fprintf(&b, "\n## %s\n\n| code | it means |\n|---|---|\n", f.name)
		for _, code := range flows.Codes() {
			e, _ := flows.Explain(code)
			if code[1:2] == f.digits {
				fmt.Fprintf(&b, "| [%s](%s.md) | %s |\n", code, code, cell(e.Title))
			}
		}
	}
	m.pages["codes/README.md"] = b.String()
	for _, code := range flows.Codes() {
		page, err := m.code(code)
		wrong = append(wrong, err)
		m.pages["codes/"+code+".md"] = page
	}
	return errors.Join(wrong...)
}

// code is the page of one code: an example that has the problem, what check
// says about it, the same mended, and what check says then.
func (m *writer) code(code string) (string, error) {
	e, _ := flows.Explain(code)
	var b strings.Builder
	var err error
	kind := "An error: the edit does not go live until it is mended."
	if code[0] == 'W' {
		kind = "A warning: the edit goes live all the same."
	}
	fmt.Fprintf(&b, "%s# %s: %s\n\n%s %s\n", Note, code, e.Title, e.Why, kind)
	if e.Before != "" {
		b.WriteString("\n## What it looks like\n")
		blocks(&b, e.Before)
		if where := e.ReportedBy(); where != "" {
			fmt.Fprintf(&b, "\nThis is reported by %s, not by `dispatcher check` alone.\n", where)
		} else {
			err = errors.Join(err, m.said(&b, code, e.Before, true))
		}
	}
	if e.After != "" {
		b.WriteString("\n## Mended\n")
		blocks(&b, e.After)
		if e.ReportedBy() == "" {
			err = errors.Join(err, m.said(&b, code, e.After, false))
		}
	}
	b.WriteString("\n## Where it belongs\n\n")
	for _, p := range m.codes[code] {
		fmt.Fprintf(&b, "- [%s](../reference/%s.md): %s\n", p.title, p.name, lower(p.brief))
	}
	b.WriteString("- [All codes](README.md)\n")
	return b.String(), err
}

// blocks shows the files of an example of the catalogue.
func blocks(b *strings.Builder, text string) {
	if !strings.HasPrefix(text, "-- ") {
		text = "-- flows/shop.yaml --\n" + text
	}
	open := false
	for line := range strings.Lines(text) {
		if name, ok := strings.CutPrefix(line, "-- "); ok {
			if open {
				b.WriteString("```\n")
			}
			fmt.Fprintf(b, "\n`%s`\n\n```yaml\n", strings.TrimSuffix(strings.TrimSpace(name), " --"))
			open = true
			continue
		}
		b.WriteString(line)
	}
	b.WriteString("```\n")
}

// said is what check prints about an example, which must show the code or not.
func (m *writer) said(b *strings.Builder, code, text string, shows bool) error {
	f := flows.ExampleFiles(text)
	f.Media = map[string][sha256.Size]byte{"flows/media/photo.png": {1}}
	opts, command := m.opts, "dispatcher check"
	if code == "W410" {
		limit := 0.05
		opts.MaxCost, command = &limit, "dispatcher check --max-cost 0.05"
	}
	project := flows.Load(f, opts)
	fmt.Fprintf(b, "\n`%s` says:\n\n```text\n", command)
	project.WriteText(b, false)
	b.WriteString("```\n")
	has := slices.ContainsFunc(project.Diagnostics, func(d source.Diagnostic) bool { return d.Code == code })
	if has != shows || !shows && !project.OK() {
		return fmt.Errorf("the example of %s in flows/catalogue_*.go: shown %v, wanted %v", code, has, shows)
	}
	return nil
}
