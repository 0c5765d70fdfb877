package source

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"sort"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/rivo/uniseg"
)

// Sort orders diagnostics by file, line, column and code.
func Sort(diags []Diagnostic) {
	slices.SortStableFunc(diags, func(a, b Diagnostic) int {
		return cmp.Or(cmp.Compare(a.Range.File, b.Range.File), cmp.Compare(a.Range.Line, b.Range.Line),
			cmp.Compare(a.Range.Column, b.Range.Column), cmp.Compare(a.Code, b.Code))
	})
}

// Dedup keeps at most one problem per position and code; it expects sorted input.
func Dedup(diags []Diagnostic) []Diagnostic {
	return slices.CompactFunc(diags, func(a, b Diagnostic) bool {
		return a.Code == b.Code && a.Range.File == b.Range.File && a.Range.Line == b.Range.Line && a.Range.Column == b.Range.Column
	})
}

// Text writes diagnostics with excerpt, caret and hint (language.md 6.1),
// one empty line between two problems. files are the sources by path.
func Text(w io.Writer, diags []Diagnostic, files map[string][]byte, color bool) {
	p := newPrinter(files)
	p.color = color
	p.cover(diags)
	for i, d := range diags {
		if i > 0 {
			p.out.WriteByte('\n')
		}
		p.one(d)
	}
	_, _ = w.Write(p.out.Bytes()) // a terminal that went away has nobody to tell
}

// secretCode marks what looks like a secret: it is reported, never repeated,
// because what is printed here ends in logs.
const secretCode = "W133"

// cover puts dots over every secret of the lines that will be shown.
func (p *printer) cover(diags []Diagnostic) {
	for _, d := range diags {
		if d.Code != secretCode || d.Range.EndLine != d.Range.Line {
			continue
		}
		line, ok := p.line(d.Range.File, d.Range.Line)
		if !ok {
			continue
		}
		for i := max(d.Range.Column-1, 0); i < min(d.Range.EndColumn-1, len(line.chars)); i++ {
			line.chars[i] = '•'
		}
	}
}

type printer struct {
	out   bytes.Buffer
	files map[string][]byte
	lines map[string][][]byte
	ready map[lineKey]*shown
	color bool
}

func newPrinter(files map[string][]byte) *printer {
	return &printer{files: files, lines: map[string][][]byte{}, ready: map[lineKey]*shown{}}
}

type lineKey struct {
	file string
	n    int
}

// shown is one line as it is printed, kept for the next problem on it.
type shown struct {
	chars []rune
	wide  []int // characters that are two units of UTF-16
}

