package lsp

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"dispatcher/flows"
	"dispatcher/internal/source"

	"github.com/creachadair/jrpc2"
)

// Kinds of code actions, and the commands of this server.
const (
	quickFix       = "quickfix"
	fixAll         = "source.fixAll"
	explainCommand = "dispatcher.explain"
)

// codeActions offers the repairs of check --fix for the problems of a range, and
// the long help of each. It waits until this text is checked.
func (s *server) codeActions(ctx context.Context, p *codeActionParams) (any, error) {
	out := []codeAction{}
	d, ok := s.document(p.TextDocument.URI)
	if !ok {
		return out, nil
	}
	found, err := d.project.settled(ctx)
	if err != nil {
		return nil, err
	}
	a := &acting{server: s, doc: d, found: found, texts: newTexts(found.files, map[string]document{d.path: d}), only: p.Context.Only}
	units := s.encoding()
	from, to := d.text.offset(p.Range.Start, units), d.text.offset(p.Range.End, units)
	for _, problem := range d.project.problems(d, from, to) {
		out = append(out, a.repair(problem)...)
	}
	out = append(out, a.all()...)
	for _, problem := range d.project.problems(d, from, to) {
		out = append(out, a.explanation(problem)...)
	}
	return out, ctx.Err()
}

// acting makes the actions for one file.
type acting struct {
	server *server
	doc    document
	found  outcome
	*texts
	only      []string
	explained map[string]bool
}

// wants says that the client asked for a kind of action.
func (a *acting) wants(kind string) bool {
	for _, only := range a.only {
		if only == kind || strings.HasPrefix(kind, only+".") {
			return true
		}
	}
	return len(a.only) == 0
}

// repair is the safe repair of one problem.
func (a *acting) repair(d source.Diagnostic) []codeAction {
	if d.Fix == nil || !d.Fix.Safe || len(d.Fix.Edits) == 0 || !a.wants(quickFix) {
		return nil
	}
	units := a.server.encoding()
	edit := &workspaceEdit{Changes: map[string][]textEdit{}}
	for _, e := range d.Fix.Edits {
		r := e.Range
		r.File = d.Range.File
		edit.Changes[a.doc.uri] = append(edit.Changes[a.doc.uri], textEdit{a.span(r, units), e.Text})
	}
	title := d.Hint
	switch first := d.Fix.Edits[0]; {
	case strings.HasPrefix(title, "did you mean "):
		title = "Change to " + first.Text
	case title == "":
		title = "Repair " + d.Code
	default:
		title = strings.ToUpper(title[:1]) + title[1:]
	}
	return []codeAction{{Title: title, Kind: quickFix, Preferred: true, Edit: edit,
		Diagnostics: []diagnostic{a.doc.project.diagnostic(d, a.texts, units)}}}
}

// all is every safe repair of this file at once, as check --fix makes them.
func (a *acting) all() []codeAction {
	kind := fixAll + ".dispatcher"
	safe := 0
	for _, d := range a.found.diags[a.doc.path] {
		if d.Fix != nil && d.Fix.Safe {
			safe++
		}
	}
	if safe == 0 || !a.wants(kind) {
		return nil
	}
	opts := a.doc.project.opts
	opts.Warm = new(flows.Warm)
	fixed, _ := flows.Fix(a.found.files, func(f *flows.Files) *flows.Project { return flows.Load(f, opts) })
	now := string(fixed.Files.Data[a.doc.path])
	if now == a.doc.text.data {
		return nil
	}
	return []codeAction{{Title: "Make every safe repair in this file", Kind: kind, Edit: &workspaceEdit{Changes: map[string][]textEdit{
		a.doc.uri: {a.server.replaced(a.doc.text, now)}}}}}
}

// replaced is the edit that makes one text of another: what is the same at both
// ends stays, so that the cursor does.
func (s *server) replaced(was *text, now string) textEdit {
	old := was.data
	head := 0
	for head < len(old) && head < len(now) && old[head] == now[head] {
		head++
	}
	tail := 0
	for tail < len(old)-head && tail < len(now)-head && old[len(old)-1-tail] == now[len(now)-1-tail] {
		tail++
	}
	for head > 0 && !boundary(old, head) {
		head--
	}
	for tail > 0 && !boundary(old, len(old)-tail) {
		tail--
	}
	return textEdit{was.span(head, len(old)-tail, s.encoding()), now[head : len(now)-tail]}
}

// boundary says that a position can stand at a byte: not within a character,
// and not between CR and LF.
func boundary(s string, at int) bool {
	return at >= len(s) || at <= 0 || s[at]&0xc0 != 0x80 && !(s[at-1] == '\r' && s[at] == '\n')
}

// explanation shows the long help of a problem.
func (a *acting) explanation(d source.Diagnostic) []codeAction {
	e, ok := flows.Explain(d.Code)
	if a.explained == nil {
		a.explained = map[string]bool{}
	}
	if !ok || a.explained[d.Code] || !a.wants(quickFix) {
		return nil
	}
	a.explained[d.Code] = true
	title := fmt.Sprintf("Explain %s: %s", e.Code, e.Title)
	return []codeAction{{Title: title, Kind: quickFix, Command: &command{title, explainCommand, []any{e.Code}}}}
}

// execute runs a command of ours: the long help of a code is shown, and given
// back for clients that show it better.
func (s *server) execute(_ context.Context, p *commandParams) (any, error) {
	if p.Command != explainCommand {
		return nil, jrpc2.Errorf(jrpc2.InvalidParams, "there is no command %q", p.Command)
	}
	var code string
	if len(p.Arguments) == 1 {
		_ = json.Unmarshal(p.Arguments[0], &code) // what is no text is no code
	}
	e, ok := flows.Explain(strings.ToUpper(code))
	if !ok {
		return nil, jrpc2.Errorf(jrpc2.InvalidParams, "there is no code %q", code)
	}
	var b strings.Builder
	opts := s.cfg.Options("")
	opts.Warm = new(flows.Warm)
	e.WriteText(&b, opts, false)
	s.tell("window/showMessage", messageParams{messageInfo, b.String()})
	return b.String(), nil
}
