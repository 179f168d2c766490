package policy

import (
	"strings"
	"testing"
)

// Rules that compile and can only be a mistake are faults. Each has a twin, one
// change away, that loads.
func TestMistakes(t *testing.T) {
	m := func(f1, f2 string) string {
		return "{rule: match, type: string, eval: '==', f1: " + f1 + ", f2: " + f2 + "}"
	}
	for name, c := range map[string]struct{ bad, want, good string }{
		"two constants": {
			m("role", "admin"), "rule: both operands are written in the rule, so the result is always the same", m("args.auth.role", "admin"),
		},
		"a list of constants": {
			"{rule: match, type: number, eval: in, f1: 1, f2: [1, 2]}", "rule: both operands are written in the rule, so the result is always the same",
			"{rule: match, type: number, eval: in, f1: args.auth.n, f2: [1, 2]}",
		},
		"a list with a reference": {
			"{rule: match, type: number, eval: in, f1: 1, f2: []}", "rule: both operands are written in the rule, so the result is always the same|rule.f2: an empty list, in which no value is",
			"{rule: match, type: number, eval: in, f1: 1, f2: [args.auth.n]}",
		},
		"an empty list": {
			"{rule: match, type: string, eval: notIn, f1: args.auth.n, f2: []}", "rule.f2: an empty list, so every value is not in it",
			"{rule: match, type: string, eval: notIn, f1: args.auth.n, f2: [a]}",
		},
		"a root without args": {
			m("auth.role", "guest"), `rule.f1: "auth.role" is a text, not a reference: did you mean args.auth.role? If the text is meant, write {literal: …}`, m("{literal: auth.role}", "args.auth.x"),
		},
		"arg": {
			m("args.params.owner", "arg.auth.id"), `rule.f2: "arg.auth.id" is a text, not a reference: did you mean args.auth.id? If the text is meant, write {literal: …}`, m("args.params.owner", "args.auth.id"),
		},
		"another case, after a blank": {
			m("args.params.owner", "' Args.auth.id'"), `rule.f2: " Args.auth.id" is a text, not a reference: did you mean args.auth.id? If the text is meant, write {literal: …}`, m("args.params.owner", "{literal: ' Args.auth.id'}"),
		},
		"a letter swapped": {
			m("args.params.owner", "agrs.auth.id"), `rule.f2: "agrs.auth.id" is a text, not a reference: did you mean args.auth.id? If the text is meant, write {literal: …}`, m("args.params.host", "arts.example.com"),
		},
		"a template": {
			m("args.params.owner", "'{{args.auth.id}}'"), `rule.f2: "{{args.auth.id}}" is a text, not a reference: did you mean args.auth.id? If the text is meant, write {literal: …}`, m("args.params.owner", "'{x}'"),
		},
		"a dollar": {
			m("args.params.owner", "$args.auth.id"), `rule.f2: "$args.auth.id" is a text, not a reference: did you mean args.auth.id? If the text is meant, write {literal: …}`, m("args.params.owner", "$5"),
		},
		"a function without utils": {
			m("args.params.owner", "lower(args.auth.id)"), `rule.f2: "lower(args.auth.id)" is a text, not a reference: did you mean utils.lower(args.auth.id)? If the text is meant, write {literal: …}`, m("args.params.owner", "utils.lower(args.auth.id)"),
		},
		"in a list": {
			"{rule: match, type: string, eval: in, f1: args.auth.id, f2: [a, auth.id]}", `rule.f2[1]: "auth.id" is a text, not a reference: did you mean args.auth.id? If the text is meant, write {literal: …}`,
			"{rule: match, type: string, eval: in, f1: args.auth.id, f2: [a, args.params.id]}",
		},
		"as a value": {
			"{rule: force, field: args.params.owner, value: Auth.id}", `rule.value: "Auth.id" is a text, not a reference: did you mean args.auth.id? If the text is meant, write {literal: …}`,
			"{rule: force, field: args.params.owner, value: Authentic}",
		},
		"in find": {
			"{rule: query, db: d, col: c, find: {$or: [{b: auth.id}]}}", `rule.find.$or[0].b: "auth.id" is a text, not a reference: did you mean args.auth.id? If the text is meant, write {literal: …}`,
			"{rule: query, db: d, col: c, find: {a: {$in: [args.auth.id, 'auth']}, b: {$regex: 'auth.id'}}}",
		},
		"an unknown root": {
			m("args.claims.role", "x"), "rule.f1: args.claims.role: args has no claims; it has auth, token, params, request, peer", m("args.auth.role", "x"),
		},
		"a root that a force writes": {
			m("args.prams.a", "x"), "rule.f1: args.prams.a: args has no prams; did you mean args.params?",
			"{rule: and, clauses: [{rule: force, field: args.prams.a, value: x}, " + m("args.prams.a", "x") + "]}",
		},
		"a root of databases": {
			m("args.doc.a", "x"), "rule.f1: args.doc.a: only a rule of a database has args.doc", m("args.params.doc.a", "x"),
		},
		"the response in a request": {
			m("args.res.a", "x"), "rule.f1: args.res.a: only a rule on the response has args.res", "{rule: authenticated}\n    response: " + m("args.res.a", "x"),
		},
		"a member of the request": {
			m("args.request.header.a", "x"), "rule.f1: args.request.header.a: args.request has no header; did you mean args.request.headers?", m("args.request.headers.a", "x"),
		},
		"a member of a text": {
			m("args.request.ip.a", "x"), "rule.f1: args.request.ip.a: ip has no members", m("args.request.ip", "x"),
		},
		"a member of the peer": {
			m("args.peer.urisan", "x"), "rule.f1: args.peer.urisan: args.peer has no urisan; did you mean args.peer.uriSan?", m("args.peer.uriSan", "x"),
		},
		"a capture": {
			m("args.request.vars.tenat", "x"), "rule.f1: args.request.vars.tenat: the path of routes[0] has no variable tenat; did you mean tenant?", m("args.request.vars.tenant", "x"),
		},
		"a header in capitals": {
			m("args.request.headers.X-Env", "x"), "rule.f1: args.request.headers.X-Env: the names of headers are in lower case here; want args.request.headers.x-env", m("args.request.headers.x-env", "x"),
		},
		"claims without a token": {
			m("args.auth.id", "x") + "\n    auth: none", "rule.f1: args.auth.id: routes[0] reads no token, so it is always missing; want auth: required or optional", m("args.auth.id", "x") + "\n    auth: optional",
		},
		"a result without a query": {
			m("args.result.0.a", "x"), "rule.f1: args.result.0.a: no query and no webhook comes before it",
			"{rule: query, db: d, col: c, clause: " + m("args.result.0.a", "x") + "}",
		},
		"a result before the query": {
			"{rule: and, clauses: [" + m("args.result.0.a", "x") + ", {rule: query, db: d, col: c}]}", "rule.clauses[0].f1: args.result.0.a: no query and no webhook comes before it",
			"{rule: and, clauses: [{rule: query, db: d, col: c}, " + m("args.result.0.a", "x") + "]}",
		},
		"a result that is stored elsewhere": {
			"{rule: query, db: d, col: c, store: args.rows, clause: " + m("args.result.0.a", "x") + "}", "rule.clause.f1: args.result.0.a: no query and no webhook comes before it",
			"{rule: query, db: d, col: c, store: args.rows, clause: " + m("args.rows.0.a", "x") + "}",
		},
		"the body by its wrong name": {
			"{rule: force, field: args.body.owner, value: args.auth.id}", "rule.field: args.body.owner is not part of the request that is sent on, and nothing reads it afterwards; the body is args.params",
			"{rule: force, field: args.params.owner, value: args.auth.id}",
		},
		"a change that nobody reads": {
			"{rule: and, clauses: [" + m("args.auth.a", "x") + ", {rule: remove, fields: [args.auth.a]}]}", "rule.clauses[1].fields[0]: args.auth.a is not part of the request that is sent on, and nothing reads it afterwards",
			"{rule: and, clauses: [{rule: remove, fields: [args.auth.b]}, {rule: webhook, url: 'https://h/'}]}",
		},
		"a number that is a string": {
			"{rule: match, type: number, eval: '>', f1: args.request.vars.tenant, f2: 1}", "rule.f1: args.request.vars.tenant is a string; want utils.number(args.request.vars.tenant)",
			"{rule: match, type: number, eval: '>', f1: utils.number(args.request.vars.tenant), f2: 1}",
		},
		"a method": {"{rule: authenticated}\n    match: {path: /m, methods: [GTE]}", "match.methods[0]: GTE is not a method of HTTP; did you mean GET?", "{rule: authenticated}\n    match: {path: /m, methods: [PROPFIND]}"},
		"a star":   {"{rule: authenticated}\n    match: {path: /m, methods: ['*']}", "match.methods[0]: leave methods out for all methods", "{rule: authenticated}\n    match: {path: /m}"},
	} {
		t.Run(name, func(t *testing.T) {
			file := func(rule string) string {
				text := own + "databases: {d: {type: embedded, conn: x}}\nwebhooks: {allow: [h]}\nroutes:\n  - rule: " + rule + "\n"
				if !strings.Contains(rule, "match: {path") {
					text += "    match: {path: '/{tenant}'}\n"
				}
				return text
			}
			if _, _, err := load(t, file(c.good)); err != nil {
				t.Errorf("the twin: %v", err)
			}
			_, _, err := load(t, file(c.bad))
			var want []string
			for _, w := range strings.Split(c.want, "|") {
				want = append(want, "routes[0]."+w)
			}
			if err == nil || err.Error() != strings.Join(want, "\n") {
				t.Errorf("got  %v\nwant %s", err, strings.Join(want, "\n"))
			}
		})
	}
}
