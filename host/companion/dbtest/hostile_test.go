package dbtest_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"unicode"

	"github.com/rulegate/rulegate/host/companion/dbtest"
	"github.com/rulegate/rulegate/host/companion/failure"
	"github.com/rulegate/rulegate/host/companion/query"
	"github.com/rulegate/rulegate/rules/value"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// hostile are strings that some database or parser may execute or interpret.
var hostile = []string{
	`' OR '1'='1`, `" OR ""="`, `'; DROP TABLE words; --`, `alice'--`, `\`, `\'`, `%`, `_`, `*`, `[a-z]`, `?`, `?1`, `:a`, `@a`, `$a`,
	`{"$ne":null}`, `[]`, `null`, `true`, `0`, `1e1`, `0x10`, "a\x00b", "\x00", "\n", `/*`, `*/`, `x'00'`, `char(65)`, `NULL`, `"`, "`", `]`,
	`${jndi:x}`, `args.auth.id`, `utils.now()`, ``, ` `, `ａｌｉｃｅ`, strings.Repeat("a", 10000),
	`') OR 1=1 --`, `1) OR (1=1`, `' UNION SELECT NULL, version() --`, `0; SELECT pg_sleep(9)`, `' OR SLEEP(9)#`, `'||(SELECT 1)||'`, `\' OR 1=1 -- `, `" OR 1=1 -- `,
	"` OR 1=1 -- ", `1' PROCEDURE ANALYSE()`, `LOAD_FILE('/etc/passwd')`, `\x27 OR 1=1`, `%27%20OR%201=1`, `%00`, `ʼ OR 1=1`, `’ OR 1=1`, `＇ OR 1=1`, `$1`, `$$`, `$tag$`, `E'\''`, `U&'\0027'`,
	`'; return true; var a='`, `' || '1'=='1`, `function(){return true}`, `db.words.drop()`, `{"$gt":""}`, `{"$where":"1"}`, `{$where: 'sleep(9000)'}`, `{"$regex":".*"}`, `{"$oid":"507f1f77bcf86cd799439011"}`,
	`$where`, `$ne`, `$expr`, `$$ROOT`, `$.a`, `a.$gt`, `w.$ne`, `this.w`, `__proto__`, `constructor`, `system.users`, `admin.$cmd`, `$cmd`, `\u0024ne`, `-1`, `NaN`, `undefined`,
	`507f1f77bcf86cd799439011`, `a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11`, `2024-01-01T00:00:00Z`, "\u2028", "\ufeff", "\u202e", "\t' OR 1=1", "\r\n.\r\n", strings.Repeat("'", 5000), strings.Repeat("(", 5000),
}

// loadHostile fills the table words. The id of a row is the index of its string.
func (s *dbServer) loadHostile(t *testing.T) query.Database {
	if s.name == "mongo" {
		var docs []bson.D
		for i, w := range hostile {
			docs = append(docs, bson.D{{Key: "_id", Value: i}, {Key: "id", Value: i}, {Key: "w", Value: w}, {Key: "j", Value: bson.D{{Key: "k", Value: w}}}})
		}
		s.Fill(t, "words", docs...)
		return s.connect(t, 4)
	}
	y := typesOf[s.name]
	list := []string{`DROP TABLE IF EXISTS words`, fmt.Sprintf(`CREATE TABLE words (id %s, w TEXT, j %s, num DECIMAL(30, 5))`, y.integer, y.json)}
	for i, w := range hostile {
		j := value.Obj(value.Member{Key: "k", Value: value.Str(w)}).String()
		if s.name == "mariadb" {
			list = append(list, fmt.Sprintf("INSERT INTO words VALUES (%d, CONVERT(x'%x' USING utf8mb4), CONVERT(x'%x' USING utf8mb4), NULL)", i, w, j))
		} else if !strings.Contains(w, "\x00") { // a text of PostgreSQL cannot hold a NUL
			list = append(list, fmt.Sprintf(`INSERT INTO words VALUES (%d, convert_from('\x%x', 'UTF8'), convert_from('\x%x', 'UTF8')::jsonb, NULL)`, i, w, j))
		}
	}
	return s.load(t, list)
}

func TestHostileStringsAreOnlyDataOnServers(t *testing.T) {
	allServers(t, func(t *testing.T, s *dbServer) {
		db := s.loadHostile(t)
		all, err := dbtest.IDs(t, db, "words", ``)
		if err != nil {
			t.Fatal(err)
		}
		for i, w := range hostile {
			text := value.Str(w).String()
			want := fmt.Sprint(i)
			if s.name == "postgres" && strings.Contains(w, "\x00") {
				want = ""
			}
			for _, doc := range []string{
				`{"w":` + text + `}`, `{"w":{"$in":[` + text + `]}}`, `{"$nor":[{"w":{"$ne":` + text + `}}]}`, `{"j.k":` + text + `}`, `{"j":{"k":` + text + `}}`, `{"w":{"$gte":` + text + `,"$lte":` + text + `}}`,
			} {
				if got, err := dbtest.IDs(t, db, "words", doc); err != nil || got != want {
					t.Errorf("%.80s: rows %q, %v; want %q", doc, got, err, want)
				}
			}
			if got, err := dbtest.IDs(t, db, "words", `{"num":`+text+`}`); err != nil || got != "" {
				t.Errorf("num = %.80s: rows %q, %v", text, got, err)
			}
			s.hostileNames(t, db, w)
		}
		for _, name := range []string{"WORDS", "Words", "public.words", "app.words", "pg_class", "pg_catalog.pg_class", "user", "mysql.user", "COLUMNS", "information_schema.tables",
			"system.namespaces", "words.$cmd", "$cmd.aggregate", "words\x00", "admin.words", "_words"} {
			if got, err := dbtest.IDs(t, db, name, ``); failure.PhraseOf(err, failure.Database) != failure.BadCall {
				t.Errorf("%s as a table: rows %q, %v", name, got, err)
			}
		}
		for _, doc := range []string{`{"W":"x"}`, `{"ID":1}`, `{"w.x":1}`, `{"j..a":1}`, `{"ctid":1}`, `{"t.w":1}`} {
			if got, err := dbtest.IDs(t, db, "words", doc); s.wrongName(got, err) {
				t.Errorf("%s: rows %q, %v", doc, got, err)
			}
		}
		if got, err := dbtest.IDs(t, db, "words", ``); err != nil || got != all {
			t.Errorf("after all this: %q, %v", got, err)
		}
	})
}

