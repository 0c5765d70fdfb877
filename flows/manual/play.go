package manual

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"dispatcher/flows"
	"dispatcher/flows/rehearse"
)

// example shows the files of a page and the talks that its tests are.
func (m *writer) example(b *strings.Builder, p *page) error {
	sources := &flows.Files{Name: "shop", Data: map[string][]byte{}}
	b.WriteString("\n## Example\n")
	for _, f := range p.files {
		sources.Data[f.path] = []byte(f.text)
		lang := "yaml"
		if path.Ext(f.path) != ".yaml" {
			lang = "text"
		}
		fmt.Fprintf(b, "\n`%s`\n\n```%s\n%s```\n", f.path, lang, f.text)
	}
	project, tests := flows.LoadTests(sources, m.opts)
	if len(project.Diagnostics) > 0 || !tests.OK() {
		var said strings.Builder
		project.WriteText(&said, false)
		tests.WriteText(&said, false)
		return fmt.Errorf("the example is not clean:\n%s", said.String())
	}
	if len(tests.Files) == 0 {
		return errors.New("the example has no test")
	}
	report := (&rehearse.Suite{Project: project, Tests: tests, Workers: 1}).Run()
	if !report.OK() {
		var said strings.Builder
		report.WriteText(&said, rehearse.Style{})
		return fmt.Errorf("a test of the example fails:\n%s", said.String())
	}
	b.WriteString("\n`dispatcher test -v` plays it:\n")
	for i := range report.Outcomes {
		talk(b, &report.Outcomes[i])
	}
	return nil
}

// talk is what was said in one test.
func talk(b *strings.Builder, o *rehearse.Outcome) {
	fmt.Fprintf(b, "\n```text\n%s\n", o.Name)
	for _, e := range o.Log {
		fmt.Fprintf(b, "  %-8s %s\n", who(e.Kind), strings.ReplaceAll(strings.TrimRight(e.Text, "\n"), "\n", "\n           "))
		if len(e.Options) > 0 {
			fmt.Fprintf(b, "           [%s]\n", strings.Join(e.Options, "] ["))
		}
	}
	b.WriteString("```\n")
}

// who says in the reader's words whose line it is.
func who(kind string) string {
	if kind == "user" {
		return "customer"
	}
	return kind
}
