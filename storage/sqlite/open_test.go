package sqlite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dispatcher/storage"
)

func TestSecondProcessRefused(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	openStore(t, Options{Dir: dir})
	_, err := Open(context.Background(), Options{Dir: dir})
	if !errors.Is(err, storage.ErrLocked) {
		t.Fatalf("error %v", err)
	}
	for _, want := range []string{fmt.Sprint(os.Getpid()), filepath.Join(dir, "dispatcher.lock")} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not name %s", err, want)
		}
	}
}

func TestLockEndsWithClose(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	s := openStore(t, Options{Dir: dir})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	openStore(t, Options{Dir: dir})
}

func TestWideFolderRefused(t *testing.T) {
	t.Parallel()
	for _, mode := range []os.FileMode{0o755, 0o750, 0o701} {
		dir := tempDir(t)
		if err := os.Chmod(dir, mode); err != nil {
			t.Fatal(err)
		}
		_, err := Open(context.Background(), Options{Dir: dir})
		if !errors.Is(err, ErrWideFolder) || !strings.Contains(err.Error(), "chmod 700 "+dir) {
			t.Errorf("mode %o: %v", mode, err)
		}
	}
}

func TestFolderIsMadeClosed(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(tempDir(t), "deep", "data")
	openStore(t, Options{Dir: dir})
	for _, name := range []string{"", File, File + "-wal", File + "-shm", "dispatcher.lock"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %o", name, info.Mode().Perm())
		}
	}
}

func TestNewerSchemaRefused(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	s := openStore(t, Options{Dir: dir})
	if _, err := s.checkDB.Exec("PRAGMA user_version = 99"); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(filepath.Join(dir, File))
	if err != nil {
		t.Fatal(err)
	}
	_, err = Open(context.Background(), Options{Dir: dir})
	if !errors.Is(err, storage.ErrTooNew) || !strings.Contains(err.Error(), "schema 99") || !strings.Contains(err.Error(), fmt.Sprintf("up to %d", SchemaVersion())) {
		t.Errorf("error %v", err)
	}
	after, err := os.ReadFile(filepath.Join(dir, File))
	if err != nil || !bytes.Equal(before, after) {
		t.Errorf("a database that is too new was changed: %v", err)
	}
}

