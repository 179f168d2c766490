package dbtest_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/rulegate/rulegate/host/companion/dbtest"
	"github.com/rulegate/rulegate/host/companion/query"
)

// types are the types of a database for the columns of the tables in these tests.
type types struct{ name, text, integer, double, boolean, json, moment, bytes, blob string }

var typesOf = map[string]types{
	"sqlite":   {"TEXT COLLATE NOCASE", "TEXT", "INTEGER", "REAL", "BOOLEAN", "JSON", "DATETIME", "BLOB", "x'%x'"},
	"postgres": {"TEXT COLLATE nocase", "VARCHAR(100)", "BIGINT", "DOUBLE PRECISION", "BOOLEAN", "JSONB", "TIMESTAMP", "BYTEA", `'\x%x'`},
	"mariadb":  {"VARCHAR(100) COLLATE utf8mb4_general_ci", "TEXT CHARACTER SET latin1", "BIGINT", "DOUBLE", "BOOLEAN", "JSON", "DATETIME(6)", "BLOB", "x'%x'"},
}

const nocase = `CREATE COLLATION IF NOT EXISTS nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false)`

// typed makes a table like dbtest.Things, whose cells have the types of their columns.
func typed(name string) []string {
	y := typesOf[name]
	blob := func(s string) string { return fmt.Sprintf(y.blob, s) }
	return []string{
		`DROP TABLE IF EXISTS things`,
		fmt.Sprintf(`CREATE TABLE things (id %[1]s PRIMARY KEY, name %[2]s, n %[1]s, x %[3]s, any_ %[4]s, b %[5]s, j %[6]s, d %[7]s, bin %[8]s, "a.b" %[4]s, "it's ""odd""; --" %[4]s)`,
			y.integer, y.name, y.double, y.text, y.boolean, y.json, y.moment, y.bytes),
		`INSERT INTO things VALUES
(1, 'alice', 18, 1.5, 'text', TRUE, '{"a":{"b":1},"tags":["x","y"]}', '2024-01-01 00:00:00', ` + blob("\x00\xff") + `, 'dot', 'odd'),
(2, 'Alice', 18, 18.0, '18', FALSE, '{"a":[{"b":1},{"b":2}],"tags":[]}', '2024-01-01 00:00:00', ` + blob("") + `, '', NULL),
(3, 'bob', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
(4, '18', 9223372036854775807, 9223372036854775807.0, '18 ', NULL, '"x"', '2024-06-01 00:00:00', NULL, NULL, NULL),
(5, '', -9223372036854775807, -0.0, ' text', TRUE, '"not json"', '1999-12-31 23:59:59.5', NULL, NULL, NULL),
(6, 'ü', 9007199254740993, 9007199254740992.0, NULL, TRUE, '9007199254740993', NULL, NULL, NULL, NULL),
(7, NULL, -5, 2.5, 'é', FALSE, 'null', NULL, NULL, NULL, NULL),
(8, 'a` + "\n" + `b', 0, 0, 'TEXT', NULL, '[1,"x",{"b":null}]', NULL, NULL, NULL, NULL)`,
	}
}

// typedMixed makes the table mixed, whose cells have the types of their columns.
func typedMixed(name string) []string {
	y := typesOf[name]
	list := []string{`DROP TABLE IF EXISTS mixed`,
		fmt.Sprintf(`CREATE TABLE mixed (id %[1]s PRIMARY KEY, t %[2]s, n %[1]s, r %[3]s, a %[4]s, b %[5]s, j %[6]s)`, y.integer, y.name, y.double, y.text, y.boolean, y.json)}
	texts := []string{"NULL", "''", "'a'", "'A'", "'ab'", "'18'", "'1.5'", "'true'", "'b c'", "'ü'", "'a '", "'YQ='"}
	ints := []string{"NULL", "0", "1", "2", "-1", "18", "9007199254740993", "9007199254740992", "9223372036854775807", "-9223372036854775807"}
	reals := []string{"NULL", "0", "1", "1.5", "-1", "18", "9007199254740992.0", "9.3e18", "-9.3e18", "1e300", "9223372036854775807.0"}
	bools := []string{"NULL", "TRUE", "FALSE"}
	docs := []string{"NULL", `'{"a":1}'`, `'{"a":{"b":[1,"a",{"c":null}]}}'`, `'[1,"a",[2]]'`, `'[{"a":1},{"a":"x"},{}]'`, `'"a"'`, `'true'`, `'[]'`, `'18'`}
	for i := range 60 {
		at := func(list []string, step int) string { return list[(i*step+i/len(list))%len(list)] }
		list = append(list, fmt.Sprintf("INSERT INTO mixed VALUES (%d, %s, %s, %s, %s, %s, %s)", i+1,
			at(texts, 1), at(ints, 1), at(reals, 1), at(texts, 5), at(bools, 1), at(docs, 1)))
	}
	return list
}

