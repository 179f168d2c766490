package dbtest_test

import (
	"fmt"
	"testing"

	"github.com/rulegate/rulegate/host/companion/dbtest"
	"github.com/rulegate/rulegate/host/companion/query"
)

// largeNumbers makes a table of whole numbers beyond 64 bits, as a decimal and in JSON.
// SQLite has no such decimal.
func largeNumbers(decimal, json string) []string {
	list := []string{`DROP TABLE IF EXISTS large`, fmt.Sprintf(`CREATE TABLE large (id BIGINT, n %s, j %s)`, decimal, json)}
	for i, digits := range []string{
		"123456789012345678901234567890", "123456789012345678901234567891", "-123456789012345678901234567890", "18446744073709551616",
		"99999999999999999999999999999999999999999999999999999999999999999", "5",
	} {
		list = append(list, fmt.Sprintf(`INSERT INTO large VALUES (%d, %[2]s, '{"n":%[2]s}')`, i+1, digits))
	}
	return list
}

func TestWholeNumbersAreExact(t *testing.T) {
	check := func(t *testing.T, db query.Database, key string) {
		for operators, want := range map[string]string{
			`123456789012345678901234567890`:                                            "1",
			`123456789012345678901234567892`:                                            "",
			`12345678901234567890123456789.1e1`:                                         "2",
			`{"$in":[123456789012345678901234567891,18446744073709551616,5]}`:           "2 4 6",
			`{"$nin":[123456789012345678901234567891,5]}`:                               "1 3 4 5",
			`{"$gt":123456789012345678901234567890}`:                                    "2 5",
			`{"$gte":123456789012345678901234567890}`:                                   "1 2 5",
			`{"$lt":-123456789012345678901234567889}`:                                   "3",
			`{"$not":{"$lt":123456789012345678901234567891}}`:                           "2 5",
			`{"$lte":18446744073709551616}`:                                             "3 4 6",
			`99999999999999999999999999999999999999999999999999999999999999999`:         "5",
			`99999999999999999999999999999999999999999999999999999999999999998`:         "",
			`{"$gt":99999999999999999999999999999999999999999999999999999999999999998}`: "5",
			`{"$gt":1e70}`:  "",
			`{"$lt":1e70}`:  "1 2 3 4 5 6",
			`{"$gt":-1e70}`: "1 2 3 4 5 6",
			`{"$lt":-1e70}`: "",
			`1e70`:          "",
			`{"$gt":5.5}`:   "1 2 4 5",
		} {
			find := `{"` + key + `":` + operators + `}`
			if got, err := dbtest.IDs(t, db, "large", find); err != nil || got != want {
				t.Errorf("%s: rows %q, %v; want %q", find, got, err, want)
			}
		}
	}
	t.Run("sqlite", func(t *testing.T) { check(t, onSQLite(t, largeNumbers("INTEGER", "JSON")), "j.n") })
	sqlServers(t, func(t *testing.T, s *dbServer) {
		db := s.load(t, largeNumbers("DECIMAL(65, 0)", typesOf[s.name].json))
		check(t, db, "n")
		check(t, db, "j.n")
	})
}
