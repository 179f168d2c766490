package dbtest

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rulegate/rulegate/host/companion/query"
	"github.com/rulegate/rulegate/rules/value"
	_ "modernc.org/sqlite" // database/sql's driver sqlite
)

// SQLite makes a file with the schema and returns its path, which has characters that
// are special in URLs and SQL.
func SQLite(t testing.TB, schema string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a b%20'.db")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(schema); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatal(err)
	}
	return path
}

// Find parses a find document; "" stands for none.
func Find(t testing.TB, text string) (query.Expr, error) {
	t.Helper()
	if text == "" {
		return query.Parse(value.Value{})
	}
	v, err := value.Parse(text, 64)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return query.Parse(v)
}

// Rows runs a find and returns the answer.
func Rows(t testing.TB, db query.Database, table, find string, limit, bytes int) (string, error) {
	t.Helper()
	e, err := Find(t, find)
	if err != nil {
		t.Fatal(err)
	}
	out, err := db.Query(context.Background(), query.Query{Table: table, Where: e, Limit: limit, Bytes: bytes})
	return string(out), err
}

// IDs runs a find for the column id and returns the ids in the order of their text,
// joined by spaces.
func IDs(t testing.TB, db query.Database, table, find string) (string, error) {
	t.Helper()
	e, err := Find(t, find)
	if err != nil {
		return "", err
	}
	rows, err := db.Query(context.Background(), query.Query{Table: table, Where: e, Columns: []string{"id"}, Limit: 100, Bytes: 1 << 20})
	if err != nil {
		return "", err
	}
	v, err := value.Parse(string(rows), 64)
	if err != nil {
		t.Fatalf("rows are not JSON: %v: %s", err, rows)
	}
	var list []string
	v.Each(func(_ string, row value.Value) bool {
		id, _ := row.Key("id").Number()
		list = append(list, id)
		return true
	})
	slices.Sort(list) // a query promises no order
	return strings.Join(list, " "), nil
}
