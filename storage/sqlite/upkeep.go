package sqlite

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"dispatcher/storage"
)

// checkpointEvery is how often the size of the write-ahead log is looked at;
// idleBefore is how long nothing may be written before it is emptied;
// afterBlocked is how long a reader that stands in the way is left alone.
const (
	checkpointEvery = 500 * time.Millisecond
	idleBefore      = 30 * time.Second
	afterBlocked    = 10
)

// checkpoints keeps the write-ahead log short, off the commit path, until Close.
func (s *Store) checkpoints() {
	tick := time.NewTicker(checkpointEvery)
	defer tick.Stop()
	for rest := 0; ; rest-- {
		select {
		case <-s.closing:
			return
		case <-tick.C:
		}
		if rest > 0 || !s.checkpointDue(time.Now()) {
			continue
		}
		blocked, err := s.shorten(context.Background())
		switch {
		case err != nil && !errors.Is(err, storage.ErrClosed):
			s.log.Warn("storage.checkpoint", "code", codeOf(err))
		case blocked:
			rest = afterBlocked
		}
	}
}

// checkpointDue: much of the log is not in the database yet, or nobody has
// written for a while.
func (s *Store) checkpointDue(now time.Time) bool {
	idle := now.Sub(time.Unix(0, s.lastWrite.Load())) > idleBefore
	return s.pendingBytes() >= s.opt.CheckpointBytes || idle && s.walBytes() > 0
}

// passes is how often the log is moved beside the writer at most, and
// smallRest how much of it may be left for the moment without one: about what
// one commit of a busy writer writes, for everybody waits that long.
const (
	passes    = 8
	smallRest = 128 << 10
)

// shorten moves the log into the database: first beside the writer, who waits
// for nothing, until little is left; then, once in two times, that little
// without one, so that a busy writer cannot make the log grow for ever. A log
// that is in use keeps its length, because writing over a file costs less than
// making it longer; one that is not is emptied.
func (s *Store) shorten(ctx context.Context) (blocked bool, err error) {
	for left, n := s.pendingBytes(), 0; n < passes && left > smallRest; n++ {
		if _, err := s.checkpoint(ctx, "PASSIVE"); err != nil {
			return false, err
		}
		before := left
		if left = s.pendingBytes(); left > before/2 {
			break // the writer is as fast: another pass would leave as much
		}
	}
	idle := time.Since(time.Unix(0, s.lastWrite.Load())) > idleBefore
	if used, left := s.logged(); !idle && used < 2*s.opt.CheckpointBytes && left < s.opt.CheckpointBytes/2 {
		return false, nil
	}
	c, err := take(ctx, s, s.writer)
	if err != nil {
		return false, err
	}
	defer func() { s.writer <- c }()
	how := "RESTART"
	if idle {
		how = "TRUNCATE"
	}
	return c.endLog(how, s.opt.BusyTimeout)
}

// endLog ends the log on the writer's own connection: after another one did
// that, the writer would have to read all its pages again. A reader in the way
// is told of soon, because nobody writes meanwhile.
func (c *conn) endLog(how string, patience time.Duration) (blocked bool, err error) {
	if err := c.open(); err != nil {
		return false, err
	}
	var ms, stopped, pages, done int64
	ask := func(pragma string, into ...any) error {
		return c.raw.QueryRowContext(context.Background(), "PRAGMA "+pragma).Scan(into...)
	}
	if err := ask("busy_timeout = "+strconv.FormatInt(checkpointPatience.Milliseconds(), 10), &ms); err != nil {
		return false, err
	}
	err = ask("wal_checkpoint("+how+")", &stopped, &pages, &done)
	if e := ask("busy_timeout = "+strconv.FormatInt(patience.Milliseconds(), 10), &ms); e != nil {
		c.close()
		return false, errors.Join(err, e)
	}
	if busy(err) {
		return true, nil
	}
	return stopped != 0, err
}

func (s *Store) walBytes() int64 {
	info, err := os.Stat(s.path + "-wal")
	if err != nil {
		return 0
	}
	return info.Size()
}

