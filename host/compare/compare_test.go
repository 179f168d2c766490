package compare

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rulegate/rulegate/host/policyfile"
	"github.com/rulegate/rulegate/rules/policy"
)

// written loads a policy that is written in the test.
func written(t testing.TB, text string) *Policy {
	t.Helper()
	f, err := policyfile.Parse("policy.yaml", []byte(text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	p, _, err := policy.Load(f.Doc, policy.Options{})
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return &Policy{p, f.Doc, policy.Options{}}
}

func (d *Difference) String() string {
	s := fmt.Sprintf("%s %s%s: %s -> %s", d.Case.Method, strings.TrimPrefix(d.Case.Host, "localhost"), d.Case.Path, d.Before, d.After)
	if d.Kind == Mask || d.Kind == Upstream {
		s += " " + string(d.Kind)
	}
	if len(d.Parts) > 0 {
		s += " [" + strings.Join(d.Parts, ", ") + "]"
	}
	if d.Shows {
		s += " shows"
	}
	if d.Case.Token {
		s += map[bool]string{true: " token", false: " bad-token"}[d.Case.Valid] + d.Case.Provider
	}
	s += " " + d.Case.Args.String()
	if res := d.Case.Response.String(); res != `{"res":{}}` {
		s += " res " + res
	}
	if d.Case.Now != Now {
		s += " now " + d.Case.Now.String()
	}
	for _, r := range d.Case.Replies {
		s += fmt.Sprintf(" %s %s %d %s%s", r.Call.Kind, r.Reply.Rows.String(), r.Reply.Status, r.Reply.Body, r.Reply.Err)
	}
	return s
}

// compared shows a report, one difference a line.
func compared(r *Report) string {
	lines := []string{}
	for _, d := range r.Differences {
		lines = append(lines, d.String())
	}
	end := fmt.Sprintf("%d pairs, %d unchanged", r.Pairs, r.Unchanged)
	if r.Proved() {
		end += ", proved"
	}
	if !r.Whole() {
		end += fmt.Sprintf(", sampled %v", r.Sampled)
	}
	if len(r.Settings) > 0 {
		end += fmt.Sprintf(", settings %v", r.Settings)
	}
	lines = append(lines, end)
	return strings.Join(append(lines, r.Notes...), "\n")
}

const head = "project: p\ncrypto: {aesKey: Olw6AhA/GzSxfhwKLxO7JJsUL6VUwwGEFTgxzoZPy9g=}\nauth: {tokens: [{name: own, alg: HS256, secret: s, primary: true}, {name: partner, alg: HS256, secret: t, kid: k}]}\nwebhooks: {allow: [h]}\ndatabases: {d: {type: embedded, conn: x}}\n"

func routeOf(rule string) string {
	if !strings.HasPrefix(rule, "{match") {
		rule = "{match: {methods: [POST], path: /orders}, rule: " + rule + "}"
	}
	return head + "routes:\n- " + strings.ReplaceAll(rule, "\n", "\n- ") + "\n"
}

func TestCompare(t *testing.T) {
	cases := map[string]struct{ old, new string }{
		"a bound": {
			`{rule: match, type: number, eval: "<=", f1: args.params.amount, f2: 100}`,
			`{rule: match, type: number, eval: "<=", f1: args.params.amount, f2: 200}`,
		},
		"a dropped clause": {
			`{rule: and, clauses: [{rule: match, type: string, eval: "==", f1: args.auth.role, f2: editor}, {rule: match, type: number, eval: "<=", f1: args.params.amount, f2: 100}]}`,
			`{rule: match, type: string, eval: "==", f1: args.auth.role, f2: editor}`,
		},
		"a wider list": {
			`{rule: match, type: string, eval: in, f1: args.auth.role, f2: [editor, admin]}`,
			`{rule: match, type: string, eval: in, f1: args.auth.role, f2: [editor, admin, support]}`,
		},
		"a mask that a guard lifts": {
			`{rule: remove, fields: [res.salary], optional: true}`,
			`{rule: remove, fields: [res.salary], optional: true, clause: {rule: match, type: string, eval: "!=", f1: args.auth.role, f2: admin}}`,
		},
		"a shadowing route": {
			`{match: {methods: [GET], path: "/v1/{id}"}, rule: {rule: match, type: string, eval: "==", f1: args.auth.id, f2: args.request.vars.id}}`,
			`{match: {methods: [GET], path: "/v1/{id}"}, rule: {rule: match, type: string, eval: "==", f1: args.auth.id, f2: args.request.vars.id}}` + "\n" +
				`{match: {methods: [GET], path: /v1/all}, rule: {rule: authenticated}}`,
		},
		"renamed variable": {
			`{match: {path: "/v1/{id}/{x...}"}, rule: {rule: match, type: string, eval: "==", f1: args.auth.id, f2: args.request.vars.id}}`,
			`{match: {path: "/v1/{user}/{y...}"}, rule: {rule: match, type: string, eval: "==", f1: args.auth.id, f2: args.request.vars.user}}`,
		},
		"the wrong variable": {
			`{match: {path: "/v1/{id}/{x}"}, rule: {rule: match, type: string, eval: "==", f1: args.auth.id, f2: args.request.vars.id}}`,
			`{match: {path: "/v1/{id}/{x}"}, rule: {rule: match, type: string, eval: "==", f1: args.auth.id, f2: args.request.vars.x}}`,
		},
		"providers": {
			`{match: {path: /a}, auth: {providers: [own]}, rule: {rule: allow}}`,
			`{match: {path: /a}, auth: {providers: [own, partner]}, rule: {rule: allow}}`,
		},
		"a query": {
			`{rule: query, db: d, col: c, find: {id: args.params.id}}`,
			`{rule: query, db: d, col: c, find: {id: args.params.id}, clause: {rule: match, type: string, eval: "==", f1: args.result.0.owner, f2: args.auth.id}}`,
		},
		"another query": {
			`{rule: query, db: d, col: c, find: {id: args.params.id}}`,
			`{rule: query, db: d, col: c, find: {id: args.auth.id}}`,
		},
		"the same query": {
			`{rule: query, db: d, col: c, find: {id: args.params.id}}`,
			`{rule: and, clauses: [{rule: query, db: d, col: c, find: {id: args.params.id}}]}`,
		},
		"a webhook": {
			`{rule: webhook, url: "https://h/a"}`,
			`{rule: and, clauses: [{rule: webhook, url: "https://h/a"}, {rule: match, type: bool, eval: "==", f1: args.result.ok, f2: true}]}`,
		},
		"blocks": {
			`{rule: match, type: ip, eval: in, f1: args.request.ip, f2: [10.0.0.0/8]}`,
			`{rule: match, type: ip, eval: in, f1: args.request.ip, f2: [10.0.0.0/9]}`,
		},
		"dates": {
			`{rule: match, type: date, eval: "<", f1: utils.now(), f2: "2026-06-01"}`,
			`{rule: match, type: date, eval: "<", f1: utils.now(), f2: "2026-07-01"}`,
		},
		"expiry": {
			`{rule: match, type: date, eval: "<", f1: utils.now(), f2: args.auth.until}`,
			`{rule: match, type: date, eval: "<", f1: utils.now(), f2: "utils.addDuration(args.auth.until, 1h)"}`,
		},
		"pattern": {
			`{rule: match, type: string, eval: matches, f1: args.params.email, f2: "^[a-z]+@x[.]org$"}`,
			`{rule: match, type: string, eval: matches, f1: args.params.email, f2: "^[a-z]+@x.org"}`,
		},
		"scopes": {
			`{rule: match, type: string, eval: in, f1: write, f2: "utils.split(args.auth.scope, ' ')"}`,
			`{rule: match, type: string, eval: contains, f1: args.auth.scope, f2: write}`,
		},
		"header": {
			`{rule: match, type: string, eval: "==", f1: args.request.headers.x-env, f2: test}`,
			`{rule: match, type: string, eval: in, f1: args.request.headers.x-env, f2: [test, prod]}`,
		},
		"a header that is set": {
			`{rule: authenticated}`,
			`{rule: force, field: args.request.headers.x-user, value: args.auth.id}`,
		},
		"force": {
			`{rule: force, field: args.params.tenant, value: args.auth.tenant}`,
			`{rule: force, field: args.params.tenant, value: args.auth.org}`,
		},
		"the order of force and match": {
			`{rule: and, clauses: [{rule: force, field: args.params.t, value: args.auth.t}, {rule: match, type: string, eval: "==", f1: args.params.t, f2: a}]}`,
			`{rule: and, clauses: [{rule: match, type: string, eval: "==", f1: args.params.t, f2: a}, {rule: force, field: args.params.t, value: args.auth.t}]}`,
		},
		"elements": {
			`{rule: every, field: args.params.items, clause: {rule: match, type: number, eval: "<", f1: item.n, f2: 10}}`,
			`{rule: some, field: args.params.items, clause: {rule: match, type: number, eval: "<", f1: item.n, f2: 10}}`,
		},
		"filter": {
			`{rule: filter, field: res.items, clause: {rule: match, type: string, eval: "==", f1: item.owner, f2: args.auth.id}}`,
			`{rule: filter, field: res.items, clause: {rule: match, type: string, eval: "==", f1: item.owner, f2: args.auth.id}, onUnknown: drop}`,
		},
		"keep": {
			`{rule: keep, field: res.user, keys: [name]}`,
			`{rule: keep, field: res.user, keys: [name, email]}`,
		},
		"hash": {
			`{rule: hash, fields: [res.users.email]}`,
			`{rule: encrypt, fields: [res.users.email]}`,
		},
		"response rule": {
			`{match: {path: /a}, rule: {rule: authenticated}, response: {rule: match, type: string, eval: "==", f1: args.res.owner, f2: args.auth.id}}`,
			`{match: {path: /a}, rule: {rule: authenticated}, response: {rule: or, clauses: [{rule: match, type: number, eval: ">=", f1: args.response.status, f2: 400}, {rule: match, type: string, eval: "==", f1: args.res.owner, f2: args.auth.id}]}}`,
		},
		"status": {
			`{rule: match, type: string, eval: "==", f1: args.auth.role, f2: a, status: 404}`,
			`{rule: match, type: string, eval: "==", f1: args.auth.role, f2: a, error: no}`,
		},
		"the same": {
			`{rule: and, clauses: [{rule: match, type: string, eval: "==", f1: args.auth.role, f2: a}, {rule: match, type: string, eval: "==", f1: args.auth.team, f2: args.params.team}]}`,
			`{rule: and, clauses: [{rule: match, type: string, eval: "==", f1: args.params.team, f2: args.auth.team}, {rule: match, type: string, eval: "==", f1: args.auth.role, f2: a}]}`,
		},
		"computed": {
			`{rule: match, type: string, eval: "==", f1: "args.auth.teams[args.params.team]", f2: admin}`,
			`{rule: match, type: string, eval: in, f1: "args.auth.teams[args.params.team]", f2: [admin, editor]}`,
		},
	}
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(cases)) {
		r := Compare(written(t, routeOf(cases[name].old)), written(t, routeOf(cases[name].new)), Options{})
		fmt.Fprintf(&b, "== %s\n%s\n", name, compared(r))
	}
	golden(t, "compare.golden", b.String())
}

var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares a text with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got; rewrite it with -update):\n%s", name, diff)
	}
}
