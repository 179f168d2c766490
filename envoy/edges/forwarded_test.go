package edges

import (
	"testing"

	"github.com/rulegate/rulegate/envoy/harness"
)

// forwarded tests that neither the module nor the upstream gets a client's headers
// about an earlier proxy, but for those that Envoy writes itself.
func forwarded(t *testing.T, b *harness.Bootstrap, up *harness.Upstream) func(*testing.T, *harness.Process) {
	b.AddPolicy(t, "forwarded", `
project: shop
routes:
  - match: {methods: [GET], path: "/x"}
    auth: none
    rule: {rule: match, type: bool, eval: "==", f1: utils.exists(args.request.headers.x-forwarded-host), f2: false}
`, "")
	return func(t *testing.T, p *harness.Process) {
		names := []string{"forwarded", "x-forwarded-host", "x-forwarded-port", "x-forwarded-prefix", "x-real-ip", "x-original-url", "x-rewrite-url"}
		r := &harness.Request{Method: "GET", Target: "/x", Headers: [][2]string{{"x-other", "1"}}}
		for _, name := range names {
			r.Headers = append(r.Headers, [2]string{name, "/admin"})
		}
		resp, err := harness.Send(p.Listeners(t)["forwarded"], r, t.Name())
		if err != nil || resp.Status != 200 {
			t.Fatalf("%v %+v", err, resp)
		}
		got, err := up.Take(t.Name())
		if err != nil || len(got) != 1 {
			t.Fatalf("the upstream got %d requests, %v", len(got), err)
		}
		for _, name := range names {
			if got[0].Headers[name] != nil {
				t.Errorf("the upstream got %s", name)
			}
		}
		if got[0].Headers["x-other"] == nil {
			t.Error("the upstream did not get x-other")
		}
	}
}