// pendingBytes is how much of the log is not in the database yet.
func (s *Store) pendingBytes() int64 {
	_, pending := s.logged()
	return pending
}

// logged is how long the log is that is in use, and how much of it is not in
// the database yet; where SQLite does not say, the length of the file. Its
// index is asked by no other way: to close a file that SQLite has open takes
// its locks away.
func (s *Store) logged() (used, pending int64) {
	const frameHeader = 24 // sqlite.org/walformat.html
	var stopped, last, moved int64
	if err := s.checkDB.QueryRow("PRAGMA wal_checkpoint(NOOP)").Scan(&stopped, &last, &moved); err != nil || last < 0 {
		return s.walBytes(), s.walBytes()
	}
	return last * (pageSize + frameHeader), (last - moved) * (pageSize + frameHeader)
}

// checkpoint says whether a reader or the writer stood in the way.
func (s *Store) checkpoint(ctx context.Context, mode string) (blocked bool, err error) {
	var stopped, pages, done int64
	err = s.checkDB.QueryRowContext(ctx, "PRAGMA wal_checkpoint("+mode+")").Scan(&stopped, &pages, &done)
	if busy(err) {
		return true, nil
	}
	return stopped != 0, err
}

// Backup implements storage.Store: VACUUM INTO on a connection of its own,
// because query_only refuses it (ruling 19). Writers go on meanwhile.
func (s *Store) Backup(ctx context.Context, w io.Writer) (m storage.Manifest, err error) {
	if s.closed() {
		return m, storage.ErrClosed
	}
	dir, err := os.MkdirTemp(s.opt.Dir, "backup-*") // 0700
	if err != nil {
		return m, environment("backup", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	to := filepath.Join(dir, File)
	db, err := openFile(s.path, plainPragmas(s.opt), 1)
	if err != nil {
		return m, err
	}
	defer db.Close()
	if err := vacuumInto(ctx, db, to); err != nil {
		return m, environment("backup", err)
	}
	if m, err = manifestOf(ctx, to, s.opt); err != nil {
		return m, environment("backup manifest", err)
	}
	m.At = s.nowMS()
	f, err := os.Open(to)
	if err != nil {
		return m, environment("backup", err)
	}
	defer f.Close()
	sum := sha256.New()
	if m.Bytes, err = io.Copy(io.MultiWriter(w, sum), f); err != nil {
		return m, fmt.Errorf("storage: write backup: %w", err)
	}
	m.SHA256 = hex.EncodeToString(sum.Sum(nil))
	return m, nil
}

// manifestOf counts what the copy holds, not what the live file holds by now.
func manifestOf(ctx context.Context, path string, opt Options) (m storage.Manifest, err error) {
	db, err := openFile(path, plainPragmas(opt), 1)
	if err != nil {
		return m, err
	}
	defer db.Close()
	if err := db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&m.Schema); err != nil {
		return m, err
	}
	m.Counts = map[string]int64{}
	for _, t := range walkTables() {
		var n int64
		if err := db.QueryRowContext(ctx, "SELECT count(*) FROM "+t.name).Scan(&n); err != nil {
			return m, err
		}
		m.Counts[t.name] = n
	}
	return m, nil
}

// Health implements storage.Store. It never waits for the writer.
func (s *Store) Health(context.Context) (storage.Health, error) {
	if s.closed() {
		return storage.Health{}, storage.ErrClosed
	}
	h := storage.Health{OK: true, Engine: "sqlite", Schema: latestSchema, WALBytes: s.walBytes()}
	if info, err := os.Stat(s.path); err == nil {
		h.Bytes = info.Size()
	} else {
		h.OK, h.Why = false, "the database file is gone"
	}
	var st syscall.Statfs_t
	if err := syscall.Statfs(s.opt.Dir, &st); err == nil {
		h.DiskFree, h.DiskTotal = int64(st.Bavail)*int64(st.Bsize), int64(st.Blocks)*int64(st.Bsize)
		if h.DiskFree < s.opt.LowSpace {
			h.OK, h.Why = false, "disk almost full"
		}
	}
	if why := s.degraded.Load(); why != nil {
		h.OK, h.Why = false, *why
	}
	return h, nil
}
