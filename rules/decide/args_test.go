package decide_test

import (
	"testing"

	"github.com/rulegate/rulegate/rules"
)

// seen is a rule that sends all of args to a webhook.
const seen = `{"rule": "webhook", "url": "http://hook.internal/"}`

func ok(rules.Call) rules.Reply { return rules.Reply{Status: 204} }

func hooked(p parts) parts {
	p.auth += `"forward": true}, "webhooks": {"allow": ["hook.internal"]}, "crypto": {"aesKey": "Olw6AhA/GzSxfhwKLxO7JJsUL6VUwwGEFTgxzoZPy9g="`
	return p
}

func TestArgs(t *testing.T) {
	g, pol := hooked(parts{
		routes:      `{"name": "x", "match": {"path": "/x/{id}"}, "auth": "optional", "rule": ` + seen + `}`,
		endpoints:   `"e": {"auth": "none", "rule": ` + seen + `}`,
		collections: `"c": {"auth": "none", "rules": {"read": ` + seen + `, "create": ` + seen + `, "aggr": ` + seen + `, "update": ` + seen + `}}`,
		files:       `{"prefix": "/users/:id", "auth": "none", "rules": {"read": ` + seen + `, "create": ` + seen + `}}`,
	}).load(t)
	const db = "POST /v1/api/shop/crud/db/c/"
	for _, tt := range []struct {
		name, request string
		path          []string // into args
		want          string   // JSON; null: not there
	}{
		{"claims", "GET /x/1\nauthorization: Bearer {alice}", []string{"auth", "id"}, `"alice"`},
		{"no claims", "GET /x/1", []string{"auth"}, `null`},
		{"token", "GET /x/1\nauthorization: Bearer {alice}", []string{"token"}, `"{alice}"`},
		{"no token", "GET /x/1", []string{"token"}, `null`},
		{"method", "GET /x/1", []string{"request", "method"}, `"GET"`},
		{"scheme", "GET /x/1", []string{"request", "scheme"}, `"https"`},
		{"scheme of the connection", "GET /x/1\nx-forwarded-proto: http", []string{"request", "scheme"}, `"http"`},
		{"host", "GET /x/1", []string{"request", "host"}, `"shop.example"`},
		{"path", "GET /x/a%20b?c", []string{"request", "path"}, `"/x/a%20b"`},
		{"vars, decoded once", "GET /x/a%2541", []string{"request", "vars"}, `{"id":"a%41"}`},
		{"query", "GET /x/1?a=1&b=2&a=3", []string{"request", "query"}, `{"a":["1","3"],"b":"2"}`},
		{"no query", "GET /x/1", []string{"request", "query"}, `{}`},
		{"header", "GET /x/1\nX-A: 1", []string{"request", "headers", "x-a"}, `"1"`},
		{"repeated header", "GET /x/1\nx-a: 1\nx-b: 2\nx-a: 3", []string{"request", "headers", "x-a"}, `["1","3"]`},
		{"ip", "GET /x/1", []string{"request", "ip"}, `"192.0.2.1"`},
		{"id", "GET /x/1\nx-request-id: r1", []string{"request", "id"}, `"r1"`},
		{"no peer", "GET /x/1", []string{"peer"}, `null`},

		{"a route's object", "POST /x/1\ncontent-type: application/json\n\n{\"a\": 1.0}", []string{"params"}, `{"a": 1.0}`},
		{"a route's array", "PUT /x/1\ncontent-type: application/json\n\n[1]", []string{"params"}, `[1]`},
		{"a route's form", "POST /x/1\ncontent-type: application/x-www-form-urlencoded\n\na=1&a=2&b=%41+", []string{"params"}, `{"a":["1","2"],"b":"A "}`},
		{"a GET's query", "GET /x/1?a=1", []string{"params"}, `{"a":"1"}`},
		{"a HEAD's query", "HEAD /x/1?a=1", []string{"params"}, `{"a":"1"}`},
		{"a DELETE's query", "DELETE /x/1?a=1", []string{"params"}, `{"a":"1"}`},
		{"a GET's query, its body being empty", "GET /x/1?a=1\n\n", []string{"params"}, `{"a":"1"}`},
		{"a GET's body", "GET /x/1\ncontent-type: application/json\n\n{\"b\":2}", []string{"params"}, `{"b":2}`},
		{"a GET without a query", "GET /x/1", []string{"params"}, `{}`},
		{"a POST without a body", "POST /x/1?a=1", []string{"params"}, `null`},
		{"a POST whose body is empty", "POST /x/1?a=1\n\n", []string{"params"}, `null`},

		{"a service's params", "POST /v1/api/shop/services/s/e\ncontent-type: application/json\n\n{\"params\":{\"a\":1},\"timeout\":3}", []string{"params"}, `{"a":1}`},
		{"a service's scalar", "POST /v1/api/shop/services/s/e\ncontent-type: application/json\n\n{\"params\":1}", []string{"params"}, `1`},
		{"a service without params", "POST /v1/api/shop/services/s/e\ncontent-type: application/json\n\n{\"timeout\":1}", []string{"params"}, `null`},
		{"a service without a body", "POST /v1/api/shop/services/s/e", []string{"params"}, `null`},

		{"find", db + "read\ncontent-type: application/json\n\n{\"op\":\"all\",\"find\":{\"a\":1}}", []string{"find"}, `{"a":1}`},
		{"op", db + "read\ncontent-type: application/json\n\n{\"op\":\"count\"}", []string{"op"}, `"count"`},
		{"no find", db + "read\ncontent-type: application/json\n\n{\"op\":\"all\"}", []string{"find"}, `null`},
		{"options", db + "read\ncontent-type: application/json\n\n{\"op\":\"all\",\"options\":{\"limit\":1}}", []string{"opts"}, `{"limit":1}`},
		{"pipe", db + "aggr\ncontent-type: application/json\n\n{\"op\":\"all\",\"pipe\":[{}]}", []string{"pipeline"}, `[{}]`},
		{"update", db + "update\ncontent-type: application/json\n\n{\"op\":\"one\",\"update\":{\"$set\":{}}}", []string{"update"}, `{"$set":{}}`},
		{"doc", db + "create\ncontent-type: application/json\n\n{\"op\":\"one\",\"doc\":{\"a\":1}}", []string{"doc"}, `{"a":1}`},
		{"the only one of several", db + "create\ncontent-type: application/json\n\n{\"op\":\"all\",\"doc\":[{\"a\":1}]}", []string{"doc"}, `{"a":1}`},
		{"an operation has no params", db + "read\ncontent-type: application/json\n\n{\"op\":\"all\"}", []string{"params"}, `null`},

		{"a file's variables", "GET /v1/api/shop/files/users/a%20b/x", []string{"params"}, `{"id":"a b"}`},
		{"a file's variables, whatever is sent", "POST /v1/api/shop/files/users/7\ncontent-type: text/plain\n\nx", []string{"params"}, `{"id":"7"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := test{request: tt.request}.run(t, g, pol, ok)
			if len(e.calls) != 1 {
				t.Fatalf("%d calls", len(e.calls))
			}
			v := e.calls[0].Body
			for _, key := range tt.path {
				v = v.Key(key)
			}
			if got, want := v.String(), tokens(t, pol).Replace(tt.want); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}

func TestMalformedPartsThatNoRuleReads(t *testing.T) {
	// A malformed query is refused only if a rule reads the query, a header only if a
	// rule names it.
	g, pol := parts{routes: `{"name": "x", "match": {"path": "/x"}, "rule": ` + member + `}, {"name": "y", "match": {"path": "/y"}, "auth": "none", "rule":
		{"rule": "match", "type": "string", "eval": "!=", "f1": "args.request.method", "f2": "PUT"}}, {"name": "z", "match": {"path": "/z"}, "auth": "none", "rule":
		{"rule": "match", "type": "bool", "eval": "==", "f1": "utils.exists(args.request.headers.user-agent)", "f2": false}}`}.load(t)
	for _, tt := range []test{
		{request: "GET /x?a=%zz\nauthorization: Bearer {alice}\nuser-agent: \xff"},
		{request: "GET /y"},
		{request: "GET /y?a=%zz", status: 400},
		{request: "GET /y?a=1;b=2", status: 400},
		{request: "GET /y\nuser-agent: \xff"},
		{request: "GET /z\nx-a: 1\nuser-agent: \xff", status: 403},
		{request: "GET /z\nx-a: 1\nuser-agent: a\nuser-agent: \xff", status: 403},
		{request: "GET /z\nx-a: \xff"},
	} {
		tt.run(t, g, pol, noCalls)
	}
}
