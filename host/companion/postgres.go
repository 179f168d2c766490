package companion

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/jackc/pgx/v5/pgxpool"
)

// postgresDB is a PostgreSQL database, in sessions that only read.
type postgresDB struct {
	pool      *pgxpool.Pool
	dialect   postgres
	catalogue catalogue
}

// postgresSession is set last on a new connection, so that nothing in the
// connection string or the role's settings counts more. The formats are those
// that postgres.decode reads.
const postgresSession = `
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

// openPostgres takes a URL or key=value string, as libpq does.
func openPostgres(conn string, conns int) (Database, error) {
	if conn == "" {
		return nil, errors.New("conn: want a PostgreSQL URL")
	}
	cfg, err := pgxpool.ParseConfig(conn)
	if err != nil { // its text has parts of the string
		return nil, errors.New("conn: not a PostgreSQL URL or key=value string")
	}
	cfg.MaxConns = int32(conns)
	cfg.MinConns = 0
	cfg.MaxConnIdleTime = 5 * time.Minute
	if cfg.ConnConfig.ConnectTimeout == 0 {
		cfg.ConnConfig.ConnectTimeout = 10 * time.Second
	}
	// The server is told when nobody waits any more.
	cfg.ConnConfig.BuildContextWatcherHandler = func(c *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.CancelRequestContextWatcherHandler{Conn: c, DeadlineDelay: time.Second}
	}
	cfg.AfterConnect = func(ctx context.Context, c *pgx.Conn) error {
		_, err := c.PgConn().Exec(ctx, postgresSession).ReadAll()
		return err
	}
	pool, err := pgxpool.NewWithConfig(context.Background(), cfg)
	if err != nil {
		return nil, errors.New("conn: not what a pool can be made of")
	}
	return &postgresDB{pool: pool}, nil
}

// Query is tried a second time when the connection turns out to be gone, after a
// restart of the server all of them are, and when the table has changed since the
// statement was prepared.
func (d *postgresDB) Query(ctx context.Context, q Query) ([]byte, error) {
	out, lost, err := d.try(ctx, q)
	if err == nil {
		return out, nil
	}
	d.catalogue.forget(q.Table)
	if lost {
		d.pool.Reset()
	}
	var said *pgconn.PgError
	changed := errors.As(err, &said) && said.Code == "0A000" // cached plan must not change result type
	if (lost || changed) && ctx.Err() == nil {
		out, _, err = d.try(ctx, q)
	}
	return out, postgresFault(err)
}

func (d *postgresDB) try(ctx context.Context, q Query) (out []byte, lost bool, err error) {
	c, err := d.pool.Acquire(ctx)
	if err != nil {
		return nil, false, err
	}
	defer c.Release()
	out, err = d.query(ctx, c.Conn(), q)
	return out, err != nil && c.Conn().IsClosed(), err
}

func (d *postgresDB) query(ctx context.Context, c *pgx.Conn, q Query) ([]byte, error) {
	if err := setPostgresTimeout(ctx, c); err != nil {
		return nil, err
	}
	t := d.catalogue.find(q.Table)
	if t == nil {
		var err error
		if t, err = describePostgres(ctx, c, q.Table); err != nil {
			return nil, err
		}
		d.catalogue.keep(t)
	}
	s, err := newServerQuery(d.dialect, t, q)
	if err != nil {
		return nil, err
	}
	f := s.text(q.Limit)
	text := f.params(func(n int) string { return "$" + strconv.Itoa(n) })
	rows, err := c.Query(ctx, text, append([]any{pgx.QueryResultFormats{pgx.TextFormatCode}}, f.args...)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	in := s.collector(q.Limit)
	raw := make([]any, len(s.read))
	for more := true; more && rows.Next(); {
		for i, cell := range rows.RawValues() {
			if i < len(raw) {
				raw[i] = any(cell)
				if cell == nil {
					raw[i] = nil
				}
			}
		}
		if more, err = in.row(raw); err != nil {
			return nil, err
		}
	}
	rows.Close()
	if err := rows.Err(); err != nil {
		return nil, err
	}
	return in.out.end()
}

// setPostgresTimeout tells the server how long a statement may take, where the
// session has another figure.
func setPostgresTimeout(ctx context.Context, c *pgx.Conn) error {
	end, ok := ctx.Deadline()
	if !ok {
		return nil
	}
	const key = "rulegate statement_timeout"
	ms := serverPatience(time.Until(end)).Milliseconds()
	if c.PgConn().CustomData()[key] == ms {
		return nil
	}
	if _, err := c.Exec(ctx, "SELECT set_config('statement_timeout', $1::text, false)", strconv.FormatInt(ms, 10)); err != nil {
		return err
	}
	c.PgConn().CustomData()[key] = ms
	return nil
}

func postgresFault(err error) error {
	var said *pgconn.PgError
	var connect *pgconn.ConnectError
	switch {
	case errors.As(err, &connect):
		return &fault{phrase: refused, err: err}
	case errors.As(err, &said) && said.Code == "57014": // query_canceled, https://www.postgresql.org/docs/current/errcodes-appendix.html
		return &fault{phrase: timedOut, err: err}
	}
	return err
}

func (d *postgresDB) Ping(ctx context.Context) error { return d.pool.Ping(ctx) }

func (d *postgresDB) Close() error {
	d.pool.Close()
	return nil
}
