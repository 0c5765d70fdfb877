package source

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

const (
	maxBytes = 1 << 20 // of one file
	maxDepth = 50      // levels of nesting
)

// MostProblems is how many problems of one file are kept: one with more is no
// file of flows, and its list must not take the memory of the machine.
const MostProblems = 10_000

var bom = []byte("\xef\xbb\xbf")

// errDepth stops the YAML library early on deep nesting.
var errDepth = errors.New("nested too deeply")

// depthLimit bounds the nesting while the library scans, before it recurses.
type depthLimit struct{}

// CheckDepth refuses more than maxDepth levels.
func (depthLimit) CheckDepth(depth int, _ *yaml.DepthContext) error {
	if depth > maxDepth {
		return errDepth
	}
	return nil
}

// CheckAlias has nothing to do: aliases are refused by themselves.
func (depthLimit) CheckAlias(int, int) error { return nil }

// Parse reads one YAML file. path is relative to the project, with /. The
// result is never nil; its Root is nil when the file did not parse, and then
// at least one diagnostic is an error.
func Parse(path string, data []byte) (*Doc, []Diagnostic) {
	d := &Doc{Path: path, Data: bytes.TrimPrefix(data, bom)}
	if len(d.Data) > maxBytes {
		d.Data = d.Data[:0]
		d.lines = newLines(nil)
		return d, []Diagnostic{d.problem("E007", d.span(0, 0), "this file is over 1 MiB")}
	}
	d.lines = newLines(d.Data)
	if diag, bad := d.bytes(); bad {
		return d, []Diagnostic{diag}
	}
	root, diag, bad := d.load()
	if bad {
		return d, []Diagnostic{diag}
	}
	c := &converter{doc: d}
	d.Root = c.node(root)
	if c.fatal {
		d.Root = nil
	}
	Sort(c.diags)
	return d, Dedup(c.diags)
}

func (d *Doc) problem(code string, r Range, format string, args ...any) Diagnostic {
	return Diagnostic{Code: code, Severity: Error, Message: fmt.Sprintf(format, args...), Range: r}
}

// bytes finds what makes a file no text at all.
func (d *Doc) bytes() (Diagnostic, bool) {
	if i := bytes.IndexByte(d.Data, 0); i >= 0 && utf8.Valid(d.Data[:i]) {
		return d.problem("E007", d.span(i, i+1), "this file is not text: it has a NUL byte here"), true
	}
	if !utf8.Valid(d.Data) {
		i := 0
		for i < len(d.Data) {
			r, n := utf8.DecodeRune(d.Data[i:])
			if r == utf8.RuneError && n == 1 {
				break
			}
			i += n
		}
		return d.problem("E007", d.span(i, i+1), "this file is not UTF-8 text"), true
	}
	for i, b := range d.Data {
		if (b < 0x20 && b != '\t' && b != '\n' && b != '\r') || b == 0x7f {
			return d.problem("E001", d.span(i, i+1), "this file is not valid YAML: there is an invisible control character here"), true
		}
	}
	return Diagnostic{}, false
}

// load decodes the one document of a file.
func (d *Doc) load() (root *yaml.Node, diag Diagnostic, bad bool) {
	loader, err := yaml.NewLoader(bytes.NewReader(d.Data), yaml.WithPlugin(depthLimit{}))
	if err != nil {
		return nil, d.problem("E001", d.span(0, 0), "this file is not valid YAML"), true
	}
	for {
		var doc yaml.Node
		err := loader.Load(&doc)
		switch {
		case errors.Is(err, io.EOF):
			if root == nil {
				return nil, d.problem("E007", d.span(0, 0), "this file is empty"), true
			}
			return root, Diagnostic{}, false
		case err != nil:
			return nil, d.explain(err), true
		case root != nil:
			at := d.second()
			return nil, d.problem("E007", d.span(at, at+3), "this file has more than one document; write each into its own file"), true
		case len(doc.Content) == 1 && !(doc.Content[0].Kind == yaml.ScalarNode && doc.Content[0].Value == "" && doc.Content[0].Style == 0):
			root = doc.Content[0]
		default:
			return nil, d.problem("E007", d.span(0, 0), "this file is empty"), true
		}
	}
}

// second finds the line that starts the second document.
func (d *Doc) second() int {
	seen := false
	for _, start := range d.lines.starts {
		line := d.Data[start:]
		if bytes.HasPrefix(line, []byte("---")) && seen {
			return start
		}
		trimmed := bytes.TrimLeft(line, " \t")
		if len(trimmed) > 0 && trimmed[0] != '#' && trimmed[0] != '\n' && trimmed[0] != '\r' {
			seen = true
		}
	}
	return 0
}
