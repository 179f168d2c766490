package decide_test

import "testing"

func TestForcedBody(t *testing.T) {
	p := route(force("args.params.user", `"args.auth.id"`))
	runAll(t, p, []test{
		{name: "set", request: "POST /x\nauthorization: Bearer {alice}\ncontent-type: application/json\ncontent-length: 2\n\n{}",
			sent: "content-length: 16\n\n{\"user\":\"alice\"}", without: "content-length: 2\n"},
		{name: "replaced, the rest keeps its bytes", request: "POST /x\nauthorization: Bearer {alice}\ncontent-type: application/json\n\n{ \"n\": 1.0e2 , \"user\": \"bob\", \"\\u0061\": [ ] }",
			sent: `{"n":1.0e2,"user":"alice","\u0061":[ ]}`},
		{name: "the same: nothing changes but white space", request: "POST /x\nauthorization: Bearer {alice}\ncontent-type: application/json\n\n{\"user\":\"alice\"}",
			sent: "\n\n{\"user\":\"alice\"}"},
		{name: "in an array nothing can be set", request: "POST /x\nauthorization: Bearer {alice}\ncontent-type: application/json\n\n[]", status: 403, outcome: "unknown"},
		{name: "in a form", request: "POST /x\nauthorization: Bearer {alice}\ncontent-type: application/x-www-form-urlencoded\ncontent-length: 20\n\nz=%7e&user=bob&a=1+2",
			sent: "content-length: 22\n\nz=%7e&user=alice&a=1+2"},
		{name: "a repeated field", request: "POST /x\nauthorization: Bearer {alice}\ncontent-type: application/x-www-form-urlencoded\n\nuser=bob&a=1&user=eve",
			sent: "\n\nuser=alice&a=1"},
		{name: "in the query", request: "GET /x?z=%7e&user=bob&a=1+2\nauthorization: Bearer {alice}", sent: "GET /x?z=%7e&user=alice&a=1+2\n"},
		{name: "in an empty query", request: "GET /x\nauthorization: Bearer {alice}", sent: "GET /x?user=alice\n"},
		{name: "in the query of a GET whose body is empty", request: "GET /x?a=1\nauthorization: Bearer {alice}\n\n", sent: "GET /x?a=1&user=alice\n"},
		{name: "where there is no body", request: "POST /x?user=bob\nauthorization: Bearer {alice}", status: 403, outcome: "unknown"},
		{name: "where the body is empty", request: "POST /x\nauthorization: Bearer {alice}\n\n", status: 403, outcome: "unknown"},
	})
	runAll(t, route(both(member, `{"rule": "remove", "fields": ["args.params.user"]}`)), []test{
		{name: "removed", request: "POST /x\nauthorization: Bearer {alice}\ncontent-type: application/json\n\n{\"user\":1,\"a\":2}", sent: "content-length: 7\n\n{\"a\":2}"},
		{name: "removed from the query", request: "GET /x?user=1&a=2&user=3\nauthorization: Bearer {alice}", sent: "GET /x?a=2\n"},
		{name: "all that there was", request: "GET /x?user=1\nauthorization: Bearer {alice}", sent: "GET /x\n"},
		{name: "absent", request: "GET /x?a=%41\nauthorization: Bearer {alice}", sent: "GET /x?a=%41\n"},
	})
	for _, tt := range []struct {
		rule string
		test
	}{
		{force("args.params", `{"a": 1}`), test{name: "the root", request: "POST /x\nauthorization: Bearer {alice}\ncontent-type: application/json\n\n[]", sent: "content-length: 8\n\n{\"a\": 1}"}},
		{`{"rule": "remove", "fields": ["args.params"]}`, test{name: "the root removed", request: "POST /x\nauthorization: Bearer {alice}\ncontent-type: application/json\n\n[1]", sent: "content-length: 0\n\n", without: "[1]"}},
		{force("args.params.a", `[1, true, "x"]`), test{name: "several values", request: "GET /x?a=0\nauthorization: Bearer {alice}", sent: "GET /x?a=1&a=true&a=x\n"}},
		{force("args.params.a", `{"b": 1}`), test{name: "an object has no place in a query", request: "GET /x?a=0\nauthorization: Bearer {alice}", status: 403, outcome: "unknown"}},
		{force("args.params.a", `null`), test{name: "nor has null", request: "GET /x?a=0\nauthorization: Bearer {alice}", status: 403, outcome: "unknown"}},
		{force("args.params.a", `null`), test{name: "in JSON it has", request: "POST /x\nauthorization: Bearer {alice}\ncontent-type: application/json\n\n{}", sent: `{"a":null}`}},
		{force("args.params.a", `{"b": 1}`), test{name: "an object has no place in a form", request: "POST /x\nauthorization: Bearer {alice}\ncontent-type: application/x-www-form-urlencoded\n\na=0", status: 403, outcome: "unknown"}},
		{force("args.params", `"x"`), test{name: "a form is fields", request: "POST /x\nauthorization: Bearer {alice}\ncontent-type: application/x-www-form-urlencoded\n\na=0", status: 403, outcome: "unknown"}},
		{both(force("args.scratch.a", `1`), there("args.scratch.a")), test{name: "what is no part of the request", request: "POST /x\nauthorization: Bearer {alice}\ncontent-type: text/plain\n\nx", sent: "\n\nx"}},
		{both(force("args.doc.a", `1`), there("args.doc.a")), test{name: "what is a part of other requests", request: "POST /x\nauthorization: Bearer {alice}\ncontent-type: text/plain\n\nx", sent: "\n\nx"}},
		{both(force("args.auth.id", `"bob"`), there("args.auth.id")), test{name: "a claim, for the evaluation only", request: "GET /x\nauthorization: Bearer {alice}", sent: "GET /x\nauthorization: ", without: "bob"}},
		{force("args.request.query.a", `"args.auth.id"`), test{name: "a query parameter, by its own name", request: "POST /x?b=1\nauthorization: Bearer {alice}\ncontent-type: text/plain\n\nx", sent: "POST /x?b=1&a=alice\n"}},
		{`{"rule": "remove", "fields": ["args.request.query"]}`, test{name: "the whole query", request: "POST /x?b=1\nauthorization: Bearer {alice}", sent: "POST /x\n"}},
		{both(force("args.request.query.a", `"1"`), force("args.params.b", `"2"`)), test{name: "the query in both its places", request: "GET /x?a=0&b=0\nauthorization: Bearer {alice}", sent: "GET /x?a=1&b=2\n"}},
		{both(force("args.request.query.a", `"1"`), force("args.params.a", `"1"`)), test{name: "alike", request: "GET /x?a=0\nauthorization: Bearer {alice}", sent: "GET /x?a=1\n"}},
		{both(force("args.request.query.a", `"1"`), force("args.params.a", `"2"`)), test{name: "not alike", request: "GET /x?a=0\nauthorization: Bearer {alice}", status: 403, outcome: "unknown"}},
		{either(both(force("args.params.a", `"1"`), bob), alice), test{name: "undone", request: "GET /x?a=0\nauthorization: Bearer {alice}", sent: "GET /x?a=0\n"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g, pol := route(tt.rule).load(t)
			tt.run(t, g, pol, noCalls)
		})
	}
}