func (s *dbServer) load(t testing.TB, statements []string) query.Database {
	if s.name == "postgres" {
		s.Exec(t, nocase)
	}
	s.Exec(t, statements...)
	return s.connect(t, 4)
}

// A find matches the same rows of the same data on every database.
func TestFindMeansTheSameOnAllDatabases(t *testing.T) {
	docs := []string{
		`{"any_":"18"}`, `{"any_":"18 "}`, `{"any_":{"$in":["TEXT","é"]}}`, `{"any_":{"$gt":"TEXT"}}`, `{"any_":{"$regex":"^\\s"}}`, `{"any_":{"$regex":"[^a-z]$"}}`,
		`{"name":{"$regex":"a.b"}}`, `{"name":{"$regex":"a[^x]b"}}`, `{"name":{"$regex":"^a$"}}`, `{"name":{"$regex":"a$"}}`, `{"name":{"$regex":"^b"}}`,
		`{"name":{"$regex":"\\w"}}`, `{"name":{"$regex":"\\W"}}`, `{"name":{"$regex":"[\\W\\d]"}}`, `{"name":{"$regex":"^([^\\d]|18){1,2}$"}}`, `{"name":{"$regex":"(|x)y*$"}}`,
		`{"name":{"$gt":"a\nb\u0000"}}`, `{"name":{"$lte":"a\nb\u0000c"}}`, `{"name":{"$lt":"a\nb\u0000"}}`, `{"n":{"$gt":-5.5}}`, `{"n":{"$lte":-4.5}}`, `{"n":{"$lt":18.5}}`, `{"n":{"$gte":18.5}}`, `{"n":{"$lt":1e30}}`, `{"n":{"$gt":-1e30}}`,
		`{"x":{"$gte":9007199254740993}}`, `{"x":{"$lt":9007199254740993}}`, `{"d":{"$lt":{"$date":"2000-01-01"}}}`, `{"d":{"$lt":{"$date":999999999999999}}}`, `{"d":{"$gte":{"$date":-99999999999999}}}`,
		`{"d":{"$date":"1999-12-31T23:59:59.5Z"}}`, `{"d":{"$date":"1999-12-31T23:59:59Z"}}`, `{"$nor":[{"j.a.b":1},{"name":"bob"}]}`, `{"$or":[{"j.tags":"x"},{"n":{"$gt":100}}]}`,
		`{"$and":[{"j.tags":"x"},{"n":18}]}`, `{"$nor":[{"$and":[{"j.tags":"x"},{"n":18}]},{"name":{"$regex":"^A"}}]}`, `{"bin":null}`, `{"bin":{"$ne":"x"}}`, `{"bin":{"$exists":true}}`,
	}
	for _, c := range dbtest.Finds {
		docs = append(docs, c.Find)
	}
	plain := onSQLite(t, typed("sqlite"))
	want := map[string]string{}
	for _, doc := range docs {
		var err error
		if want[doc], err = dbtest.IDs(t, plain, "things", doc); err != nil {
			t.Fatalf("%s: %v", doc, err)
		}
	}
	allServers(t, func(t *testing.T, s *dbServer) {
		db := s.loadTyped(t)
		for _, doc := range docs {
			asked := doc
			if s.name == "mongo" {
				asked = strings.ReplaceAll(doc, `it's \"odd\"; --`, odd_)
			}
			if got, err := dbtest.IDs(t, db, "things", asked); err != nil || got != want[doc] {
				t.Errorf("%s: rows %q, %v; want %q", doc, got, err, want[doc])
			}
		}
	})
}

func TestFindMeansTheSameOnServersAndInGo(t *testing.T) {
	allServers(t, func(t *testing.T, s *dbServer) {
		o := oracleOf(t, s.loadMixed(t), s.name == "mongo")
		a := author{rand.New(rand.NewPCG(3, 4))}
		n := 1500
		if s.name == "mongo" {
			n = 400 // FerretDB is slow
		}
		for range n {
			if o.check(t, a.document(2)); t.Failed() {
				return
			}
		}
	})
}
