package dbtest_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/rulegate/rulegate/host/companion/dbtest"
	"github.com/rulegate/rulegate/host/companion/failure"
	"github.com/rulegate/rulegate/host/companion/query"
	"github.com/rulegate/rulegate/rules/value"
)

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

// A query that would test too many rows in Go fails.
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
