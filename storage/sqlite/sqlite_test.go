package sqlite

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"dispatcher/storage"
	"dispatcher/storage/storagetest"
)

func TestMain(m *testing.M) {
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "rapid.checks" })
	if !given {
		_ = flag.Set("rapid.checks", "2") // 200 steps each; a long run asks for more
	}
	goleak.VerifyTestMain(m)
}

// tempDir is a folder only its owner can read.
func tempDir(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

func openStore(t testing.TB, opt Options) *Store {
	t.Helper()
	if opt.Dir == "" {
		opt.Dir = tempDir(t)
	}
	s, err := Open(context.Background(), opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// blank is the file of an empty store, so that a hundred stores need not each
// make their schema.
func blank(t testing.TB) []byte {
	t.Helper()
	dir := tempDir(t)
	s := openStore(t, Options{Dir: dir})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(filepath.Join(dir, File))
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// openCopy opens a store on a copy of file.
func openCopy(t testing.TB, file []byte, opt Options) *Store {
	t.Helper()
	opt.Dir = tempDir(t)
	if err := os.WriteFile(filepath.Join(opt.Dir, File), file, 0o600); err != nil {
		t.Fatal(err)
	}
	return openStore(t, opt)
}

func TestConformance(t *testing.T) {
	t.Parallel()
	empty := blank(t)
	storagetest.Run(t, func(t *testing.T) storage.Store { return openCopy(t, empty, Options{}) })
}