func (p *printer) paint(code, s string) string {
	if !p.color {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

func (p *printer) one(d Diagnostic) {
	shade := "31;1"
	if d.Severity == Warning {
		shade = "33;1"
	}
	fmt.Fprintf(&p.out, "%s: %s: %s\n", place(d.Range), p.paint(shade, d.Severity+"["+d.Code+"]"), d.Message)
	p.excerpt(d.Range, shade)
	if d.Hint != "" {
		fmt.Fprintf(&p.out, "     = hint: %s\n", d.Hint)
	}
	for _, r := range d.Related {
		if !r.Aside {
			fmt.Fprintf(&p.out, "     = see: %s\n", place(r.Range))
		}
	}
}

func place(r Range) string { return fmt.Sprintf("%s:%d:%d", r.File, r.Line, r.Column) }

// excerpt shows the line and carets under the range, by display width.
func (p *printer) excerpt(r Range, shade string) {
	line, ok := p.line(r.File, r.Line)
	if !ok {
		return
	}
	chars := line.chars
	from := min(max(r.Column-1, 0), len(chars))
	to := len(chars)
	if r.EndLine == r.Line {
		to = min(max(r.EndColumn-1, from), len(chars))
	}
	under := max(width(chars[from:min(to, from+maxShown)]), 1)
	chars, from = window(chars, from)
	fmt.Fprintf(&p.out, "%4d | %s\n", r.Line, string(chars))
	fmt.Fprintf(&p.out, "     | %s%s\n", strings.Repeat(" ", width(chars[:from])), p.paint(shade, strings.Repeat("^", under)))
}

// maxShown is how many characters of a line are shown; of longer lines the
// part around the problem.
const maxShown = 400

func window(chars []rune, from int) ([]rune, int) {
	if len(chars) <= maxShown {
		return chars, from
	}
	start := max(from-maxShown/2, 0)
	return chars[start:min(start+maxShown, len(chars))], from - start
}

// width is the columns that characters take on a terminal.
func width(r []rune) int {
	for _, c := range r {
		if c >= utf8.RuneSelf {
			return uniseg.StringWidth(string(r))
		}
	}
	return len(r)
}

// line is one line of a file; lines are split once per file.
func (p *printer) line(file string, n int) (*shown, bool) {
	key := lineKey{file, n}
	if s, ok := p.ready[key]; ok {
		return s, true
	}
	text, ok := p.raw(file, n)
	if !ok {
		return nil, false
	}
	s := &shown{chars: []rune(strings.ReplaceAll(string(text), "\t", " "))}
	for i, r := range s.chars {
		if utf16.RuneLen(r) == 2 {
			s.wide = append(s.wide, i)
		}
	}
	p.ready[key] = s
	return s, true
}

// raw is one line without what a terminal would not show.
func (p *printer) raw(file string, n int) ([]byte, bool) {
	data, ok := p.files[file]
	if !ok || n < 1 {
		return nil, false
	}
	split, done := p.lines[file]
	if !done {
		data = bytes.TrimPrefix(data, bom)
		data = bytes.ReplaceAll(bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n")), []byte("\r"), []byte("\n"))
		split = bytes.Split(data, []byte("\n"))
		p.lines[file] = split
	}
	if n > len(split) {
		return nil, false
	}
	line := bytes.ToValidUTF8(split[n-1], []byte("�"))
	return bytes.Map(func(r rune) rune {
		if r < ' ' && r != '\t' || r >= 0x7f && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			return '�'
		}
		return r
	}, line), true
}

type jsonProblem struct {
	Code        string        `json:"code"`
	Severity    string        `json:"severity"`
	Message     string        `json:"message"`
	Hint        string        `json:"hint,omitempty"`
	File        string        `json:"file"`
	Line        int           `json:"line"`
	Column      int           `json:"column"`
	EndLine     int           `json:"end_line"`
	EndColumn   int           `json:"end_column"`
	Offset      int           `json:"offset"`
	Length      int           `json:"length"`
	UTF16Column int           `json:"utf16_column"`
	Flow        string        `json:"flow,omitempty"`
	State       string        `json:"state,omitempty"`
	Related     []jsonRelated `json:"related,omitempty"`
	Fix         *jsonFix      `json:"fix,omitempty"`
}

type jsonRelated struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Message string `json:"message"`
}

type jsonFix struct {
	Safe  bool       `json:"safe"`
	Edits []jsonEdit `json:"edits"`
}

type jsonEdit struct {
	Line      int    `json:"line"`
	Column    int    `json:"column"`
	EndLine   int    `json:"end_line"`
	EndColumn int    `json:"end_column"`
	Text      string `json:"text"`
}

// JSON gives diagnostics as the list "problems" of language.md 6.2.
func JSON(diags []Diagnostic, files map[string][]byte) json.RawMessage {
	p := newPrinter(files)
	list := make([]jsonProblem, 0, len(diags))
	for _, d := range diags {
		list = append(list, p.object(d))
	}
	return marshal(list)
}

func (p *printer) object(d Diagnostic) jsonProblem {
	r := d.Range
	o := jsonProblem{Code: d.Code, Severity: d.Severity, Message: d.Message, Hint: d.Hint, File: r.File, Line: r.Line,
		Column: r.Column, EndLine: r.EndLine, EndColumn: r.EndColumn, Offset: r.Offset + p.skipped(r.File), Length: r.Length,
		UTF16Column: p.utf16(r), Flow: d.Flow, State: d.State}
	for _, rel := range d.Related {
		o.Related = append(o.Related, jsonRelated{rel.Range.File, rel.Range.Line, rel.Range.Column, rel.Message})
	}
	if d.Fix != nil {
		o.Fix = &jsonFix{Safe: d.Fix.Safe}
		for _, e := range d.Fix.Edits {
			o.Fix.Edits = append(o.Fix.Edits, jsonEdit{e.Range.Line, e.Range.Column, e.Range.EndLine, e.Range.EndColumn, e.Text})
		}
	}
	return o
}

// skipped is the length of the mark at the head of a file, which counts as
// bytes of it and as no column.
func (p *printer) skipped(file string) int {
	if bytes.HasPrefix(p.files[file], bom) {
		return len(bom)
	}
	return 0
}

func (p *printer) utf16(r Range) int {
	line, ok := p.line(r.File, r.Line)
	if !ok {
		return r.Column
	}
	return r.Column + sort.SearchInts(line.wide, r.Column-1)
}
