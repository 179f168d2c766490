// Package mysql queries MariaDB and MySQL, in sessions that only read.
package mysql

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/rulegate/rulegate/host/companion/failure"
	"github.com/rulegate/rulegate/host/companion/query"
	"github.com/rulegate/rulegate/host/companion/sqldb"
)

type database struct {
	db        *sql.DB
	catalogue sqldb.Catalogue
}

// session is set on each new connection after the driver's own settings, so that it
// overrides the connection string.
var session = []string{
	"SET NAMES utf8mb4 COLLATE utf8mb4_bin",
	"SET SESSION TRANSACTION READ ONLY",
	"SET SESSION time_zone = '+00:00', sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', autocommit = 1",
}

// Open takes a data source name, `user:password@tcp(host:3306)/database`. It does not
// connect. Its errors quote nothing of the name, which may hold a password.
func Open(conn string, conns int) (query.Database, error) { return open(conn, conns) }

func open(conn string, conns int) (*database, error) {
	cfg, err := mysql.ParseDSN(conn)
	if err != nil {
		return nil, errors.New("conn: want user:password@tcp(host:port)/database")
	}
	if cfg.DBName == "" {
		return nil, errors.New("conn: want user:password@tcp(host:port)/database, found no database")
	}
	// Bind values instead of splicing them, run one statement at a time, convert no
	// dates, and never send a file of this machine.
	cfg.InterpolateParams, cfg.MultiStatements, cfg.ParseTime = false, false, false
	cfg.AllowAllFiles, cfg.Params = false, nil
	if cfg.Timeout <= 0 {
		cfg.Timeout = 10 * time.Second
	}
	cfg.Logger = slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo) // errors are returned too
	inner, err := mysql.NewConnector(cfg)
	if err != nil {
		return nil, errors.New("conn: want user:password@tcp(host:port)/database")
	}
	db := sql.OpenDB(connector{inner})
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	db.SetConnMaxIdleTime(5 * time.Minute)
	return &database{db: db}, nil
}

// connector sets up the session of each new connection.
type connector struct{ driver.Connector }

func (m connector) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := m.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	for _, text := range session {
		x, ok := c.(driver.ExecerContext)
		if !ok {
			err = fmt.Errorf("%T runs no statements", c)
		} else {
			_, err = x.ExecContext(ctx, text, nil)
		}
		if err != nil {
			c.Close()
			return nil, err
		}
	}
	return c, nil
}

// Query relies on database/sql, which tries again when a connection is lost.
func (d *database) Query(ctx context.Context, q query.Query) ([]byte, error) {
	out, err := d.run(ctx, q)
	if err != nil {
		d.catalogue.Forget(q.Table)
	}
	return out, failureOf(err)
}

func (d *database) run(ctx context.Context, q query.Query) ([]byte, error) {
	t, err := d.table(ctx, q.Table)
	if err != nil {
		return nil, err
	}
	s, err := sqldb.NewStatement(dialect{}, t, q)
	if err != nil {
		return nil, err
	}
	f := s.SQL()
	rows, err := d.db.QueryContext(ctx, withTimeout(ctx, t.Version, f.Questioned()), f.Args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	raw := make([]any, s.Width())
	into := make([]any, len(raw))
	for i := range raw {
		into[i] = &raw[i]
	}
	in := s.Reader()
	for more := true; more && rows.Next(); {
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		if more, err = in.Row(raw); err != nil {
			return nil, err
		}
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, err
	}
	return in.End()
}

// table returns a table as the catalogue describes it.
func (d *database) table(ctx context.Context, name string) (*sqldb.Table, error) {
	if t := d.catalogue.Find(name); t != nil {
		return t, nil
	}
	t, err := describe(ctx, d.db, name)
	if err == nil {
		d.catalogue.Keep(t)
	}
	return t, err
}

// withTimeout limits the server's time for a SELECT to the time that is left.
func withTimeout(ctx context.Context, version, text string) string {
	left := time.Minute
	if end, ok := ctx.Deadline(); ok {
		left = time.Until(end)
	}
	left = sqldb.StatementTimeout(left)
	if isMariaDB(version) {
		return fmt.Sprintf("SET STATEMENT max_statement_time=%.3f FOR %s", left.Seconds(), text)
	}
	return fmt.Sprintf("SELECT /*+ MAX_EXECUTION_TIME(%d) */%s", left.Milliseconds(), strings.TrimPrefix(text, "SELECT"))
}

func isMariaDB(version string) bool { return strings.Contains(version, "MariaDB") }

func failureOf(err error) error {
	var mysqlErr *mysql.MySQLError
	var network *net.OpError
	switch {
	case err == nil, errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return err
	case errors.As(err, &mysqlErr):
		switch mysqlErr.Number {
		case 1969, 3024: // ER_STATEMENT_TIMEOUT of MariaDB, ER_QUERY_TIMEOUT of MySQL
			return failure.New(failure.TimedOut, err)
		case 1040, 1044, 1045, 1049, 1203, 1226: // too many connections, access denied, no such database
			return failure.New(failure.Refused, err)
		}
	case errors.As(err, &network), errors.Is(err, driver.ErrBadConn), errors.Is(err, mysql.ErrInvalidConn), errors.Is(err, io.EOF):
		return failure.New(failure.Refused, err)
	}
	return err
}

func (d *database) Ping(ctx context.Context) error { return d.db.PingContext(ctx) }

func (d *database) Connections() (used, idle int, ok bool) {
	s := d.db.Stats()
	return s.InUse, s.Idle, true
}

func (d *database) Close() error { return d.db.Close() }
