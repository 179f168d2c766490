package decide_test

import (
	"strings"
	"testing"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/value"
)

func TestOperation(t *testing.T) {
	const (
		db   = "POST /v1/api/shop/crud/db/c/"
		json = "\ncontent-type: application/json\n\n"
	)
	own := `{"rule": "match", "type": "string", "eval": "==", "f1": "args.doc.user", "f2": "x"}`
	runAll(t, parts{collections: `"c": {"auth": "none", "rules": {"read": ` + open + `, "create": ` + own + `, "delete": {"rule": "deny"}}}`}, []test{
		{name: "read one", request: db + "read" + json + `{"op":"one"}`},
		{name: "read all", request: db + "read" + json + `{"op":"all"}`},
		{name: "read count", request: db + "read" + json + `{"op":"count"}`},
		{name: "read distinct", request: db + "read" + json + `{"op":"distinct"}`},
		{name: "an operation nobody knows", request: db + "read" + json + `{"op":"most"}`, status: 400, outcome: "invalid"},
		{name: "none", request: db + "read" + json + `{}`, status: 400},
		{name: "one that is no text", request: db + "read" + json + `{"op":["all"]}`, status: 400},
		{name: "an array", request: db + "read" + json + `[]`, status: 400},
		{name: "no body", request: db + "read", status: 400},
		{name: "an empty body", request: db + "read\n\n", status: 400},
		{name: "a form", request: db + "read\ncontent-type: application/x-www-form-urlencoded\n\nop=all", status: 415},
		{name: "denied before the body comes", request: db + "delete" + json + `{"op":"most"}`, status: 403, unread: true},
		{name: "create one", request: db + "create" + json + `{"op":"one","doc":{"user":"x"}}`},
		{name: "create another", request: db + "create" + json + `{"op":"one","doc":{"user":"y"}}`, status: 403},
		{name: "create one, an array", request: db + "create" + json + `{"op":"one","doc":[{"user":"x"}]}`, status: 400},
		{name: "create all", request: db + "create" + json + `{"op":"all","doc":[{"user":"x"},{"user":"x"}]}`},
		{name: "create all, one of them not ours", request: db + "create" + json + `{"op":"all","doc":[{"user":"x"},{"user":"y"}]}`, status: 403, outcome: "no"},
		{name: "create all, the first not ours", request: db + "create" + json + `{"op":"all","doc":[{"user":"y"},{"user":"x"}]}`, status: 403, outcome: "no"},
		{name: "create all, none at all", request: db + "create" + json + `{"op":"all","doc":[]}`, status: 400},
		{name: "create all, an object", request: db + "create" + json + `{"op":"all","doc":{"user":"x"}}`, status: 400},
		{name: "create all, in arrays", request: db + "create" + json + `{"op":"all","doc":[[{"user":"x"}]]}`, status: 400},
		{name: "create count", request: db + "create" + json + `{"op":"count","doc":{"user":"x"}}`, status: 400},
	})
	edit := both(force("args.doc.user", `"me"`), force("args.opts.by", `"gate"`), force("args.params.x", "1"), there("args.params.x"))
	runAll(t, parts{collections: `"c": {"auth": "none", "rules": {"create": ` + edit + `, "read": ` + force("args.find.user", `"me"`) + `, "update": ` + force("args.op", `"few"`) + `}}`}, []test{
		{name: "each document is changed", request: db + "create" + json + `{"op":"all","find": 1,"doc":[{"a":1},{"user":"you"}]}`,
			sent: `{"op":"all","find":1,"doc":[{"a":1,"user":"me"},{"user":"me"}],"options":{"by":"gate"}}`},
		{name: "the one is", request: db + "create" + json + `{"op":"one","doc":{}}`, sent: `{"op":"one","doc":{"user":"me"},"options":{"by":"gate"}}`},
		{name: "a filter", request: db + "read" + json + `{"op":"all"}`, sent: `{"op":"all","find":{"user":"me"}}`},
		{name: "an operation that is none", request: db + "update" + json + `{"op":"all"}`, status: 403, outcome: "unknown"},
	})
	runAll(t, parts{endpoints: `"e": {"auth": "none", "rule": ` + force("args.params.user", `"me"`) + `}`}, []test{
		{name: "a service's params", request: "POST /v1/api/shop/services/s/e" + json + `{"timeout":1.0,"params":{"user":"you"}}`, sent: `{"timeout":1.0,"params":{"user":"me"}}`},
		{name: "which there were none", request: "POST /v1/api/shop/services/s/e" + json + `{"timeout":1.0}`, sent: `{"timeout":1.0,"params":{"user":"me"}}`},
		{name: "not an object", request: "POST /v1/api/shop/services/s/e" + json + `[]`, status: 400},
	})
}

