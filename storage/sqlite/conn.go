package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"syscall"

	lib "modernc.org/sqlite"

	"dispatcher/storage"
)

// conn is one connection with its prepared statements. It opens on first use
// and again after anything that leaves its state in doubt.
type conn struct {
	db    *sql.DB
	raw   *sql.Conn
	stmts map[string]*sql.Stmt
	fail  func(string) error
	feed  *feed     // of the writer
	rows  *gathered // of the writer
}

// tx is a connection inside a transaction.
type tx struct{ *conn }

// open makes the connection if there is none.
func (c *conn) open() error {
	if c.raw != nil {
		return nil
	}
	raw, err := c.db.Conn(context.Background())
	if err != nil {
		return err
	}
	c.raw, c.stmts = raw, map[string]*sql.Stmt{}
	return nil
}

func (c *conn) begin(how string) error {
	if err := c.open(); err != nil {
		return err
	}
	if c.rows != nil {
		c.rows.drop()
	}
	_, err := c.exec(how)
	if err != nil && !busy(err) {
		c.close()
	}
	return err
}

// abort ends the transaction. A connection that cannot even do that is given up.
func (c *conn) abort() {
	if c.raw == nil {
		return
	}
	st, err := c.prepare("ROLLBACK")
	if err == nil {
		_, err = st.Exec()
	}
	if err != nil && !strings.Contains(err.Error(), "no transaction is active") {
		c.close()
	}
}

func (c *conn) close() {
	if c.raw == nil {
		return
	}
	for _, st := range c.stmts {
		st.Close()
	}
	// ErrBadConn makes database/sql throw the connection away, not pool it.
	_ = c.raw.Raw(func(any) error { return driver.ErrBadConn })
	_ = c.raw.Close()
	c.raw, c.stmts = nil, nil
}

func (c *conn) prepare(text string) (*sql.Stmt, error) {
	if st, ok := c.stmts[text]; ok {
		return st, nil
	}
	st, err := c.raw.PrepareContext(context.Background(), text)
	if err != nil {
		return nil, fmt.Errorf("prepare %.40q: %w", text, err)
	}
	c.stmts[text] = st
	return st, nil
}

func (c *conn) before() error {
	if c.fail == nil {
		return nil
	}
	return c.fail("statement")
}

func (c *conn) exec(text string, args ...any) (sql.Result, error) {
	if err := c.before(); err != nil {
		return nil, err
	}
	st, err := c.prepare(text)
	if err != nil {
		return nil, err
	}
	return st.Exec(args...)
}

// change executes and gives the number of rows that changed.
func (c *conn) change(text string, args ...any) (int64, error) {
	res, err := c.exec(text, args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// one reads one row; found is false when there is none.
func (c *conn) one(text string, args []any, into ...any) (found bool, err error) {
	if err := c.before(); err != nil {
		return false, err
	}
	st, err := c.prepare(text)
	if err != nil {
		return false, err
	}
	err = st.QueryRow(args...).Scan(into...)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// each reads rows into the same places, one call of f per row.
func (c *conn) each(text string, args []any, into []any, f func() error) error {
	if err := c.before(); err != nil {
		return err
	}
	st, err := c.prepare(text)
	if err != nil {
		return err
	}
	rows, err := st.Query(args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		if err := f(); err != nil {
			return err
		}
	}
	return rows.Err()
}

// Primary result codes of SQLite (sqlite.org/rescode.html).
const (
	codePerm       = 3
	codeBusy       = 5
	codeLocked     = 6
	codeReadonly   = 8
	codeIOErr      = 10
	codeCorrupt    = 11
	codeFull       = 13
	codeCantOpen   = 14
	codeConstraint = 19
	codeNotADB     = 26
)

func sqliteCode(err error) int {
	if e, ok := errors.AsType[*lib.Error](err); ok {
		return e.Code() & 0xff
	}
	return 0
}

func constraint(err error) bool { return sqliteCode(err) == codeConstraint }
func busy(err error) bool       { return sqliteCode(err) == codeBusy || sqliteCode(err) == codeLocked }

// environmental says whether the disk, not the caller, is at fault.
func environmental(err error) bool {
	switch sqliteCode(err) {
	case codePerm, codeBusy, codeLocked, codeReadonly, codeIOErr, codeCorrupt, codeFull, codeCantOpen, codeNotADB:
		return true
	}
	for _, e := range []error{syscall.ENOSPC, syscall.EROFS, syscall.EIO, syscall.EDQUOT, syscall.EFBIG, driver.ErrBadConn, storage.ErrDegraded} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// environment names what was being done and marks errors of the disk.
func environment(noun string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, storage.ErrDegraded):
		return err
	case environmental(err):
		return fmt.Errorf("%w: %s: %w", storage.ErrDegraded, noun, err)
	case isPlain(err):
		return err
	}
	return fmt.Errorf("storage: %s: %w", noun, err)
}

// isPlain says whether err is one of the contract's own answers.
func isPlain(err error) bool {
	for _, e := range []error{storage.ErrConflict, storage.ErrNotFound, storage.ErrClosed, storage.ErrTooNew, context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// codeOf is what a log may say of an error: a code, no content.
func codeOf(err error) string {
	switch c := sqliteCode(err); {
	case c == codeFull || errors.Is(err, syscall.ENOSPC):
		return "disk full"
	case c == codeReadonly || errors.Is(err, syscall.EROFS):
		return "read-only"
	case c == codeIOErr || errors.Is(err, syscall.EIO):
		return "disk I/O error"
	case c == codeBusy || c == codeLocked:
		return "busy"
	case c != 0:
		return "sqlite " + strconv.Itoa(c)
	}
	return "error"
}
