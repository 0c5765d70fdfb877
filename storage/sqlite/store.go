// Package sqlite keeps what Dispatcher remembers in one SQLite file. It
// promises what storage.Store promises: every change is durable before its
// method returns, turns of one batch share one sync and cannot fail each
// other, a second process on the same folder is refused, and a full or broken
// disk refuses writes without corrupting what is stored.
//
// There is one writer connection, four readers that cannot write, and a
// checkpointer of its own that keeps the write-ahead log short off the commit
// path (runtime.md 2.3). Leases live in memory: the folder lock makes this
// process the only one, so a lease needs no write and ends with the process.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"dispatcher/storage"
)

// File is the name of the database inside the data folder.
const File = "dispatcher.db"

// readerCount is the number of reading connections.
const readerCount = 4

// Store is a storage.Store on one SQLite file.
type Store struct {
	opt  Options
	path string
	log  *slog.Logger
	lock *folderLock

	dbs     []*sql.DB
	writer  chan *conn // one token: whoever holds it may write
	readers chan *conn
	checkDB *sql.DB
	walkDB  *sql.DB

	leases    leases
	auditKey  atomic.Pointer[[]byte]
	auditWake chan struct{}
	lastWrite atomic.Int64 // unix nanoseconds of the monotonic-free clock, for the idle checkpoint
	degraded  atomic.Pointer[string]

	closing   chan struct{}
	closeOnce sync.Once
	closeErr  error
	owned     sync.WaitGroup
}

var _ storage.Store = (*Store)(nil)

// Open locks the folder, opens or makes its database, migrates it and starts
// the checkpointer and the audit chain. Errors: ErrWideFolder,
// storage.ErrLocked, storage.ErrTooNew, ErrForeign, storage.ErrDegraded.
func Open(ctx context.Context, opt Options) (*Store, error) {
	s, err := openIdle(ctx, opt)
	if err != nil {
		return nil, err
	}
	s.owned.Go(s.checkpoints)
	s.owned.Go(s.chains)
	return s, nil
}

// openIdle opens a store that does nothing of its own accord.
func openIdle(ctx context.Context, opt Options) (*Store, error) {
	opt = opt.withDefaults()
	if opt.Durability != Full && opt.Durability != Normal {
		return nil, fmt.Errorf("storage: durability %q: use %q or %q", opt.Durability, Full, Normal)
	}
	if err := prepareFolder(opt.Dir, opt.AllowNetworkFS); err != nil {
		return nil, err
	}
	lock, err := lockFolder(opt.Dir)
	if err != nil {
		return nil, err
	}
	s := &Store{
		opt: opt, log: opt.Logger, lock: lock, path: filepath.Join(opt.Dir, File),
		writer: make(chan *conn, 1), readers: make(chan *conn, readerCount),
		auditWake: make(chan struct{}, 1), closing: make(chan struct{}),
	}
	s.leases.init()
	if opt.AuditKey != nil {
		s.SetAuditKey(opt.AuditKey)
	}
	if err := s.open(ctx); err != nil {
		return nil, errors.Join(err, s.closeFiles())
	}
	return s, nil
}

func (s *Store) open(ctx context.Context) error {
	if err := bootstrap(ctx, s.path, s.opt); err != nil {
		return err
	}
	rows := &feed{}
	connector, err := newFeedConnector(address(s.path, writerPragmas(s.opt)), rows)
	if err != nil {
		return fmt.Errorf("storage: open %s: %w", s.path, err)
	}
	writer := pool(connector, 1)
	s.dbs = append(s.dbs, writer)
	s.writer <- &conn{db: writer, fail: s.opt.Failpoint, feed: rows, rows: newGathered()}
	readers, err := s.openDB(readerPragmas(s.opt), readerCount)
	if err != nil {
		return err
	}
	for range readerCount {
		s.readers <- &conn{db: readers}
	}
	if s.checkDB, err = s.openDB(checkpointPragmas(s.opt), 1); err != nil {
		return err
	}
	if s.walkDB, err = s.openDB(readerPragmas(s.opt), 2); err != nil {
		return err
	}
	return s.write(ctx, "open", func(*tx) error { return nil })
}

