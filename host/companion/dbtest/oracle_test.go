package dbtest_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/rulegate/rulegate/host/companion/dbtest"
	"github.com/rulegate/rulegate/host/companion/failure"
	"github.com/rulegate/rulegate/host/companion/query"
	"github.com/rulegate/rulegate/rules/value"
)

// mixed makes a table in which each kind of column holds every kind of value that
// SQLite accepts.
func mixed() string {
	cells := []string{
		"NULL", "0", "1", "2", "-1", "18", "1.5", "1.0", "9007199254740993", "9007199254740992.0", "9223372036854775807", "-9223372036854775808", "9.3e18",
		"''", "'a'", "'A'", "'ab'", "'18'", "'1.5'", "'true'", "'b c'", "'ü'", "x'61'",
		`'{"a":1}'`, `'{"a":{"b":[1,"a",{"c":null}]}}'`, `'[1,"a",[2]]'`, `'[{"a":1},{"a":"x"},{}]'`, `'"a"'`, `'true'`, `'{"a":1,"a":2}'`, `'[]'`,
	}
	var b strings.Builder
	b.WriteString("CREATE TABLE mixed (id INTEGER PRIMARY KEY, t TEXT COLLATE NOCASE, n INTEGER, r REAL, a, b BOOLEAN, j JSON);\n")
	for i, c := range cells {
		other := cells[(i*7+3)%len(cells)]
		fmt.Fprintf(&b, "INSERT INTO mixed VALUES (%d, %s, %s, %s, %s, %s, %s);\n", i+1, c, c, c, c, c, c)
		fmt.Fprintf(&b, "INSERT INTO mixed VALUES (%d, %s, %s, %s, %s, %s, %s);\n", i+101, c, other, c, other, c, other)
	}
	return b.String() + "CREATE INDEX mixed_t ON mixed (t); CREATE INDEX mixed_n ON mixed (n); CREATE INDEX mixed_r ON mixed (r); CREATE INDEX mixed_a ON mixed (a);"
}

// oracle is a table together with its rows as documents for query.Match.
type oracle struct {
	db   query.Database
	docs map[string]query.Value // by id
}

func newOracle(t testing.TB) *oracle {
	t.Helper()
	return oracleOf(t, onSQLite(t, []string{mixed()}), false)
}

