package companion

import (
	"database/sql"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/rulegate/rulegate/host/companion/dbtest"
)

// dbServer is a database server of its own, in a temporary folder.
type dbServer struct {
	*dbtest.Server
	name string
}

func TestMain(m *testing.M) {
	code := m.Run()
	dbtest.End()
	os.Exit(code)
}

// sqlServers gives each SQL server that there is here to f, allServers MongoDB too.
// In CI one that is missing is a failure.
func sqlServers(t *testing.T, f func(t *testing.T, s *dbServer)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, s *dbtest.Server) { f(t, &dbServer{s, s.Name}) }, "postgres", "mariadb")
}

func allServers(t *testing.T, f func(t *testing.T, s *dbServer)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, s *dbtest.Server) { f(t, &dbServer{s, s.Name}) })
}

// explain gives the server's plan of a query, in a line.
func (s *dbServer) explain(t testing.TB, db Database, q Query) string {
	t.Helper()
	admin := s.SQL(t)
	var text string
	var args []any
	switch d := db.(type) {
	case *postgresDB:
		x, err := newServerQuery(d.dialect, d.catalogue.find(q.Table), q)
		if err != nil {
			t.Fatal(err)
		}
		f := x.text(q.Limit)
		text, args = f.params(func(n int) string { return fmt.Sprintf("$%d", n) }), f.args
	case *mysqlDB:
		x, err := newServerQuery(d.dialect, d.catalogue.find(q.Table), q)
		if err != nil {
			t.Fatal(err)
		}
		f := x.text(q.Limit)
		text, args = f.params(func(int) string { return "?" }), f.args
	}
	rows, err := admin.Query("EXPLAIN "+text, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns, _ := rows.Columns()
	var plan []string
	for rows.Next() {
		cells := make([]sql.NullString, len(columns))
		into := make([]any, len(columns))
		for i := range cells {
			into[i] = &cells[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		for i, c := range cells {
			if columns[i] != "possible_keys" {
				plan = append(plan, c.String)
			}
		}
	}
	return strings.Join(plan, " ")
}

// connect opens the server as the companion does.
func (s *dbServer) connect(t testing.TB, conns int) Database {
	t.Helper()
	db, err := open(Source{Type: s.Type, Conn: s.Conn}, conns)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}
