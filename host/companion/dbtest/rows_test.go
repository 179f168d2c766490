package dbtest_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rulegate/rulegate/host/companion/dbtest"
	"github.com/rulegate/rulegate/host/companion/failure"
	"github.com/rulegate/rulegate/host/companion/query"
)

// A query leaves out columns that the table does not have, however they are named. A
// query for no columns returns empty rows.
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
