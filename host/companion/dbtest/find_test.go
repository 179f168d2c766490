package dbtest_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rulegate/rulegate/host/companion/dbtest"
	"github.com/rulegate/rulegate/host/companion/failure"
	"github.com/rulegate/rulegate/host/companion/query"
	"github.com/rulegate/rulegate/rules/value"
)

// types are the words of a database for the columns that the tables here have.
type types struct{ name, text, integer, double, boolean, json, moment, bytes, blob string }

var typesOf = map[string]types{
	"sqlite":   {"TEXT COLLATE NOCASE", "TEXT", "INTEGER", "REAL", "BOOLEAN", "JSON", "DATETIME", "BLOB", "x'%x'"},
	"postgres": {"TEXT COLLATE nocase", "VARCHAR(100)", "BIGINT", "DOUBLE PRECISION", "BOOLEAN", "JSONB", "TIMESTAMP", "BYTEA", `'\x%x'`},
	"mariadb":  {"VARCHAR(100) COLLATE utf8mb4_general_ci", "TEXT CHARACTER SET latin1", "BIGINT", "DOUBLE", "BOOLEAN", "JSON", "DATETIME(6)", "BLOB", "x'%x'"},
}

const nocase = `CREATE COLLATION IF NOT EXISTS nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false)`

// typed is a table like things, with nothing in it that its columns do not promise.
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

// typedMixed is the table mixed, with cells of its columns' types.
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

// The same documents find the same rows of the same data, whatever the database.
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
			n = 400 // FerretDB takes its time
		}
		for range n {
			if o.check(t, a.document(2)); t.Failed() {
				return
			}
		}
	})
}

// Columns that a table does not have are members that no row has, whatever they
// are called; rows count without any.
func TestColumnsThatAreAskedFor(t *testing.T) {
	check := func(t *testing.T, db query.Database) {
		for _, c := range []struct {
			columns []string
			want    string
		}{
			{[]string{"name"}, `[{"name":"alice"}]`}, {[]string{"n", "nope", "NAME", "Name", "name\"", "n; --", "n, name", "*", "t.n", "rowid", "ctid", "j.a"}, `[{"n":18}]`},
			{[]string{"nope"}, `[{}]`}, {[]string{""}, `[{}]`}, {[]string{}, `[{}]`}, {[]string{"a\x00b", "\x00", "$n", "n"}, `[{"n":18}]`}, {[]string{"n", "n"}, `[{"n":18}]`},
		} {
			for _, doc := range []string{`{"id":1}`, `{"j.tags":"x","name":{"$regex":"^a"}}`} {
				e, err := dbtest.Find(t, doc)
				if err != nil {
					t.Fatal(err)
				}
				out, err := db.Query(context.Background(), query.Query{Table: "things", Where: e, Columns: c.columns, Limit: 2, Bytes: 1000})
				if err != nil || string(out) != c.want {
					t.Errorf("%q of %s: %s, %v; want %s", c.columns, doc, out, err, c.want)
				}
			}
		}
	}
	t.Run("sqlite", func(t *testing.T) { check(t, onSQLite(t, typed("sqlite"))) })
	allServers(t, func(t *testing.T, s *dbServer) { check(t, s.loadTyped(t)) })
}

