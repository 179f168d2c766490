// Package sqlite queries SQLite files, which it opens only for reading.
package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/rulegate/rulegate/host/companion/failure"
	"github.com/rulegate/rulegate/host/companion/query"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// database is a SQLite file.
type database struct {
	db        *sql.DB
	conns     *connections
	functions *functions

	mu      sync.Mutex
	version int64 // of the schema that tables describes
	tables  map[string]*table

	schemaReads atomic.Int64 // how often a connection has read the schema's version
}

// Open returns the database in the file at path, in which no character is special.
// While the file does not exist, each query fails.
func Open(path string, conns int) (query.Database, error) { return open(path, conns) }

func open(path string, conns int) (*database, error) {
	path = strings.TrimPrefix(path, "file:")
	switch {
	case path == "" || strings.HasPrefix(path, ":memory:"):
		return nil, errors.New("conn: want the path of a SQLite file")
	case strings.ContainsAny(path, "?#\x00"):
		// `file:x?mode=rwc` would override the parameters below.
		return nil, errors.New("conn: want the path of a SQLite file without parameters")
	}
	functions, err := registered()
	if err != nil {
		return nil, err
	}
	// mode=ro never creates a file. trusted_schema=0 keeps the file's views from
	// calling functions that are not marked harmless.
	name := "file:" + (&url.URL{Path: path}).EscapedPath() +
		"?mode=ro&_pragma=query_only(1)&_pragma=trusted_schema(0)&_pragma=busy_timeout(10000)"
	db := sql.OpenDB(connector{driver: &functions.driver, name: name})
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(-1) // connections keeps them instead
	return &database{db: db, conns: newConnections(db, conns), functions: functions}, nil
}

// connector opens connections of the driver that has our functions. Other users of
// SQLite in this process do not get them.
type connector struct {
	driver *sqlite.Driver
	name   string
}

func (c connector) Driver() driver.Driver                        { return c.driver }
func (c connector) Connect(context.Context) (driver.Conn, error) { return c.driver.Open(c.name) }

func (d *database) Query(ctx context.Context, q query.Query) (out []byte, err error) {
	conn, err := d.conns.acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { d.conns.release(conn, err) }()
	return d.run(ctx, conn, q)
}

// schemaTries is how often a query begins again because the schema has changed while it
// ran.
const schemaTries = 3

// run runs a query by the schema that the connection has read last, and then looks
// whether that is still the one: to read its version before each query would take half
// as long as the query. What a query brought by another schema is thrown away.
func (d *database) run(ctx context.Context, conn *connection, q query.Query) ([]byte, error) {
	if !conn.read {
		if err := d.readSchema(ctx, conn); err != nil {
			return nil, err
		}
	}
	for range schemaTries {
		schema := conn.schema
		out, err := d.runOnce(ctx, conn, q)
		data, unknown := conn.dataVersion()
		switch {
		case unknown != nil || ctx.Err() != nil:
			return nil, cmp.Or(err, unknown, ctx.Err())
		case err == nil && data == conn.data:
			return out, nil
		}
		// After an error SQLite may not have looked at the file at all: a column that
		// is not in the description is refused without it.
		if again := d.readSchema(ctx, conn); again != nil {
			return nil, cmp.Or(err, again)
		}
		if conn.schema == schema {
			return out, err
		}
	}
	return nil, errors.New("the schema has changed while each query ran")
}

func (d *database) runOnce(ctx context.Context, conn *connection, q query.Query) ([]byte, error) {
	t, err := d.table(ctx, conn, q.Table)
	if err != nil {
		return nil, err
	}
	s, err := newStatement(t, d.functions, q)
	defer s.release()
	if err != nil {
		return nil, err
	}
	// Without this limit a cell of a gigabyte would be copied before it is refused.
	// Bound values count too.
	if _, err := sqlite.Limit(conn.Conn, sqlite3.SQLITE_LIMIT_LENGTH, max(q.Bytes, 1<<20)); err != nil {
		return nil, err
	}
	stmt, err := conn.prepare(ctx, s.text)
	if err != nil {
		return nil, failureOf(err)
	}
	rows, err := stmt.QueryContext(ctx, s.args...)
	if err != nil {
		return nil, failureOf(err)
	}
	defer rows.Close()
	out, err := encode(rows, s.columns, q.Bytes)
	return out, failureOf(err)
}

func failureOf(err error) error {
	var e *sqlite.Error
	if errors.As(err, &e) && e.Code() == sqlite3.SQLITE_TOOBIG {
		return failure.New(failure.TooLarge, err)
	}
	return err
}

// Ping reads the file's header and schema.
func (d *database) Ping(ctx context.Context) (err error) {
	conn, err := d.conns.acquire(ctx)
	if err != nil {
		return err
	}
	defer func() { d.conns.release(conn, err) }()
	var n int64
	return conn.QueryRowContext(ctx, "SELECT count(*) FROM main.sqlite_schema").Scan(&n)
}

func (d *database) Connections() (used, idle int, ok bool) {
	idle = len(d.conns.idle)
	return max(0, d.db.Stats().InUse-idle), idle, true
}

func (d *database) Close() error { return d.conns.close() }
