package watch

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"dispatcher/flows"

	"github.com/fsnotify/fsnotify"
)

// Errors of file events are taken whatever Run is doing, and ask for a look.
func TestErrorsOfFileEventsAreAlwaysTaken(t *testing.T) {
	t.Parallel()
	fs, err := fsnotify.NewWatcher()
	if err != nil {
		t.Fatal(err)
	}
	none := &flows.Project{Files: &flows.Files{Name: "project"}}
	w := New(Config{Root: t.TempDir(), Name: "project"}, none, none)
	ended := w.lost(fs)
	for range 3 {
		select {
		case fs.Errors <- errors.New("a watch that is gone"):
		case <-time.After(guard):
			t.Fatal("nobody takes errors")
		}
	}
	if by := <-w.kick; by != ByFile {
		t.Errorf("kicked by %q", by)
	}
	if err := fs.Close(); err != nil {
		t.Fatal(err)
	}
	<-ended
}

// A watched folder that is moved and deleted in one breath makes fsnotify
// report an error while it holds its lock: the watcher must not freeze on it.
func TestFoldersMovedAndDeletedDoNotFreezeTheWatcher(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	for i := range 5 {
		text := fmt.Sprintf("flow: a\n# %d\n", i)
		put(t, filepath.Join(s.root, "flows", "sub", "c.yaml"), "flow: c\n") // wakes it; what follows finds it waiting for quiet
		old := filepath.Join(filepath.Dir(s.root), fmt.Sprintf("old%d", i))
		if err := os.Rename(s.root, old); err != nil {
			t.Fatal(err)
		}
		put(t, filepath.Join(s.root, "flows", "a.yaml"), text)
		if err := os.RemoveAll(old); err != nil {
			t.Fatal(err)
		}
		s.lives(text)
	}
}

// lives waits for a reload with that text.
func (s *stage) lives(text string) {
	s.t.Helper()
	late := time.After(guard)
	for {
		select {
		case got := <-s.live:
			if got == text {
				return
			}
		case <-late:
			s.t.Fatalf("%q never went live", text)
		}
	}
}
