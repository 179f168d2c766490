// Package postgres queries PostgreSQL, in sessions that only read.
package postgres

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/rulegate/rulegate/host/companion/failure"
	"github.com/rulegate/rulegate/host/companion/query"
	"github.com/rulegate/rulegate/host/companion/sqldb"
)

type database struct {
	pool      *pgxpool.Pool
	catalogue sqldb.Catalogue
}

// session is set on each new connection after the driver's own settings, so that it
// overrides the connection string and the settings of the role. dialect.Decode reads
// these formats.
const session = `
SET default_transaction_read_only = on;
SET client_encoding = 'UTF8';
SET DateStyle = 'ISO, MDY';
SET TimeZone = 'UTC';
SET IntervalStyle = 'postgres';
SET bytea_output = 'hex';
SET extra_float_digits = 1;
SET standard_conforming_strings = on;
SET statement_timeout = 10000;
SET idle_in_transaction_session_timeout = 10000`

// Open takes a URL or key=value string, as libpq does. It does not connect. Its
// errors quote nothing of the string, which may hold a password.
func Open(conn string, conns int) (query.Database, error) { return open(conn, conns) }

func open(conn string, conns int) (*database, error) {
	if conn == "" {
		return nil, errors.New("conn: want a PostgreSQL URL")
	}
	cfg, err := pgxpool.ParseConfig(conn)
	if err != nil {
		return nil, errors.New("conn: not a PostgreSQL URL or key=value string")
	}
	cfg.MaxConns = int32(conns)
	cfg.MinConns = 0
	cfg.MaxConnIdleTime = 5 * time.Minute
	if cfg.ConnConfig.ConnectTimeout == 0 {
		cfg.ConnConfig.ConnectTimeout = 10 * time.Second
	}
	// Cancel the statement on the server when the last caller has left.
	cfg.ConnConfig.BuildContextWatcherHandler = func(c *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.CancelRequestContextWatcherHandler{Conn: c, DeadlineDelay: time.Second}
	}
	cfg.AfterConnect = func(ctx context.Context, c *pgx.Conn) error {
		_, err := c.PgConn().Exec(ctx, session).ReadAll()
		return err
	}
	pool, err := pgxpool.NewWithConfig(context.Background(), cfg)
	if err != nil {
		return nil, errors.New("conn: the settings make no pool")
	}
	return &database{pool: pool}, nil
}

// Query tries a second time when the connection turns out to be lost, as all are
// after a restart of the server, and when the table has changed since the statement
// was prepared.
func (d *database) Query(ctx context.Context, q query.Query) ([]byte, error) {
	out, lost, err := d.try(ctx, q)
	if err == nil {
		return out, nil
	}
	d.catalogue.Forget(q.Table)
	if lost {
		d.pool.Reset()
	}
	var pgErr *pgconn.PgError
	changed := errors.As(err, &pgErr) && pgErr.Code == "0A000" // cached plan must not change result type
	if (lost || changed) && ctx.Err() == nil {
		out, _, err = d.try(ctx, q)
	}
	return out, failureOf(err)
}

func (d *database) try(ctx context.Context, q query.Query) (out []byte, lost bool, err error) {
	c, err := d.pool.Acquire(ctx)
	if err != nil {
		return nil, false, err
	}
	defer c.Release()
	out, err = d.run(ctx, c.Conn(), q)
	return out, err != nil && c.Conn().IsClosed(), err
}

func (d *database) run(ctx context.Context, c *pgx.Conn, q query.Query) ([]byte, error) {
	if err := setTimeout(ctx, c); err != nil {
		return nil, err
	}
	s, err := d.statement(ctx, c, q)
	if err != nil {
		return nil, err
	}
	text, args := numbered(s)
	rows, err := c.Query(ctx, text, append([]any{pgx.QueryResultFormats{pgx.TextFormatCode}}, args...)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	in := s.Reader()
	raw := make([]any, s.Width())
	for more := true; more && rows.Next(); {
		for i, cell := range rows.RawValues() {
			if raw[i] = any(cell); cell == nil {
				raw[i] = nil // not a []byte(nil)
			}
		}
		if more, err = in.Row(raw); err != nil {
			return nil, err
		}
	}
	rows.Close()
	if err := rows.Err(); err != nil {
		return nil, err
	}
	return in.End()
}

// statement translates a query, with the table as the catalogue describes it.
func (d *database) statement(ctx context.Context, c *pgx.Conn, q query.Query) (*sqldb.Statement, error) {
	t := d.catalogue.Find(q.Table)
	if t == nil {
		var err error
		if t, err = describe(ctx, c, q.Table); err != nil {
			return nil, err
		}
		d.catalogue.Keep(t)
	}
	return sqldb.NewStatement(dialect{}, t, q)
}

func numbered(s *sqldb.Statement) (text string, args []any) {
	f := s.SQL()
	return f.Numbered(func(n int) string { return "$" + strconv.Itoa(n) }), f.Args
}

// setTimeout sets the server's time limit for a statement, when the session has
// another one.
func setTimeout(ctx context.Context, c *pgx.Conn) error {
	end, ok := ctx.Deadline()
	if !ok {
		return nil
	}
	const key = "rulegate statement_timeout"
	ms := sqldb.StatementTimeout(time.Until(end)).Milliseconds()
	if c.PgConn().CustomData()[key] == ms {
		return nil
	}
	if _, err := c.Exec(ctx, "SELECT set_config('statement_timeout', $1::text, false)", strconv.FormatInt(ms, 10)); err != nil {
		return err
	}
	c.PgConn().CustomData()[key] = ms
	return nil
}

// failureOf classifies an error by its code,
// https://www.postgresql.org/docs/current/errcodes-appendix.html.
func failureOf(err error) error {
	var pgErr *pgconn.PgError
	var connect *pgconn.ConnectError
	switch {
	case errors.As(err, &connect):
		return failure.New(failure.Refused, err)
	case !errors.As(err, &pgErr):
		return err
	case pgErr.Code == "57014": // query_canceled
		return failure.New(failure.TimedOut, err)
	}
	class := pgErr.Code[:min(len(pgErr.Code), 2)]
	// Connection exception, insufficient resources, operator intervention.
	down := class == "08" || class == "53" || class == "57"
	return &failure.Error{Phrase: failure.Database, Err: err, TargetDown: down}
}

func (d *database) Ping(ctx context.Context) error { return d.pool.Ping(ctx) }

func (d *database) Connections() (used, idle int, ok bool) {
	s := d.pool.Stat()
	return int(s.AcquiredConns()), int(s.IdleConns()), true
}

func (d *database) Close() error {
	d.pool.Close()
	return nil
}
