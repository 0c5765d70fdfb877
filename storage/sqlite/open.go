package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	lib "modernc.org/sqlite"

	"dispatcher/storage"
)

// applicationID marks the file as ours: "Dspc".
const applicationID = 0x44737063

// pageSize of the database; it cannot be changed later under WAL.
const pageSize = 2048

// prepareFolder makes the data folder or refuses one that others can read.
func prepareFolder(dir string, allowNetwork bool) error {
	if dir == "" {
		return errors.New("storage: no data folder named")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("%w: data folder: %w", storage.ErrDegraded, err)
	}
	info, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("%w: data folder: %w", storage.ErrDegraded, err)
	}
	if !info.IsDir() {
		return fmt.Errorf("storage: data folder %s is a file", dir)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return fmt.Errorf("%w: %s has mode %04o; run: chmod 700 %s", ErrWideFolder, dir, mode, dir)
	}
	if name, network := networkFS(dir); network && !allowNetwork {
		return fmt.Errorf("storage: data folder %s is on %s, where file locks do not hold; put it on a local disk", dir, name)
	}
	return nil
}

// folderLock keeps a second process off the folder. The kernel lets it go
// when the process ends, however it ends.
type folderLock struct{ file *os.File }

func lockFolder(dir string) (*folderLock, error) {
	path := filepath.Join(dir, "dispatcher.lock")
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("%w: lock file: %w", storage.ErrDegraded, err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("storage: lock file %s: %w", path, err)
		}
		pid, _ := os.ReadFile(path)
		return nil, fmt.Errorf("%w: process %s holds %s",
			storage.ErrLocked, strings.TrimSpace(string(pid)), path)
	}
	// The pid is for people only, so a full disk does not matter here.
	if f.Truncate(0) == nil {
		_, _ = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
	return &folderLock{f}, nil
}

// release unlocks before it closes: a process that is being started just now
// still holds a copy of the file, and with it a lock that was only closed.
func (l *folderLock) release() error {
	return errors.Join(syscall.Flock(int(l.file.Fd()), syscall.LOCK_UN), l.file.Close())
}

// bootstrap makes the file with the right page size, refuses files that are
// not ours or too new, and migrates. It runs before any other connection.
func bootstrap(ctx context.Context, path string, opt Options) error {
	fresh, err := touch(path)
	if err != nil {
		return fmt.Errorf("%w: database file: %w", storage.ErrDegraded, err)
	}
	db, err := openFile(path, plainPragmas(opt), 1)
	if err != nil {
		return err
	}
	defer db.Close()
	if fresh {
		// Separate statements: in one DSN the driver silently keeps 4096 (ruling 18).
		for _, p := range []string{"page_size = " + strconv.Itoa(pageSize), "application_id = " + strconv.Itoa(applicationID), "journal_mode = WAL"} {
			if _, err := db.ExecContext(ctx, "PRAGMA "+p); err != nil {
				return environment("make database", err)
			}
		}
	}
	if err := checkFile(ctx, db, path); err != nil {
		return err
	}
	return migrate(ctx, db, path, opt)
}

// touch makes the file with mode 0600 before SQLite can make it wider. Fresh
// means that nothing was ever written to it.
func touch(path string) (fresh bool, err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return false, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return false, err
	}
	for _, p := range []string{path, path + "-wal", path + "-shm"} {
		if err := os.Chmod(p, 0o600); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return false, err
		}
	}
	_, err = os.Stat(path + "-wal")
	return info.Size() == 0 && err != nil, nil
}

func checkFile(ctx context.Context, db *sql.DB, path string) error {
	var app, version, size int64
	var journal string
	for pragma, into := range map[string]any{"application_id": &app, "user_version": &version, "page_size": &size, "journal_mode": &journal} {
		if err := db.QueryRowContext(ctx, "PRAGMA "+pragma).Scan(into); err != nil {
			if sqliteCode(err) == codeNotADB {
				return fmt.Errorf("%w: %s", ErrForeign, path)
			}
			return environment("read "+pragma, err)
		}
	}
	switch {
	case app != applicationID:
		return fmt.Errorf("%w: %s has application id %#x; name another data folder", ErrForeign, path, app)
	case version > latestSchema:
		return fmt.Errorf("%w: %s has schema %d, this program knows schemas up to %d; start the version of dispatcher that made it or a later one, or restore a backup made by this one",
			storage.ErrTooNew, path, version, latestSchema)
	case size != pageSize:
		return fmt.Errorf("storage: %s has page size %d, want %d", path, size, pageSize)
	case journal != "wal":
		return fmt.Errorf("storage: %s has journal mode %s, want wal", path, journal)
	}
	return nil
}

// openFile opens a pool of at most n connections; each runs the pragmas first.
func openFile(path string, pragmas []string, n int) (*sql.DB, error) {
	connector, err := lib.NewConnector(address(path, pragmas))
	if err != nil {
		return nil, fmt.Errorf("storage: open %s: %w", path, err)
	}
	return pool(connector, n), nil
}

// address is what the driver calls a file.
func address(path string, pragmas []string) string {
	q := url.Values{"_pragma": pragmas}
	return (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: q.Encode()}).String()
}

func pool(connector driver.Connector, n int) *sql.DB {
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(n)
	db.SetMaxIdleConns(n)
	db.SetConnMaxLifetime(0)
	return db
}

// plainPragmas are those of every connection (runtime.md 2.3); the driver
// runs busy_timeout first.
func plainPragmas(opt Options) []string {
	sync := "FULL"
	if opt.Durability == Normal {
		sync = "NORMAL"
	}
	return []string{
		"busy_timeout(" + strconv.FormatInt(opt.BusyTimeout.Milliseconds(), 10) + ")",
		"synchronous(" + sync + ")", "foreign_keys(ON)", "trusted_schema(OFF)", "cell_size_check(ON)",
		"temp_store(MEMORY)", "mmap_size(0)", "secure_delete(ON)", "wal_autocheckpoint(0)", "journal_size_limit(67108864)",
	}
}

// checkpointPatience: a reader in the way is told of at once, not waited for
// while the writer stands still.
const checkpointPatience = 10 * time.Millisecond

func checkpointPragmas(opt Options) []string {
	opt.BusyTimeout = checkpointPatience
	return plainPragmas(opt)
}

func writerPragmas(opt Options) []string { return append(plainPragmas(opt), "cache_size(-32768)") }

func readerPragmas(opt Options) []string {
	return append(plainPragmas(opt), "cache_size(-8192)", "query_only(ON)")
}
