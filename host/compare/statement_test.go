package compare

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rulegate/rulegate/host/policyfile"
)

// stated reads a statement that is written in the test.
func stated(t testing.TB, text string) *Statement {
	t.Helper()
	f, err := policyfile.Parse("claims.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	s := &Statement{Place: "[0].allowed", Allowed: f.Doc.Key("allowed"), Never: f.Doc.Key("when"), Unless: f.Doc.Key("unless")}
	s.For, _ = f.Doc.Key("for").Text()
	for _, m := range f.Doc.Key("masked").Elements() {
		text, _ := m.Text()
		s.Masked = append(s.Masked, text)
	}
	return s
}

func proved(p *Proof) string {
	switch {
	case p.Counter != nil:
		d := Difference{Case: p.Counter, Before: p.Resource, After: strings.Join(p.Shown, ",")}
		return d.String()
	case p.Proved():
		return fmt.Sprintf("proved, %d pairs", p.Pairs)
	}
	return fmt.Sprintf("not refuted: %v sampled %v calls %v, %d pairs", p.Notes, p.Sampled, p.Calls, p.Pairs)
}

// tenants is a policy of 12 routes that keep tenants apart; one of them may forget
// it.
func tenants(forgets int) string {
	const tenant = `{rule: match, type: string, eval: "==", f1: args.auth.tenant, f2: args.request.vars.%s}`
	var b strings.Builder
	b.WriteString(head + "define:\n  admin: {rule: match, type: string, eval: in, f1: admin, f2: args.auth.roles}\nroutes:\n")
	for n, r := range []string{
		`{methods: [GET], path: "/v1/tenants/{tenant}"}`,
		`{methods: [GET], path: "/v1/tenants/{tenant}/users"}`,
		`{methods: [POST], path: "/v1/tenants/{tenant}/users"}`,
		`{methods: [GET], path: "/v1/tenants/{tenant}/users/{user}"}`,
		`{methods: [PATCH], path: "/v1/tenants/{tenant}/users/{user}"}`,
		`{methods: [DELETE], path: "/v1/tenants/{tenant}/users/{user}"}`,
		`{methods: [GET], path: "/v1/tenants/{t}/orders"}`,
		`{methods: [POST], path: "/v1/tenants/{t}/orders"}`,
		`{methods: [GET, PUT], path: "/v1/tenants/{t}/orders/{order}"}`,
		`{methods: [POST], path: "/v1/tenants/{t}/orders/{order}/pay"}`,
		`{path: "/v1/tenants/{tenant}/files/{rest...}"}`,
		`{methods: [GET], path: "/health"}`,
	} {
		name := "tenant"
		if strings.Contains(r, "{t}") {
			name = "t"
		}
		own := fmt.Sprintf(tenant, name)
		clauses := own
		switch {
		case n == forgets:
			clauses = `{rule: match, type: string, eval: "==", f1: args.auth.plan, f2: paid}`
		case n%3 == 1:
			clauses = own + `, {rule: use, of: admin}`
		case n%3 == 2:
			clauses = own + `, {rule: or, clauses: [{rule: use, of: admin}, {rule: match, type: number, eval: "<=", f1: args.params.amount, f2: 100}]}, {rule: force, field: args.params.by, value: args.auth.id}`
		}
		rule := "{rule: and, clauses: [" + clauses + "]}"
		if n == 11 {
			rule = "{rule: allow}"
		}
		fmt.Fprintf(&b, "- {match: %s, rule: %s}\n", r, rule)
	}
	return b.String()
}

func TestTenantsAreApart(t *testing.T) {
	s := stated(t, `{for: "/v1/tenants/{tenant}/{rest...}", allowed: {rule: match, type: string, eval: "==", f1: args.auth.tenant, f2: args.request.vars.tenant}}`)
	for n, want := range map[int]string{
		-1: "proved, 11 pairs",
		4:  `PATCH /v1/tenants/x/users/x: routes[4] ->  token {"auth":{"plan":"paid"}}`,
		10: `GET /v1/tenants/x/files: routes[10] ->  token {"auth":{"plan":"paid"}}`,
	} {
		p, err := Prove(written(t, tenants(n)), s, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got := proved(p); got != want {
			t.Errorf("%d: %s\nwant %s", n, got, want)
		}
	}
}

func TestProve(t *testing.T) {
	for name, c := range map[string]struct{ policy, statement, want string }{
		"masked": {
			routeOf(`{match: {methods: [GET], path: /v1/people}, rule: {rule: remove, fields: [res.salary]}}`),
			`{for: /v1/people, masked: [res.salary]}`,
			"proved, 1 pairs",
		},
		"not masked": {
			routeOf(`{match: {methods: [GET], path: /v1/people}, rule: {rule: remove, fields: [res.salary], clause: {rule: match, type: string, eval: "!=", f1: args.auth.role, f2: hr}}}`),
			`{for: /v1/people, masked: [res.salary]}`,
			`GET /v1/people: routes[0] -> res.salary token {"auth":{"role":"hr"}} res {"res":{"salary":"z"}}`,
		},
		"masked unless": {
			routeOf(`{match: {methods: [GET], path: /v1/people}, rule: {rule: remove, fields: [res.salary], clause: {rule: match, type: string, eval: "!=", f1: args.auth.role, f2: hr}}}`),
			`{for: /v1/people, masked: [res.salary], unless: {rule: match, type: string, eval: "==", f1: args.auth.role, f2: hr}}`,
			"proved, 1 pairs",
		},
		"a part of it is not masked": {
			routeOf(`{match: {methods: [GET], path: /v1/people}, rule: {rule: remove, fields: [res.people.salary]}}`),
			`{for: /v1/people, masked: [res.people.salary, res.people.age]}`,
			`GET /v1/people: routes[0] -> res.people.age token {} res {"res":{"people":{"age":"z"}}}`,
		},
		"never": {
			routeOf(`{match: {path: "/v1/{x...}"}, rule: {rule: authenticated}}`),
			`{for: "/v1/{x...}", when: {rule: match, type: bool, eval: "==", f1: args.auth.suspended, f2: true}}`,
			`GET /v1: routes[0] ->  token {"auth":{"suspended":true}}`,
		},
		"never, and it is so": {
			routeOf(`{match: {path: "/v1/{x...}"}, rule: {rule: not, clause: {rule: match, type: bool, eval: "==", f1: "utils.default(args.auth.suspended, false)", f2: true}}}`),
			`{for: "/v1/{x...}", when: {rule: match, type: bool, eval: "==", f1: args.auth.suspended, f2: true}}`,
			"proved, 1 pairs",
		},
		"no resource": {
			routeOf(`{rule: authenticated}`), `{for: /elsewhere, allowed: {rule: deny}}`, "not refuted: [] sampled false calls false, 0 pairs",
		},
		"a service": {
			head + `services: {s: {endpoints: {e: {rule: {rule: match, type: string, eval: "==", f1: args.auth.id, f2: args.params.id}}, f: {rule: {rule: authenticated}}}}}`,
			`{for: /v1/api/p/services/s/e, allowed: {rule: match, type: string, eval: "==", f1: args.params.id, f2: args.auth.id}}`,
			"proved, 1 pairs",
		},
		"the events": {
			head + `events: {a: {rule: {rule: match, type: string, eval: "==", f1: args.auth.id, f2: args.params.id}}, default: {rule: {rule: authenticated}}}`,
			`{for: /v1/api/p/eventing/queue, allowed: {rule: match, type: string, eval: "==", f1: args.params.id, f2: args.auth.id}}`,
			`POST /v1/api/p/eventing/queue: events.default ->  token {}`,
		},
		"the events, and it is so": {
			head + `events: {a: {rule: {rule: match, type: string, eval: "==", f1: args.auth.id, f2: args.params.id}}}`,
			`{for: /v1/api/p/eventing/queue, allowed: {rule: match, type: string, eval: "==", f1: args.params.id, f2: args.auth.id}}`,
			"proved, 1 pairs",
		},
		"a prepared query": {
			strings.Replace(head, "conn: x}", `conn: x, queries: {q: {rule: {rule: authenticated}}}}`, 1),
			`{for: /v1/api/p/crud/d/prepared-queries/q, allowed: {rule: match, type: string, eval: "==", f1: args.params.id, f2: args.auth.id}}`,
			`POST /v1/api/p/crud/d/prepared-queries/q: databases.d.queries.q ->  token {}`,
		},
		"all endpoints of a service": {
			head + `services: {s: {endpoints: {e: {rule: {rule: match, type: string, eval: "==", f1: args.auth.id, f2: args.params.id}}, f: {rule: {rule: authenticated}}}}}`,
			`{for: "/v1/api/p/services/s/{e}", allowed: {rule: match, type: string, eval: "==", f1: args.params.id, f2: args.auth.id}}`,
			`POST /v1/api/p/services/s/f: services.s.f ->  token {}`,
		},
	} {
		p, err := Prove(written(t, c.policy), stated(t, c.statement), Options{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := proved(p); got != c.want {
			t.Errorf("%s: %s\nwant %s", name, got, c.want)
		}
	}
}
