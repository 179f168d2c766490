package decide_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/decide"
	"github.com/rulegate/rulegate/rules/value"
)

// FuzzRequest: no request causes a panic, no request continues unless its rule
// allows it, and every change can be sent.
//
// Every rule compares a part of the request with a secret. The check is that a
// request that continues has the digits of the secret somewhere, escaped or not.
//
// Each request is decided twice, in new memory and in that of the request before,
// and ends alike.
func FuzzRequest(f *testing.F) {
	const secret = "7391"
	is := func(path string) string {
		return `{"rule": "match", "type": "string", "eval": "==", "f1": "` + path + `", "f2": "` + secret + `"}`
	}
	p := parts{
		auth: `"claimsToHeaders": {"x-user-id": "id"}, "from": [{"header": "authorization", "prefix": "Bearer "}, {"query": "t"}], "forward": false`,
		routes: `{"name": "x", "match": {"path": "/x/{id...}"}, "auth": "optional", "rule": ` +
			both(either(is("args.params.a"), is("args.request.query.b"), is("args.request.headers.x-c")), force("args.params.n", `["a", 1]`), force("args.request.headers[args.request.query.h]", `"args.request.query.v"`)) + `}`,
		endpoints:   `"e": {"auth": "none", "rule": ` + is("args.params.a") + `}`,
		collections: `"users": {"rules": {"read": {"rule": "deny"}}}, "c": {"auth": "none", "rules": {"create": ` + both(is("args.doc.a"), `{"rule": "query", "db": "db", "col": "users", "find": {"id": "args.doc.a"}}`, force("args.opts.n", `"args.doc.a"`)) + `, "read": ` + is("args.find.a") + `}}`,
		queries:     `"q": {"auth": "none", "rule": ` + is("args.params.a") + `}, "default": {"rule": ` + is("args.params.b") + `}`,
		events:      `"e": {"auth": "none", "rule": ` + both(is("args.params.a"), force("args.params.n", `1`)) + `}, "default": {"rule": ` + is("args.params.b") + `}`,
		files:       `{"prefix": "/users/:id", "auth": "none", "rules": {"read": ` + is("args.params.id") + `}}`,
	}
	g, pol := p.load(f)
	for _, seed := range []string{
		"GET /x/1?a=7391", "GET /x/1?b=7391&h=x-d&v=1", "GET /x/1\nx-c: 7391\nx_user_id: 1", "POST /x/1?t={alice}\ncontent-type: application/json\n\n{\"a\":\"7391\"}",
		"POST /x/1\nauthorization: Bearer {alice}\ncontent-type: application/x-www-form-urlencoded\n\na=7391&n=%41",
		"POST /v1/api/shop/services/s/e\ncontent-type: application/json\n\n{\"params\":{\"a\":\"7391\"}}",
		"POST /v1/api/shop/crud/db/c/create\ncontent-type: application/json\n\n{\"op\":\"all\",\"doc\":[{\"a\":\"7391\"}]}",
		"POST /v1/api/shop/crud/db/c/read\ncontent-type: application/json\n\n{\"op\":\"one\",\"find\":{\"a\":\"7391\"}}",
		"POST /v1/api/shop/crud/db/prepared-queries/q\ncontent-type: application/json\n\n{\"params\":{\"a\":\"7391\"}}",
		"POST /v1/api/shop/eventing/queue\ncontent-type: application/json\n\n{\"type\":\"e\",\"payload\":{\"a\":\"7391\"}}",
		"POST /v1/api/shop/eventing/queue?t={alice}\ncontent-type: application/json\n\n{\"type\":\"x\",\"payload\":{\"b\":\"7391\"}}",
		"GET /v1/api/shop/files/users/7391/x", "DELETE /x/..%2f", "GET /x/1?a=%37391",
	} {
		f.Add(tokens(f, pol).Replace(seed))
	}
	used := new(decide.Request)
	f.Fuzz(func(t *testing.T, text string) {
		req, body := request(text)
		reply := func(rules.Call) rules.Reply { return rules.Reply{Rows: value.Arr(value.Obj())} }
		e := drive(g, req, body, reply)
		used.Clear()
		if again := driveIn(used, g, req, body, reply); !reflect.DeepEqual(again.plain(), e.plain()) {
			t.Errorf("in used memory it ends with\n%+v\nin new memory with\n%+v", again, e)
		}
		switch e.Action {
		case decide.Refuse:
			if e.Refusal.Status < 400 || e.Refusal.Outcome == "" || e.Refusal.Body == "" {
				t.Errorf("refused with %+v", e.Refusal)
			}
		case decide.Continue:
			if !holds(text, secret) {
				t.Errorf("forwarded\n%s", text)
			}
			for _, h := range e.Changes.SetHeaders {
				if h[0] != strings.ToLower(h[0]) || strings.ContainsAny(h[0]+h[1], "\r\n\x00") || strings.HasPrefix(h[0], ":") {
					t.Errorf("header %q", h)
				}
			}
		default:
			t.Errorf("ended with %+v", e.Step)
		}
	})
}

// plain is an ending without the parts that cannot be compared.
func (e ending) plain() ending {
	e.Response = nil
	if len(e.Changes.RemoveHeaders) == 0 {
		e.Changes.RemoveHeaders = nil
	}
	return e
}

// holds reports whether text has every character of the secret, escaped or not.
func holds(text, secret string) bool {
	for i := range secret {
		hex := []string{secret[i : i+1], "%3" + secret[i:i+1], `\u003` + secret[i:i+1]}
		found := false
		for _, h := range hex {
			found = found || strings.Contains(text, h)
		}
		if !found {
			return false
		}
	}
	return true
}
