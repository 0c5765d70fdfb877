package main

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// socketName is the file in the data folder through which verbs talk to a
// service that runs (runtime.md 1.5). Only its owner may open it.
const socketName = "dispatcher.sock"

// socketPath is where the socket of a data folder is. The system takes about
// a hundred bytes: a longer path is shortened to one relative to here, where
// that helps.
func socketPath(data string) string {
	full, err := filepath.Abs(filepath.Join(data, socketName))
	if err != nil || len(full) <= 100 {
		return full
	}
	if here, err := os.Getwd(); err == nil {
		if rel, err := filepath.Rel(here, full); err == nil && len(rel) < len(full) {
			return rel
		}
	}
	return full
}

// serveLocal answers on the socket file. Without it verbs need --server: that
// is a warning, nothing else is lost.
func (r *running) serveLocal() *http.Server {
	path := socketPath(r.data.dir)
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) { // of a process that ended at once; the folder's lock is ours
		r.log.Warn("no socket file for other verbs", "error", err.Error())
		return nil
	}
	l, err := net.Listen("unix", path)
	if err == nil {
		err = os.Chmod(path, 0o600)
	}
	if err != nil {
		r.log.Warn("no socket file for other verbs; they need --server", "error", err.Error())
		return nil
	}
	srv := &http.Server{Handler: r.server.LocalHandler(), ReadHeaderTimeout: 5 * time.Second, WriteTimeout: time.Minute}
	go func() { _ = srv.Serve(l) }()
	return srv
}

// dialLocal is a client for the socket file of a data folder; false: no
// service answers there.
func dialLocal(data string) (*http.Client, bool) {
	path := socketPath(data)
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{Timeout: 2 * time.Second}).DialContext(ctx, "unix", path)
	}
	c, err := dial(context.Background(), "", "")
	if err != nil {
		return nil, false
	}
	_ = c.Close()
	return &http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}, Timeout: time.Minute}, true
}
