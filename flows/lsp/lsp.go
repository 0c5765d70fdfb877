// Package lsp is the language server of flow files: it speaks the Language
// Server Protocol 3.17 over a stream. It promises the words and places of
// dispatcher check while one types, also where nothing is saved yet and the
// file is half written; that an answer always belongs to the text the editor
// last sent; and that no request, however wrong, ends it. What it says of the
// language comes from package flows.
package lsp

import (
	"context"
	"io"
	"io/fs"

	"dispatcher/flows"

	"github.com/creachadair/jrpc2"
	"github.com/creachadair/jrpc2/channel"
)

// Config is what the server is given of the machine it runs on.
type Config struct {
	Version string
	// Open gives the folder of a project as a file system.
	Open func(root string) fs.FS
	// Options are those of dispatcher check for the project in a folder.
	Options func(root string) flows.Options
}

// Exit codes of the protocol: 0 when shutdown was asked for before the end.
const (
	exitAsked   = 0
	exitUnasked = 1
)

// Serve talks to one client until it says exit, closes the stream or ctx ends,
// and returns the exit code of the protocol. It does not wait for reads of in
// that never come back.
func Serve(ctx context.Context, in io.Reader, out io.WriteCloser, cfg Config) int {
	s := &server{cfg: cfg, atlas: flows.NewAtlas(), units: utf16Units, gone: make(chan struct{}),
		projects: map[string]*project{}, documents: map[string]*document{}}
	s.rpc = jrpc2.NewServer(s, &jrpc2.ServerOptions{AllowPush: true, DisableBuiltin: true, Concurrency: parallel})
	s.rpc.Start(newStream(channel.Header("")(newGuard(in), out)))
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		_ = s.rpc.Wait() // the client went away: nobody is left to tell why
	}()
	select {
	case <-s.gone:
	case <-closed:
	case <-ctx.Done():
	}
	return s.exitCode()
}

// parallel is how many requests are worked on at a time.
const parallel = 64
