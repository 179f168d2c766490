package companion

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"net/url"
	"strings"
	"sync"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// sqliteDB is a SQLite file, opened for reading only: rules never write.
type sqliteDB struct {
	db        *sql.DB
	conns     *sqliteConns
	functions *functions

	mu      sync.Mutex
	version int64 // of the schema that tables describes
	tables  map[string]*table
}

// openSQLite opens the file at path, in which no character is special. A file
// that is not there is an error of each query until it is.
func openSQLite(path string, conns int) (Database, error) {
	path = strings.TrimPrefix(path, "file:")
	switch {
	case path == "" || strings.HasPrefix(path, ":memory:"):
		return nil, errors.New("conn: want the path of a SQLite file")
	case strings.ContainsAny(path, "?#\x00"):
		// `file:x?mode=rwc` would take the guards away.
		return nil, errors.New("conn: want the path of a SQLite file without parameters")
	}
	functions, err := sqliteFunctions()
	if err != nil {
		return nil, err
	}
	// mode=ro never creates a file. trusted_schema keeps functions that are not
	// marked harmless out of the file's views.
	name := "file:" + (&url.URL{Path: path}).EscapedPath() +
		"?mode=ro&_pragma=query_only(1)&_pragma=trusted_schema(0)&_pragma=busy_timeout(10000)"
	db := sql.OpenDB(connector{driver: &functions.driver, name: name})
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(-1) // what is given back is closed; sqliteConns keeps
	return &sqliteDB{db: db, conns: newSQLiteConns(db, conns), functions: functions}, nil
}

// connector opens connections of a driver that has our functions, which no other
// user of SQLite in this process gets.
type connector struct {
	driver *sqlite.Driver
	name   string
}

func (c connector) Driver() driver.Driver                        { return c.driver }
func (c connector) Connect(context.Context) (driver.Conn, error) { return c.driver.Open(c.name) }

func (d *sqliteDB) Query(ctx context.Context, q Query) (out []byte, err error) {
	conn, err := d.conns.take(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { d.conns.give(conn, err) }()
	return d.query(ctx, conn, q)
}

func (d *sqliteDB) query(ctx context.Context, conn *sqliteConn, q Query) ([]byte, error) {
	t, err := d.table(ctx, conn, q.Table)
	if err != nil {
		return nil, err
	}
	columns := t.selected(q.Columns)
	w := where{table: t, functions: d.functions}
	defer func() { d.functions.forget(w.kept) }()
	if err := w.selection(q, columns); err != nil {
		return nil, err
	}
	// Without this a cell of a gigabyte would be copied before it is refused. The
	// values that are bound count too.
	if _, err := sqlite.Limit(conn.Conn, sqlite3.SQLITE_LIMIT_LENGTH, max(q.Bytes, 1<<20)); err != nil {
		return nil, err
	}
	stmt, err := conn.prepared(ctx, w.text.String())
	if err != nil {
		return nil, sqliteFault(err)
	}
	rows, err := stmt.QueryContext(ctx, w.args...)
	if err != nil {
		return nil, sqliteFault(err)
	}
	defer rows.Close()
	out, err := encodeRows(rows, columns, q.Bytes)
	return out, sqliteFault(err)
}

func sqliteFault(err error) error {
	var e *sqlite.Error
	if errors.As(err, &e) && e.Code() == sqlite3.SQLITE_TOOBIG {
		return &fault{phrase: tooLarge, err: err}
	}
	return err
}

// Ping reads the file's header and schema.
func (d *sqliteDB) Ping(ctx context.Context) (err error) {
	conn, err := d.conns.take(ctx)
	if err != nil {
		return err
	}
	defer func() { d.conns.give(conn, err) }()
	var n int64
	return conn.QueryRowContext(ctx, "SELECT count(*) FROM main.sqlite_schema").Scan(&n)
}

func (d *sqliteDB) Close() error { return d.conns.close() }