func (s *Store) openDB(pragmas []string, conns int) (*sql.DB, error) {
	db, err := openFile(s.path, pragmas, conns)
	if err == nil {
		s.dbs = append(s.dbs, db)
	}
	return db, err
}

// Close waits for the writes that have begun, ends the checkpointer and the
// audit chain, empties the write-ahead log and lets the folder go. Everything
// after it is storage.ErrClosed.
func (s *Store) Close() error {
	s.closeOnce.Do(func() {
		close(s.closing)
		s.owned.Wait()
		c := <-s.writer // the last writer has finished; the token is never given back
		s.finalChain(c)
		c.close()
		for range readerCount {
			(<-s.readers).close()
		}
		if _, err := s.checkDB.Exec("PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
			s.log.Warn("storage.checkpoint", "at", "close", "code", codeOf(err))
		}
		s.closeErr = s.closeFiles()
	})
	return s.closeErr
}

func (s *Store) closeFiles() error {
	var errs []error
	for _, db := range s.dbs {
		errs = append(errs, db.Close())
	}
	return errors.Join(append(errs, s.lock.release())...)
}

// closed says whether Close has begun.
func (s *Store) closed() bool {
	select {
	case <-s.closing:
		return true
	default:
		return false
	}
}

// nowMS is the time in ms UTC.
func (s *Store) nowMS() int64 { return s.opt.Now().UnixMilli() }

// fail runs the failpoint of that name.
func (s *Store) fail(name string) error {
	if s.opt.Failpoint == nil {
		return nil
	}
	return s.opt.Failpoint(name)
}

// write runs f in one transaction on the writer. Once it has begun it ignores
// the caller's cancellation: a half-waited commit helps nobody.
func (s *Store) write(ctx context.Context, name string, f func(*tx) error) error {
	c, err := take(ctx, s, s.writer)
	if err != nil {
		return err
	}
	defer func() { s.writer <- c }()
	err = s.inTx(c, name, f)
	s.noteWrite(err)
	return err
}

func (s *Store) inTx(c *conn, name string, f func(*tx) error) error {
	t := &tx{conn: c}
	if err := c.begin("BEGIN IMMEDIATE"); err != nil {
		return environment(name+": begin", err)
	}
	err := f(t)
	if err == nil {
		err = s.fail(name + ".before_commit")
	}
	if err == nil {
		_, err = t.exec("COMMIT")
	}
	if err != nil {
		c.abort()
		return environment(name, err)
	}
	return environment(name, s.fail(name+".after_commit"))
}

// noteWrite remembers when the disk last answered and whether it refused.
func (s *Store) noteWrite(err error) {
	switch {
	case err == nil:
		s.lastWrite.Store(time.Now().UnixNano())
		s.degraded.Store(nil)
	case errors.Is(err, storage.ErrDegraded):
		why := codeOf(err)
		s.degraded.Store(&why)
	}
}

// read runs f on one reader with one consistent view of the database.
func (s *Store) read(ctx context.Context, name string, f func(*tx) error) error {
	c, err := take(ctx, s, s.readers)
	if err != nil {
		return err
	}
	defer func() { s.readers <- c }()
	if err := c.begin("BEGIN"); err != nil {
		return environment(name+": begin", err)
	}
	err = f(&tx{conn: c})
	c.abort() // nothing to commit
	return environment(name, err)
}

// take waits for a connection, the caller's patience or the end of the store.
func take(ctx context.Context, s *Store, from chan *conn) (*conn, error) {
	if s.closed() {
		return nil, storage.ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case c := <-from:
		if s.closed() {
			from <- c
			return nil, storage.ErrClosed
		}
		return c, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-s.closing:
		return nil, storage.ErrClosed
	}
}
