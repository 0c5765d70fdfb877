package flows

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"dispatcher/internal/source"
)

// Summary is the last line of a check.
func (p *Project) Summary() string {
	e, w := p.tally()
	c := p.Counts
	return fmt.Sprintf("%s, %s, %s, %s: %s, %s", some(c.Flows, "flow"), some(c.States, "state"),
		some(c.Expressions, "expression"), some(c.Slots, "slot"), some(e, "error"), some(w, "warning"))
}

func some(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

func (p *Project) tally() (errors, warnings int) {
	for _, d := range p.Diagnostics {
		if d.Severity == source.Error {
			errors++
		} else {
			warnings++
		}
	}
	return errors, warnings
}

// WriteText writes the problems and the summary as check prints them.
func (p *Project) WriteText(w io.Writer, color bool) {
	p.WriteProblems(w, color)
	fmt.Fprintln(w, p.Summary())
}

// WriteProblems writes the problems, and an empty line after the last.
func (p *Project) WriteProblems(w io.Writer, color bool) {
	if len(p.Diagnostics) > 0 {
		source.Text(w, p.Diagnostics, p.Files.Data, color)
		fmt.Fprintln(w)
	}
}

// counts are the figures of the summary as data.
type counts struct {
	Flows       int `json:"flows"`
	States      int `json:"states"`
	Expressions int `json:"expressions"`
	Slots       int `json:"slots"`
	Errors      int `json:"errors"`
	Warnings    int `json:"warnings"`
}

// JSON is the object of check --format json (language.md 6.2), with the tables
// that Options asked for.
func (p *Project) JSON() json.RawMessage { return p.JSONAfter(nil) }

// JSONAfter is JSON with the repairs that were made before.
func (p *Project) JSONAfter(fixed []Repair) json.RawMessage {
	e, w := p.tally()
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	err := enc.Encode(struct {
		Version  int             `json:"version"`
		Project  string          `json:"project"`
		Set      string          `json:"set"`
		OK       bool            `json:"ok"`
		Counts   counts          `json:"counts"`
		Problems json.RawMessage `json:"problems"`
		Fixed    []Repair        `json:"fixed,omitempty"`
		Proof    *Proof          `json:"proof,omitempty"`
		Costs    []Cost          `json:"costs,omitempty"`
	}{1, p.Name, p.SetID, p.OK(), counts{p.Counts.Flows, p.Counts.States, p.Counts.Expressions, p.Counts.Slots, e, w},
		source.JSON(p.Diagnostics, p.Files.Data), fixed, p.Proof, p.Costs})
	if err != nil {
		return json.RawMessage("{}") // cannot happen: strings and numbers only
	}
	return bytes.TrimRight(out.Bytes(), "\n")
}

// SARIF is the report that code scanning reads; version is the program's.
func (p *Project) SARIF(version string) json.RawMessage {
	return source.SARIF(p.Diagnostics, version, func(code string) source.Rule {
		if e, ok := Explain(code); ok {
			return source.Rule{Title: e.Title, Help: e.Why}
		}
		return source.Rule{Title: code, Help: code}
	})
}

// WriteGitHub writes a workflow command per problem.
func (p *Project) WriteGitHub(w io.Writer) { source.GitHub(w, p.Diagnostics, p.Files.Data) }
