package simulate_test

import (
	"strings"
	"testing"
	"time"

	"github.com/rulegate/rulegate/host/policyfile"
	"github.com/rulegate/rulegate/host/simulate"
	"github.com/rulegate/rulegate/rules/decide"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/value"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func load(t testing.TB, text string) *policy.Policy {
	t.Helper()
	f, err := policyfile.Parse("policy.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	p, _, err := policy.Load(policyfile.WithZones(f.Doc), policy.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func parse(t testing.TB, text string) value.Value {
	t.Helper()
	v, err := value.Parse(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func run(t testing.TB, p *policy.Policy, r simulate.Request) *simulate.Result {
	t.Helper()
	r.Now = now
	got, err := simulate.New(p, simulate.Options{}).Decide(&r)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// A simulated user counts whatever the keys of the policy are, for every provider,
// and at every place of a token.
func TestClaims(t *testing.T) {
	const route = `
routes:
  - match: {path: "/x"}
    auth: AUTH
    rule: {rule: match, name: ana, type: string, eval: "==", f1: args.auth.id, f2: ana}
`
	for name, head := range map[string]string{
		"a secret":          `auth: {tokens: [{name: own, alg: HS256, secret: a-secret-of-the-tests, issuer: [me], audience: [shop]}]}`,
		"a fetched set":     `auth: {tokens: [{name: own, jwks: {url: "https://id.example/keys"}}]}`,
		"no keys":           `auth: {tokens: []}`,
		"an expiry":         `auth: {tokens: [{name: own, jwks: {url: "https://id.example/keys"}}], requireExpiry: true}`,
		"a cookie":          `auth: {tokens: [{name: own, jwks: {url: "https://id.example/keys"}}], from: [{cookie: session}]}`,
		"a query parameter": `auth: {tokens: [{name: own, jwks: {url: "https://id.example/keys"}}], from: [{query: token}]}`,
		"two places":        `auth: {tokens: [{name: own, jwks: {url: "https://id.example/keys"}}], from: [{cookie: session}, {header: x-token}]}`,
	} {
		for _, auth := range []string{"required", "{providers: [own]}"} {
			if name == "no keys" && auth != "required" {
				continue
			}
			p := load(t, head+strings.Replace(route, "AUTH", auth, 1))
			for claims, want := range map[string]decide.Outcome{
				`{"id":"ana"}`:         decide.Yes,
				`{"id":"eve"}`:         decide.No,
				`{"id":"ana","exp":1}`: decide.BadToken,
			} {
				r := simulate.Request{Method: "GET", Target: "/x?a=b", Headers: [][2]string{{"Cookie", "c=d"}}, Claims: parse(t, claims)}
				if got := run(t, p, r); got.Outcome != want || want == decide.No && got.Name != "ana" {
					t.Errorf("%s, %s, %s: %+v, want %s", name, auth, claims, got, want)
				}
			}
			if got := run(t, p, simulate.Request{Method: "GET", Target: "/x"}); got.Status != 401 {
				t.Errorf("%s, %s, nobody: %+v", name, auth, got)
			}
		}
	}
}

const shop = `
auth: {tokens: [{alg: HS256, secret: a-secret-of-the-tests-that-is-long, primary: true}], forward: false}
databases:
  social: {type: TYPE, conn: x}
webhooks: {allow: [hooks.internal]}
routes:
  - match: {path: "/v1/feed/{user}"}
    rule:
      rule: and
      clauses:
        - {rule: query, db: social, col: follows, find: {followed: args.request.vars.user, since: {$gt: {$date: "2026-01-01"}}}, store: args.result}
        - {rule: webhook, url: "https://hooks.internal/ok", store: args.ok}
        - {rule: force, field: args.params.first, value: args.result.0.follower}
        - {rule: remove, fields: [res.salary]}
`

func TestCalls(t *testing.T) {
	p := load(t, strings.Replace(shop, "TYPE", "mongo", 1))
	rows := []value.Value{
		parse(t, `{"follower":"old","followed":"bob","since":{"$date":"2025-01-01"}}`),
		parse(t, `{"follower":"text","followed":"bob","since":"2027-01-01"}`),
		parse(t, `{"follower":"ana","followed":"bob","since":{"$date":"2026-02-01"}}`),
	}
	for name, tt := range map[string]struct {
		table   simulate.Failure
		webhook simulate.Webhook
		outcome decide.Outcome
		reason  string
		calls   int
	}{
		"both answer":       {webhook: simulate.Webhook{Status: 204}, outcome: decide.Yes, calls: 2},
		"a slow answer":     {webhook: simulate.Webhook{Status: 204, Failure: simulate.Failure{Delay: 499 * time.Millisecond}}, outcome: decide.Yes, calls: 2},
		"the webhook is no": {webhook: simulate.Webhook{Status: 403}, outcome: decide.No, reason: "the webhook answered 403", calls: 2},
		"too slow":          {webhook: simulate.Webhook{Status: 204, Failure: simulate.Failure{Delay: 500 * time.Millisecond}}, outcome: decide.Failed, reason: "webhook failed: timeout", calls: 2},
		"a database fails":  {table: simulate.Failure{Fails: "refused"}, outcome: decide.Failed, reason: "query failed: refused", calls: 1},
	} {
		table, err := simulate.NewTable(rows, false)
		if err != nil {
			t.Fatal(err)
		}
		table.Failure = tt.table
		got := run(t, p, simulate.Request{
			Method: "POST", Target: "/v1/feed/bob", Headers: [][2]string{{"content-type", "application/json"}}, Body: `{"n":1}`,
			Claims: parse(t, `{"id":"ana"}`),
			Companion: &simulate.Answers{
				Policy: p, Tables: map[string]*simulate.Table{"social.follows": table},
				Webhooks: map[string]*simulate.Webhook{"https://hooks.internal/ok": &tt.webhook},
			},
			Response: &simulate.Response{Status: 200, Headers: [][2]string{{"content-type", "application/json"}, {"etag", "1"}}, Body: `[{"name":"a","salary":1}]`},
		})
		if got.Outcome != tt.outcome || got.Reason != tt.reason || len(got.Calls) != tt.calls {
			t.Errorf("%s: %+v", name, got)
		}
		if tt.outcome != decide.Yes {
			continue
		}
		if u := got.Upstream; u.Body != `{"n":1,"first":"ana"}` || len(simulate.Values(u.Headers, "Authorization")) > 0 || simulate.Values(u.Headers, "content-length")[0] != "21" {
			t.Errorf("%s: upstream %+v", name, u)
		}
		if c := got.Client; c.Body != `[{"name":"a"}]` || len(simulate.Values(c.Headers, "etag")) > 0 {
			t.Errorf("%s: client %+v", name, c)
		}
		if !got.Called("social.follows") || !got.Called("follows") || !got.Called("https://hooks.internal/ok") || got.Called("other") {
			t.Errorf("%s: calls %+v", name, got.Calls)
		}
	}
}

// An answer that nobody gives is a failure, never a yes.
func TestNoAnswer(t *testing.T) {
	p := load(t, strings.Replace(shop, "TYPE", "mongo", 1))
	r := simulate.Request{
		Method: "POST", Target: "/v1/feed/bob", Headers: [][2]string{{"content-type", "application/json"}}, Body: `{}`,
		Claims: parse(t, `{"id":"ana"}`), Companion: &simulate.Answers{Policy: p},
	}
	if got := run(t, p, r); got.Status != 503 || got.Reason != "query failed: no data is given for social.follows" {
		t.Errorf("%+v", got)
	}
	r.Companion, r.Now = nil, now
	if _, err := simulate.New(p, simulate.Options{}).Decide(&r); err == nil {
		t.Error("want an error without a companion")
	}
}

// A table of SQL has columns, which a collection does not have.
func TestColumns(t *testing.T) {
	for _, tt := range []struct {
		typ     string
		rows    []string
		outcome decide.Outcome
		reason  string
	}{
		{"mongo", []string{`{"follower":"ana","followed":"bob"}`}, decide.No, "no row of follows fits"},
		{"embedded", []string{`{"follower":"ana","followed":"bob"}`}, decide.Failed, `query failed: bad call: no row of the given data has the column "since"`},
		{"embedded", []string{`{"follower":"ana","followed":"bob"}`, `{"since":null}`}, decide.No, "no row of follows fits"},
		{"embedded", nil, decide.No, "no row of follows fits"},
	} {
		p := load(t, strings.Replace(strings.Replace(shop, "TYPE", tt.typ, 1), ", store: args.result", "", 1))
		var rows []value.Value
		for _, r := range tt.rows {
			rows = append(rows, parse(t, r))
		}
		table, err := simulate.NewTable(rows, tt.typ != "mongo")
		if err != nil {
			t.Fatal(err)
		}
		got := run(t, p, simulate.Request{
			Method: "POST", Target: "/v1/feed/bob", Headers: [][2]string{{"content-type", "application/json"}}, Body: `{}`,
			Claims: parse(t, `{"id":"ana"}`), Companion: &simulate.Answers{Policy: p, Tables: map[string]*simulate.Table{"social.follows": table}},
		})
		if got.Outcome != tt.outcome || got.Reason != tt.reason {
			t.Errorf("%s %v: %s %q", tt.typ, tt.rows, got.Outcome, got.Reason)
		}
	}
	for text, want := range map[string]string{
		`1`:                                   `[0]: want an object, found number`,
		`{"a":{"b":[{"$date":"yesterday"}]}}`: `[0].a.b[0]: $date: want RFC 3339 with a zone, or YYYY-MM-DD`,
		`{"_id":{"$oid":"1"}}`:                `[0]._id: $oid: want 24 hexadecimal digits`,
	} {
		if _, err := simulate.NewTable([]value.Value{parse(t, text)}, false); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

// The seed alone decides nonces.
func TestNonces(t *testing.T) {
	p := load(t, `
crypto: {aesKey: "Olw6AhA/GzSxfhwKLxO7JJsUL6VUwwGEFTgxzoZPy9g="}
routes: [{match: {path: /x}, auth: none, rule: {rule: and, clauses: [{rule: encrypt, algorithm: aes-gcm, fields: [args.params.a]}, {rule: encrypt, algorithm: aes-gcm, fields: [res.b]}]}}]
`)
	body := func(seed uint64) string {
		got := run(t, p, simulate.Request{
			Method: "POST", Target: "/x", Headers: [][2]string{{"content-type", "application/json"}}, Body: `{"a":"1"}`, Seed: seed,
			Response: &simulate.Response{Status: 200, Headers: [][2]string{{"content-type", "application/json"}}, Body: `{"b":"2"}`},
		})
		return got.Upstream.Body + got.Client.Body
	}
	one, again, two := body(1), body(1), body(2)
	if one != again || one == two {
		t.Errorf("%s\n%s\n%s", one, again, two)
	}
}