func TestRowsOfServersAsJSON(t *testing.T) {
	schema := map[string][]string{
		"postgres": {
			`DROP TABLE IF EXISTS kinds`,
			`CREATE TABLE kinds (id INT, s SMALLINT, i8 BIGINT, dec NUMERIC, f4 REAL, f8 DOUBLE PRECISION, b BOOL, c CHAR(4), u UUID, bin BYTEA, j JSON, jb JSONB, arr TEXT[], ts TIMESTAMP, tz TIMESTAMPTZ, day DATE, tm TIME, ip INET)`,
			`INSERT INTO kinds VALUES (1, -3, 9223372036854775807, 123456789012345678901234567890.120, 0.5, 0.1, TRUE, 'ab', 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', '\x00ff', '{"a": [1.0]}', '{"n": 9007199254740993}', '{x,"y z"}', '2024-01-01 10:00:00.25', '2024-01-01 10:00:00+02', '2024-02-29', '10:00', '10.0.0.1')`,
			`INSERT INTO kinds (id) VALUES (2)`,
			`INSERT INTO kinds (id, f8) VALUES (3, 'NaN'), (4, '-Infinity')`, `INSERT INTO kinds (id, dec) VALUES (5, 'NaN')`,
			`INSERT INTO kinds (id, tz) VALUES (6, 'infinity')`, `INSERT INTO kinds (id, day) VALUES (7, '0044-03-15 BC')`,
		},
		"mariadb": {
			`DROP TABLE IF EXISTS kinds`,
			`CREATE TABLE kinds (id INT, s SMALLINT, i8 BIGINT UNSIGNED, dc DECIMAL(40,3), f4 FLOAT, f8 DOUBLE, b TINYINT(1), c CHAR(4), e ENUM('x','Y'), bin VARBINARY(10), j JSON, ts DATETIME(3), tz TIMESTAMP NULL, day DATE, tm TIME, bt BIT(1))`,
			`SET time_zone = '+02:00'`,
			`INSERT INTO kinds VALUES (1, -3, 18446744073709551615, 123456789012345678901234567890.120, 0.1, 0.1, 1, 'ab', 'Y', x'00ff', '{"a": [1.0]}', '2024-01-01 10:00:00.25', '2024-01-01 10:00:00', '2024-02-29', '10:00', 1)`,
			`INSERT INTO kinds (id) VALUES (2)`, `INSERT INTO kinds (id, b) VALUES (3, 2)`,
			`SET sql_mode = ''`, `INSERT INTO kinds (id, day) VALUES (4, '0000-00-00')`,
		},
	}
	wants := map[string]map[string]string{
		"postgres": {
			`{"id":1}`: `[{"id":1,"s":-3,"i8":9223372036854775807,"dec":123456789012345678901234567890.120,"f4":0.5,"f8":0.1,"b":true,"c":"ab","u":"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11","bin":"AP8=","j":{"a": [1.0]},"jb":{"n": 9007199254740993},"arr":["x","y z"],"ts":"2024-01-01T10:00:00.25Z","tz":"2024-01-01T08:00:00Z","day":"2024-02-29","tm":"10:00:00","ip":"10.0.0.1/32"}]`,
			`{"id":2}`: `[{"id":2,"s":null,"i8":null,"dec":null,"f4":null,"f8":null,"b":null,"c":null,"u":null,"bin":null,"j":null,"jb":null,"arr":null,"ts":null,"tz":null,"day":null,"tm":null,"ip":null}]`,
			`{"id":3}`: "", `{"id":4}`: "", `{"id":5}`: "", `{"id":6}`: "", `{"id":7}`: "",
			`{"f8":{"$gt":1}}`: `[]`, `{"dec":{"$gt":123456789012345678901234567890.2}}`: `[]`,
		},
		"mariadb": {
			`{"id":1}`: `[{"id":1,"s":-3,"i8":18446744073709551615,"dc":123456789012345678901234567890.120,"f4":0.10000000149011612,"f8":0.1,"b":true,"c":"ab","e":"Y","bin":"AP8=","j":{"a": [1.0]},"ts":"2024-01-01T10:00:00.25Z","tz":"2024-01-01T08:00:00Z","day":"2024-02-29","tm":"10:00:00","bt":true}]`,
			`{"id":2}`: `[{"id":2,"s":null,"i8":null,"dc":null,"f4":null,"f8":null,"b":null,"c":null,"e":null,"bin":null,"j":null,"ts":null,"tz":null,"day":null,"tm":null,"bt":null}]`,
			`{"id":4}`: "",
		},
	}
	matches := map[string]map[string]string{
		"postgres": {`{"u":"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"}`: "1", `{"u":"A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"}`: "", `{"u":"x"}`: "", `{"u":{"$gt":"a"}}`: "1", `{"arr":"x"}`: "1",
			`{"dec":123456789012345678901234567890.12}`: "1", `{"dec":"123456789012345678901234567890.12"}`: "", `{"tz":{"$date":"2024-01-01T08:00:00Z"}}`: "1", `{"tz":"2024-01-01T08:00:00Z"}`: "",
			`{"day":{"$date":"2024-02-29"}}`: "1", `{"c":"ab"}`: "1", `{"ip":"10.0.0.1/32"}`: "1", `{"b":1}`: "", `{"b":"t"}`: "", `{"s":"-3"}`: "", `{"f4":0.5}`: "1", `{"i8":9223372036854775808}`: ""},
		"mariadb": {`{"i8":18446744073709551615}`: "1", `{"i8":18446744073709551614}`: "", `{"i8":{"$gt":9223372036854775808}}`: "1", `{"i8":{"$gt":18446744073709551615}}`: "", `{"e":"Y"}`: "1", `{"e":"y"}`: "", `{"e":2}`: "",
			`{"b":1}`: "", `{"b":2}`: "3", `{"b":true}`: "1", `{"bt":true}`: "1", `{"tz":{"$date":"2024-01-01T08:00:00Z"}}`: "1", `{"s":"-3"}`: "", `{"c":"ab "}`: "", `{"day":{"$lt":{"$date":"2030-01-01"}}}`: "1",
			`{"c":0}`: "", `{"ts":"2024-01-01T10:00:00.25Z"}`: ""},
	}
	sqlServers(t, func(t *testing.T, s *dbServer) {
		db := s.load(t, schema[s.name])
		for doc, want := range wants[s.name] {
			got, err := dbtest.Rows(t, db, "kinds", doc, 10, 1<<20)
			if want == "" {
				if failure.PhraseOf(err, failure.Webhook) != failure.Database {
					t.Errorf("%s: %s, %v; want a database error", doc, got, err)
				}
			} else if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Errorf("%s: %v %s", doc, err, diff)
			}
		}
		for doc, want := range matches[s.name] {
			if got, err := dbtest.IDs(t, db, "kinds", doc); err != nil || got != want {
				t.Errorf("%s: rows %q, %v; want %q", doc, got, err, want)
			}
		}
	})
}

