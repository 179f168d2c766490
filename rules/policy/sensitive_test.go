package policy

import (
	"testing"
)

// A path of `sensitive` that no resource can have is a fault. Each has a twin, one
// change away, that loads.
func TestSensitive(t *testing.T) {
	const file = own + `databases: {d: {type: embedded, conn: x}}
routes:
  - match: {methods: [POST], path: "/v1/{user}"}
    rule: {rule: query, db: d, col: c, store: args.rows, find: {a: args.request.vars.user}, clause: {rule: and, clauses: [{rule: force, field: args.mine.x, value: 1}, {rule: match, type: any, eval: '==', f1: args.mine.x, f2: args.rows.0.a}]}}
  - match: {methods: [GET], path: "/open"}
    rule: {rule: allow}
sensitive: `
	for bad, c := range map[string]struct{ want, good string }{
		"auth.email":                 {"want a path such as args.auth.email or res.salary, found auth.email", "args.auth.email"},
		"args":                       {"want a path such as args.auth.email or res.salary, found args", "args.auth"},
		"'args.auth[args.params.k]'": {"args.auth[args.params.k]: want a path whose keys are all written out", `"args.auth['https://id.example/email']"`},
		"utils.lower(args.auth.x)":   {"want a path such as args.auth.email or res.salary, found utils.lower(args.auth.x)", "args.auth.x"},
		"args.atuh.email":            {"args.atuh.email: args has no atuh; did you mean args.auth?", "args.token"},
		"args.result":                {"args.result: no query and no webhook comes before it", "args.rows.email"},
		"args.yours":                 {"args.yours: args has no yours; it has auth, token, params, request, peer, res, response", "args.mine.x"},
		"args.doc.salary":            {"args.doc.salary: only a rule of a database has args.doc", "args.params.salary"},
		"args.request.vars.id":       {"args.request.vars.id: the path of routes[0] has no variable id; it has user", "args.request.vars.user"},
		"args.request.headers.X-A":   {"args.request.headers.X-A: the names of headers are in lower case here; want args.request.headers.x-a", "args.request.headers.x-a"},
		"args.request.body":          {"args.request.body: args.request has no body; it has method, scheme, host, path, vars, query, headers, ip, id", "args.request.query.email"},
		"args.response.body":         {"args.response.body: args.response has no body; it has status, headers", "args.response.headers.x-mail"},
		"res":                        {"want a path such as args.auth.email or res.salary, found res", "res.people.salary"},
	} {
		if _, _, err := load(t, file+"["+c.good+"]\n"); err != nil {
			t.Errorf("the twin of %s: %v", bad, err)
		}
		if _, _, err := load(t, file+"[args.auth.x, "+bad+"]\n"); err == nil || err.Error() != "sensitive[1]: "+c.want {
			t.Errorf("%s:\ngot  %v\nwant sensitive[1]: %s", bad, err, c.want)
		}
	}
	p := mustLoad(t, file+`["args.auth['https://id.example/email']", res.people.salary]`)
	if got := p.Sensitive; len(got) != 2 || got[0][1] != "https://id.example/email" || got[1][0] != "res" || got[1][2] != "salary" {
		t.Errorf("paths: %q", got)
	}
	// A policy without resources has no path that is known not to exist.
	mustLoad(t, "sensitive: [args.auth.email]\n")
}
