package sqlite

import (
	"context"
	"os"
	"path/filepath"
	"testing"
)

// TestCopiesOpen: a backup, and the copy made before a migration, can stand in
// the place of the database.
func TestCopiesOpen(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s := openStore(t, Options{})
	applyOne(t, s, opening(1))
	dir := tempDir(t)
	f, err := os.OpenFile(filepath.Join(dir, File), os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Backup(ctx, f); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	copied := openStore(t, Options{Dir: dir})
	if contents(t, copied) != contents(t, s) {
		t.Error("the copy holds something else")
	}
	applyOne(t, copied, opening(2))
}
