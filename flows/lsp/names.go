package lsp

import (
	"context"

	"slices"
	"strings"

	"dispatcher/flows"

	"github.com/creachadair/jrpc2"
)

// named gives f the name that the cursor is on; f is not called where there is
// none.
func (s *server) named(p positionParams, f func(d document, l look, m flows.Mention)) {
	d, ok := s.document(p.TextDocument.URI)
	if !ok {
		return
	}
	at := d.text.offset(p.Position, s.encoding())
	d.project.looking(func(l look) {
		if m, ok := l.At(d.path, at-d.text.mark()); ok {
			f(d, l, m)
		}
	})
}

func (s *server) locations(d document, l look, list []flows.Mention) []location {
	out := make([]location, 0, len(list))
	for _, m := range list {
		out = append(out, location{d.project.uri(m.At.File), l.span(m.At, s.encoding())})
	}
	return out
}

func (s *server) definition(ctx context.Context, p *positionParams) (any, error) {
	out := []location{}
	s.named(*p, func(d document, l look, m flows.Mention) {
		out = s.locations(d, l, l.Declarations(m))
	})
	return out, ctx.Err()
}

func (s *server) references(ctx context.Context, p *referenceParams) (any, error) {
	out := []location{}
	s.named(p.positionParams, func(d document, l look, m flows.Mention) {
		list := l.Of(m)
		if !p.Context.IncludeDeclaration {
			list = slices.DeleteFunc(list, func(o flows.Mention) bool { return o.Declares })
		}
		out = s.locations(d, l, list)
	})
	return out, ctx.Err()
}

// highlights are the places of a name in its own file.
func (s *server) highlights(ctx context.Context, p *positionParams) (any, error) {
	type highlight struct {
		Range lspRange `json:"range"`
	}
	out := []highlight{}
	s.named(*p, func(d document, l look, m flows.Mention) {
		for _, o := range l.Of(m) {
			if o.At.File == d.path {
				out = append(out, highlight{l.span(o.At, s.encoding())})
			}
		}
	})
	return out, ctx.Err()
}

func refused(format string, args ...any) error { return jrpc2.Errorf(codeFailed, format, args...) }

// prepareRename says what would be renamed, or why nothing can be.
func (s *server) prepareRename(ctx context.Context, p *positionParams) (any, error) {
	err := refused("there is no name here that can be changed everywhere: put the cursor on a state, a slot, a flow, a queue, a schedule, a service, a look-up or a canned response")
	var out *prepared
	s.named(*p, func(_ document, l look, m flows.Mention) {
		if err = l.renamable(m, ""); err == nil {
			out = &prepared{l.span(m.At, s.encoding()), m.Name}
		}
	})
	if err != nil {
		return nil, err
	}
	return out, ctx.Err()
}

// renamable says why a thing cannot be given a new name.
func (l look) renamable(m flows.Mention, to string) error {
	if why := flows.Renamable(m.Kind, m.Name, to); why != "" {
		return refused("%s", why)
	}
	if broken := l.Broken(); len(broken) > 0 {
		return refused("%s cannot be read as it is now, so its names would be left behind: mend it first", strings.Join(broken, ", "))
	}
	if len(l.Declarations(m)) == 0 {
		return refused("there is no %s called %s", m.Kind, m.Name)
	}
	if to == "" || to == m.Name {
		return nil
	}
	other := m
	other.Name = to
	if at := l.Declarations(other); len(at) > 0 {
		return refused("there is a %s called %s already, in %s:%d", m.Kind, to, at[0].At.File, at[0].At.Line)
	}
	if m.Kind == flows.NameQueue || m.Kind == flows.NameSchedule {
		twin := map[string]string{flows.NameQueue: flows.NameSchedule, flows.NameSchedule: flows.NameQueue}[m.Kind]
		for _, name := range []string{m.Name, to} {
			if slices.ContainsFunc(l.Declared(twin, ""), func(o flows.Mention) bool { return o.Name == name }) {
				return refused("%s is also the name of a %s, and open(%q) would change its meaning: rename that one by hand", name, twin, name)
			}
		}
	}
	return nil
}

// rename changes a name everywhere, or nowhere.
func (s *server) rename(ctx context.Context, p *renameParams) (any, error) {
	err := refused("there is no name here that can be changed everywhere")
	edit := workspaceEdit{Changes: map[string][]textEdit{}}
	s.named(p.positionParams, func(d document, l look, m flows.Mention) {
		if p.NewName == "" {
			err = refused("the new name is empty")
			return
		}
		if err = l.renamable(m, p.NewName); err != nil {
			return
		}
		for _, o := range l.Of(m) {
			of := l.text(o.At.File)
			from := o.At.Offset + of.mark()
			if written := of.data[from : from+o.At.Length]; written != m.Name {
				err = refused("%s is written as %s in %s:%d: write it plainly there first", m.Name, written, o.At.File, o.At.Line)
				return
			}
			uri := d.project.uri(o.At.File)
			edit.Changes[uri] = append(edit.Changes[uri], textEdit{l.span(o.At, s.encoding()), p.NewName})
		}
	})
	if err != nil {
		return nil, err
	}
	return edit, ctx.Err()
}