func TestForeignFileRefused(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	if err := os.WriteFile(filepath.Join(dir, File), bytes.Repeat([]byte("not a database"), 500), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(context.Background(), Options{Dir: dir}); !errors.Is(err, ErrForeign) {
		t.Errorf("error %v", err)
	}
	if _, err := Open(context.Background(), Options{Dir: tempDir(t), Durability: "maybe"}); err == nil {
		t.Error("an unknown durability was taken")
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	s := openStore(t, Options{})
	want := map[string]string{
		"page_size": "2048", "journal_mode": "wal", "synchronous": "2", "secure_delete": "1", "foreign_keys": "1", "wal_autocheckpoint": "0",
		"busy_timeout": "5000", "application_id": fmt.Sprint(applicationID), "user_version": fmt.Sprint(latestSchema), "trusted_schema": "0",
		"cell_size_check": "1", "cache_size": "-32768", "query_only": "0",
	}
	check := func(c *conn, want map[string]string) {
		for pragma, value := range want {
			var got string
			if _, err := c.one("PRAGMA "+pragma, nil, &got); err != nil || got != value {
				t.Errorf("%s = %s, want %s (%v)", pragma, got, value, err)
			}
		}
	}
	c := <-s.writer
	check(c, want)
	s.writer <- c
	err := s.read(context.Background(), "test", func(x *tx) error {
		want["cache_size"], want["query_only"] = "-8192", "1"
		check(x.conn, want)
		if _, err := x.exec("DELETE FROM events"); err == nil {
			t.Error("a reader can write")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	normal := openStore(t, Options{Durability: Normal})
	c = <-normal.writer
	check(c, map[string]string{"synchronous": "1"})
	normal.writer <- c
}

func TestEachMigrationSetsItsVersion(t *testing.T) {
	t.Parallel()
	files, err := migrationFiles.ReadDir("migrations")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != latestSchema {
		t.Errorf("%d migrations, latest schema %d", len(files), latestSchema)
	}
	for i, f := range files {
		text, err := migrationFiles.ReadFile("migrations/" + f.Name())
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(f.Name(), fmt.Sprintf("%04d_", i+1)) || !bytes.Contains(text, fmt.Appendf(nil, "PRAGMA user_version = %d;", i+1)) {
			t.Errorf("%s does not set user_version to %d", f.Name(), i+1)
		}
		if bytes.Contains(text, []byte("+goose Down")) {
			t.Errorf("%s can go back", f.Name())
		}
	}
}

func TestCopyBeforeMigration(t *testing.T) {
	t.Parallel()
	s := openStore(t, Options{})
	ctx := context.Background()
	if err := copyBefore(ctx, s.checkDB, s.path, 1); err != nil {
		t.Fatal(err)
	}
	name := s.path + ".before-schema-2"
	info, err := os.Stat(name)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("copy %v %v", info, err)
	}
	dropOldCopies(s.path, time.Now().Add(6*24*time.Hour))
	if _, err := os.Stat(name); err != nil {
		t.Error("the copy went too early")
	}
	dropOldCopies(s.path, time.Now().Add(8*24*time.Hour))
	if _, err := os.Stat(name); err == nil {
		t.Error("the copy stayed")
	}
}

func TestViewsShowWords(t *testing.T) {
	t.Parallel()
	s := openStore(t, Options{})
	applyOne(t, s, opening(1))
	var owner, phase, status, delivery, kind string
	err := s.walkDB.QueryRow(`SELECT c.owner, c.phase, c.status, m.delivery, m.kind FROM v_conversations c JOIN v_messages m ON m.conversation_id = c.id
 ORDER BY m.seq DESC`).Scan(&owner, &phase, &status, &delivery, &kind)
	if err != nil || owner != "bot" || phase != "bot" || status != "open" || delivery != "pending" || kind != "text" {
		t.Errorf("%s %s %s %s %s %v", owner, phase, status, delivery, kind, err)
	}
}

// TestHotStatementsUseIndexes: none of the statements of the write path and
// of leasing reads a whole table.
func TestHotStatementsUseIndexes(t *testing.T) {
	t.Parallel()
	s := openStore(t, Options{})
	for _, text := range []string{
		"SELECT " + convCols + " FROM conversations WHERE contact_id = 1 AND status <> 2",
		"SELECT " + convCols + " FROM conversations WHERE contact_id = 1 ORDER BY opened_at DESC, id DESC LIMIT 1",
		"SELECT " + messageCols + " FROM messages WHERE conversation_id = 1 AND seq > 5 ORDER BY seq LIMIT 9",
		"SELECT 1 FROM seen WHERE channel_id = 1 AND at_s = 1 AND key = x'00'",
		"SELECT " + handoffCols + " FROM handoffs WHERE conversation_id = 1 AND ended_at = 0 ORDER BY id DESC LIMIT 1",
		"SELECT " + intervalCols + " FROM ownership WHERE conversation_id = 1 AND until = 0",
		"DELETE FROM receipts WHERE " + strings.ReplaceAll(theirReceipts, "?1", "1"),
		"SELECT min(due_at) FROM timers WHERE due_at > 5",
		selectRows + strings.NewReplacer("?1", "5", "?2", "1", "?3", "9", "?4", "2").Replace(lineOfPriority),
		strings.NewReplacer("?1", "1", "?2", "2").Replace(nextPriority),
		strings.NewReplacer("?1", "5", "?2", "1", "?3", "2").Replace(laterOfPriority),
		selectRows + "o.status = 2 AND o.lease_until < 9 AND (1 = 0 OR o.channel_id = 1) ORDER BY o.lease_until, o.id",
		selectRows + "o.status = 2 AND o.lease_until = 9 AND o.channel_id = 1 AND o.lease_node > 1 ORDER BY o.lease_node LIMIT 9",
		selectRows + "o.status = 3 AND o.due_at <= 0 AND o.lease_until = 9 AND o.channel_id = 1 AND o.lease_node > 1 ORDER BY o.lease_node LIMIT 9",
	} {
		rows, err := s.walkDB.Query("EXPLAIN QUERY PLAN " + text)
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			var id, parent, unused int
			var detail string
			if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
				t.Fatal(err)
			}
			if strings.HasPrefix(detail, "SCAN") && detail != "SCAN ch" && !strings.Contains(detail, "USING INDEX") {
				t.Errorf("%s\nin %.80s", detail, text)
			}
			if strings.Contains(detail, "TEMP B-TREE") && strings.Contains(text, "o.priority = 2") {
				t.Errorf("a line is sorted: %s", detail)
			}
		}
		rows.Close()
	}
}
