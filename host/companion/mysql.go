package companion

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
)

// mysqlDB is a MariaDB or MySQL database, in sessions that only read.
type mysqlDB struct {
	db        *sql.DB
	dialect   mariadb
	catalogue catalogue
}

// mysqlSession is set last on a new connection, so that nothing in the connection
// string counts more.
var mysqlSession = []string{
	"SET NAMES utf8mb4 COLLATE utf8mb4_bin",
	"SET SESSION TRANSACTION READ ONLY",
	"SET SESSION time_zone = '+00:00', sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', autocommit = 1",
}

// openMySQL takes a data source name, `user:password@tcp(host:3306)/database`.
func openMySQL(conn string, conns int) (Database, error) {
	cfg, err := mysql.ParseDSN(conn)
	if err != nil { // its text may have parts of the string
		return nil, errors.New("conn: want user:password@tcp(host:port)/database")
	}
	if cfg.DBName == "" {
		return nil, errors.New("conn: want user:password@tcp(host:port)/database; it names no database")
	}
	// Values are bound, never spliced, one statement at a time; what comes is what
	// is stored; no file of this machine is ever sent.
	cfg.InterpolateParams, cfg.MultiStatements, cfg.ParseTime = false, false, false
	cfg.AllowAllFiles, cfg.Params = false, nil
	cfg.Timeout = or(cfg.Timeout, 10*time.Second)
	cfg.Logger = slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo) // each error is returned too
	inner, err := mysql.NewConnector(cfg)
	if err != nil {
		return nil, errors.New("conn: want user:password@tcp(host:port)/database")
	}
	db := sql.OpenDB(mysqlConnector{inner})
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	db.SetConnMaxIdleTime(5 * time.Minute)
	return &mysqlDB{db: db}, nil
}

// mysqlConnector makes connections with mysqlSession.
type mysqlConnector struct{ driver.Connector }

func (m mysqlConnector) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := m.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	for _, text := range mysqlSession {
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

// Query: database/sql tries again by itself when a connection is gone.
func (d *mysqlDB) Query(ctx context.Context, q Query) ([]byte, error) {
	out, err := d.query(ctx, q)
	if err != nil {
		d.catalogue.forget(q.Table)
	}
	return out, mysqlFault(err)
}

func (d *mysqlDB) query(ctx context.Context, q Query) ([]byte, error) {
	t := d.catalogue.find(q.Table)
	if t == nil {
		var err error
		if t, err = describeMySQL(ctx, d.db, q.Table); err != nil {
			return nil, err
		}
		d.catalogue.keep(t)
	}
	s, err := newServerQuery(d.dialect, t, q)
	if err != nil {
		return nil, err
	}
	f := s.text(q.Limit)
	text := f.params(func(int) string { return "?" })
	rows, err := d.db.QueryContext(ctx, mysqlTimeout(ctx, t.server, text), f.args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	raw := make([]any, max(len(s.read), 1))
	into := make([]any, len(raw))
	for i := range raw {
		into[i] = &raw[i]
	}
	in := s.collector(q.Limit)
	for more := true; more && rows.Next(); {
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		if more, err = in.row(raw); err != nil {
			return nil, err
		}
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, err
	}
	return in.out.end()
}

// mysqlTimeout gives a SELECT the time that is left, in the server's own words.
func mysqlTimeout(ctx context.Context, version, text string) string {
	left := time.Minute
	if end, ok := ctx.Deadline(); ok {
		left = time.Until(end)
	}
	left = serverPatience(left)
	if strings.Contains(version, "MariaDB") {
		return fmt.Sprintf("SET STATEMENT max_statement_time=%.3f FOR %s", left.Seconds(), text)
	}
	return fmt.Sprintf("SELECT /*+ MAX_EXECUTION_TIME(%d) */%s", left.Milliseconds(), strings.TrimPrefix(text, "SELECT"))
}

func mysqlFault(err error) error {
	var said *mysql.MySQLError
	var network *net.OpError
	switch {
	case err == nil, errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return err
	case errors.As(err, &said):
		switch said.Number {
		case 1969, 3024: // ER_STATEMENT_TIMEOUT of MariaDB, ER_QUERY_TIMEOUT of MySQL
			return &fault{phrase: timedOut, err: err}
		case 1040, 1044, 1045, 1049, 1203, 1226: // too many connections, access denied, no such database
			return &fault{phrase: refused, err: err}
		}
	case errors.As(err, &network), errors.Is(err, driver.ErrBadConn), errors.Is(err, mysql.ErrInvalidConn), errors.Is(err, io.EOF):
		return &fault{phrase: refused, err: err}
	}
	return err
}

func (d *mysqlDB) Ping(ctx context.Context) error { return d.db.PingContext(ctx) }
func (d *mysqlDB) Close() error                   { return d.db.Close() }
