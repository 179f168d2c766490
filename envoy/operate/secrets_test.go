package operate

import (
	"strings"
	"testing"

	"github.com/rulegate/rulegate/envoy/harness"
)

// noTokenInLogs tests that neither log holds a part of a token that could be sent
// again, whether the token is good or bad, in a header, a cookie or the query.
func noTokenInLogs(t *testing.T, b *harness.Bootstrap, _ *harness.Upstream) func(*testing.T, *harness.Process) {
	b.AddPolicy(t, "traces", `
project: shop
auth:
  tokens: [{name: own, alg: HS256, secret: the-own-secret-of-the-test-cases, primary: true}]
  from: [{header: authorization, prefix: "Bearer "}, {cookie: session, origins: ["https://app.example"]}, {query: access_token}]
routes:
  - name: traces
    match: {path: "/traces"}
    rule: {rule: match, type: string, eval: "==", f1: args.auth.id, f2: args.request.query.id}
`, "")
	return func(t *testing.T, p *harness.Process) {
		at := p.Listeners(t)["traces"]
		good := strings.TrimPrefix(harness.Bearer(t, `{"id":"the-claim-in-the-token"}`)[1], "Bearer ")
		seg := strings.Split(good, ".")
		n := 0
		ask := func(method, query string, want int, headers ...[2]string) {
			t.Helper()
			n++
			r := &harness.Request{Method: method, Target: "/traces?" + query, Headers: headers}
			resp, err := harness.Send(at, r, t.Name()+strings.Repeat("x", n))
			if err != nil {
				t.Fatal(err)
			}
			if resp.Status != want {
				t.Errorf("%s %d: want %d, found %d", method, n, want, resp.Status)
			}
		}
		in := func(raw string) [2]string { return [2]string{"authorization", "Bearer " + raw} }
		cookie := [2]string{"cookie", "session=" + good}
		ask("GET", "id=the-claim-in-the-token", 200, in(good))
		ask("GET", "id=another", 403, in(good))
		ask("GET", "id=another&access_token="+good, 403)
		ask("GET", "id=another", 403, cookie)
		ask("POST", "id=the-claim-in-the-token", 403, cookie, [2]string{"origin", "https://evil.example"})
		ask("GET", "access_token=x", 401, in(good))
		ask("GET", "access_token="+good+"&access_token="+good, 401)
		ask("GET", "", 401, in(good), in(good))
		ask("GET", "", 401, in(good+"."+seg[2]))
		ask("GET", "", 401, in(seg[0]+"."+seg[1]+"."+seg[2][1:]+"A"))
		ask("GET", "access_token=%zz"+good, 401)
		waitFor(p, "access.log", `traces`)
		for _, log := range []string{"envoy.log", "access.log"} {
			text := p.Read(log)
			for _, secret := range []string{seg[1], seg[2], seg[2][1:], "the-claim-in-the-token"} {
				if strings.Contains(text, secret) {
					t.Errorf("%s holds %q", log, secret)
				}
			}
		}
	}
}
