package dbtest_test

import (
	"os"
	"strings"
	"testing"

	"github.com/rulegate/rulegate/host/companion/dbtest"
	"github.com/rulegate/rulegate/host/companion/mongo"
	"github.com/rulegate/rulegate/host/companion/query"
	"github.com/rulegate/rulegate/host/companion/sqldb/mysql"
	"github.com/rulegate/rulegate/host/companion/sqldb/postgres"
	"github.com/rulegate/rulegate/host/companion/sqldb/sqlite"
)

// dbServer is a database server of these tests, in a temporary folder.
type dbServer struct {
	*dbtest.Server
	name string
}

func TestMain(m *testing.M) {
	code := m.Run()
	dbtest.End()
	os.Exit(code)
}

// sqlServers runs f for each SQL server, allServers for MongoDB too. In CI a server
// that is not installed is a failure.
func sqlServers(t *testing.T, f func(t *testing.T, s *dbServer)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, s *dbtest.Server) { f(t, &dbServer{s, s.Name}) }, "postgres", "mariadb")
}

func allServers(t *testing.T, f func(t *testing.T, s *dbServer)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, s *dbtest.Server) { f(t, &dbServer{s, s.Name}) })
}

var openers = map[string]func(conn string, conns int) (query.Database, error){
	"postgres": postgres.Open, "mariadb": mysql.Open, "mongo": mongo.Open,
}

// connect opens the database as the companion does.
func (s *dbServer) connect(t testing.TB, conns int) query.Database {
	t.Helper()
	return s.connectVia(t, s.Conn, conns)
}

func (s *dbServer) connectVia(t testing.TB, conn string, conns int) query.Database {
	t.Helper()
	db, err := openers[s.name](conn, conns)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func onSQLite(t testing.TB, statements []string) query.Database {
	t.Helper()
	db, err := sqlite.Open(dbtest.SQLite(t, strings.Join(statements, ";\n")), 4)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}
