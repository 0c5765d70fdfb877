package watch

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A watched folder that is moved and deleted in one breath makes fsnotify
// report an error while it holds its lock: the watcher must not freeze on it.
func TestFoldersMovedAndDeletedDoNotFreezeTheWatcher(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	for i := range 150 {
		old := filepath.Join(filepath.Dir(s.root), fmt.Sprintf("old%d", i))
		if err := os.Rename(s.root, old); err != nil {
			t.Fatal(err)
		}
		put(t, filepath.Join(s.root, "flows", "a.yaml"), fmt.Sprintf("flow: a\n# %d\n", i))
		if err := os.RemoveAll(old); err != nil {
			t.Fatal(err)
		}
		s.w.Kick()
	}
	done := time.After(20 * time.Second)
	for {
		select {
		case got := <-s.live:
			if got == "flow: a\n# 149\n" {
				return
			}
		case <-done:
			t.Fatal("the last edit never went live")
		}
	}
}
