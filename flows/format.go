package flows

import (
	"fmt"
	"path"
	"strings"

	"dispatcher/internal/source"
)

// FormatError says why a file was left as it is: it is no YAML that flow files
// may be (E00x). Format repairs nothing.
type FormatError struct {
	Diagnostics []source.Diagnostic // at least one, with positions
}

// Error is the first of the problems.
func (e *FormatError) Error() string {
	d := e.Diagnostics[0]
	return fmt.Sprintf("%s:%d:%d: %s[%s]: %s", d.Range.File, d.Range.Line, d.Range.Column, d.Severity, d.Code, d.Message)
}

// Format gives a file of a project the order of keys of the grammar table and an
// indentation of two spaces. name is the file's path relative to the project;
// it says what kind of file it is, and where it does not, what is written in it
// does. Comments, blank lines and scalars stay as they are written, a comment
// with the key that it stands above, beside or directly below; lists and maps
// with names of the writer's own keep their order. What the file means never
// changes, and formatting twice is formatting once. A file with E00x comes back
// as it is, with a *FormatError.
func Format(name string, text []byte) ([]byte, error) {
	doc, diags := source.Parse(name, text)
	var bad []source.Diagnostic
	for _, d := range diags {
		if d.Code < "E100" {
			bad = append(bad, d)
		}
	}
	if strings.HasSuffix(name, ".yml") {
		bad = []source.Diagnostic{{Code: "E007", Severity: source.Error, Message: misnamed, Range: start(name)}}
	}
	if len(bad) > 0 || doc.Root == nil {
		return text, &FormatError{Diagnostics: bad}
	}
	mark := string(text[:len(text)-len(doc.Data)]) // a byte order mark
	order := keyOrder{grammar: grammar(), form: formOfFile(name, doc.Root)}
	for _, sorted := range []bool{true, false} {
		order.keep = !sorted
		out, ok := order.format(doc)
		if ok && order.same(doc, out) {
			return []byte(mark + out), nil
		}
	}
	return text, nil
}

// formOfFile is the form of the whole of a file.
func formOfFile(name string, root *source.Node) string {
	dir, base := path.Split(name)
	switch {
	case name == projectFile:
		return "map:project"
	case strings.HasSuffix(base, ".test.yaml") || strings.Contains("/"+dir, "/flows/tests/"):
		return "map:test_file"
	case strings.Contains("/"+dir, "/flows/locales/"):
		return "map:locale"
	case root.Get("states") != nil || root.Get("flow") != nil:
		return "map:flow"
	case root.Get("tests") != nil:
		return "map:test_file"
	case root.Get("dispatcher") != nil || base == projectFile:
		return "map:project"
	case root.Get("language") != nil:
		return "map:locale"
	}
	return "map:flow"
}

// format sorts inside { } first, which moves nothing else, then lays out lines.
func (o keyOrder) format(doc *source.Doc) (string, bool) {
	if !o.keep {
		text, ok := newLayout(o, doc).braces()
		if !ok {
			return "", false
		}
		if text != string(doc.Data) {
			again, _ := source.Parse(doc.Path, []byte(text))
			if again.Root == nil {
				return "", false
			}
			doc = again
		}
	}
	return newLayout(o, doc).document()
}

// same says that a formatted text is the file it was made from: the same values
// under the same keys, order kept wherever it means something, and not a
// character more or less than white space.
func (o keyOrder) same(doc *source.Doc, out string) bool {
	after, _ := source.Parse(doc.Path, []byte(out))
	return after.Root != nil && inkOf(string(doc.Data)) == inkOf(out) &&
		len(doc.Again) == len(after.Again) && o.equal(doc.Root, after.Root, o.form)
}

// inkOf counts the characters of a text that are seen.
func inkOf(text string) (n [256]int) {
	for i := range len(text) {
		n[text[i]]++
	}
	for _, white := range " \t\r\n" {
		n[white] = 0
	}
	return n
}

func (o keyOrder) equal(a, b *source.Node, form string) bool {
	if a.Kind != b.Kind || a.Style != b.Style || a.Text != b.Text || len(a.Items) != len(b.Items) || len(a.Pairs) != len(b.Pairs) {
		return false
	}
	in := o.inside(a, form)
	for i, item := range a.Items {
		if !o.equal(item, b.Items[i], in.item) {
			return false
		}
	}
	for i, p := range a.Pairs {
		q := &b.Pairs[i]
		if in.keys != nil && q.Key.Text != p.Key.Text {
			if q = b.Pair(p.Key.Text); q == nil {
				return false
			}
		}
		if p.Key.Text != q.Key.Text || !o.equal(p.Value, q.Value, in.of(p.Key.Text)) {
			return false
		}
	}
	return true
}
