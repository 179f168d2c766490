package dbtest_test

import (
	"math"
	"testing"
	"time"

	"github.com/rulegate/rulegate/host/companion/query"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// doc returns a document of pairs. It leaves out absent values, which are NULL in a
// table.
func doc(t testing.TB, pairs ...any) bson.D {
	d := bson.D{}
	for i := 0; i < len(pairs); i += 2 {
		value := pairs[i+1]
		switch x := value.(type) {
		case absent:
			continue
		case inJSON:
			value = x.parse(t)
		}
		d = append(d, bson.E{Key: pairs[i].(string), Value: value})
	}
	return d
}

type absent struct{}

// inJSON is a value written as JSON.
type inJSON string

func (x inJSON) parse(t testing.TB) any {
	var d struct {
		V any `bson:"v"`
	}
	if err := bson.UnmarshalExtJSON([]byte(`{"v":`+string(x)+`}`), false, &d); err != nil {
		t.Fatal(x, err)
	}
	return d.V
}

func day(text string) bson.DateTime {
	d, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return bson.NewDateTimeFromTime(d)
}

// odd_ is the name of the column it's "odd"; -- without its quotes, which FerretDB
// refuses in names.
const odd_ = "it's odd; --"

// typedDocs returns the rows of typed as documents.
func typedDocs(t testing.TB) []bson.D {
	var none absent
	thing := func(id int64, name, n, x, any, b, j, d, bin, dot, odd any) bson.D {
		a := bson.D{}
		if dot != none {
			a = bson.D{{Key: "b", Value: dot}}
		}
		return doc(t, "_id", id, "id", id, "name", name, "n", n, "x", x, "any_", any, "b", b, "j", j, "d", d, "bin", bin, "a", a, odd_, odd)
	}
	bin := func(s string) bson.Binary { return bson.Binary{Data: []byte(s)} }
	return []bson.D{
		thing(1, "alice", int32(18), 1.5, "text", true, inJSON(`{"a":{"b":1},"tags":["x","y"]}`), day("2024-01-01T00:00:00Z"), bin("\x00\xff"), "dot", "odd"),
		thing(2, "Alice", int64(18), 18.0, "18", false, inJSON(`{"a":[{"b":1},{"b":2}],"tags":[]}`), day("2024-01-01T00:00:00Z"), bin(""), "", none),
		thing(3, "bob", none, none, none, none, none, none, none, none, none),
		thing(4, "18", int64(math.MaxInt64), 9223372036854775807.0, "18 ", none, "x", day("2024-06-01T00:00:00Z"), none, none, none),
		thing(5, "", int64(-math.MaxInt64), math.Copysign(0, -1), " text", true, "not json", day("1999-12-31T23:59:59.5Z"), none, none, none),
		thing(6, "ü", int64(9007199254740993), 9007199254740992.0, none, true, int64(9007199254740993), none, none, none, none),
		thing(7, none, int64(-5), 2.5, "é", false, nil, none, none, none, none),
		thing(8, "a\nb", int64(0), 0.0, "TEXT", none, inJSON(`[1,"x",{"b":null}]`), none, none, none, none),
	}
}

// typedMixedDocs returns the rows of typedMixed as documents, and more documents with
// values that only MongoDB can hold.
func typedMixedDocs(t testing.TB) []bson.D {
	var none absent
	texts := []any{none, "", "a", "A", "ab", "18", "1.5", "true", "b c", "ü", "a ", "YQ="}
	ints := []any{none, int32(0), int64(1), 2, int32(-1), 18, int64(9007199254740993), int64(9007199254740992), int64(math.MaxInt64), int64(-math.MaxInt64)}
	reals := []any{none, 0.0, 1.0, 1.5, -1.0, 18.0, 9007199254740992.0, 9.3e18, -9.3e18, 1e300, 9223372036854775807.0}
	bools := []any{none, true, false}
	docs := []any{none, inJSON(`{"a":1}`), inJSON(`{"a":{"b":[1,"a",{"c":null}]}}`), inJSON(`[1,"a",{"0":2}]`), inJSON(`[{"a":1},{"a":"x"},{}]`), "a", true, bson.A{}, 18}
	extra := []any{nil, inJSON(`[1,"1",true,null]`), inJSON(`[{"b":[1]},{"a":"ab"}]`), inJSON(`{"b":[1,"a",{"c":null}],"a":2.5}`), bson.Binary{Data: []byte("a")}, bson.Regex{Pattern: "a"}}
	var list []bson.D
	for i := range 90 {
		at := func(values []any, step int) any { return values[(i*step+i/len(values))%len(values)] }
		n, a := at(ints, 1), at(texts, 5)
		if i >= 60 { // any type in any field
			n, a = at(extra, 1), at(reals, 1)
		}
		list = append(list, doc(t, "_id", int64(i+1), "id", int64(i+1), "t", at(texts, 1), "n", n, "r", at(reals, 1), "a", a, "b", at(bools, 1), "j", at(docs, 1)))
	}
	return list
}

// loadTyped and loadMixed fill the tables things and mixed, and open the database.
func (s *dbServer) loadTyped(t testing.TB) query.Database {
	if s.name != "mongo" {
		return s.load(t, typed(s.name))
	}
	s.Fill(t, "things", typedDocs(t)...)
	return s.connect(t, 4)
}

func (s *dbServer) loadMixed(t testing.TB) query.Database {
	if s.name != "mongo" {
		return s.load(t, typedMixed(s.name))
	}
	s.Fill(t, "mixed", typedMixedDocs(t)...)
	return s.connect(t, 4)
}