// wrongName reports whether an unknown column was accepted. It must be refused, or
// match nothing in MongoDB, which has no catalogue of columns.
func (s *dbServer) wrongName(got string, err error) bool {
	return failure.PhraseOf(err, failure.Database) != failure.BadCall && (s.name != "mongo" || err != nil || got != "")
}

// hostileNames uses w as the name of columns and tables.
func (s *dbServer) hostileNames(t *testing.T, db query.Database, w string) {
	keys, tables := []string{w, "w" + w, "j." + w, "w.k." + w}, []string{w, "words" + w, w + "words"}
	if s.name == "mongo" { // FerretDB is slow
		keys, tables = []string{w, "j." + w}, tables[:1]
	}
	for _, key := range keys {
		if key == "j.k" || key == "w" { // a real column, when w is empty
			continue
		}
		e := &query.Field{Key: key, Op: query.Eq, Operand: query.Operand{Kind: query.Num, Number: query.Number{IsInt: true, Int: 1, Float: 1}, JSON: value.Int(1)}}
		out, err := db.Query(context.Background(), query.Query{Table: "words", Where: e, Columns: []string{}, Limit: 1, Bytes: 1 << 20})
		if s.name == "mongo" && err != nil && strings.ContainsFunc(key, unicode.IsSpace) {
			continue // FerretDB refuses some of these
		}
		if inJSON := strings.HasPrefix(key, "j."); s.wrongName(strings.Trim(string(out), "[]"), err) && !(inJSON && err == nil && string(out) == "[]") {
			t.Errorf("%.80q as a column: rows %q, %v", key, out, err)
		}
	}
	e, err := dbtest.Find(t, `{"id":0}`)
	if err != nil {
		t.Fatal(err)
	}
	out, err := db.Query(context.Background(), query.Query{Table: "words", Where: e, Columns: []string{w, "id", w + `"`}, Limit: 2, Bytes: 1000})
	if err != nil || string(out) != `[{"id":0}]` {
		t.Errorf("%.80q as a column to bring: %s, %v", w, out, err)
	}
	for _, table := range tables {
		if table == "words" {
			continue
		}
		if got, err := dbtest.IDs(t, db, table, ``); failure.PhraseOf(err, failure.Database) != failure.BadCall {
			t.Errorf("%.80q as a table: rows %q, %v", table, got, err)
		}
	}
}

func TestHostileStringsAreOnlyDataOnSQLite(t *testing.T) {
	var schema strings.Builder
	schema.WriteString("CREATE TABLE words (id INTEGER PRIMARY KEY, w TEXT, j JSON, num NUMERIC);\n")
	for i, s := range hostile {
		bytes := fmt.Sprintf("CAST(x'%x' AS TEXT)", s)
		fmt.Fprintf(&schema, "INSERT INTO words VALUES (%d, %s, json_object('k', %s), NULL);\n", i, bytes, bytes)
	}
	db := onSQLite(t, []string{schema.String()})
	for i, s := range hostile {
		text := value.Str(s).String()
		want := fmt.Sprint(i)
		for _, doc := range []string{
			`{"w":` + text + `}`, `{"w":{"$in":[` + text + `]}}`, `{"w":{"$gte":` + text + `,"$lte":` + text + `}}`,
			`{"$nor":[{"w":{"$ne":` + text + `}}]}`, `{"j.k":` + text + `}`, `{"j":{"k":` + text + `}}`,
		} {
			if strings.Contains(s, "\x00") && strings.Contains(doc, `"j`) {
				continue // SQLite's json_object cuts the text at the NUL
			}
			if got, err := dbtest.IDs(t, db, "words", doc); err != nil || got != want {
				t.Errorf("%s: rows %q, %v; want %q", doc, got, err, want)
			}
		}
		if got, err := dbtest.IDs(t, db, "words", `{"num":`+text+`}`); err != nil || got != "" {
			t.Errorf("num = %s: rows %q, %v", text, got, err)
		}
		if s == "" || strings.HasPrefix(s, "$") {
			continue
		}
		key := `{` + text + `:1}`
		if got, err := dbtest.IDs(t, db, "words", key); failure.PhraseOf(err, failure.Database) != failure.BadCall {
			t.Errorf("%s as a column: rows %q, %v", text, got, err)
		}
		if got, err := dbtest.IDs(t, db, s, ``); failure.PhraseOf(err, failure.Database) != failure.BadCall {
			t.Errorf("%s as a table: rows %q, %v", text, got, err)
		}
	}
}
