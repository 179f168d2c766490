package cases

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rulegate/rulegate/envoy/harness"
	"github.com/rulegate/rulegate/host/gateway"
)

// ownersPolicy has a route for each way from the headers to a yes.
const ownersPolicy = `
project: shop
auth:
  tokens: [{name: own, alg: HS256, secret: the-own-secret-of-the-test-cases, primary: true}]
  forward: false
log: {sample: %s}
define:
  vars: {rule: match, type: string, eval: "==", f1: args.auth.id, f2: args.request.vars.id}
routes:
  - {name: claims, match: {path: "/claims/{id}"}, rule: {rule: match, type: string, eval: "==", f1: args.auth.role, f2: admin}}
  - {name: vars, match: {path: "/vars/{id}"}, rule: {rule: use, of: vars}}
  - {name: rest, match: {path: "/rest/{id...}"}, rule: {rule: use, of: vars}}
  - {name: header, match: {path: /header}, rule: {rule: match, type: string, eval: "==", f1: args.auth.id, f2: args.request.headers.x-id}}
  - {name: query, match: {path: /query}, rule: {rule: match, type: string, eval: "==", f1: args.auth.id, f2: args.request.query.id}}
  - {name: params, match: {path: /params}, rule: {rule: match, type: string, eval: "==", f1: args.auth.id, f2: args.params.id}}
  - {name: maybe, match: {path: "/maybe/{id}"}, auth: {optional: true, invalid: ignore}, rule: {rule: use, of: vars}}
  - {name: mask, match: {path: "/mask/{id}"}, rule: {rule: and, clauses: [{rule: use, of: vars}, {rule: force, field: res.by, value: args.auth.id}, {rule: force, field: res.of, value: args.request.vars.id}]}}
  - {name: response, match: {path: "/response/{id}"}, rule: {rule: use, of: vars}, response: {rule: match, type: string, eval: "==", f1: args.auth.id, f2: args.request.vars.id}}
  - {name: forced, match: {path: "/forced/{id}"}, rule: {rule: and, clauses: [{rule: use, of: vars}, {rule: force, field: args.request.headers.x-by, value: args.auth.id}]}}
`

// TestOneRequestInPlaceOfAnother sends requests of two users, with tokens and names of the
// same lengths, so that the module reads each into the memory of the one before. Nothing
// that it has found out about one must count for another, whichever way decides them: with
// sample 0.5 each second decision is logged, and goes the general way.
func TestOneRequestInPlaceOfAnother(t *testing.T) {
	for _, sample := range []string{"0", "0.5"} {
		c := &harness.Case{Name: "owners", Policy: fmt.Sprintf(ownersPolicy, sample)}
		_, doc := c.Load(t, c.Policy)
		cfg, err := harness.GatewayConfig(c, harness.LoadModule(t), doc)
		if err != nil {
			t.Fatal(err)
		}
		var got http.Header
		cfg.Upstream = gateway.Cluster{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			got = r.Header
			w.Header().Set("content-type", "application/json")
			_, _ = io.WriteString(w, "{}")
		})}
		g, err := harness.NewGateway(cfg)
		if err != nil {
			t.Fatal(err)
		}
		random := rand.New(rand.NewPCG(3, 4))
		pick := func(of ...string) string { return of[random.IntN(len(of))] }
		passed := map[string]int{}
		for range 800 {
			name := pick("claims", "vars", "rest", "header", "query", "params", "maybe", "mask", "response", "forced")
			user, owner, way := pick("ann", "bob"), pick("ann", "bob"), pick("", "", "", "forged", "none", "bad query")
			role := map[string]string{"ann": "admin", "bob": "guest"}[user]
			path := "/" + name + "/" + owner
			if name == "header" {
				path = "/header"
			} else if name == "query" || name == "params" {
				path = "/" + name + "?id=" + owner
			}
			if way == "bad query" {
				path = strings.Replace(path+"?a=%", "?id="+owner+"?", "?id="+owner+"&", 1)
			}
			r := httptest.NewRequest(http.MethodGet, "http://shop.example"+path, http.NoBody)
			r.Header.Set("x-id", owner)
			token, err := harness.SignToken("own", fmt.Sprintf(`{"id":%q,"role":%q,"n":%d}`, user, role, 10+random.IntN(20)), "", false)
			if err != nil {
				t.Fatal(err)
			}
			allowed := owner == user
			if name == "claims" {
				allowed = role == "admin"
			}
			switch way {
			case "forged":
				cut := strings.LastIndexByte(token, '.') + 1
				token = token[:cut] + strings.Repeat("A", len(token)-cut)
			case "none":
				token = ""
			case "bad query":
				allowed = allowed && name == "claims" // whose rule does not read it
			}
			if token != "" {
				r.Header.Set("authorization", "Bearer "+token)
			}
			if way == "forged" || way == "none" {
				allowed = false
			}
			w := httptest.NewRecorder()
			got = nil
			g.ServeHTTP(w, r)
			if (w.Code == http.StatusOK) != allowed || (got != nil) != allowed {
				t.Fatalf("sample %s, %s %s by %s, %q: %d, want allowed %t", sample, name, path, user, way, w.Code, allowed)
			}
			if !allowed {
				continue
			}
			passed[name]++
			if got.Get("authorization") != "" {
				t.Errorf("%s: the token is forwarded", name)
			}
			if by := got.Get("x-by"); name == "forced" && by != user {
				t.Errorf("forced to %q, want %q", by, user)
			}
			if want := fmt.Sprintf(`{"by":%q,"of":%q}`, user, owner); name == "mask" && w.Body.String() != want {
				t.Errorf("masked to %s, want %s", w.Body, want)
			}
		}
		g.Close(t.Context())
		if len(passed) != 10 {
			t.Errorf("let through: %v", passed)
		}
	}
}
