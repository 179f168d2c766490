package companion

import (
	"context"
	"database/sql"
	"errors"
	"sync/atomic"
	"time"
)

// sqliteConns keeps connections with the statements that were prepared on them:
// SQLite takes longer to read a query than to answer one that has an index, and
// database/sql forgets a connection's statements when it gets it back.
type sqliteConns struct {
	db     *sql.DB
	places chan struct{}
	idle   chan *sqliteConn
	closed atomic.Bool
}

const (
	connLife  = 5 * time.Minute // then a file that was replaced is seen
	connStmts = 64              // a policy has as many find documents
)

type sqliteConn struct {
	*sql.Conn
	since time.Time
	stmts map[string]*sql.Stmt
}

func newSQLiteConns(db *sql.DB, n int) *sqliteConns {
	return &sqliteConns{db: db, places: make(chan struct{}, n), idle: make(chan *sqliteConn, n)}
}

// take waits for a connection; give follows.
func (p *sqliteConns) take(ctx context.Context) (*sqliteConn, error) {
	select {
	case p.places <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	for {
		select {
		case c := <-p.idle:
			if time.Since(c.since) < connLife {
				return c, nil
			}
			c.Close()
			continue
		default:
		}
		conn, err := p.db.Conn(ctx)
		if err != nil {
			<-p.places
			return nil, err
		}
		return &sqliteConn{Conn: conn, since: time.Now(), stmts: map[string]*sql.Stmt{}}, nil
	}
}

// give takes a connection back. After an error of SQLite's it is not used again.
func (p *sqliteConns) give(c *sqliteConn, err error) {
	var f *fault
	if err != nil && !errors.As(err, &f) {
		c.Close()
	} else {
		p.idle <- c // there is room: it was taken from there, or was never in it
	}
	<-p.places
	if p.closed.Load() {
		p.drain()
	}
}

func (p *sqliteConns) close() error {
	p.closed.Store(true)
	p.drain()
	return p.db.Close()
}

func (p *sqliteConns) drain() {
	for {
		select {
		case c := <-p.idle:
			c.Close()
		default:
			return
		}
	}
}

// prepared is the statement for a text.
func (c *sqliteConn) prepared(ctx context.Context, text string) (*sql.Stmt, error) {
	if s := c.stmts[text]; s != nil {
		return s, nil
	}
	if len(c.stmts) >= connStmts {
		for _, s := range c.stmts {
			s.Close()
		}
		clear(c.stmts)
	}
	s, err := c.PrepareContext(ctx, text)
	if err == nil {
		c.stmts[text] = s
	}
	return s, err
}

// Close closes the connection itself: one that database/sql kept would stay.
func (c *sqliteConn) Close() error {
	for _, s := range c.stmts {
		s.Close()
	}
	return c.Conn.Close()
}
