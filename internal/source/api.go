package source

import (
	"encoding/json"
	"io"
)

// Parse reads one YAML file. path is relative to the project, with /. The
// result is never nil; its Root is nil when the file did not parse, and then
// at least one diagnostic is an error.
func Parse(path string, data []byte) (*Doc, []Diagnostic) { return &Doc{Path: path, Data: data}, nil }

// Sort orders diagnostics by file, line, column and code.
func Sort(diags []Diagnostic) {}

// Dedup keeps at most one problem per position and code; it expects sorted input.
func Dedup(diags []Diagnostic) []Diagnostic { return diags }

// Text writes diagnostics with excerpt, caret and hint (language.md 6.1),
// one empty line between two problems. files are the sources by path.
func Text(w io.Writer, diags []Diagnostic, files map[string][]byte, color bool) {}

// JSON gives diagnostics as the list "problems" of language.md 6.2.
func JSON(diags []Diagnostic, files map[string][]byte) json.RawMessage { return json.RawMessage("[]") }

// DidYouMean picks the candidate that word was probably meant to be.
func DidYouMean(word string, candidates []string) (string, bool) { return "", false }
