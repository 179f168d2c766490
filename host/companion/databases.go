package companion

import (
	"fmt"

	"github.com/rulegate/rulegate/host/companion/mongo"
	"github.com/rulegate/rulegate/host/companion/query"
	"github.com/rulegate/rulegate/host/companion/sqldb/mysql"
	"github.com/rulegate/rulegate/host/companion/sqldb/postgres"
	"github.com/rulegate/rulegate/host/companion/sqldb/sqlite"
)

// open prepares a database. It does not wait for a connection, so that one database
// that is down does not keep the companion from serving the others. conns bounds the
// connections.
func open(s Source, conns int) (query.Database, error) {
	switch s.Type {
	case "embedded":
		return sqlite.Open(s.Conn, conns)
	case "sql-postgres":
		return postgres.Open(s.Conn, conns)
	case "sql-mysql":
		return mysql.Open(s.Conn, conns)
	case "mongo":
		return mongo.Open(s.Conn, conns)
	}
	return nil, fmt.Errorf("type %q is not built in: want embedded, sql-postgres, sql-mysql or mongo", s.Type)
}