func TestForcedHeaders(t *testing.T) {
	for _, tt := range []struct {
		rule string
		test
	}{
		{force("args.request.headers.x-tier", `"gold"`), test{name: "new", request: "GET /x", sent: "x-tier: gold\n"}},
		{force("args.request.headers.x-tier", `"gold"`), test{name: "instead of the client's", request: "GET /x\nx-tier: iron\nx-tier: lead", sent: "\nx-tier: gold\n\n"}},
		{force("args.request.headers.x-tier", `"gold"`), test{name: "instead of its twins", request: "GET /x\nx_tier: iron", sent: "x-tier: gold\n", without: "iron"}},
		{force("args.request.headers.X-Tier", `"gold"`), test{name: "names have no case", request: "GET /x\nx-tier: iron", sent: "x-tier: gold\n", without: "iron"}},
		{force("args.request.headers.x-tier", `["gold", "silver"]`), test{name: "several lines", request: "GET /x", sent: "x-tier: gold\nx-tier: silver\n"}},
		{force("args.request.headers.x-tier", `""`), test{name: "empty", request: "GET /x", sent: "x-tier: \n"}},
		{force("args.request.headers.x-tier", `"größe"`), test{name: "beyond ASCII", request: "GET /x", sent: "x-tier: größe\n"}},
		{force("args.request.headers.x-tier", `1`), test{name: "not a text", request: "GET /x", status: 403, outcome: "unknown"}},
		{force("args.request.headers.x-tier", `{"a": "b"}`), test{name: "nor several", request: "GET /x", status: 403, outcome: "unknown"}},
		{force("args.request.headers.x-tier", `"a\r\nx-admin: 1"`), test{name: "a line end", request: "GET /x", status: 403, outcome: "unknown"}},
		{force("args.request.headers.x-tier", `"a\u0000"`), test{name: "a NUL", request: "GET /x", status: 403, outcome: "unknown"}},
		{force("args.request.headers.x-tier", `" a"`), test{name: "a space that would go", request: "GET /x", status: 403, outcome: "unknown"}},
		{`{"rule": "remove", "fields": ["args.request.headers.x-debug"]}`, test{name: "removed", request: "GET /x\nx-debug: 1\nx-other: 2", sent: "x-other: 2", without: "x-debug"}},
		{both(force("args.request.headers.X-Tier", `"gold"`), force("args.request.headers.x-tier", `"iron"`)), test{name: "two spellings", request: "GET /x", status: 403, outcome: "unknown"}},
		{force("args.request.headers.host", `"evil"`), test{name: "host", request: "GET /x", status: 403}},
		{force("args.request.headers.content-length", `"1"`), test{name: "length", request: "GET /x", status: 403}},
		{force("args.request.headers.transfer-encoding", `"chunked"`), test{name: "framing", request: "GET /x", status: 403}},
		{`{"rule": "remove", "fields": ["args.request.headers.content-length"]}`, test{name: "length, removed", request: "POST /x\ncontent-length: 1\n\nx", status: 403}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			// A name that the policy has is checked when it is loaded; here the
			// names come with the request.
			p := parts{routes: `{"name": "x", "match": {"path": "/x"}, "auth": "none", "rule": ` + tt.rule + `}`}
			g, pol := p.load(t)
			tt.run(t, g, pol, noCalls)
		})
	}
	const field = "args.request.headers[args.request.query.name]"
	runAll(t, parts{routes: `{"name": "x", "match": {"path": "/x"}, "auth": "none", "rule": ` + force(field, `"args.request.query.value"`) + `}`}, []test{
		{name: "a name from the request", request: "GET /x?name=x-a&value=1", sent: "x-a: 1\n"},
		{name: "with a twin", request: "GET /x?name=x-a&value=1\nx_a: 2", sent: "x-a: 1\n", without: "x_a"},
		{name: "another spelling of one that stays", request: "GET /x?name=X-A&value=1\nx-a: 2", sent: "x-a: 1\n", without: "x-a: 2"},
		{name: "no name", request: "GET /x?name=&value=1", status: 403},
		{name: "a pseudo-header", request: "GET /x?name=:path&value=/admin", status: 403},
		{name: "a space in it", request: "GET /x?name=x+a&value=1", status: 403},
		{name: "a line end in it", request: "GET /x?name=x%0aa&value=1", status: 403},
		{name: "the length", request: "GET /x?name=content-length&value=1", status: 403},
		{name: "the length, in its other spelling", request: "GET /x?name=Content_Length&value=1", status: 403},
		{name: "the host", request: "GET /x?name=Host&value=evil", status: 403},
		{name: "a line end in the value", request: "GET /x?name=x-a&value=1%0d%0ax-admin:1", status: 403},
	})
}

