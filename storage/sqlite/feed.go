package sqlite

import (
	"context"
	"database/sql/driver"
	"fmt"
	"strconv"
	"strings"

	lib "modernc.org/sqlite"
	"modernc.org/sqlite/vtab"
)

// feed shows rows that are in memory to the writer's SQL as the table
// temp.fed, whose columns are c0, c1, …: a whole batch goes into a table with
// one statement that binds nothing. A row of messages costs half of what it
// costs bound, however many are bound at once, because the driver looks for
// each parameter in the whole list of arguments.
//
// It is the module, the table and the rows in one: a feed belongs to one
// connection, which runs one statement at a time.
type feed struct {
	vals  []driver.Value // row by row
	width int
}

// fedColumns is the most that a fed row can have.
const fedColumns = 40

// fedNames are the first n columns.
func fedNames(n int) string {
	cols := make([]string, n)
	for i := range cols {
		cols[i] = "c" + strconv.Itoa(i)
	}
	return strings.Join(cols, ", ")
}

// Create implements vtab.Module.
func (f *feed) Create(ctx vtab.Context, _ []string) (vtab.Table, error) {
	return f, ctx.Declare("CREATE TABLE fed(" + fedNames(fedColumns) + ")")
}

// Connect implements vtab.Module.
func (f *feed) Connect(ctx vtab.Context, args []string) (vtab.Table, error) {
	return f.Create(ctx, args)
}

// BestIndex implements vtab.Table: there is one way to read, from the first
// row on, and it is cheap, so that a join begins here.
func (f *feed) BestIndex(info *vtab.IndexInfo) error {
	info.EstimatedCost, info.EstimatedRows = 1, 1
	return nil
}

// Open implements vtab.Table.
func (f *feed) Open() (vtab.Cursor, error) { return &feedCursor{feed: f}, nil }

// Disconnect implements vtab.Table.
func (f *feed) Disconnect() error { return nil }

// Destroy implements vtab.Table.
func (f *feed) Destroy() error { return nil }

// feedCursor is a place in the rows.
type feedCursor struct {
	*feed
	at int // of the row's first value
}

// Filter implements vtab.Cursor.
func (c *feedCursor) Filter(int, string, []vtab.Value) error {
	c.at = 0
	return nil
}

// Next implements vtab.Cursor.
func (c *feedCursor) Next() error {
	c.at += c.width
	return nil
}

// Eof implements vtab.Cursor.
func (c *feedCursor) Eof() bool { return c.at >= len(c.vals) }

// Column implements vtab.Cursor.
func (c *feedCursor) Column(i int) (vtab.Value, error) {
	if i >= c.width {
		return nil, fmt.Errorf("column %d of rows with %d", i, c.width)
	}
	return c.vals[c.at+i], nil
}

// Rowid implements vtab.Cursor.
func (c *feedCursor) Rowid() (int64, error) { return int64(c.at), nil }

// Close implements vtab.Cursor.
func (c *feedCursor) Close() error { return nil }

// feedConnector opens connections that have the table temp.fed. Its driver is
// its own, so that no other connection of the process has the module.
type feedConnector struct {
	driver *lib.Driver
	dsn    string
}

func newFeedConnector(dsn string, f *feed) (driver.Connector, error) {
	d := &lib.Driver{}
	if err := d.RegisterModule("dispatcher_feed", f); err != nil {
		return nil, err
	}
	return feedConnector{d, dsn}, nil
}

// Driver implements driver.Connector.
func (c feedConnector) Driver() driver.Driver { return c.driver }

// Connect implements driver.Connector.
func (c feedConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.driver.Open(c.dsn)
	if err != nil {
		return nil, err
	}
	exec, ok := conn.(driver.ExecerContext)
	if !ok {
		conn.Close()
		return nil, fmt.Errorf("the driver's connection is a %T", conn)
	}
	if _, err := exec.ExecContext(ctx, "CREATE VIRTUAL TABLE temp.fed USING dispatcher_feed", nil); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}
