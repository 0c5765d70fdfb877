package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/pressly/goose/v3"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// latestSchema is the schema this program writes: the number of the last
// migration. Each migration sets user_version to its own number.
const latestSchema = 3

// keepCopies is how long the copy made before a migration is kept.
const keepCopies = 7 * 24 * time.Hour

// migrate brings the schema up, forward only, one transaction per step, after
// a copy of what was there.
func migrate(ctx context.Context, db *sql.DB, path string, opt Options) error {
	dropOldCopies(path, opt.Now())
	var have int64
	if err := db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&have); err != nil {
		return environment("read schema version", err)
	}
	if have == latestSchema {
		return nil
	}
	if have > 0 && opt.MigrationBackup {
		if err := copyBefore(ctx, db, path, have); err != nil {
			return environment("copy before migration", err)
		}
	}
	files, err := fs.Sub(migrationFiles, "migrations")
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, db, files, goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()))
	if err != nil {
		return fmt.Errorf("storage: migrations: %w", err)
	}
	done, err := p.Up(ctx)
	if err != nil {
		return environment(fmt.Sprintf("migrate from schema %d", have), err)
	}
	level := slog.LevelInfo
	if have == 0 {
		level = slog.LevelDebug // a new database is no news
	}
	opt.Logger.Log(ctx, level, "storage.migrated", "from", have, "to", latestSchema, "steps", len(done))
	return quickCheck(ctx, db, path)
}

// copyBefore runs on a connection without query_only, which refuses VACUUM INTO.
func copyBefore(ctx context.Context, db *sql.DB, path string, have int64) error {
	to := fmt.Sprintf("%s.before-schema-%d", path, have+1)
	if err := os.Remove(to); err != nil && !os.IsNotExist(err) {
		return err
	}
	if err := vacuumInto(ctx, db, to); err != nil {
		return err
	}
	return os.Chmod(to, 0o600)
}

func dropOldCopies(path string, now time.Time) {
	copies, _ := filepath.Glob(path + ".before-schema-*")
	for _, c := range copies {
		if info, err := os.Stat(c); err == nil && now.Sub(info.ModTime()) > keepCopies {
			_ = os.Remove(c)
		}
	}
}

func quickCheck(ctx context.Context, db *sql.DB, path string) error {
	var answer string
	if err := db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&answer); err != nil {
		return environment("quick check", err)
	}
	if answer != "ok" {
		return fmt.Errorf("storage: %s is damaged after the migration: %s; restore the copy beside it", path, answer)
	}
	return nil
}

// vacuumInto makes a copy that can stand in the place of the file: SQLite
// leaves copies with a rollback journal, and Open takes none of those.
func vacuumInto(ctx context.Context, db *sql.DB, to string) (err error) {
	if _, err := db.ExecContext(ctx, "VACUUM INTO ?", to); err != nil {
		return err
	}
	made, err := openFile(to, nil, 1)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, made.Close()) }()
	_, err = made.ExecContext(ctx, "PRAGMA journal_mode = WAL")
	return err
}

// SchemaVersion is the newest schema this program writes and reads.
func SchemaVersion() int64 { return latestSchema }
