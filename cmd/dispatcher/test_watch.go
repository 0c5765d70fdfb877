package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	watchQuiet = 80 * time.Millisecond // no event for so long: the save is over
	watchPoll  = 2 * time.Second       // floor under events that never come
	cleanPage  = "\x1b[H\x1b[2J\x1b[3J"
)

// watch runs the tests now and after every change, each time on a clean screen,
// until it is interrupted.
func (t *tester) watch(ctx context.Context) error {
	events, err := fsnotify.NewWatcher()
	if err != nil {
		return fmt.Errorf("watch %s: %w", t.dir, err)
	}
	defer func() { _ = events.Close() }() // nothing is lost with it
	last := ""
	for {
		t.follow(events)
		root, files, err := openFiles(t.dir)
		switch {
		case err != nil && last == "":
			return err
		case err != nil:
			t.page()
			fmt.Fprintf(t.out, "%s\n", err)
			last = err.Error()
		default:
			if sum := t.sum(root, files.Sum()); sum != last {
				last = sum
				t.page()
				if err := t.once(root, files); err != nil && !errors.Is(err, errFindings) {
					fmt.Fprintf(t.out, "%s\n", err)
				}
				fmt.Fprintf(t.out, "\n%s: waiting for changes, Ctrl-C ends\n", t.main.Now().Format(time.TimeOnly))
			}
		}
		if !t.changed(ctx, events) {
			return nil
		}
	}
}

// page is a clean screen where there is one.
func (t *tester) page() {
	if t.main.Terminal {
		fmt.Fprint(t.out, cleanPage)
		return
	}
	fmt.Fprintln(t.out, strings.Repeat("-", 20))
}

// sum is the hash of everything a run depends on: the set, the tests, and the
// folders that reload steps name, by size and time.
func (t *tester) sum(root, own string) string {
	var b strings.Builder
	b.WriteString(own)
	for _, dir := range folders(root) {
		entries, err := os.ReadDir(dir)
		if err != nil {
			continue
		}
		for _, e := range entries {
			if info, err := e.Info(); err == nil && strings.HasSuffix(e.Name(), ".yaml") {
				fmt.Fprintf(&b, "%s/%s %d %d\n", dir, e.Name(), info.Size(), info.ModTime().UnixNano())
			}
		}
	}
	return b.String()
}

// follow watches every folder of the project.
func (t *tester) follow(events *fsnotify.Watcher) {
	root, err := filepath.Abs(t.dir)
	if err != nil {
		return
	}
	for _, dir := range folders(root) {
		_ = events.Add(dir) // one that cannot be watched is looked at every two seconds
	}
}

// folders are the project's folder and those in it, without data and hidden ones.
func folders(root string) []string {
	var out []string
	_ = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil || !d.IsDir():
			return nil
		case path != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "data" && filepath.Dir(path) == root):
			return fs.SkipDir
		}
		out = append(out, path)
		return nil
	})
	return out
}

// changed waits until something may have changed and the folder is quiet;
// false when it is over.
func (t *tester) changed(ctx context.Context, events *fsnotify.Watcher) bool {
	poll := time.NewTimer(watchPoll)
	defer poll.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-poll.C:
		return true
	case <-events.Errors:
	case <-events.Events:
	}
	for {
		select {
		case <-ctx.Done():
			return false
		case <-events.Events:
		case <-time.After(watchQuiet):
			return true
		}
	}
}