func TestClaimsToHeaders(t *testing.T) {
	routes := `{"name": "x", "match": {"path": "/x"}, "rule": ` + member + `}, {"name": "open", "match": {"path": "/open"}, "rule": ` + open + `}`
	runAll(t, parts{auth: `"claimsToHeaders": {"x-user-id": "id", "x-n": "n", "x-roles": "roles", "x-none": "none"}`, routes: routes}, []test{
		{name: "set", request: "GET /x\nauthorization: Bearer {alice}", sent: "x-user-id: alice\n"},
		{name: "a number", request: "GET /x\nauthorization: Bearer {alice}", sent: "x-n: 7\n"},
		{name: "an array", request: "GET /x\nauthorization: Bearer {alice}", sent: "x-roles: [\"a\",\"b\"]\n"},
		{name: "a claim that is not there", request: "GET /x\nx-none: 1\nauthorization: Bearer {alice}", without: "x-none"},
		{name: "the client's own", request: "GET /x\nx-user-id: bob\nx-user-id: eve\nauthorization: Bearer {alice}", sent: "x-user-id: alice\n", without: "bob"},
		{name: "its twin", request: "GET /x\nx_user-id: bob\nx-user_id: bob\nx_user_id: bob\nauthorization: Bearer {alice}", sent: "x-user-id: alice\n", without: "bob"},
		{name: "without a token", request: "GET /open\nx-user-id: bob\nx_user_id: bob\nx-other: 1", sent: "x-other: 1\n", without: "bob"},
		{name: "a name that is longer", request: "GET /open\nx-user-id2: bob", sent: "x-user-id2: bob\n"},
	})
	for claim, status := range map[string]int{"bad": 403, "o": 403, "id": 0} {
		g, pol := parts{auth: `"claimsToHeaders": {"x-claim": "` + claim + `"}`, routes: routes}.load(t)
		test{request: "GET /x\nauthorization: Bearer {alice}", status: status}.run(t, g, pol, noCalls)
		test{request: "GET /open\nauthorization: Bearer {alice}"}.run(t, g, pol, noCalls)
	}
	// The rule does not see the client's value of a reserved header either.
	g, pol := parts{auth: `"claimsToHeaders": {"x-user-id": "id"}`, routes: `{"name": "x", "match": {"path": "/x"}, "auth": "none", "rule":
		{"rule": "match", "type": "bool", "eval": "==", "f1": "utils.exists(args.request.headers.x-user-id)", "f2": false}}`}.load(t)
	test{request: "GET /x\nx-user-id: bob"}.run(t, g, pol, noCalls)
}