func TestLimitsOnServers(t *testing.T) {
	sqlServers(t, func(t *testing.T, s *dbServer) {
		big := "repeat('x', 3000000)"
		text := typesOf[s.name].json
		db := s.load(t, []string{`DROP TABLE IF EXISTS big`, `CREATE TABLE big (id BIGINT, v ` + map[string]string{"postgres": "TEXT", "mariadb": "LONGTEXT"}[s.name] + `, j ` + text + `)`,
			`INSERT INTO big VALUES (1, 'a', '{"k":1}'), (2, 'b', '{"k":1}'), (3, 'c', '{"k":2}')`, `INSERT INTO big (id, v) VALUES (4, ` + big + `)`})
		for _, c := range []struct {
			doc          string
			limit, bytes int
			want         string // "" for too large
		}{
			{`{"id":1}`, 10, 1000, `[{"id":1,"v":"a","j":{"k":1}}]`},
			{`{"id":4}`, 10, 1 << 20, ""},
			{`{"id":1}`, 10, 20, ""},
			{`{"v":"b"}`, 1, 1000, `[{"id":2,"v":"b","j":{"k":1}}]`},
		} {
			got, err := dbtest.Rows(t, db, "big", c.doc, c.limit, c.bytes)
			if c.want == "" && failure.PhraseOf(err, failure.Database) != failure.TooLarge || c.want != "" && (got != strings.ReplaceAll(c.want, `{"k":1}`, got[max(0, strings.Index(got, `{"k`)):max(0, strings.Index(got, `}}`)+1)]) || err != nil) {
				t.Errorf("%s: %.100s, %v; want %q", c.doc, got, err, c.want)
			}
		}
		long := map[string]string{"postgres": `UPDATE big SET j = jsonb_build_object('k', repeat('x', 3000)) WHERE id = 4`, "mariadb": `UPDATE big SET j = JSON_OBJECT('k', repeat('x', 3000)) WHERE id = 4`}
		s.Exec(t, long[s.name])
		for bytes, want := range map[int]failure.Phrase{1000: failure.TooLarge, 10000: ""} {
			e, _ := dbtest.Find(t, `{"id":4,"j.k":{"$ne":1}}`)
			_, err := db.Query(context.Background(), query.Query{Table: "big", Where: e, Columns: []string{"id"}, Limit: 1, Bytes: bytes})
			if err == nil && want != "" || err != nil && failure.PhraseOf(err, failure.Database) != want {
				t.Errorf("a long cell that is only looked at, %d bytes: %v", bytes, err)
			}
		}
		for doc, want := range map[string]int{`{"j.k":1}`: 2, `{"id":{"$lt":4}}`: 3, `{"v":{"$regex":"^[abc]$"}}`: 3} {
			for limit := 1; limit <= 4; limit++ {
				e, _ := dbtest.Find(t, doc)
				out, err := db.Query(context.Background(), query.Query{Table: "big", Where: e, Columns: []string{"id"}, Limit: limit, Bytes: 4 << 20})
				v, _ := value.Parse(string(out), 10)
				if err != nil || v.Len() != min(limit, want) {
					t.Errorf("%s, limit %d: %s, %v", doc, limit, out, err)
				}
			}
		}
	})
}

