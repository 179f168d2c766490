package main

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rulegate/rulegate/envoy/harness"
	"github.com/rulegate/rulegate/host/gateway"
)

// benchPolicy has a route for each benchmark.
const benchPolicy = `
project: shop
auth: {tokens: [{name: own, alg: HS256, secret: the-own-secret-of-the-test-cases, primary: true}]}
routes:
  - {name: allow, match: {methods: [GET], path: /allow}, rule: {rule: allow}}
  - {name: claim, match: {methods: [GET], path: /claim}, rule: {rule: match, type: string, eval: "==", f1: args.auth.role, f2: admin}}
  - name: body
    match: {methods: [POST], path: /body}
    rule: {rule: and, clauses: [{rule: match, type: number, eval: "<", f1: args.params.n, f2: 10}, {rule: force, field: args.params.owner, value: args.auth.id}]}
  - {name: mask, match: {methods: [GET], path: /mask}, rule: {rule: remove, fields: [res.secret]}}
  - {name: no, match: {methods: [GET], path: /no}, rule: {rule: deny}}
`

// BenchmarkModule sends requests through the module on the embedded gateway with
// one VM; "none" is the upstream alone. Compare the others with "allow", in one
// run.
func BenchmarkModule(b *testing.B) {
	m := harness.LoadModule(b)
	c := &harness.Case{Name: "bench", Policy: benchPolicy}
	p, doc := c.Load(b, c.Policy)
	cfg, err := harness.GatewayConfig(c, m, doc)
	if err != nil {
		b.Fatal(err)
	}
	upstream := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("content-type", "application/json")
		_, _ = io.WriteString(w, `{"id":1,"name":"Ann","secret":"x","tags":["a","b"]}`)
	})
	cfg.Upstream = gateway.Cluster{Handler: upstream}
	cfg.BufferLimit = int64(p.Limits.RequestBody + p.Limits.ResponseBody)
	g, err := gateway.New(context.Background(), cfg)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { g.Close(context.Background()) })
	token, err := harness.Expand(`Bearer {{token {"id":"u1","role":"admin","email":"ann@example.com"}}}`)
	if err != nil {
		b.Fatal(err)
	}
	for _, bench := range []struct {
		name, method, path, body string
		handler                  http.Handler
		status                   int
	}{
		{"none", "GET", "/allow", "", upstream, 200},
		{"allow", "GET", "/allow", "", g, 200},
		{"deny", "GET", "/no", "", g, 403},
		{"claim", "GET", "/claim", "", g, 200},
		{"body", "POST", "/body", `{"n":5,"text":"hello","items":[{"id":1},{"id":2}]}`, g, 200},
		{"mask", "GET", "/mask", "", g, 200},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r := httptest.NewRequest(bench.method, bench.path, strings.NewReader(bench.body))
				r.Header.Set("authorization", token)
				if bench.body != "" {
					r.Header.Set("content-type", "application/json")
				}
				w := httptest.NewRecorder()
				bench.handler.ServeHTTP(w, r)
				if w.Code != bench.status {
					b.Fatalf("got %d %s, want %d", w.Code, w.Body, bench.status)
				}
			}
		})
	}
}
