package dbtest_test

import (
	"strings"
	"testing"
	"time"

	"github.com/rulegate/rulegate/host/companion/dbtest"
	"github.com/rulegate/rulegate/host/companion/query"
	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/value"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// valued makes a table of one row with each kind of value, in the types of each
// database.
var valued = map[string][]string{
	"sqlite": {`CREATE TABLE valued (id INTEGER, yes BOOLEAN, no BOOLEAN, big INTEGER, exact TEXT, half REAL, at DATETIME, day DATE, uid TEXT, bin BLOB, doc JSON, tags JSON, none TEXT)`,
		`INSERT INTO valued VALUES (1, 1, 0, 9007199254740993, '12345678901234567890.12', 0.5, '2024-01-01 10:00:00.25', '2024-02-29', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', x'00ff', '{"n":9007199254740993}', '["x","y"]', NULL)`},
	"postgres": {`DROP TABLE IF EXISTS valued`, `CREATE TABLE valued (id INT, yes BOOLEAN, no BOOLEAN, big BIGINT, exact NUMERIC(30, 2), half DOUBLE PRECISION, at TIMESTAMPTZ, day DATE, uid UUID, bin BYTEA, doc JSONB, tags TEXT[], none TEXT)`,
		`INSERT INTO valued VALUES (1, TRUE, FALSE, 9007199254740993, 12345678901234567890.12, 0.5, '2024-01-01 12:00:00.25+02', '2024-02-29', 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', '\x00ff', '{"n":9007199254740993}', '{x,y}', NULL)`},
	"mariadb": {`DROP TABLE IF EXISTS valued`, `CREATE TABLE valued (id INT, yes TINYINT(1), no BOOLEAN, big BIGINT, exact DECIMAL(30, 2), half DOUBLE, at DATETIME(3), day DATE, uid UUID, bin VARBINARY(9), doc JSON, tags JSON, none TEXT)`,
		`INSERT INTO valued VALUES (1, 1, 0, 9007199254740993, 12345678901234567890.12, 0.5, '2024-01-01 10:00:00.25', '2024-02-29', 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', x'00ff', '{"n":9007199254740993}', '["x","y"]', NULL)`},
}

func valuedDoc(t *testing.T) bson.D {
	uid := bson.Binary{Subtype: bson.TypeBinaryUUID, Data: []byte("\xa0\xee\xbc\x99\x9c\x0b\x4e\xf8\xbb\x6d\x6b\xb9\xbd\x38\x0a\x11")}
	id, err := bson.ObjectIDFromHex("507f1f77bcf86cd799439011")
	if err != nil {
		t.Fatal(err)
	}
	// FerretDB stores no decimals; TestDocumentsAsJSON tests them.
	return bson.D{{Key: "_id", Value: id}, {Key: "id", Value: 1}, {Key: "yes", Value: true}, {Key: "no", Value: false}, {Key: "big", Value: int64(9007199254740993)}, {Key: "half", Value: 0.5},
		{Key: "at", Value: day("2024-01-01T10:00:00.25Z")}, {Key: "day", Value: day("2024-02-29T00:00:00Z")}, {Key: "uid", Value: uid}, {Key: "bin", Value: bson.Binary{Data: []byte("\x00\xff")}},
		{Key: "doc", Value: bson.D{{Key: "n", Value: int64(9007199254740993)}}}, {Key: "tags", Value: bson.A{"x", "y"}}, {Key: "none", Value: nil}}
}

// Rules read the values of every database alike.
func TestValuesAreWhatRulesUnderstand(t *testing.T) {
	match := func(typ, eval, f1, f2 string) string {
		return `{"rule":"match","type":"` + typ + `","eval":"` + eval + `","f1":"args.result.0.` + f1 + `","f2":` + f2 + `}`
	}
	type check struct {
		clause string
		want   rules.Outcome
		except string // databases that differ
	}
	checks := []check{
		{match("bool", "==", "yes", "true"), rules.Yes, ""}, {match("bool", "==", "no", "true"), rules.No, ""}, {match("number", "==", "yes", "1"), rules.Unknown, ""},
		{match("number", "==", "big", "9007199254740993"), rules.Yes, ""}, {match("number", "==", "big", "9007199254740992"), rules.No, ""}, {match("string", "==", "big", `"9007199254740993"`), rules.Unknown, ""},
		{match("number", "==", "half", "0.5"), rules.Yes, ""}, {match("number", ">", "exact", "12345678901234500000"), rules.Yes, "mongo sqlite"},
		{match("date", "==", "at", `"2024-01-01T10:00:00.25Z"`), rules.Yes, ""}, {match("date", "<", "at", `"2024-01-01T10:00:00.25Z"`), rules.No, ""}, {match("string", "==", "at", `"2024-01-01T10:00:00.25Z"`), rules.Yes, ""},
		{match("date", "==", "day", `"2024-02-29"`), rules.Yes, ""}, {match("date", ">", "day", `"2024-02-29T00:00:00Z"`), rules.No, ""},
		{match("string", "==", "uid", `"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"`), rules.Yes, ""}, {match("string", "==", "bin", `"AP8="`), rules.Yes, ""},
		{match("number", "==", "doc.n", "9007199254740993"), rules.Yes, ""}, {match("string", "==", "tags.1", `"y"`), rules.Yes, ""}, {match("string", "==", "none", `"null"`), rules.Unknown, ""},
		{`{"rule":"match","type":"bool","eval":"==","f1":"utils.exists(args.result.0.none)","f2":true}`, rules.Yes, ""},
		{`{"rule":"match","type":"string","eval":"==","f1":"utils.objectIdToString(args.result.0._id)","f2":"507f1f77bcf86cd799439011"}`, rules.Yes, "sqlite postgres mariadb"},
	}
	finds := []struct{ doc, except string }{
		{`{"yes":true}`, ""}, {`{"big":9007199254740993}`, ""}, {`{"exact":12345678901234567890.12}`, "mongo sqlite"}, {`{"at":{"$date":"2024-01-01T10:00:00.25Z"}}`, ""}, {`{"day":{"$date":"2024-02-29"}}`, ""},
		{`{"uid":"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"}`, ""}, {`{"doc.n":9007199254740993,"tags":"x"}`, ""}, {`{"none":null,"half":0.5}`, ""},
		{`{"uid":{"$gt":"a0"}}`, ""}, {`{"uid":{"$lt":"a1","$gte":"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"}}`, ""}, {`{"uid":{"$not":{"$gt":"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"}}}`, ""}, {`{"$nor":[{"uid":{"$lt":"a"}}]}`, ""},
		{`{"tags.1":"y"}`, ""}, {`{"tags.0.x":{"$exists":false}}`, ""}, {`{"$nor":[{"tags.0.x":null}]}`, ""}, {`{"$nor":[{"tags.2":null}]}`, ""},
		{`{"at":{"$ne":"2024-01-01T10:00:00.25Z"},"day":{"$ne":"2024-02-29"}}`, ""}, {`{"half":{"$gt":1e-400}}`, ""},
		{`{"_id":{"$oid":"507f1f77bcf86cd799439011"}}`, "sqlite postgres mariadb"}, {`{"_id":{"$in":[{"$oid":"507f1f77bcf86cd799439011"}]}}`, "sqlite postgres mariadb"},
	}
	run := func(t *testing.T, name string, db query.Database) {
		out, err := dbtest.Rows(t, db, "valued", `{"id":1}`, 10, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		rows, err := value.Parse(out, 64)
		if err != nil || rows.Len() != 1 {
			t.Fatal(out, err)
		}
		for _, c := range checks {
			if contains(c.except, name) {
				continue
			}
			spec, err := value.Parse(c.clause, 20)
			if err != nil {
				t.Fatal(err)
			}
			r, faults := rules.Compile(spec, "rule", &rules.Env{})
			if faults != nil {
				t.Fatal(faults)
			}
			v := r.Eval(&rules.Input{Args: value.Obj(value.Member{Key: "result", Value: rows}), Now: time.Now()}, rules.Memo{})
			if v.Outcome != c.want {
				t.Errorf("%s: %v (%s), want %v, in %s", c.clause, v.Outcome, v.Reason, c.want, out)
			}
		}
		for _, f := range finds {
			if got, err := dbtest.IDs(t, db, "valued", f.doc); !contains(f.except, name) && (err != nil || got != "1") {
				t.Errorf("%s: rows %q, %v", f.doc, got, err)
			}
		}
	}
	t.Run("sqlite", func(t *testing.T) { run(t, "sqlite", onSQLite(t, valued["sqlite"])) })
	allServers(t, func(t *testing.T, s *dbServer) {
		if s.name == "mongo" {
			s.Fill(t, "valued", valuedDoc(t))
			run(t, s.name, s.connect(t, 2))
			return
		}
		run(t, s.name, s.load(t, valued[s.name]))
	})
}

func contains(list, name string) bool {
	return list != "" && strings.Contains(" "+list+" ", " "+name+" ")
}
