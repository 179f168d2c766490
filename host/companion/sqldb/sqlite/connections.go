package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"sync/atomic"
	"time"

	"github.com/rulegate/rulegate/host/companion/failure"
)

// connections keeps connections together with their prepared statements: SQLite
// takes longer to prepare a query than to answer one that has an index, and
// database/sql drops a connection's statements when the connection returns to it.
type connections struct {
	db     *sql.DB
	slots  chan struct{} // one element for each connection in use
	idle   chan *connection
	closed atomic.Bool
}

const (
	maxAge        = 5 * time.Minute // after it, a file that was replaced is seen
	maxStatements = 64              // on each connection; a policy has about as many finds
)

type connection struct {
	*sql.Conn
	opened     time.Time
	statements map[string]*sql.Stmt // by text

	// The schema's version, and the version of the data at that time.
	read   bool
	schema int64
	data   uint32
}

func newConnections(db *sql.DB, n int) *connections {
	return &connections{db: db, slots: make(chan struct{}, n), idle: make(chan *connection, n)}
}

// acquire waits for a connection. The caller releases it.
func (p *connections) acquire(ctx context.Context) (*connection, error) {
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	for {
		select {
		case c := <-p.idle:
			if time.Since(c.opened) < maxAge {
				return c, nil
			}
			c.Close()
			continue
		default:
		}
		conn, err := p.db.Conn(ctx)
		if err != nil {
			<-p.slots
			return nil, err
		}
		return &connection{Conn: conn, opened: time.Now(), statements: map[string]*sql.Stmt{}}, nil
	}
}

// release returns a connection after a query that ended with err. After an error of
// SQLite the connection is closed; a failure of the call itself does not harm it.
func (p *connections) release(c *connection, err error) {
	var f *failure.Error
	if err != nil && !errors.As(err, &f) {
		c.Close()
	} else {
		p.idle <- c // never blocks: there are no more connections than slots
	}
	<-p.slots
	if p.closed.Load() {
		p.drain()
	}
}

func (p *connections) close() error {
	p.closed.Store(true)
	p.drain()
	return p.db.Close()
}

func (p *connections) drain() {
	for {
		select {
		case c := <-p.idle:
			c.Close()
		default:
			return
		}
	}
}

// prepare returns the connection's statement for a text.
func (c *connection) prepare(ctx context.Context, text string) (*sql.Stmt, error) {
	if s := c.statements[text]; s != nil {
		return s, nil
	}
	if len(c.statements) >= maxStatements {
		for _, s := range c.statements {
			s.Close()
		}
		clear(c.statements)
	}
	s, err := c.PrepareContext(ctx, text)
	if err == nil {
		c.statements[text] = s
	}
	return s, err
}

// Close closes the connection and its statements; database/sql keeps none idle.
func (c *connection) Close() error {
	for _, s := range c.statements {
		s.Close()
	}
	return c.Conn.Close()
}
