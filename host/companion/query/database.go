package query

import "context"

// Query asks for rows of a table or collection.
type Query struct {
	Table   string
	Where   Expr
	Columns []string // nil: all; empty: rows without columns; unknown names are left out
	Limit   int      // rows, above 0
	Bytes   int      // of the answer, above 0
}

// Database answers queries. It is safe for concurrent use.
type Database interface {
	// Query returns the rows as the text of a JSON array of objects, at most q.Limit
	// of them and q.Bytes long. It fails for a table that the database's catalogue
	// does not have, for such a column in a condition, and for a longer answer. A
	// database that cannot be reached is tried again by the next query.
	Query(ctx context.Context, q Query) ([]byte, error)
	// Ping returns why the database would not answer a query now.
	Ping(ctx context.Context) error
	// Connections counts the connections. ok is false for a driver that does not
	// tell.
	Connections() (used, idle int, ok bool)
	Close() error
}

// MaxScan bounds the rows of one query that are fetched to be tested in Go.
const MaxScan = 50_000