// oracleOf reads the table mixed. nulls says whether the database keeps null apart from
// a missing field.
func oracleOf(t testing.TB, db query.Database, nulls bool) *oracle {
	t.Helper()
	o := &oracle{db: db, docs: map[string]query.Value{}}
	rows, err := db.Query(context.Background(), query.Query{Table: "mixed", Where: query.And{}, Limit: 1000, Bytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	v, err := value.Parse(string(rows), 64)
	if err != nil {
		t.Fatal(err)
	}
	v.Each(func(_ string, row value.Value) bool {
		id, _ := row.Key("id").Number()
		o.docs[id] = docOf(row, nulls)
		return true
	})
	return o
}

// docOf returns a row as a document. It leaves out NULL unless nulls is set, and makes
// a blob opaque.
func docOf(row value.Value, nulls bool) query.Value {
	var doc []query.Member
	row.Each(func(key string, v value.Value) bool {
		x := query.OfJSON(v)
		if s, _ := v.Text(); s == "YQ==" {
			x = query.Opaque
		}
		if nulls || v.Kind() != value.Null {
			doc = append(doc, query.Member{Key: key, Value: x})
		}
		return true
	})
	return query.OfDocument(doc)
}

// check compares the rows that the database finds with those that query.Match accepts.
func (o *oracle) check(t testing.TB, text string) {
	v, err := value.Parse(text, 64)
	if err != nil {
		return
	}
	e, err := query.Parse(v)
	if err != nil {
		return
	}
	got, err := dbtest.IDs(t, o.db, "mixed", text)
	if err != nil {
		if failure.PhraseOf(err, failure.Database) != failure.BadCall {
			t.Errorf("%s: %v", text, err)
		}
		return
	}
	var want []string
	for id, doc := range o.docs {
		if query.Match(e, doc) {
			want = append(want, id)
		}
	}
	slices.Sort(want)
	if w := strings.Join(want, " "); got != w {
		t.Errorf("%s:\nrows %s\nwant %s", text, got, w)
	}
}

// author writes random find documents.
type author struct{ *rand.Rand }

func (a author) pick(list ...string) string { return list[a.IntN(len(list))] }

func (a author) value() string {
	return a.pick("null", "true", "false", "0", "1", "1.0", "2", "-1", "18", "1.5", "9007199254740993", "9007199254740992", "9223372036854775807",
		"9223372036854775808", "-9223372036854775808", "-9223372036854775809", "1e300", `""`, `"a"`, `"A"`, `"ab"`, `"18"`, `"1.5"`, `"true"`, `"ü"`, `"YQ=="`,
		`"{\"a\":1,\"a\":2}"`, `{"$date":"2024-01-01"}`, `{"$oid":"507f1f77bcf86cd799439011"}`)
}

func (a author) any() string {
	if a.IntN(4) > 0 {
		return a.value()
	}
	return a.pick(`[]`, `[1,"a",[2]]`, `{"a":1}`, `{"a":1.0}`, `[2]`, `{"b":[1,"a",{"c":null}]}`, `{}`)
}

func (a author) operators(depth int) string {
	var list []string
	for _, op := range a.Perm(9)[:1+a.IntN(2)] {
		switch op {
		case 0:
			list = append(list, `"$eq":`+a.any())
		case 1:
			list = append(list, `"$ne":`+a.any())
		case 2, 3:
			list = append(list, `"`+a.pick("$gt", "$gte")+`":`+a.value())
		case 4:
			list = append(list, `"`+a.pick("$lt", "$lte")+`":`+a.value())
		case 5:
			list = append(list, `"`+a.pick("$in", "$nin")+`":[`+a.any()+`,`+a.any()+`,`+a.value()+`]`)
		case 6:
			list = append(list, `"$exists":`+a.pick("true", "false"))
		case 7:
			list = append(list, `"$regex":"`+a.pick("^a", "a", "[0-9]", "^.$", "b c")+`"`)
		case 8:
			if depth > 0 {
				list = append(list, `"$not":`+a.operators(depth-1))
			} else {
				list = append(list, `"$exists":true`)
			}
		}
	}
	return "{" + strings.Join(slices.Compact(list), ",") + "}"
}

func (a author) document(depth int) string {
	if depth > 0 && a.IntN(3) == 0 {
		return `{"` + a.pick("$and", "$or", "$nor") + `":[` + a.document(depth-1) + `,` + a.document(depth-1) + `]}`
	}
	key := a.pick("t", "n", "r", "a", "b", "j", "j.a", "j.a.b", "j.0", "j.a.b.c", "j.1", "j.a.b.2.c")
	if a.IntN(3) == 0 {
		return `{"` + key + `":` + a.any() + `}`
	}
	return `{"` + key + `":` + a.operators(depth) + `}`
}

// The translation to SQL and query.Match agree on random find documents.
func TestFindMeansTheSameInSQLAndInGo(t *testing.T) {
	o := newOracle(t)
	a := author{rand.New(rand.NewPCG(1, 2))}
	for range 2000 {
		if o.check(t, a.document(2)); t.Failed() {
			return
		}
	}
}

// Every find is refused, or matches the same rows in SQL and in Go.
func FuzzFind(f *testing.F) {
	for _, doc := range []string{
		`{}`, `{"t":"a"}`, `{"n":{"$gt":1,"$lte":18.5}}`, `{"$or":[{"t":{"$in":["a",null]}},{"$nor":[{"b":true}]}]}`, `{"j.a.b":{"$not":{"$regex":"^a"}}}`,
		`{"a":{"$nin":[1,"1",[1],{"a":1}]}}`, `{"r":{"$ne":9007199254740993}}`, `{"t":{"$exists":false}}`, `{"j":{"a":1}}`, `{"j.0":{"$gte":{"$date":"2024-01-01"}}}`,
		`{"t\" OR 1=1 --":1}`, `{"id":{"$eq":null}}`, `{"$and":[{}]}`, `{"t":{"$regex":"[^a-z]{2,3}|(b)$"}}`,
	} {
		f.Add(doc)
	}
	o := newOracle(f)
	f.Fuzz(func(t *testing.T, doc string) { o.check(t, doc) })
}
