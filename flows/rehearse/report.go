package rehearse

import (
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/rivo/uniseg"
)

// Columns of the text report: where places stand after names, and what was
// said about a line after the line.
const (
	nameWidth = 47
	textWidth = 59
	maxWhy    = 12 // lines of reason without -v
)

// Style is how a report is written.
type Style struct {
	Verbose bool   // every test with its whole conversation
	Cover   bool   // coverage figures and what is missing
	Color   bool   // of a terminal
	Command string // what starts the line of "rerun"; "" = dispatcher test
}

// WriteText writes a report as dispatcher test prints it (language.md 7.3).
func (r *Report) WriteText(w io.Writer, s Style) {
	r = r.forTerminal()
	p := &reportWriter{w: w, style: s, report: r}
	for i := range r.Outcomes {
		o := &r.Outcomes[i]
		switch {
		case !o.OK:
			p.failed(o)
		case s.Verbose:
			p.passed(o)
		}
	}
	fmt.Fprintf(w, "%d passed, %d failed in %.2fs", r.Passed, r.Failed, r.Took.Seconds())
	if s.Cover {
		fmt.Fprintf(w, "      %s", r.Coverage.Line())
	}
	fmt.Fprintln(w)
	if s.Cover {
		r.Coverage.WriteMissing(w)
	}
}

type reportWriter struct {
	w      io.Writer
	style  Style
	report *Report
}

