package mysql

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/rulegate/rulegate/host/companion/dbtest"
	"github.com/rulegate/rulegate/host/companion/query"
	"github.com/rulegate/rulegate/host/companion/sqldb"
)

func TestMain(m *testing.M) {
	code := m.Run()
	dbtest.End()
	os.Exit(code)
}

// Equality uses a plain index, although it compares types and bytes.
func TestIndexesServe(t *testing.T) {
	s := dbtest.Get(t, "mariadb")
	s.Indexed(t)
	db, err := open(s.Conn, 2)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	table, err := db.table(context.Background(), "indexed")
	if err != nil {
		t.Fatal(err)
	}
	for _, find := range dbtest.IndexedFinds {
		e, err := dbtest.Find(t, find)
		if err != nil {
			t.Fatal(err)
		}
		statement, err := sqldb.NewStatement(dialect{}, table, query.Query{Where: e, Limit: 10, Bytes: 1000})
		if err != nil {
			t.Fatal(err)
		}
		f := statement.SQL()
		if plan := s.Explain(t, f.Questioned(), f.Args...); !strings.Contains(plan, "indexed_") && !strings.Contains(plan, "PRIMARY") {
			t.Errorf("%s: %s", find, plan)
		}
	}
}
