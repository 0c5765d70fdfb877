package flows

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"dispatcher/internal/source"
)

// Entry is the long help for one code of language.md 6.3. Before is a small
// project that has the problem, After the same without it; a file starts at a
// line "-- path --", without one it is a flow file.
type Entry struct {
	Code     string `json:"code"`
	Severity string `json:"severity"`
	Title    string `json:"title"`
	Why      string `json:"why"`
	Before   string `json:"before"`
	After    string `json:"after"`

	// elsewhere is who reports the code, where check does not: its example is
	// shown but cannot be run.
	elsewhere string
}

// Explain is the entry of a code.
func Explain(code string) (Entry, bool) {
	for _, group := range catalogue() {
		for _, e := range group {
			if e.Code == code {
				return e.dressed(), true
			}
		}
	}
	return Entry{}, false
}

// Codes are all codes of the catalogue, in its order.
func Codes() []string {
	var out []string
	for _, group := range catalogue() {
		for _, e := range group {
			out = append(out, e.Code)
		}
	}
	return out
}

// SimilarCode is the code that was probably meant.
func SimilarCode(word string) (string, bool) { return source.DidYouMean(word, Codes()) }

func catalogue() [][]Entry {
	return [][]Entry{filesCatalogue, structureCatalogue, textsCatalogue, expressionCatalogue, pathCatalogue, wordsCatalogue, channelCatalogue}
}

// dressed fills in what follows from the code and tidies the examples.
func (e Entry) dressed() Entry {
	e.Severity = source.Error
	if e.Code[0] == 'W' {
		e.Severity = source.Warning
	}
	e.Before, e.After = strings.TrimPrefix(e.Before, "\n"), strings.TrimPrefix(e.After, "\n")
	return e
}

// ReportedBy is who reports the code where check does not; "" = check.
func (e Entry) ReportedBy() string { return e.elsewhere }

// ExampleFiles splits an example into its files.
func ExampleFiles(text string) *Files {
	f := &Files{Name: "shop", Data: map[string][]byte{}}
	path := "flows/shop.yaml"
	for line := range strings.Lines(text) {
		if name, ok := strings.CutPrefix(line, "-- "); ok {
			path = strings.TrimSuffix(strings.TrimSpace(name), " --")
			continue
		}
		f.Data[path] = append(f.Data[path], line...)
	}
	return f
}

// WriteText writes the long help, with what check says about the example.
func (e Entry) WriteText(w io.Writer, opts Options, color bool) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s (%s): %s\n\n%s\n", e.Code, e.Severity, e.Title, wrap(e.Why, 78))
	if e.Before != "" {
		fmt.Fprintf(&b, "\nBefore:\n\n%s", indented(e.Before))
		e.said(&b, opts, color)
	}
	if e.After != "" {
		fmt.Fprintf(&b, "\nAfter:\n\n%s", indented(e.After))
	}
	_, _ = w.Write(b.Bytes()) // a terminal that went away has nobody to tell
}

// said is the problem as check reports it.
func (e Entry) said(w io.Writer, opts Options, color bool) {
	if e.elsewhere != "" {
		fmt.Fprintf(w, "\nReported by %s.\n", e.elsewhere)
		return
	}
	for _, d := range Load(ExampleFiles(e.Before), opts).Diagnostics {
		if d.Code == e.Code {
			fmt.Fprintln(w)
			source.Text(w, []source.Diagnostic{d}, ExampleFiles(e.Before).Data, color)
			return
		}
	}
}

func indented(s string) string {
	var b strings.Builder
	for line := range strings.Lines(s) {
		if strings.TrimSpace(line) != "" {
			b.WriteString("    ")
		}
		b.WriteString(line)
	}
	return b.String()
}

// wrap breaks a text at blanks so that no line is wider than n characters.
func wrap(s string, n int) string {
	var b strings.Builder
	width := 0
	for _, word := range strings.Fields(s) {
		size := len([]rune(word))
		switch {
		case width == 0:
		case width+1+size > n:
			b.WriteByte('\n')
			width = 0
		default:
			b.WriteByte(' ')
			width++
		}
		b.WriteString(word)
		width += size
	}
	return b.String()
}
