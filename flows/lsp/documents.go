package lsp

import (
	"context"
	"fmt"

	"dispatcher/flows"
)

func (s *server) didOpen(_ context.Context, p *didOpenParams) (any, error) {
	d := &document{uri: p.TextDocument.URI, version: p.TextDocument.Version, text: newText(p.TextDocument.Text)}
	file, ok := pathOf(d.uri)
	if ok {
		if root, rel, found := s.home(file); found && flows.Belongs(rel) {
			d.project, d.path = s.projectIn(root), rel
		}
	}
	s.mu.Lock()
	s.edits++
	d.edit = s.edits
	s.documents[d.uri] = d
	said := s.outside
	s.outside = said || d.project == nil
	s.mu.Unlock()
	if d.project == nil {
		if !said {
			s.log(messageInfo, d.uri+" belongs to no project: it is neither a dispatcher.yaml nor a .yaml file below a folder called flows. Such files are left alone.")
		}
		return nil, nil
	}
	d.project.put(*d, true)
	return nil, nil
}

func (s *server) didChange(_ context.Context, p *didChangeParams) (any, error) {
	s.mu.Lock()
	was := s.documents[p.TextDocument.URI]
	units := s.units
	s.mu.Unlock()
	if was == nil {
		return nil, fmt.Errorf("%s is not open", p.TextDocument.URI)
	}
	now := *was
	for _, c := range p.ContentChanges {
		now.text = now.text.edited(c, units)
	}
	if p.TextDocument.Version != nil {
		now.version = *p.TextDocument.Version
	}
	s.mu.Lock()
	s.edits++
	now.edit = s.edits
	s.documents[now.uri] = &now
	s.mu.Unlock()
	if now.project != nil {
		now.project.put(now, false)
	}
	return nil, nil
}

func (s *server) didSave(_ context.Context, p *documentParams) (any, error) {
	if d, ok := s.document(p.TextDocument.URI); ok {
		d.project.kick(true)
	}
	return nil, nil
}

func (s *server) didClose(_ context.Context, p *documentParams) (any, error) {
	s.mu.Lock()
	d := s.documents[p.TextDocument.URI]
	delete(s.documents, p.TextDocument.URI)
	s.mu.Unlock()
	if d != nil && d.project != nil {
		d.project.drop(d.path)
	}
	return nil, nil
}