func (p *reportWriter) paint(code, s string) string {
	if !p.style.Color {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

func padded(s string, width int) string {
	return s + strings.Repeat(" ", max(width-uniseg.StringWidth(s), 0))
}

func (p *reportWriter) head(word, shade string, o *Outcome) {
	fmt.Fprintf(p.w, "%s  %s  %s:%d\n", p.paint(shade, word), padded(o.Name, nameWidth), o.File, o.Line)
}

func (p *reportWriter) passed(o *Outcome) {
	p.head("PASS", "32;1", o)
	for _, e := range o.Log {
		p.entry(e)
	}
	fmt.Fprintln(p.w)
}

// entry is one thing that happened.
func (p *reportWriter) entry(e Entry) {
	fmt.Fprintf(p.w, "      %-5s %s\n", e.Kind, indented(e.Text))
	if len(e.Options) > 0 && p.style.Verbose {
		fmt.Fprintf(p.w, "            [%s]\n", strings.Join(e.Options, "] ["))
	}
}

// indented keeps the further lines of a text under its first.
func indented(s string) string {
	return strings.ReplaceAll(strings.TrimRight(s, "\n"), "\n", "\n            ")
}

func (p *reportWriter) failed(o *Outcome) {
	p.head("FAIL", "31;1", o)
	f := o.Failure
	before := f.Before
	if p.style.Verbose {
		before = o.Log
	}
	for _, e := range before {
		p.entry(e)
	}
	p.diff(f)
	why := f.Why
	switch {
	case p.style.Verbose:
		why = append(append([]string{}, f.Why...), f.Trace...)
	case len(why) > maxWhy:
		why = append(append([]string{}, why[:maxWhy]...), fmt.Sprintf("and %d lines more, with -v", len(f.Why)-maxWhy))
	}
	for i, line := range why {
		word := "     "
		if i == 0 {
			word = "why  "
		}
		fmt.Fprintf(p.w, "      %s %s\n", word, strings.TrimPrefix(indented(line), "  "))
	}
	command := p.style.Command
	if command == "" {
		command = "dispatcher test"
	}
	fmt.Fprintf(p.w, "      rerun %s --run %s -v\n\n", command, quoted(strings.ReplaceAll(p.report.rerun(o.Name), "\ufffd", ".")))
}

// diff is what was expected over what came.
func (p *reportWriter) diff(f *Failure) {
	if f.Note != "" {
		p.side("+", "31", f.ExpectedKind, f.Note, fmt.Sprintf("line %d", f.Line))
		return
	}
	if f.Expected != "" || f.ExpectedKind != "" {
		p.side("-", "32", f.ExpectedKind, f.Expected, fmt.Sprintf("expected, line %d", f.Line))
		p.side("+", "31", f.GotKind, f.Got, "got")
		return
	}
	p.side("+", "31", f.GotKind, f.Got, fmt.Sprintf("got, no step names it, line %d", f.Line))
}

func (p *reportWriter) side(sign, shade, kind, text, note string) {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for i, line := range lines {
		if i > 0 {
			kind = ""
		}
		out := fmt.Sprintf("    %s %-5s %s", sign, kind, line)
		if i == len(lines)-1 {
			out = fmt.Sprintf("    %s %s  (%s)", sign, padded(fmt.Sprintf("%-5s %s", kind, line), textWidth+6), note)
		}
		fmt.Fprintln(p.w, p.paint(shade, out))
	}
}

// rerun is the shortest beginning of a name, of two words or more, that runs
// no other test.
func (r *Report) rerun(name string) string {
	words := strings.Fields(name)
	for n := min(2, len(words)); n < len(words); n++ {
		short := strings.Join(words[:n], " ")
		only, at := 0, strings.Index(name, short)
		for _, o := range r.Outcomes {
			if strings.Contains(o.Name, short) {
				only++
			}
		}
		if only == 1 && at >= 0 {
			return regexp.QuoteMeta(short)
		}
	}
	for _, o := range r.Outcomes {
		if o.Name != name && strings.Contains(o.Name, name) {
			return "^" + regexp.QuoteMeta(name) + "$"
		}
	}
	return regexp.QuoteMeta(name)
}

// quoted is a word for a shell.
func quoted(s string) string {
	if strings.ContainsAny(s, "\"`\\!") || strings.Contains(strings.TrimSuffix(s, "$"), "$") {
		return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
	}
	return `"` + s + `"`
}

// jsonTest and jsonFailure are one test of JSON output.
type jsonTest struct {
	Name    string       `json:"name"`
	File    string       `json:"file"`
	Line    int          `json:"line"`
	OK      bool         `json:"ok"`
	MS      float64      `json:"ms"`
	Failure *jsonFailure `json:"failure,omitempty"`
}

type jsonFailure struct {
	StepLine int    `json:"step_line"`
	Expected string `json:"expected"`
	Got      string `json:"got"`
	Why      string `json:"why"`
}

// JSON is the object of dispatcher test --format json.
func (r *Report) JSON() json.RawMessage {
	tests := make([]jsonTest, 0, len(r.Outcomes))
	for _, o := range r.Outcomes {
		t := jsonTest{Name: o.Name, File: o.File, Line: o.Line, OK: o.OK, MS: float64(o.Took.Microseconds()) / 1000}
		if o.Failure != nil {
			t.Failure = o.Failure.json()
		}
		tests = append(tests, t)
	}
	raw, err := json.Marshal(struct {
		Version  int             `json:"version"`
		OK       bool            `json:"ok"`
		Passed   int             `json:"passed"`
		Failed   int             `json:"failed"`
		MS       float64         `json:"ms"`
		Tests    []jsonTest      `json:"tests"`
		Coverage json.RawMessage `json:"coverage"`
	}{1, r.OK(), r.Passed, r.Failed, float64(r.Took.Microseconds()) / 1000, tests, r.Coverage.JSON()})
	if err != nil {
		return json.RawMessage("{}") // cannot happen: strings and numbers only
	}
	return raw
}

func (f *Failure) json() *jsonFailure {
	j := &jsonFailure{StepLine: f.Line, Expected: f.Expected, Got: f.Got, Why: strings.Join(f.Why, "\n")}
	if f.Note != "" && j.Got == "" {
		j.Got = f.Note
	}
	if f.ExpectedKind != "" && f.ExpectedKind != LineBot && f.ExpectedKind != "expect" {
		j.Expected = f.ExpectedKind + " " + f.Expected
	}
	if f.GotKind != "" && f.GotKind != LineBot && f.GotKind != "expect" {
		j.Got = f.GotKind + " " + f.Got
	}
	return j
}
