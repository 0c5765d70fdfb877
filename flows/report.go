package flows

import (
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
	if len(p.Diagnostics) > 0 {
		source.Text(w, p.Diagnostics, p.Files.Data, color)
		fmt.Fprintln(w)
	}
	fmt.Fprintln(w, p.Summary())
}

// JSON is the object of check --format json (language.md 6.2).
func (p *Project) JSON() json.RawMessage {
	e, w := p.tally()
	type counts struct {
		Flows       int `json:"flows"`
		States      int `json:"states"`
		Expressions int `json:"expressions"`
		Slots       int `json:"slots"`
		Errors      int `json:"errors"`
		Warnings    int `json:"warnings"`
	}
	raw, err := json.Marshal(struct {
		Version  int             `json:"version"`
		Project  string          `json:"project"`
		Set      string          `json:"set"`
		OK       bool            `json:"ok"`
		Counts   counts          `json:"counts"`
		Problems json.RawMessage `json:"problems"`
	}{1, p.Name, p.SetID, p.OK(), counts{p.Counts.Flows, p.Counts.States, p.Counts.Expressions, p.Counts.Slots, e, w},
		source.JSON(p.Diagnostics, p.Files.Data)})
	if err != nil {
		return json.RawMessage("{}") // cannot happen: strings and numbers only
	}
	return raw
}
