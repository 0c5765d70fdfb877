package lsp

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"dispatcher/flows"
	"dispatcher/internal/source"
)

// hover says what stands at a place: the long help of a problem, then what the
// name, the key or the function there is.
func (s *server) hover(ctx context.Context, p *positionParams) (any, error) {
	d, ok := s.document(p.TextDocument.URI)
	if !ok {
		return nil, nil
	}
	units := s.encoding()
	at := d.text.offset(p.Position, units)
	var parts []string
	var r *lspRange
	for _, problem := range d.project.problems(d, at, at) {
		parts = append(parts, explained(problem))
	}
	d.project.looking(func(l look) {
		if m, ok := l.At(d.path, at-d.text.mark()); ok {
			parts = append(parts, l.describe(m))
			found := l.span(m.At, units)
			r = &found
		}
	})
	if r == nil {
		h := &hovering{server: s, doc: d, units: units, at: at, kind: flows.FileKind(d.path)}
		if text, found := h.word(); text != "" {
			parts, r = append(parts, text), &found
		}
	}
	if len(parts) == 0 {
		return nil, nil
	}
	return hover{markdown(strings.Join(parts, "\n\n---\n\n")), r}, ctx.Err()
}

// explained is a problem with its long help.
func explained(d source.Diagnostic) string {
	out := fmt.Sprintf("**%s** %s", d.Code, d.Message)
	if e, ok := flows.Explain(d.Code); ok {
		out += "\n\n" + e.Why
		if e.After != "" {
			out += "\n\nRight:\n\n```yaml\n" + strings.TrimRight(e.After, "\n") + "\n```"
		}
	}
	return out
}

// problems are those of an open file between two bytes, as the last check of
// this very text has found them.
func (p *project) problems(d document, from, to int) []source.Diagnostic {
	p.mu.Lock()
	last := p.last
	p.mu.Unlock()
	if last.files == nil || string(last.files.Data[d.path]) != d.text.data {
		return nil
	}
	mark := d.text.mark()
	return slices.DeleteFunc(slices.Clone(last.diags[d.path]), func(one source.Diagnostic) bool {
		start := one.Range.Offset + mark
		return start > to || start+one.Range.Length < from
	})
}

// hovering is a look at a word that is no name of the project.
type hovering struct {
	server *server
	doc    document
	units  encoding
	at     int
	kind   string
}

var wordBytes = regexp.MustCompile(`[A-Za-z0-9_]`)

// word explains the key, the function or the field that the cursor is on.
func (h *hovering) word() (string, lspRange) {
	o := newOutline(h.doc.text)
	data := h.doc.text.data
	from, to := h.at, h.at
	for from > 0 && wordBytes.MatchString(data[from-1:from]) {
		from--
	}
	for to < len(data) && wordBytes.MatchString(data[to:to+1]) {
		to++
	}
	if from == to {
		return "", lspRange{}
	}
	r, name := h.doc.text.span(from, to, h.units), data[from:to]
	c := o.at(to)
	place := h.server.atlas.At(h.kind, c.path)
	if c.key && c.word == from {
		if k, ok := h.server.atlas.At(h.kind, append(c.path, flows.Step{Key: name})).Key(); ok {
			return keyHelp(k), r
		}
	}
	i := strings.LastIndex(c.value, "{{")
	if !place.Expression() && (i < 0 || strings.Contains(c.value[i:], "}}")) {
		if k, ok := place.Key(); ok && slices.Contains(place.Words(), name) {
			return keyHelp(k), r
		}
		return "", lspRange{}
	}
	return h.inExpression(data, from, name, c.path), r
}

// keyHelp is a key with all that the table has of it.
func keyHelp(k flows.KeyDoc) string {
	out := fmt.Sprintf("**%s** of %s: %s\n\n*%s*", k.Name, k.Of, k.Doc, k.Value)
	switch {
	case k.Required:
		out += ", required"
	case k.Default != "":
		out += ", default: " + k.Default
	}
	return out
}

// inExpression explains a function, a group of values or a field of one.
func (h *hovering) inExpression(data string, from int, name string, path []flows.Step) string {
	base := dottedWord.FindStringSubmatch(data[max(0, from-100):from])[1]
	if base = strings.TrimRight(base, "?."); base != "" {
		for _, f := range h.server.atlas.Fields(base) {
			if f.Name == name {
				return fmt.Sprintf("`%s.%s`: %s", base, name, f.Type)
			}
		}
		return ""
	}
	for _, f := range flows.Functions() {
		if f.Name == name {
			return fmt.Sprintf("`%s`\n\n%s", signature(f), f.Doc)
		}
	}
	for _, o := range h.server.atlas.Objects(h.kind, path) {
		if o.Name == name {
			return fmt.Sprintf("`%s`: %s", name, o.Doc)
		}
	}
	return ""
}
