package lsp

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"dispatcher/flows"
	"dispatcher/internal/source"
)

// project is one project with what is open of it. Its files are checked by one
// goroutine at a time, which always takes the newest texts: however fast one
// types, at most one check is behind.
type project struct {
	server *server
	root   string
	opts   flows.Options

	mu      sync.Mutex
	open    map[string]document // by path
	stale   bool                // the folder must be read again
	edits   int                 // how often something has changed
	checked int                 // the edits that the last check has seen
	busy    bool
	left    bool // it is no longer in the workspace

	unreadable bool          // the file that was edited last, and it was told
	edited     chan struct{} // something has changed

	rested chan struct{} // closed when what was changed is checked
	disk   *flows.Files
	last   outcome

	telling sync.Mutex
	told    map[string]published // what the client was told, by path

	reading  sync.Mutex // of the folder
	indexing sync.Mutex
	index    *flows.Index
}

// outcome is what the last check has found.
type outcome struct {
	files   *flows.Files // with what is open laid over it
	project *flows.Project
	diags   map[string][]source.Diagnostic // by path
}

func newProject(s *server, root string) *project {
	return &project{server: s, root: root, opts: s.cfg.Options(root), open: map[string]document{}, stale: true,
		disk: &flows.Files{Name: filepath.Base(root)}, told: map[string]published{}, edited: make(chan struct{}, 1), index: flows.NewIndex(s.atlas)}
}

// put takes the newest text of an open file. What keeps it from being read at
// all is told at once: while somebody types that is most of the time, and it
// needs no look at the rest of the project.
func (p *project) put(d document, opened bool) {
	p.mu.Lock()
	p.open[d.path] = d
	p.mu.Unlock()
	unreadable := p.tellUnreadable(d)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.unreadable = unreadable
	p.edit(opened) // with what it is, or work would check it before it counts, and then again
}

// drop goes back to what is on disk of a file that was closed.
func (p *project) drop(path string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.open, path)
	p.unreadable = false
	p.edit(true)
}

// kick has the project checked; reread: what is on disk may be new too.
func (p *project) kick(reread bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.edit(reread)
}

// edit is kick for who holds the lock.
func (p *project) edit(reread bool) {
	if p.left {
		return
	}
	p.edits++
	p.stale = p.stale || reread
	if p.rested == nil {
		p.rested = make(chan struct{})
	}
	select {
	case p.edited <- struct{}{}:
	default: // it is known already
	}
	if !p.busy {
		p.busy = true
		go p.work()
	}
}

const (
	pause    = 150 * time.Millisecond
	patience = 6 * pause // and no longer, however quickly somebody types
)

// halfway waits while somebody is in the middle of a word that no file can be
// read with: what the rest of the project makes of it can wait for the next
// keystroke, and the next keystroke need not wait for that.
func (p *project) halfway() {
	for longest := time.After(patience); ; {
		p.mu.Lock()
		unreadable := p.unreadable && !p.left
		p.mu.Unlock()
		if !unreadable {
			return
		}
		select {
		case <-p.edited:
		case <-time.After(pause):
			return
		case <-longest:
			return
		}
	}
}

// settled waits until everything that was sent is checked, and gives what was found.
func (p *project) settled(ctx context.Context) (outcome, error) {
	for {
		p.mu.Lock()
		rested, last := p.rested, p.last
		p.mu.Unlock()
		if rested == nil {
			return last, nil
		}
		select {
		case <-rested:
		case <-ctx.Done():
			return outcome{}, ctx.Err()
		}
	}
}

// work checks until nothing is left to check.
func (p *project) work() {
	for {
		p.halfway()
		p.mu.Lock()
		if p.checked == p.edits || p.left {
			p.busy = false
			close(p.rested)
			p.rested = nil
			p.mu.Unlock()
			return
		}
		edits := p.edits
		p.mu.Unlock()
		p.round()
		p.mu.Lock()
		p.checked = edits
		p.mu.Unlock()
	}
}

// round reads, checks and tells. A panic in there is our fault: it is told, and
// the next edit begins anew.
func (p *project) round() {
	defer func() {
		if trouble := recover(); trouble != nil {
			p.server.log(messageError, fmt.Sprintf("internal problem while checking %s; please report it: %v\n%s", p.root, trouble, debug.Stack()))
		}
	}()
	files, open := p.snapshot()
	found := outcome{files: files}
	var tests *flows.Tests
	found.project, tests = flows.LoadTests(files, p.opts)
	found.diags = map[string][]source.Diagnostic{}
	for _, d := range slices.Concat(found.project.Diagnostics, tests.Diagnostics) {
		found.diags[d.Range.File] = append(found.diags[d.Range.File], d)
	}
	p.mu.Lock()
	p.last = found
	p.mu.Unlock()
	p.publish(found, open)
}

// read reads the folder where it may be new. In the middle of a change on disk
// it may not be readable: then what was there before stays.
func (p *project) read() {
	p.reading.Lock()
	defer p.reading.Unlock()
	p.mu.Lock()
	stale := p.stale
	p.stale = false
	p.mu.Unlock()
	if !stale {
		return
	}
	name := filepath.Base(p.root)
	files, err := flows.ReadAgain(p.server.cfg.Open(p.root), name, p.disk)
	switch {
	case errors.Is(err, flows.ErrNoProject): // nothing is saved yet
		files = &flows.Files{Name: name}
	case err != nil:
		p.server.log(messageWarning, fmt.Sprintf("the project in %s cannot be read: %v", p.root, err))
		return
	}
	p.mu.Lock()
	p.disk = files
	p.mu.Unlock()
}

// snapshot is the files of the project with the texts of the editor laid over
// those on disk.
func (p *project) snapshot() (*flows.Files, map[string]document) {
	p.read()
	p.mu.Lock()
	defer p.mu.Unlock()
	files := *p.disk
	files.Data = maps.Clone(p.disk.Data)
	if files.Data == nil {
		files.Data = map[string][]byte{}
	}
	for path, d := range p.open {
		files.Data[path] = []byte(d.text.data)
	}
	return &files, maps.Clone(p.open)
}

// uri is what the client calls a file of the project.
func (p *project) uri(path string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if d, ok := p.open[path]; ok {
		return d.uri
	}
	return uriOf(filepath.Join(p.root, filepath.FromSlash(path)))
}

// look is the index of the newest texts with those texts, for one request.
type look struct {
	*flows.Index
	*texts
}

// looking gives f a look at the project.
func (p *project) looking(f func(look)) {
	files, open := p.snapshot()
	p.indexing.Lock()
	defer p.indexing.Unlock()
	p.index.Update(files.Data)
	f(look{p.index, newTexts(files, open)})
}

// texts are the texts of the files of a project, made when they are asked for.
type texts struct {
	files *flows.Files
	made  map[string]*text
}

func newTexts(files *flows.Files, open map[string]document) *texts {
	t := &texts{files: files, made: map[string]*text{}}
	for path, d := range open {
		t.made[path] = d.text
	}
	return t
}

// text is the text of a file.
func (t *texts) text(path string) *text {
	have := t.made[path]
	if have == nil {
		have = newText(string(t.files.Data[path]))
		t.made[path] = have
	}
	return have
}

// span is where a range of the reader of YAML stands for the client.
func (t *texts) span(r source.Range, e encoding) lspRange {
	of := t.text(r.File)
	from := r.Offset + of.mark()
	return of.span(from, from+r.Length, e)
}
