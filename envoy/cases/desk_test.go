package cases

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rulegate/rulegate/envoy/harness"
	"github.com/rulegate/rulegate/host/gateway"
)

// TestForgedTokenInPlaceOfAnother sends a token, and then a forged one of the same length
// with the same headers. The module reads both into the same memory, so what it has found
// out about the first must not count for the second, whichever way decides that: with
// sample 0.5 each second decision is logged, and goes the general way.
func TestForgedTokenInPlaceOfAnother(t *testing.T) {
	const policy = `
project: shop
auth: {tokens: [{name: own, alg: HS256, secret: the-own-secret-of-the-test-cases, primary: true}]}
log: {sample: 0.5}
routes: [{name: a, match: {path: /a}, rule: {rule: match, type: string, eval: "==", f1: args.auth.role, f2: admin}}]
`
	c := &harness.Case{Name: "desk", Policy: policy}
	_, doc := c.Load(t, policy)
	cfg, err := harness.GatewayConfig(c, harness.LoadModule(t), doc)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Upstream = gateway.Cluster{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "{}") })}
	g, err := harness.NewGateway(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close(t.Context())
	ask := func(token string) int {
		r := httptest.NewRequest(http.MethodGet, "http://shop.example/a", http.NoBody)
		r.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		g.ServeHTTP(w, r)
		return w.Code
	}
	for n := range 8 {
		token, err := harness.SignToken("own", fmt.Sprintf(`{"role":"admin","n":%d}`, n), "", false)
		if err != nil {
			t.Fatal(err)
		}
		cut := strings.LastIndexByte(token, '.') + 1
		forged := token[:cut] + strings.Repeat("A", len(token)-cut)
		if got := ask(token); got != http.StatusOK {
			t.Fatalf("token %d: %d", n, got)
		}
		if got := ask(forged); got != http.StatusUnauthorized {
			t.Errorf("forged token %d: %d, want 401", n, got)
		}
	}
}
