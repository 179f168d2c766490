package postgres

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/rulegate/rulegate/host/companion/dbtest"
	"github.com/rulegate/rulegate/host/companion/failure"
	"github.com/rulegate/rulegate/host/companion/query"
)

func TestMain(m *testing.M) {
	code := m.Run()
	dbtest.End()
	os.Exit(code)
}

// Equality uses a plain index, although it compares types and bytes.
func TestIndexesServe(t *testing.T) {
	s := dbtest.Get(t, "postgres")
	s.Indexed(t)
	db, err := open(s.Conn, 2)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	c, err := db.pool.Acquire(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Release()
	for _, find := range dbtest.IndexedFinds {
		e, err := dbtest.Find(t, find)
		if err != nil {
			t.Fatal(err)
		}
		statement, err := db.statement(context.Background(), c.Conn(), query.Query{Table: "indexed", Where: e, Limit: 10, Bytes: 1000})
		if err != nil {
			t.Fatal(err)
		}
		text, args := numbered(statement)
		if plan := s.Explain(t, text, args...); !strings.Contains(plan, "indexed_") {
			t.Errorf("%s: %s", find, plan)
		}
	}
}

func TestErrorsOfTheServer(t *testing.T) {
	for code, want := range map[string]failure.Error{
		"42P01": {Phrase: failure.Database}, // undefined_table
		"57014": {Phrase: failure.TimedOut}, // query_canceled
		"53300": {Phrase: failure.Database, TargetDown: true},
		"57P01": {Phrase: failure.Database, TargetDown: true},
		"08006": {Phrase: failure.Database, TargetDown: true},
		"":      {Phrase: failure.Database},
	} {
		got, ok := failureOf(fmt.Errorf("query: %w", &pgconn.PgError{Code: code})).(*failure.Error)
		if !ok || got.Phrase != want.Phrase || got.TargetDown != want.TargetDown {
			t.Errorf("%q: %+v", code, got)
		}
	}
	if err := failureOf(nil); err != nil {
		t.Error(err)
	}
}

func TestTranslatedPatterns(t *testing.T) {
	for pattern, want := range map[string]string{
		`^a.b$`: `^a[^\n]b$`, `a|`: `a|()`, `(a|b)c`: `([a-b])c`, `x(yy|z)`: `x(yy|z)`, `a{2,}`: `(a){2,}`, `-`: `\U0000002d`,
		`[^a]`: `[^a]`, `(a{255}){255}`: ``, strings.Repeat("(", maxNested+2) + "a" + strings.Repeat(")", maxNested+2): ``,
	} {
		got, ok := translate(pattern)
		if !ok {
			got = ""
		}
		if got != want {
			t.Errorf("%s: %q, want %q", pattern, got, want)
		}
	}
}