func TestCarriedFromDocumentToDocument(t *testing.T) {
	// A run sees the earlier runs' changes to the roots that go back into the
	// request: the second sees args.opts.seen, but not args.scratch or the method.
	rule := both(
		`{"rule": "or", "clauses": [
			{"rule": "match", "type": "bool", "eval": "==", "f1": "utils.exists(args.opts.seen)", "f2": false},
			{"rule": "force", "field": "args.doc.second", "value": true}]}`,
		`{"rule": "match", "type": "bool", "eval": "==", "f1": "utils.exists(args.scratch)", "f2": false}`,
		`{"rule": "match", "type": "bool", "eval": "==", "f1": "utils.exists(args.doc.first)", "f2": false}`,
		`{"rule": "match", "type": "string", "eval": "!=", "f1": "args.request.method", "f2": "PUT"}`,
		force("args.scratch", "1"), force("args.opts.seen", "true"), force("args.request.method", `"PUT"`),
		there("args.scratch"), there("args.request.method"),
	)
	runAll(t, parts{collections: `"c": {"auth": "none", "rules": {"create": ` + rule + `}}`}, []test{
		{name: "", request: "POST /v1/api/shop/crud/db/c/create\ncontent-type: application/json\n\n" + `{"op":"all","doc":[{},{},{}]}`,
			sent: `{"op":"all","doc":[{},{"second":true},{"second":true}],"options":{"seen":true}}`},
	})
}

func TestCallsOfSeveralDocuments(t *testing.T) {
	lookup := `{"rule": "query", "db": "db", "col": "users", "find": {"id": "args.doc.user"}}`
	p := parts{collections: `"users": {"rules": {"read": {"rule": "deny"}}}, "c": {"auth": "none", "rules": {"create": ` + lookup + `}}, "d": {"auth": "none", "rules": {"create": ` + both(lookup, force("args.opts.n", "1")) + `}}`}
	g, pol := p.load(t)
	known := func(c rules.Call) rules.Reply {
		if id, _ := c.Find.Key("id").Text(); strings.HasPrefix(id, "u") {
			return rules.Reply{Rows: value.Arr(value.Obj(value.Member{Key: "id", Value: value.Str(id)}))}
		}
		return rules.Reply{Rows: value.Arr()}
	}
	create := func(col, docs string) string {
		return "POST /v1/api/shop/crud/db/" + col + "/create\ncontent-type: application/json\n\n" + `{"op":"all","doc":[` + docs + `]}`
	}
	for _, tt := range []struct {
		test
		calls int
	}{
		{test{name: "all known", request: create("c", `{"user":"u1"},{"user":"u2"},{"user":"u3"}`)}, 3},
		{test{name: "one is not", request: create("c", `{"user":"u1"},{"user":"x"},{"user":"u3"}`), status: 403, outcome: "no"}, 3},
		{test{name: "more than limits.calls", request: create("c", `{"user":"u1"},{"user":"u2"},{"user":"u3"},{"user":"u4"}`), status: 413}, 0},
		{test{name: "one after the other", request: create("d", `{"user":"u1"},{"user":"u2"},{"user":"u3"}`), sent: `"options":{"n":1}`}, 3},
		{test{name: "one after the other, until one is not", request: create("d", `{"user":"u1"},{"user":"x"},{"user":"u3"}`), status: 403}, 2},
		{test{name: "one after the other, more than limits.calls", request: create("d", `{"user":"u1"},{"user":"u2"},{"user":"u3"},{"user":"u4"}`), status: 413}, 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if e := tt.run(t, g, pol, known); len(e.calls) != tt.calls {
				t.Errorf("%d calls, want %d", len(e.calls), tt.calls)
			}
		})
	}
}

// The rule runs once for each document, so their number is bounded.
func TestManyDocuments(t *testing.T) {
	p := parts{requestBody: 100_000, collections: `"c": {"auth": "none", "rules": {"create": {"rule": "match", "type": "bool", "eval": "==", "f1": "utils.exists(args.doc)", "f2": true}}}`}
	create := func(n int) string {
		return "POST /v1/api/shop/crud/db/c/create\ncontent-type: application/json\n\n" + `{"op":"all","doc":[{}` + strings.Repeat(",{}", n-1) + `]}`
	}
	runAll(t, p, []test{
		{name: "at the bound", request: create(10_000)},
		{name: "one more", request: create(10_001), status: 413, outcome: "invalid"},
	})
}