func TestForwardFalse(t *testing.T) {
	const routes = `{"name": "x", "match": {"path": "/x"}, "rule": ` + member + `}, {"name": "open", "match": {"path": "/open"}, "rule": ` + open + `},
		{"name": "set", "match": {"path": "/set"}, "rule": {"rule": "and", "clauses": [` + member + `, {"rule": "force", "field": "args.request.headers.authorization", "value": "Basic eA=="}]}}`
	runAll(t, parts{auth: `"forward": false`, routes: routes}, []test{
		{name: "removed", request: "GET /x\nx-a: 1\nauthorization: Bearer {alice}", sent: "x-a: 1\n", without: "authorization"},
		{name: "kept where it was not looked at", request: "GET /open\nauthorization: Bearer {alice}", sent: "authorization: Bearer {alice}\n"},
		{name: "another scheme stays", request: "GET /open\nauthorization: Basic x", sent: "authorization: Basic x\n"},
		{name: "the rule's own stays", request: "GET /set\nauthorization: Bearer {alice}", sent: "authorization: Basic eA==\n", without: "Bearer"},
	})
	runAll(t, parts{auth: `"forward": true`, routes: routes}, []test{
		{name: "kept", request: "GET /x\nauthorization: Bearer {alice}", sent: "authorization: Bearer {alice}\n"},
	})
	runAll(t, parts{auth: `"from": [{"header": "x-token"}, {"query": "t"}], "forward": false`, routes: routes}, []test{
		{name: "another header", request: "GET /x\nx-token: {alice}\nauthorization: Bearer {alice}", sent: "authorization: Bearer {alice}\n", without: "x-token"},
		{name: "a parameter", request: "GET /x?a=%41&t={alice}&b=2", sent: "GET /x?a=%41&b=2\n"},
		{name: "a parameter alone", request: "GET /x?t={alice}", sent: "GET /x\n"},
		{name: "both", request: "GET /x?t={alice}\nx-token: {alice}", sent: "GET /x\n", without: "x-token"},
		{name: "two", request: "GET /x?t=other\nx-token: {alice}", status: 401},
		{name: "a parameter twice", request: "GET /x?t={alice}&t={alice}", status: 401},
		{name: "the usual header is none here", request: "GET /x\nauthorization: Bearer {alice}", status: 401},
	})
	runAll(t, parts{auth: `"from": [{"cookie": "session"}, {"query": "t"}], "forward": false`, routes: routes}, []test{
		{name: "a cookie", request: "GET /x\ncookie: a=1; session={alice}; b=2", sent: "cookie: a=1; b=2\n", without: "session"},
		{name: "a cookie alone", request: "GET /x\ncookie: session={alice}", without: "cookie"},
		{name: "a cookie on a line of its own", request: "GET /x\ncookie: a=1\ncookie: session={alice}", sent: "cookie: a=1\n", without: "session"},
		{name: "a cookie and a parameter", request: "GET /x?t={alice}\ncookie: session={alice}", sent: "GET /x\n", without: "cookie"},
		{name: "other cookies stay", request: "GET /x?t={alice}\ncookie: a=1; xsession=2", sent: "cookie: a=1; xsession=2\n"},
	})
}
