package mongo

import (
	"context"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/rulegate/rulegate/host/companion/dbtest"
	"github.com/rulegate/rulegate/host/companion/failure"
	"github.com/rulegate/rulegate/host/companion/query"
	"github.com/rulegate/rulegate/rules/value"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// scripted returns the answer to a query on these documents, some of which FerretDB
// cannot store.
func scripted(t *testing.T, q query.Query, docs ...bson.D) (string, error) {
	t.Helper()
	s, err := newStatement(q)
	if err != nil || s.empty() {
		return "[]", err
	}
	out := newDocumentWriter(q)
	for _, d := range docs {
		raw, err := bson.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.row(out, raw); err != nil {
			return "", err
		}
	}
	text, err := out.end()
	return string(text), err
}

func decimal(t testing.TB, text string) bson.Decimal128 {
	d, err := bson.ParseDecimal128(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestDocumentsAsJSON(t *testing.T) {
	id, _ := bson.ObjectIDFromHex("507f1f77bcf86cd799439011")
	uuid, _ := uuidOf("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11")
	deep := func(levels int) any {
		var v any = 1
		for range levels {
			v = bson.A{v}
		}
		return v
	}
	for _, c := range []struct {
		value any
		want  string // "" for a database error
	}{
		{int32(-3), "-3"}, {int64(math.MaxInt64), "9223372036854775807"}, {0.1, "0.1"}, {1e300, "1e+300"}, {9007199254740992.0, "9007199254740992"},
		{decimal(t, "123456789012345678901234567890.120"), "123456789012345678901234567890.120"}, {decimal(t, "1.5E+3"), "1.5E+3"}, {decimal(t, "-0"), "-0"},
		{true, "true"}, {nil, "null"}, {bson.Undefined{}, "null"}, {"a\x00\"", `"a\u0000\""`}, {day("2024-01-01T10:00:00.25Z"), `"2024-01-01T10:00:00.25Z"`},
		{day("0044-03-15T00:00:00Z"), `"0044-03-15T00:00:00Z"`}, {id, `{"$oid":"507f1f77bcf86cd799439011"}`}, {uuid, `"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"`},
		{bson.Binary{Subtype: 3, Data: uuid.Data}, `"oO68mZwLTvi7bWu5vTgKEQ=="`}, {bson.Binary{Subtype: 4, Data: []byte("a")}, `"YQ=="`}, {bson.Binary{Data: []byte("\x00\xff")}, `"AP8="`},
		{bson.D{{Key: "b", Value: bson.A{1, "x", id}}, {Key: "a", Value: bson.D{}}}, `{"b":[1,"x",{"$oid":"507f1f77bcf86cd799439011"}],"a":{}}`},
		{bson.Regex{Pattern: "a\"", Options: "i"}, `{"$regularExpression":{"pattern":"a\"","options":"i"}}`}, {bson.Timestamp{T: 1, I: 2}, `{"$timestamp":{"t":1,"i":2}}`}, {bson.MinKey{}, `{"$minKey":1}`}, {bson.JavaScript("f()"), `{"$code":"f()"}`},
		{deep(query.CellDepth), strings.Repeat("[", query.CellDepth) + "1" + strings.Repeat("]", query.CellDepth)},
		{deep(query.CellDepth + 1), ""}, {math.NaN(), ""}, {math.Inf(1), ""}, {decimal(t, "NaN"), ""}, {decimal(t, "Infinity"), ""}, {bson.DateTime(math.MaxInt64), ""}, {bson.DateTime(math.MinInt64), ""},
		{"\xff", ""}, {bson.D{{Key: "$oid", Value: "507f1f77bcf86cd799439011"}}, ""}, {bson.D{{Key: "a", Value: 1}, {Key: "a", Value: 2}}, ""}, {bson.D{{Key: "\xff", Value: 1}}, ""},
	} {
		got, err := scripted(t, query.Query{Where: query.And{}, Limit: 1, Bytes: 1 << 20}, bson.D{{Key: "v", Value: c.value}})
		switch {
		case c.want == "" && failure.PhraseOf(err, failure.Webhook) != failure.Database:
			t.Errorf("%v: %s, %v; want a database error", c.value, got, err)
		case c.want != "" && (err != nil || got != `[{"v":`+c.want+`}]`):
			t.Errorf("%v: %s, %v; want %s", c.value, got, err, c.want)
		}
		if v, perr := value.Parse(got, 40); c.want != "" && (perr != nil || v.Kind() != value.Array) {
			t.Errorf("%v: no JSON: %v", c.value, perr)
		}
	}
}

// Conditions on types that JSON does not have, and on values that a server may compare
// differently.
func TestFindOnDocuments(t *testing.T) {
	id, _ := bson.ObjectIDFromHex("507f1f77bcf86cd799439011")
	uuid, _ := uuidOf("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11")
	for _, c := range []struct {
		value any
		find  string
		want  bool
	}{
		{decimal(t, "0.1"), `{"v":0.1}`, true}, {0.1, `{"v":0.1}`, true}, {decimal(t, "0.10000000000000001"), `{"v":0.1}`, false}, {decimal(t, "5.00"), `{"v":5}`, true},
		{decimal(t, "5.0000000000000000000000001"), `{"v":5}`, false}, {decimal(t, "5.0000000000000000000000001"), `{"v":{"$gt":5}}`, true}, {decimal(t, "0.1"), `{"v":{"$gte":0.1}}`, true},
		{decimal(t, "0.1"), `{"v":{"$lt":0.1}}`, false}, {decimal(t, "18446744073709551616"), `{"v":18446744073709551616}`, true}, {decimal(t, "18446744073709551617"), `{"v":18446744073709551616}`, false},
		{decimal(t, "1E+6000"), `{"v":{"$gt":1e300}}`, true}, {decimal(t, "NaN"), `{"v":{"$gt":0}}`, false}, {decimal(t, "NaN"), `{"v":{"$ne":0}}`, true}, {math.NaN(), `{"v":{"$lt":0}}`, false},
		{math.Inf(1), `{"v":{"$gt":1e308}}`, true}, {math.Inf(-1), `{"v":{"$gt":1}}`, false}, {decimal(t, "1"), `{"v":"1"}`, false}, {decimal(t, "1"), `{"v":true}`, false},
		{id, `{"v":{"$oid":"507F1F77BCF86CD799439011"}}`, true}, {id, `{"v":"507f1f77bcf86cd799439011"}`, false}, {id, `{"v":{"$gt":{"$oid":"507f1f77bcf86cd799439010"}}}`, true},
		{id, `{"v":{"$lt":{"$oid":"507f1f77bcf86cd799439010"}}}`, false}, {id, `{"v":{"$nin":[{"$oid":"507f1f77bcf86cd799439011"}]}}`, false}, {id, `{"v":{"$regex":"5"}}`, false},
		{id, `{"v":null}`, false}, {id, `{"v.x":null}`, true}, {bson.A{id}, `{"v.x":null}`, false}, {bson.A{id}, `{"v":{"$oid":"507f1f77bcf86cd799439011"}}`, true},
		{bson.D{{Key: "i", Value: id}}, `{"v":{"i":{"$oid":"507f1f77bcf86cd799439011"}}}`, true}, {bson.D{{Key: "i", Value: id}}, `{"v":{"i":{"$oid":"507f1f77bcf86cd799439012"}}}`, false},
		{bson.D{{Key: "i", Value: decimal(t, "0.1")}, {Key: "u", Value: uuid}}, `{"v":{"u":"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11","i":0.1}}`, true}, {bson.D{{Key: "i", Value: day("2024-01-01T00:00:00Z")}}, `{"v":{"i":{"$date":"2024-01-01"}}}`, true},
		{bson.D{{Key: "i", Value: day("2024-01-01T00:00:00Z")}}, `{"v":{"i":"2024-01-01"}}`, false}, {bson.D{{Key: "b", Value: 1}, {Key: "a", Value: 2}}, `{"v":{"a":2,"b":1}}`, true},
		{day("2024-01-01T00:00:00.001Z"), `{"v":{"$date":"2024-01-01T00:00:00.001Z"}}`, true}, {day("2024-01-01T00:00:00.001Z"), `{"v":{"$date":"2024-01-01T00:00:00.0015Z"}}`, false},
		{day("2024-01-01T00:00:00.001Z"), `{"v":{"$lt":{"$date":"2024-01-01T00:00:00.0015Z"}}}`, true}, {day("2024-01-01T00:00:00.001Z"), `{"v":{"$gte":{"$date":"2024-01-01T00:00:00.0015Z"}}}`, false},
		{bson.DateTime(math.MaxInt64), `{"v":{"$gt":{"$date":"9999-12-31"}}}`, true}, {day("2024-01-01T00:00:00Z"), `{"v":"2024-01-01T00:00:00Z"}`, false}, {day("2024-01-01T00:00:00Z"), `{"v":1704067200000}`, false},
		{uuid, `{"v":"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"}`, true}, {uuid, `{"v":"A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"}`, false}, {uuid, `{"v":{"$ne":"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"}}`, false}, {uuid, `{"v":{"$gt":"a"}}`, true}, {uuid, `{"v":{"$lt":"a0f"}}`, true},
		{uuid, `{"v":{"$lt":"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"}}`, false}, {uuid, `{"v":{"$lte":"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"}}`, true}, {uuid, `{"v":{"$not":{"$gt":"a"}}}`, false}, {uuid, `{"v":{"$gt":1}}`, false},
		{math.Ldexp(1, 70), `{"v":1180591620717411303424}`, true}, {1e300, `{"v":1e300}`, true}, {1e300, `{"v":{"$gt":1e299}}`, true}, {math.Ldexp(1, 63), `{"v":9223372036854775807}`, false},
		{decimal(t, "1E+30"), `{"v":1e30}`, true}, {decimal(t, "1000000000000000000000000000001"), `{"v":1e30}`, false}, {decimal(t, "1E-400"), `{"v":0}`, false}, {decimal(t, "1E-400"), `{"v":1e-400}`, true},
		{bson.Binary{Data: []byte("a")}, `{"v":"YQ=="}`, false}, {bson.Binary{Data: []byte("a")}, `{"v":{"$exists":true}}`, true}, {bson.Binary{Data: []byte("a")}, `{"v":null}`, false},
		{bson.Regex{Pattern: "a"}, `{"v":"a"}`, false}, {bson.Symbol("a"), `{"v":"a"}`, false}, {bson.Undefined{}, `{"v":null}`, true}, {bson.Timestamp{T: 1}, `{"v":{"$gt":0}}`, false},
		{bson.A{bson.A{1, 2}}, `{"v":[1,2]}`, true}, {bson.A{bson.A{1, 2}}, `{"v":1}`, false}, {int32(1), `{"v":true}`, false}, {true, `{"v":1}`, false}, {"1", `{"v":1}`, false},
	} {
		e, err := dbtest.Find(t, c.find)
		if err != nil {
			t.Fatalf("%s: %v", c.find, err)
		}
		got, err := scripted(t, query.Query{Where: e, Columns: []string{"w"}, Limit: 1, Bytes: 1000}, bson.D{{Key: "v", Value: c.value}})
		if !c.want && err != nil && strings.Contains(err.Error(), "do not agree") {
			continue // the filter is exact, so a server would not return this document
		}
		if want := map[bool]string{true: "[{}]", false: "[]"}[c.want]; err != nil || got != want {
			t.Errorf("%s on %v: %s, %v; want %s", c.find, c.value, got, err, want)
		}
	}
}

// A filter never holds an operator, a document or a pattern of a find.
func TestFiltersForMongo(t *testing.T) {
	for _, c := range []struct{ find, want string }{
		{``, `{}`}, {`{"a":"x"}`, `{"a":{"$eq":"x"}}`}, {`{"a":{"$ne":"x"}}`, `{"$nor":[{"a":{"$eq":"x"}}]}`}, {`{"a":{"$in":["x",1,null]}}`, `{"a":{"$in":["x",{"$numberLong":"1"},null]}}`},
		{`{"a":{"$nin":[]}}`, `{}`}, {`{"a":{"$gt":1,"$lte":"y"}}`, `{"$and":[{"a":{"$gt":{"$numberLong":"1"}}},{"$or":[{"a":{"$lte":"y"}},{"a":{"$type":{"$numberInt":"5"}}}]}]}`}, {`{"a.b":true}`, `{"a.b":{"$eq":true}}`}, {`{"a":{"$not":{"$lt":"y"}}}`, `{"$nor":[{"a":{"$lt":"y"}}]}`},
		{`{"a":{"$exists":false}}`, `{"$nor":[{"a":{"$exists":true}}]}`}, {`{"a":{"$oid":"507f1f77bcf86cd799439011"}}`, `{"a":{"$eq":{"$oid":"507f1f77bcf86cd799439011"}}}`},
		{`{"a":{"$regex":"^ab.c"}}`, `{"a":{"$gte":"ab"}}`}, {`{"a":{"$regex":"b"}}`, `{"a":{"$exists":true}}`}, {`{"a":{"$not":{"$regex":"^b"}}}`, `{}`}, {`{"a":{"b":1}}`, `{"a":{"$exists":true}}`},
		{`{"a":{"$ne":{"b":1}}}`, `{}`}, {`{"a":{"$ne":1.5}}`, `{}`}, {`{"$or":[{"a":1},{"b":{"x":1}}]}`, `{"$or":[{"a":{"$eq":{"$numberLong":"1"}}},{"b":{"$exists":true}}]}`}, {`{"$or":[{"a":1},{"b":{"$ne":[1]}}]}`, `{}`},
		{`{"a.0":1}`, `{}`}, {`{"a.b":null}`, `{}`}, {`{"a":null}`, `{"a":{"$eq":null}}`}, {`{"a":{"$date":"2024-01-01T00:00:00.0005Z"},"b":1}`, ``}, {`{"a":{"$in":[]}}`, ``},
		{`{"a":"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"}`, `{"a":{"$in":["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",{"$binary":{"base64":"oO68mZwLTvi7bWu5vTgKEQ==","subType":"04"}}]}}`},
	} {
		e, err := dbtest.Find(t, c.find)
		if err != nil {
			t.Fatalf("%s: %v", c.find, err)
		}
		s, err := newStatement(query.Query{Where: e, Limit: 1, Bytes: 1})
		if err != nil || s.empty() != (c.want == "") {
			t.Errorf("%s: %v, %v", c.find, s, err)
			continue
		}
		if !s.empty() {
			text, err := bson.MarshalExtJSON(s.filter(), true, false)
			if err != nil || string(text) != c.want {
				t.Errorf("%s: %s, %v; want %s", c.find, text, err, c.want)
			}
		}
	}
	for _, key := range []string{"a\x00b", ".a", "a.", "a..b", "a.$where", "a.$[]", "."} {
		if _, err := newStatement(query.Query{Where: &query.Field{Key: key, Op: query.Exists}, Limit: 1, Bytes: 1}); failure.PhraseOf(err, failure.Database) != failure.BadCall {
			t.Errorf("%q: %v", key, err)
		}
	}
}

func TestLimitsOnMongo(t *testing.T) {
	s := dbtest.Get(t, "mongo")
	var docs []bson.D
	for i := range 3 {
		docs = append(docs, bson.D{{Key: "_id", Value: i + 1}, {Key: "id", Value: i + 1}, {Key: "v", Value: string(rune('a' + i))}, {Key: "k", Value: bson.D{{Key: "x", Value: min(i, 1)}}}})
	}
	docs = append(docs, bson.D{{Key: "_id", Value: 4}, {Key: "id", Value: 4}, {Key: "v", Value: strings.Repeat("x", 3_000_000)}})
	s.Fill(t, "big", docs...)
	db := connect(t, s)
	for _, c := range []struct {
		find         string
		columns      []string
		limit, bytes int
		want         string // "" for too large
	}{
		{`{"id":1}`, nil, 10, 1000, `[{"_id":1,"id":1,"v":"a","k":{"x":0}}]`},
		{`{"id":4}`, nil, 10, 1 << 20, ""}, {`{"id":1}`, nil, 10, 20, ""}, {`{"id":4}`, []string{"id"}, 10, 1000, `[{"id":4}]`}, {`{"v":"b"}`, []string{"k", "k", "nope"}, 1, 1000, `[{"k":{"x":1}}]`},
		{`{"v":"b"}`, []string{}, 1, 1000, `[{}]`}, {`{"v":"b"}`, []string{"_id"}, 1, 1000, `[{"_id":2}]`}, {`{}`, []string{}, 2, 1000, `[{},{}]`},
		{`{"v":"b"}`, []string{"k.x", "$v", "", "a\x00", "v"}, 1, 1000, `[{"v":"b"}]`},
		{`{"k":{"x":1}}`, []string{"id"}, 1, 1000, `[{"id":2}]`}, {`{"k":{"x":1}}`, []string{"id"}, 9, 1000, `[{"id":2},{"id":3}]`}, {`{"id":{"$lt":4}}`, []string{}, 9, 1000, `[{},{},{}]`},
	} {
		e, err := dbtest.Find(t, c.find)
		if err != nil {
			t.Fatal(err)
		}
		out, err := db.Query(context.Background(), query.Query{Table: "big", Where: e, Columns: c.columns, Limit: c.limit, Bytes: c.bytes})
		if c.want == "" && failure.PhraseOf(err, failure.Database) != failure.TooLarge || c.want != "" && (string(out) != c.want || err != nil) {
			t.Errorf("%s %v: %.100s, %v; want %q", c.find, c.columns, out, err, c.want)
		}
	}
}

// A query that would test too many documents in Go fails.
func TestDocumentsToLookThrough(t *testing.T) {
	s := dbtest.Get(t, "mongo")
	docs := make([]bson.D, query.MaxScan+1)
	for i := range docs {
		docs[i] = bson.D{{Key: "_id", Value: i}, {Key: "k", Value: 1}}
	}
	s.Fill(t, "many", docs...)
	db := connect(t, s)
	if got, err := dbtest.IDs(t, db, "many", `{"k":{"x":1}}`); failure.PhraseOf(err, failure.Database) != failure.TooLarge {
		t.Errorf("%.50q, %v", got, err)
	}
	if got, err := dbtest.IDs(t, db, "many", `{"k":{"x":1},"_id":{"$gt":0}}`); err != nil || got != "" {
		t.Errorf("one less: %.50q, %v", got, err)
	}
}

// While a server hangs, a query ends at its deadline. Later the server is used again.
func TestAMongoThatHangs(t *testing.T) {
	s := dbtest.Get(t, "mongo")
	s.Fill(t, "things", bson.D{{Key: "_id", Value: 1}, {Key: "id", Value: 1}, {Key: "name", Value: "alice"}})
	db := connect(t, s)
	if got, err := dbtest.IDs(t, db, "things", `{"name":"alice"}`); err != nil || got != "1" {
		t.Fatalf("before: %q, %v", got, err)
	}
	s.Pause(t)
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	_, err := db.Query(ctx, query.Query{Table: "things", Where: query.And{}, Limit: 1, Bytes: 1000})
	if failure.PhraseOf(err, failure.Database) != failure.TimedOut {
		t.Errorf("while it hangs: %v", err)
	}
	s.Resume(t)
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if got, err := dbtest.IDs(t, db, "things", `{"name":"alice"}`); err == nil && got == "1" {
			return
		} else if time.Now().After(end) {
			t.Fatalf("after it: %q, %v", got, err)
		}
	}
}

func TestMain(m *testing.M) {
	code := m.Run()
	dbtest.End()
	os.Exit(code)
}

func connect(t testing.TB, s *dbtest.Server) query.Database {
	t.Helper()
	db, err := Open(s.Conn, 2)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func day(text string) bson.DateTime {
	d, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return bson.NewDateTimeFromTime(d)
}
