package lsp

import (
	"context"
	"net/url"
	"path"
	"path/filepath"
	"strings"

	"io/fs"
)

// pathOf is the path of a file URI, false for any other.
func pathOf(uri string) (string, bool) {
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != "file" || u.Path == "" {
		return "", false
	}
	p := u.Path
	if len(p) > 2 && p[0] == '/' && p[2] == ':' { // /C:/…
		p = p[1:]
	}
	return filepath.Clean(filepath.FromSlash(p)), true
}

// uriOf is the URI of a file.
func uriOf(p string) string {
	p = filepath.ToSlash(p)
	if !strings.HasPrefix(p, "/") {
		p = "/" + p
	}
	return (&url.URL{Scheme: "file", Path: p}).String()
}

// home finds the project that a file belongs to, and its path in there: the
// nearest folder upward with a dispatcher.yaml, or the one that holds flows/.
func (s *server) home(file string) (root, rel string, ok bool) {
	fallback := ""
	for dir := filepath.Dir(file); ; dir = filepath.Dir(dir) {
		below, err := filepath.Rel(dir, file)
		if err != nil {
			return "", "", false
		}
		below = filepath.ToSlash(below)
		inside := strings.HasPrefix(below, "flows/") || below == "dispatcher.yaml" || below == "dispatcher.yml"
		if inside && s.has(dir, "dispatcher.yaml") || below == "dispatcher.yaml" {
			return dir, below, true
		}
		if inside && fallback == "" {
			fallback = dir
		}
		if dir == filepath.Dir(dir) {
			break
		}
	}
	if fallback == "" {
		return "", "", false
	}
	below, err := filepath.Rel(fallback, file)
	return fallback, filepath.ToSlash(below), err == nil
}

// has says that a folder holds a file, on disk or in the editor.
func (s *server) has(dir, name string) bool {
	s.mu.Lock()
	open := s.documents[uriOf(filepath.Join(dir, name))] != nil
	s.mu.Unlock()
	if open {
		return true
	}
	info, err := fs.Stat(s.cfg.Open(dir), name)
	return err == nil && !info.IsDir()
}

// openFolders looks at folders of the workspace: one that is a project is
// checked at once, before any of its files is opened.
func (s *server) openFolders(folders []workspaceFolder) {
	for _, folder := range folders {
		root, ok := pathOf(folder.URI)
		if !ok {
			continue
		}
		_, err := fs.Stat(s.cfg.Open(root), "flows")
		if err == nil || s.has(root, "dispatcher.yaml") {
			s.projectIn(root).kick(true)
		}
	}
}

// projectIn is the project of a folder.
func (s *server) projectIn(root string) *project {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.projects[root]
	if p == nil {
		p = newProject(s, root)
		s.projects[root] = p
	}
	return p
}

func (s *server) didChangeFolders(_ context.Context, p *foldersParams) (any, error) {
	for _, folder := range p.Event.Removed {
		if root, ok := pathOf(folder.URI); ok {
			s.leave(root)
		}
	}
	s.openFolders(p.Event.Added)
	return nil, nil
}

// leave forgets the project of a folder that none of the open files is in.
func (s *server) leave(root string) {
	s.mu.Lock()
	p := s.projects[root]
	for _, d := range s.documents {
		if d.project == p {
			p = nil
		}
	}
	if p != nil {
		delete(s.projects, root)
	}
	s.mu.Unlock()
	if p != nil {
		p.forget()
	}
}

// didChangeWatchedFiles reads anew the projects whose files have changed.
func (s *server) didChangeWatchedFiles(_ context.Context, p *watchedFilesParams) (any, error) {
	touched := map[string]bool{}
	for _, change := range p.Changes {
		file, ok := pathOf(change.URI)
		if !ok {
			continue
		}
		s.mu.Lock()
		for root := range s.projects {
			if rel, err := filepath.Rel(root, file); err == nil && !strings.HasPrefix(path.Clean(filepath.ToSlash(rel)), "..") {
				touched[root] = true
			}
		}
		s.mu.Unlock()
	}
	for root := range touched {
		s.projectIn(root).kick(true)
	}
	return nil, nil
}