func TestServersOnlyReadAndStopInTime(t *testing.T) {
	slow := map[string]string{
		"postgres": `CREATE OR REPLACE VIEW slow AS SELECT 1::bigint AS id, pg_sleep(30)::text AS s`,
		"mariadb":  `CREATE OR REPLACE VIEW slow AS SELECT 1 AS id, SLEEP(30) AS s`,
	}
	writing := map[string][]string{
		"postgres": {`DROP TABLE IF EXISTS log_`, `CREATE TABLE log_ (id BIGINT)`,
			`CREATE OR REPLACE FUNCTION note() RETURNS bigint LANGUAGE sql AS 'INSERT INTO log_ VALUES (1) RETURNING 1::bigint'`, `CREATE OR REPLACE VIEW noted AS SELECT note() AS id`},
		"mariadb": {`DROP TABLE IF EXISTS log_`, `CREATE TABLE log_ (id BIGINT)`, `DROP FUNCTION IF EXISTS note`,
			`CREATE FUNCTION note() RETURNS bigint BEGIN INSERT INTO log_ VALUES (1); RETURN 1; END`, `CREATE OR REPLACE VIEW noted AS SELECT note() AS id`},
	}
	sqlServers(t, func(t *testing.T, s *dbServer) {
		db := s.load(t, append([]string{slow[s.name]}, writing[s.name]...))
		if got, err := dbtest.IDs(t, db, "noted", ``); err == nil {
			t.Errorf("a view that writes: %q", got)
		}
		if got, err := dbtest.IDs(t, db, "log_", ``); err != nil || got != "" {
			t.Errorf("written: %q, %v", got, err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
		defer cancel()
		began := time.Now()
		if _, err := db.Query(ctx, query.Query{Table: "slow", Where: query.And{}, Limit: 1, Bytes: 1000}); failure.PhraseOf(err, failure.Database) != failure.TimedOut {
			t.Errorf("slow: %v", err)
		}
		if d := time.Since(began); d > 10*time.Second {
			t.Errorf("slow took %v", d)
		}
		if got, err := dbtest.IDs(t, db, "log_", ``); err != nil || got != "" {
			t.Errorf("after it: %q, %v", got, err)
		}
		running := map[string]string{
			"postgres": `SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%"slow"%' AND pid <> pg_backend_pid()`,
			"mariadb":  "SELECT count(*) FROM information_schema.PROCESSLIST WHERE INFO LIKE '%`slow`%' AND ID <> CONNECTION_ID()",
		}
		for n, end := 1, time.Now().Add(10*time.Second); n > 0; {
			if n = s.Count(t, running[s.name]); n > 0 && time.Now().After(end) {
				t.Fatal("the server still runs what nobody waits for")
			}
		}
	})
}

// What is tested outside of the database is bounded too, and failure.Refused clearly.
func TestRowsToLookThrough(t *testing.T) {
	series := map[string]string{"postgres": "SELECT g, '{}'::jsonb FROM generate_series(1, %d) g", "mariadb": "SELECT seq, '{}' FROM seq_1_to_%d"}
	sqlServers(t, func(t *testing.T, s *dbServer) {
		db := s.load(t, []string{`DROP TABLE IF EXISTS many`, `CREATE TABLE many (id BIGINT, j ` + typesOf[s.name].json + `)`,
			`INSERT INTO many ` + fmt.Sprintf(series[s.name], query.MaxScan+1)})
		if got, err := dbtest.IDs(t, db, "many", `{"j.k":1}`); failure.PhraseOf(err, failure.Database) != failure.TooLarge {
			t.Errorf("%.50q, %v", got, err)
		}
		if got, err := dbtest.IDs(t, db, "many", `{"j.k":1,"id":{"$gt":1}}`); err != nil || got != "" {
			t.Errorf("one less: %.50q, %v", got, err)
		}
	})
}

func TestATableThatChangesIsSeen(t *testing.T) {
	sqlServers(t, func(t *testing.T, s *dbServer) {
		db := s.load(t, []string{`DROP TABLE IF EXISTS moving`, `CREATE TABLE moving (id INT, v VARCHAR(9))`, `INSERT INTO moving VALUES (1, '1')`})
		if got, err := dbtest.IDs(t, db, "moving", `{"v":"1"}`); err != nil || got != "1" {
			t.Fatalf("%q, %v", got, err)
		}
		s.Exec(t, `DROP TABLE moving`, `CREATE TABLE moving (id BIGINT, w BOOLEAN, v VARCHAR(9))`, `INSERT INTO moving VALUES (2, TRUE, '1')`)
		if got, err := dbtest.IDs(t, db, "moving", `{"v":"1"}`); err != nil || got != "2" {
			t.Errorf("after the change: %q, %v", got, err)
		}
		dbtest.IDs(t, db, "moving", `{"w":true}`) // unknown still; then the catalogue is asked
		if got, err := dbtest.IDs(t, db, "moving", `{"w":true}`); err != nil || got != "2" {
			t.Errorf("a new column: %q, %v", got, err)
		}
	})
}

// A server that is away is an error with few words; one that is back is used.
func TestServersThatRestart(t *testing.T) {
	allServers(t, func(t *testing.T, s *dbServer) {
		db := s.loadTyped(t)
		for range 3 {
			if got, err := dbtest.IDs(t, db, "things", `{"name":"alice"}`); err != nil || got != "1" {
				t.Fatalf("before: %q, %v", got, err)
			}
		}
		s.Stop()
		if err := s.Start(); err != nil {
			t.Fatal(err)
		}
		if got, err := dbtest.IDs(t, db, "things", `{"name":"alice"}`); err != nil || got != "1" {
			t.Errorf("right after a restart: %q, %v", got, err)
		}
		s.Stop()
		for range 2 {
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			_, err := db.Query(ctx, query.Query{Table: "things", Where: query.And{}, Limit: 1, Bytes: 1000})
			if failure.PhraseOf(err, failure.Database) != failure.Refused {
				t.Errorf("while it is away: %v", err)
			}
			if db.Ping(ctx) == nil {
				t.Error("it is away and answers a ping")
			}
			cancel()
		}
		if err := s.Start(); err != nil {
			t.Fatal(err)
		}
		if got, err := dbtest.IDs(t, db, "things", `{"name":"alice"}`); err != nil || got != "1" {
			t.Errorf("when it is back: %q, %v", got, err)
		}
	})
}
