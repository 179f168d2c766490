package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/rulegate/rulegate/host/companion/dbtest"
	"github.com/rulegate/rulegate/host/companion/failure"
	"github.com/rulegate/rulegate/host/companion/query"
	"modernc.org/sqlite"
)

func openThings(t testing.TB) *database {
	t.Helper()
	db, err := open(dbtest.SQLite(t, dbtest.Things), 4)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func TestFindOnSQLite(t *testing.T) {
	db := openThings(t)
	for _, c := range dbtest.Finds {
		t.Run(c.Find, func(t *testing.T) {
			got, err := dbtest.IDs(t, db, "things", c.Find)
			if err != nil {
				t.Fatal(err)
			}
			if got != c.Want {
				t.Errorf("rows %q, want %q", got, c.Want)
			}
		})
	}
	db.functions.conditions.Range(func(n, _ any) bool {
		t.Errorf("condition %v is kept after its query", n)
		return true
	})
}

func TestFindOnAView(t *testing.T) {
	db := openThings(t)
	for doc, want := range map[string]string{
		`{"loud":"alice!"}`:      "1",
		`{"loud":"ALICE!"}`:      "",
		`{"n":{"$gt":"5"}}`:      "7",
		`{"n":18,"loud":"bob!"}`: "",
		`{"n":null}`:             "3",
	} {
		if got, err := dbtest.IDs(t, db, "names", doc); err != nil || got != want {
			t.Errorf("%s: rows %q, %v; want %q", doc, got, err, want)
		}
	}
}

func TestUnknownNamesAreErrorsNeverText(t *testing.T) {
	db := openThings(t)
	for _, c := range []struct{ table, doc string }{
		{"Things", ``},
		{"thing", ``},
		{"", ``},
		{"sqlite_schema", ``},
		{"sqlite_master", ``},
		{"main.things", ``},
		{"things; DROP TABLE things", ``},
		{`things" --`, ``},
		{"pragma_table_info", ``},
		{"things", `{"nope":1}`},
		{"things", `{"Name":"alice"}`},
		{"things", `{"NAME":{"$ne":"x"}}`},
		{"things", `{"rowid":1}`},
		{"things", `{"name.first":"alice"}`},
		{"things", `{"j..a":1}`},
		{"things", `{"j.":1}`},
		{"things", `{"name\" = \"name":"x"}`},
		{"things", `{"1=1 OR name":"x"}`},
		{"things", `{"t.\"name\"":"alice"}`},
		{"things", `{"$or":[{"id":1},{"nope":{"$exists":false}}]}`},
	} {
		got, err := dbtest.IDs(t, db, c.table, c.doc)
		if failure.PhraseOf(err, failure.Database) != failure.BadCall {
			t.Errorf("%s %s: rows %q, error %v; want a bad call", c.table, c.doc, got, err)
		}
	}
	if got, err := dbtest.IDs(t, db, "things", `{"name":"alice"}`); err != nil || got != "1" {
		t.Errorf("the table after all this: %q, %v", got, err)
	}
}

func TestRowsAsJSON(t *testing.T) {
	db := openThings(t)
	for _, c := range []struct {
		name    string
		q       query.Query
		doc     string
		want    string
		tooMuch bool
	}{
		{"all columns", query.Query{Table: "things"}, `{"id":1}`, `[{"id":1,"name":"alice","n":18,"x":1.5,"any_":"text","b":true,"j":{"a":{"b":1},"tags":["x","y"]},"d":"2024-01-01T00:00:00Z","bin":"AP8=","a.b":"dot","it's \"odd\"; --":"odd"}]`, false},
		{"some columns, in the order asked", query.Query{Table: "things", Columns: []string{"b", "id", "b"}}, `{"id":{"$lt":5}}`, `[{"b":true,"id":1},{"b":false,"id":2},{"b":null,"id":3},{"b":2,"id":4}]`, false},
		{"no columns", query.Query{Table: "things", Columns: []string{}}, `{"n":18}`, `[{},{}]`, false},
		{"no rows", query.Query{Table: "things"}, `{"n":19}`, `[]`, false},
		{"exact integers", query.Query{Table: "things", Columns: []string{"n", "d"}}, `{"id":{"$in":[4,5,6]}}`, `[{"n":9223372036854775807,"d":"2024-06-01"},{"n":-9223372036854775808,"d":"yesterday"},{"n":9007199254740993,"d":1704067200}]`, false},
		{"dates in UTC", query.Query{Table: "things", Columns: []string{"d"}}, `{"id":2}`, `[{"d":"2024-01-01T00:00:00Z"}]`, false},
		{"JSON that is none stays text", query.Query{Table: "things", Columns: []string{"j"}}, `{"id":{"$in":[4,5,6,7]}}`, `[{"j":"x"},{"j":"not json"},{"j":9007199254740993},{"j":null}]`, false},
		{"at most the limit", query.Query{Table: "things", Columns: []string{"n"}, Limit: 2}, `{"n":{"$gte":18}}`, `[{"n":18},{"n":18}]`, false},
		{"keywords and quotes as names", query.Query{Table: "drop"}, `{"select":"from"}`, `[{"select":"from","a\"b":"quoted"}]`, false},
		{"exactly the bytes", query.Query{Table: "things", Columns: []string{"id"}, Bytes: len(`[{"id":1}]`)}, `{"id":1}`, `[{"id":1}]`, false},
		{"a byte over", query.Query{Table: "things", Columns: []string{"id"}, Bytes: len(`[{"id":1}]`) - 1}, `{"id":1}`, ``, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			q := c.q
			q.Limit, q.Bytes = cmp.Or(q.Limit, 100), cmp.Or(q.Bytes, 1<<20)
			var err error
			if q.Where, err = dbtest.Find(t, c.doc); err != nil {
				t.Fatal(err)
			}
			got, err := db.Query(context.Background(), q)
			if c.tooMuch {
				if failure.PhraseOf(err, failure.Database) != failure.TooLarge {
					t.Errorf("got %s, %v; want too large", got, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := gocmp.Diff(c.want, string(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCellsThatJSONHasNot(t *testing.T) {
	path := dbtest.SQLite(t, `CREATE TABLE t (id INTEGER, v);
		INSERT INTO t VALUES (1, CAST(x'ff' AS TEXT)), (2, 9e999), (3, -9e999), (4, 'fine'), (5, hex(zeroblob(3000000)))`)
	db, err := open(path, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for id, want := range map[string]failure.Phrase{"1": failure.Database, "2": failure.Database, "3": failure.Database, "4": "", "5": failure.TooLarge} {
		e, _ := dbtest.Find(t, `{"id":`+id+`}`)
		_, err := db.Query(context.Background(), query.Query{Table: "t", Where: e, Limit: 1, Bytes: 1 << 20})
		if err == nil && want != "" || err != nil && failure.PhraseOf(err, failure.Database) != want {
			t.Errorf("row %s: %v, want %q", id, err, want)
		}
		var sqliteErr *sqlite.Error
		if id == "5" && !errors.As(err, &sqliteErr) {
			t.Errorf("row 5 was read before it was refused: %v", err)
		}
	}
	if rows, err := dbtest.IDs(t, db, "t", `{"id":5}`); err != nil || rows != "5" {
		t.Errorf("the other column of a huge row: %q, %v", rows, err)
	}
}

func TestFindsThatAreRefused(t *testing.T) {
	many := `{"$and":[` + strings.Repeat(`{"a":1},`, query.MaxConditions) + `{"a":1}]}`
	for _, doc := range []string{
		`[]`, `1`, `"x"`, `null`, `{"":1}`, `{"$where":"1"}`, `{"$expr":{}}`, `{"$and":[]}`, `{"$or":{}}`, `{"$nor":[1]}`, `{"$not":{"a":1}}`,
		`{"a":{"$foo":1}}`, `{"a":{"$eq":1,"b":2}}`, `{"a":{"$in":1}}`, `{"a":{"$in":[{"$gt":1}]}}`, `{"a":{"$exists":1}}`, `{"a":{"$exists":null}}`,
		`{"a":{"$gt":[1]}}`, `{"a":{"$lt":{"b":1}}}`, `{"a":{"$not":1}}`, `{"a":{"$not":{}}}`, `{"a":{"$not":{"b":1}}}`, `{"a":{"$regex":1}}`,
		`{"a":{"$regex":"("}}`, `{"a":{"$options":"i"}}`, `{"a":{"b":{"$gt":1}}}`, `{"a":[{"$gt":1}]}`, `{"a":{"$oid":"x"}}`, `{"a":{"$date":"soon"}}`,
		`{"a":{"$date":1.5}}`, `{"a":{"$eq":{"$date":true}}}`, `{"a":1e999}`, `{"a":{"$eq":{"$ne":1}}}`, many,
	} {
		if e, err := dbtest.Find(t, doc); err == nil {
			t.Errorf("%.60s: want a fault, found %#v", doc, e)
		}
	}
}

func TestAFileThatIsNotThereIsNotMade(t *testing.T) {
	path := filepath.Join(t.TempDir(), "later.db")
	db, err := open(path, 2)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if db.Ping(context.Background()) == nil {
		t.Error("a missing file answers a ping")
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file: %v", err)
	}
	made := dbtest.SQLite(t, dbtest.Things)
	if err := os.Rename(made, path); err != nil {
		t.Fatal(err)
	}
	if err := db.Ping(context.Background()); err != nil {
		t.Errorf("once it is there: %v", err)
	}
	if got, err := dbtest.IDs(t, db, "things", `{"id":3}`); err != nil || got != "3" {
		t.Errorf("once it is there: %q, %v", got, err)
	}
}

func TestConnHasNoParameters(t *testing.T) {
	for _, conn := range []string{"", ":memory:", "file::memory:", "file:x.db?mode=rwc", "x.db?mode=rwc", "x.db#y", "file:"} {
		if db, err := open(conn, 1); err == nil {
			db.Close()
			t.Errorf("%q was accepted", conn)
		}
	}
}

func TestNothingCanBeWritten(t *testing.T) {
	path := dbtest.SQLite(t, dbtest.Things)
	db, err := open(path, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.db.Exec("DELETE FROM things"); err == nil {
		t.Error("a DELETE went through")
	}
}

func TestASchemaThatChangesIsSeen(t *testing.T) {
	path := dbtest.SQLite(t, `CREATE TABLE t (id INTEGER, v TEXT); INSERT INTO t VALUES (1, '1')`)
	db, err := open(path, 2)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if got, err := dbtest.IDs(t, db, "t", `{"v":"1"}`); err != nil || got != "1" {
		t.Fatalf("%q, %v", got, err)
	}
	other, err := sql.Open("sqlite", path) // a plain path: no character is special
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Exec(`DROP TABLE t; CREATE TABLE t (id INTEGER, v BOOLEAN); INSERT INTO t VALUES (2, 1)`); err != nil {
		t.Fatal(err)
	}
	other.Close()
	if got, err := dbtest.IDs(t, db, "t", `{"v":true}`); err != nil || got != "2" {
		t.Errorf("after the change: %q, %v", got, err)
	}
}

// The schema's version is not read before each query, and yet each connection sees a
// change of it with its next query: of types, of columns, and of tables.
func TestTheSchemaIsReadWhenItChanges(t *testing.T) {
	for _, mode := range []string{"DELETE", "WAL"} {
		t.Run(mode, func(t *testing.T) {
			path := dbtest.SQLite(t, `PRAGMA journal_mode = `+mode+`; CREATE TABLE t (id INTEGER, v TEXT); INSERT INTO t VALUES (1, '1')`)
			writer, err := sql.Open("sqlite", path)
			if err != nil {
				t.Fatal(err)
			}
			defer writer.Close()
			dbs := make([]*database, 3) // each with one connection
			for i := range dbs {
				if dbs[i], err = open(path, 1); err != nil {
					t.Fatal(err)
				}
				defer dbs[i].Close()
			}
			for _, step := range []struct{ change, table, find, want string }{
				{``, "t", `{"v":"1"}`, "1"},
				{`INSERT INTO t VALUES (2, '1')`, "t", `{"v":"1"}`, "1 2"},
				{``, "t", `{"new":5}`, "error"},
				{`ALTER TABLE t ADD COLUMN new INTEGER DEFAULT 5`, "t", `{"new":5}`, "1 2"},
				{`DROP TABLE t; CREATE TABLE t (id INTEGER, v BOOLEAN); INSERT INTO t VALUES (3, 1)`, "t", `{"v":true}`, "3"},
				{``, "later", `{"id":4}`, "error"},
				{`CREATE TABLE later (id INTEGER); INSERT INTO later VALUES (4)`, "later", `{"id":4}`, "4"},
				{`DROP TABLE later`, "later", `{"id":4}`, "error"},
			} {
				if _, err := writer.Exec(step.change); err != nil {
					t.Fatal(err)
				}
				for i, db := range dbs {
					got, err := dbtest.IDs(t, db, step.table, step.find)
					if err != nil {
						got = "error"
					}
					if got != step.want {
						t.Errorf("connection %d, %s on %s after %q: %s, %v; want %s", i, step.find, step.table, step.change, got, err, step.want)
					}
				}
			}
			db := dbs[0]
			before := db.schemaReads.Load()
			for range 50 {
				if got, err := dbtest.IDs(t, db, "t", `{"v":true}`); err != nil || got != "3" {
					t.Fatalf("%s, %v", got, err)
				}
			}
			if n := db.schemaReads.Load() - before; n > 1 {
				t.Errorf("50 queries read the schema's version %d times", n)
			}
		})
	}
}

// A schema that changes while queries run never mixes the types of two tables: v is
// either text, and then never equal to a number, or a number.
func TestTheSchemaChangesUnderQueries(t *testing.T) {
	path := dbtest.SQLite(t, `PRAGMA journal_mode = WAL; CREATE TABLE t (id INTEGER, v TEXT); INSERT INTO t VALUES (1, '1')`)
	db, err := open(path, 3)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	writer, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	stop := make(chan struct{})
	var wait sync.WaitGroup
	for range 3 {
		wait.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				got, err := dbtest.IDs(t, db, "t", `{"v":1}`)
				if err == nil && got != "" && got != "2" {
					t.Errorf("rows %q", got)
					return
				}
			}
		})
	}
	for i := range 40 {
		change := `BEGIN; DROP TABLE t; CREATE TABLE t (id INTEGER, v INTEGER); INSERT INTO t VALUES (2, 1); COMMIT`
		if i%2 == 1 {
			change = `BEGIN; DROP TABLE t; CREATE TABLE t (id INTEGER, v TEXT); INSERT INTO t VALUES (1, '1'); COMMIT`
		}
		if _, err := writer.Exec(change); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	wait.Wait()
}

// Rows that another process writes are seen, also with a write-ahead log, and also
// after the writer has ended and removed the log.
func TestAFileThatIsWrittenMeanwhile(t *testing.T) {
	for _, mode := range []string{"DELETE", "WAL"} {
		t.Run(mode, func(t *testing.T) {
			path := dbtest.SQLite(t, `PRAGMA journal_mode = `+mode+`; CREATE TABLE t (id INTEGER)`)
			db, err := open(path, 2)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			writer, err := sql.Open("sqlite", path)
			if err != nil {
				t.Fatal(err)
			}
			defer writer.Close()
			want := ""
			for i := range 5 {
				if _, err := writer.Exec("INSERT INTO t VALUES (?)", i); err != nil {
					t.Fatal(err)
				}
				want = strings.TrimSpace(want + " " + fmt.Sprint(i))
				if got, err := dbtest.IDs(t, db, "t", ``); err != nil || got != want {
					t.Errorf("rows %q, %v; want %q", got, err, want)
				}
			}
			if err := writer.Close(); err != nil {
				t.Fatal(err)
			}
			if got, err := dbtest.IDs(t, db, "t", ``); err != nil || got != want {
				t.Errorf("after the writer: rows %q, %v; want %q", got, err, want)
			}
			again, err := open(path, 2)
			if err != nil {
				t.Fatal(err)
			}
			defer again.Close()
			if got, err := dbtest.IDs(t, again, "t", ``); err != nil || got != want {
				t.Errorf("opened after the writer: rows %q, %v; want %q", got, err, want)
			}
		})
	}
}

// While a writer locks the file, a query waits until its deadline.
func TestALockedFile(t *testing.T) {
	path := dbtest.SQLite(t, `CREATE TABLE t (id INTEGER); INSERT INTO t VALUES (1)`)
	db, err := open(path, 2)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	writer, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	hold, err := writer.Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer hold.Close()
	if _, err := hold.ExecContext(context.Background(), "BEGIN EXCLUSIVE"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	began := time.Now()
	if rows, err := db.Query(ctx, query.Query{Table: "t", Where: query.And{}, Limit: 1, Bytes: 100}); err == nil {
		t.Errorf("rows %s", rows)
	}
	if d := time.Since(began); d > 8*time.Second { // less than busy_timeout
		t.Errorf("it waited %v", d)
	}
	if _, err := hold.ExecContext(context.Background(), "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	if got, err := dbtest.IDs(t, db, "t", ``); err != nil || got != "1" {
		t.Errorf("after it: %q, %v", got, err)
	}
}

// A query uses an index where the column has one for the comparison.
func TestIndexesServe(t *testing.T) {
	db := openThings(t)
	for _, find := range []string{`{"n":18}`, `{"name":"alice"}`, `{"n":{"$in":[1,2,3]}}`, `{"n":{"$gt":5}}`} {
		conn, err := db.conns.acquire(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		e, _ := dbtest.Find(t, find)
		tab, err := db.table(context.Background(), conn, "things")
		if err != nil {
			t.Fatal(err)
		}
		s, err := newStatement(tab, db.functions, query.Query{Where: e, Columns: []string{"id"}, Limit: 10})
		if err != nil {
			t.Fatal(err)
		}
		var id, parent, unused int
		var detail string
		if err := conn.QueryRowContext(context.Background(), "EXPLAIN QUERY PLAN "+s.text, s.args...).Scan(&id, &parent, &unused, &detail); err != nil {
			t.Fatal(err)
		}
		db.conns.release(conn, nil)
		if !strings.HasPrefix(detail, "SEARCH") || !strings.Contains(detail, "INDEX") {
			t.Errorf("%s: %s\n%s", find, detail, s.text)
		}
	}
}

func TestDatesInText(t *testing.T) {
	for text, want := range map[string]string{
		"2024-01-01 10:00:00": "2024-01-01T10:00:00Z", "2024-01-01 10:00": "2024-01-01T10:00:00Z", "2024-01-01T10:00:00.250": "2024-01-01T10:00:00.25Z",
		"2024-01-01 10:00:00+02:00": "2024-01-01T08:00:00Z", "2024-01-01T10:00:00-02:30": "2024-01-01T12:30:00Z", "2024-01-01": "2024-01-01",
		"2024-01-01 1:00:00": "", "2024-01-01 10:00:00,5": "", "2024-01-01 10:00:00+24:00": "", "2024-01-01 10": "", "2024-01-01x10:00:00": "", "2024-02-30": "", "yesterday": "", "": "",
		"9999-12-31 23:00:00-02:00": "9999-12-31 23:00:00-02:00", // the year 10000 in UTC
	} {
		_, ok := parseDate(text)
		if ok != (want != "") {
			t.Errorf("%q: %v", text, ok)
		}
		if want == "" {
			want = text
		}
		if got := rfc3339(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
