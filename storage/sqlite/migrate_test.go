package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pressly/goose/v3"

	"dispatcher/storage"
)

// firstSchema is the folder of a store as the first schema left it: one person
// with a conversation of one message, a receipt that it names and one that the
// index leads to. The connection to it stays open.
func firstSchema(t *testing.T) (dir string, db *sql.DB) {
	t.Helper()
	dir, ctx := tempDir(t), context.Background()
	db, err := openFile(filepath.Join(dir, File), plainPragmas(Options{Durability: Full}), 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	files, err := fs.Sub(migrationFiles, "migrations")
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{fmt.Sprintf("PRAGMA page_size = %d", pageSize), fmt.Sprintf("PRAGMA application_id = %d", applicationID), "PRAGMA journal_mode = WAL"} {
		mustExec(t, db, text)
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, db, files, goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.UpTo(ctx, 1); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		"INSERT INTO contacts(id, uid, created_at, updated_at, shard) VALUES (7, x'07', 1, 1, 0)",
		`INSERT INTO conversations SELECT 9, x'09', 7, 0, 1, NULL, 1, 1, 1, '', 1, 1, 1, 1, 0, 0, 1, 0, NULL, '', NULL, NULL, 1, 1, 0, 0, 0, 0, '', 0, 0, 1, 0, 0, 0, '[]'`,
		"INSERT INTO messages SELECT 1, 9, 1, 1, 1, 0, 1, '', 1, 1, x'01', NULL, 0, NULL, '', 0, '', x'aa', 0, 0",
		"INSERT INTO receipts(channel_id, hash, conversation_id, seq, at) VALUES (1, x'aa', 9, 1, 1), (2, x'bb', 9, 1, 1)",
	} {
		mustExec(t, db, text)
	}
	return dir, db
}

func mustExec(t *testing.T, db *sql.DB, text string) {
	t.Helper()
	if _, err := db.Exec(text); err != nil {
		t.Fatalf("%v\nin %.80s", err, text)
	}
}

// TestKilledMigration: whatever statement of a migration the process ends at,
// the next start finishes it, and what was stored is there and can be erased.
func TestKilledMigration(t *testing.T) {
	t.Parallel()
	text, err := migrationFiles.ReadFile("migrations/0002_receipts_by_message.sql")
	if err != nil {
		t.Fatal(err)
	}
	var statements []string
	for statement := range strings.SplitSeq(string(text), ";") {
		lines := strings.Split(statement, "\n")
		for i, line := range lines {
			lines[i], _, _ = strings.Cut(line, "--")
		}
		if statement = strings.TrimSpace(strings.Join(lines, " ")); statement != "" {
			statements = append(statements, statement)
		}
	}
	if len(statements) < 4 {
		t.Fatalf("%d statements: %q", len(statements), statements)
	}
	dir, db := firstSchema(t)
	mustExec(t, db, "PRAGMA cache_spill = 1")
	mustExec(t, db, "PRAGMA cache_size = 1") // what was written so far is in the log
	mustExec(t, db, "BEGIN IMMEDIATE")
	for n := range len(statements) + 1 {
		if n > 0 {
			mustExec(t, db, statements[n-1])
		}
		image := tempDir(t)
		for _, name := range []string{File, File + "-wal"} {
			file, err := os.ReadFile(filepath.Join(dir, name))
			if err == nil {
				err = os.WriteFile(filepath.Join(image, name), file, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		afterKill(t, n, image)
	}
	mustExec(t, db, "ROLLBACK")
}

// afterKill opens what a killed process left.
func afterKill(t *testing.T, n int, image string) {
	t.Helper()
	s, ctx := openStore(t, Options{Dir: image}), context.Background()
	var version, receipts int
	if err := s.walkDB.QueryRow("SELECT (SELECT user_version FROM pragma_user_version), (SELECT count(*) FROM receipts)").Scan(&version, &receipts); err != nil {
		t.Fatal(err)
	}
	if version != latestSchema || receipts != 2 {
		t.Errorf("killed after statement %d: schema %d, %d receipts", n, version, receipts)
	}
	found, err := s.Load(ctx, []storage.Key{{Channel: 1, Receipt: []byte{0xaa}}, {Channel: 2, Receipt: []byte{0xbb}}})
	if err != nil || found[0].Conv.ID != 9 || found[1].Conv.ID != 9 {
		t.Errorf("killed after statement %d: found %+v %v", n, found, err)
	}
	erased, err := s.Erase(ctx, storage.Erasure{Contact: 7, Tag: []byte("tag")})
	if err != nil || erased.Tables["receipts"] != 2 {
		t.Errorf("killed after statement %d: erased %v %v", n, erased.Tables, err)
	}
}

// TestOnlyAnOldDatabaseIsSaidToBeMigrated: a new one is no news.
func TestOnlyAnOldDatabaseIsSaidToBeMigrated(t *testing.T) {
	t.Parallel()
	old, db := firstSchema(t)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	for dir, want := range map[string]bool{old: true, tempDir(t): false} {
		var said bytes.Buffer
		s, err := Open(t.Context(), Options{Dir: dir, Logger: slog.New(slog.NewTextHandler(&said, nil))})
		if err == nil {
			err = s.Close() // nobody writes any more
		}
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(said.String(), "storage.migrated"); got != want {
			t.Errorf("said %q, want it %v", said.String(), want)
		}
	}
}
