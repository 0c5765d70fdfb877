package lsp

import (
	"maps"
	"reflect"
	"slices"

	"dispatcher/flows"
	"dispatcher/internal/source"
)

// published is what the client was told about a file.
type published struct {
	version *int
	edit    int // of the text it is about, 0 for one on disk
	list    []diagnostic
}

// publish tells the client what a check has found: about each file that has
// problems, had some, or has a new text.
func (p *project) publish(found outcome, open map[string]document) {
	p.telling.Lock()
	defer p.telling.Unlock()
	t := newTexts(found.files, open)
	for _, path := range paths(found.diags, open, p.told) {
		p.tellOf(path, found.diags[path], t, open)
	}
}

// paths are the keys of all maps, each once, sorted.
func paths(found map[string][]source.Diagnostic, open map[string]document, told map[string]published) []string {
	seen := map[string]bool{}
	for path := range found {
		seen[path] = true
	}
	for path := range open {
		seen[path] = true
	}
	for path := range told {
		seen[path] = true
	}
	return slices.Sorted(maps.Keys(seen))
}

// tellOf tells the client the problems of one file, unless it knows them, or
// those of a later text.
func (p *project) tellOf(path string, diags []source.Diagnostic, t *texts, open map[string]document) {
	now := published{list: p.diagnostics(diags, t)}
	if d, ok := open[path]; ok {
		now.version, now.edit = &d.version, d.edit
	}
	was, known := p.told[path]
	if known && now.edit > 0 && was.edit > now.edit {
		return
	}
	if known && reflect.DeepEqual(was, now) || !known && now.version == nil && len(now.list) == 0 {
		return
	}
	p.told[path] = now
	if now.version == nil && len(now.list) == 0 {
		delete(p.told, path)
	}
	p.server.tell("textDocument/publishDiagnostics", publishParams{URI: p.uri(path), Version: now.version, Diagnostics: now.list})
}

// tellUnreadable tells what keeps an open file from being read, and says whether
// something does.
func (p *project) tellUnreadable(d document) bool {
	if flows.FileKind(d.path) == "" {
		return false
	}
	doc, diags := source.Parse(d.path, []byte(d.text.data))
	if doc.Root != nil {
		return false
	}
	p.telling.Lock()
	defer p.telling.Unlock()
	open := map[string]document{d.path: d}
	p.tellOf(d.path, diags, newTexts(&flows.Files{}, open), open)
	return true
}

// diagnostics are problems as the protocol has them, in the words of check.
func (p *project) diagnostics(diags []source.Diagnostic, t *texts) []diagnostic {
	units := p.server.encoding()
	out := make([]diagnostic, 0, len(diags))
	for _, d := range diags {
		out = append(out, p.diagnostic(d, t, units))
	}
	return out
}

func (p *project) diagnostic(d source.Diagnostic, t *texts, units encoding) diagnostic {
	one := diagnostic{Range: t.span(d.Range, units), Severity: severityError, Code: d.Code, Source: "dispatcher", Message: d.Message}
	if d.Severity == source.Warning {
		one.Severity = severityWarning
	}
	if d.Hint != "" {
		one.Message += "\nhint: " + d.Hint
	}
	for _, r := range d.Related {
		message := r.Message
		if message == "" {
			message = "see here"
		}
		one.Related = append(one.Related, related{location{p.uri(r.Range.File), t.span(r.Range, units)}, message})
	}
	return one
}

// forget takes back what was said of a project that is left.
func (p *project) forget() {
	p.mu.Lock()
	p.left = true
	rested := p.rested
	p.mu.Unlock()
	if rested != nil {
		<-rested
	}
	p.telling.Lock()
	defer p.telling.Unlock()
	for path := range p.told {
		p.server.tell("textDocument/publishDiagnostics", publishParams{URI: p.uri(path), Diagnostics: []diagnostic{}})
	}
	p.told = map[string]published{}
}
