package companion

import (
	"context"
	"fmt"

	"github.com/rulegate/rulegate/host/companion/query"
)

// Database answers queries. It is safe for concurrent use.
type Database interface {
	// Query gives the rows as the text of a JSON array of objects, at most
	// q.Limit of them and q.Bytes long. A table that the database's catalogue
	// does not have is an error, so is a column in a condition, and a longer
	// answer. A database that cannot be reached is an error each time and is tried
	// anew by the next query.
	Query(ctx context.Context, q Query) ([]byte, error)
	// Ping reports why the database would not answer a query now.
	Ping(ctx context.Context) error
	Close() error
}

// Query asks for rows of a table or collection.
type Query struct {
	Table   string
	Where   query.Expr
	Columns []string // nil: all; empty: rows without columns; one that is not there is left out
	Limit   int      // rows, above 0
	Bytes   int      // of the answer, above 0
}

// open prepares a database without waiting for it, so that one which is down does
// not keep the companion from serving the others. conns bounds its connections.
func open(s Source, conns int) (Database, error) {
	switch s.Type {
	case "embedded":
		return openSQLite(s.Conn, conns)
	case "sql-postgres":
		return openPostgres(s.Conn, conns)
	case "sql-mysql":
		return openMySQL(s.Conn, conns)
	case "mongo":
		return openMongo(s.Conn, conns)
	}
	return nil, fmt.Errorf("type %q is not built in: want embedded, sql-postgres, sql-mysql or mongo", s.Type)
}
