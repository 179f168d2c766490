package edges

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/rulegate/rulegate/envoy/harness"
)

// trailers tests requests over HTTP/2 that end with trailers: they are decided
// like any other, and headers that only the policy may set are removed from the
// trailers too.
func trailers(t *testing.T, b *harness.Bootstrap, _ *harness.Upstream) func(*testing.T, *harness.Process) {
	up := harness.NewHTTP2Upstream(t)
	b.AddCluster("upstream-http2", up.URL)
	b.HTTP2 = append(b.HTTP2, "upstream-http2")
	b.AddPolicy(t, "trailers", `
project: shop
auth:
  tokens: [{name: own, alg: HS256, secret: the-own-secret-of-the-test-cases, primary: true}]
  claimsToHeaders: {x-user-id: id}
routes:
  - match: {methods: [POST], path: "/body"}
    rule: {rule: match, type: bool, eval: "==", f1: args.params.ok, f2: true}
  - match: {methods: [POST], path: "/claims"}
    rule: {rule: match, type: string, eval: "==", f1: args.auth.id, f2: u1}
`, "").Upstream = "upstream-http2"
	return func(t *testing.T, p *harness.Process) {
		at := p.Listeners(t)["trailers"]
		client := &http.Client{Transport: &http.Transport{Protocols: harness.HTTP2()}, Timeout: harness.RequestTimeout}
		for name, c := range map[string]struct {
			target, body, id string
			want             int
		}{
			"body":           {"/body", `{"ok":true}`, "u1", 200},
			"body no":        {"/body", `{"ok":false}`, "u1", 403},
			"body malformed": {"/body", `{"ok":`, "u1", 400},
			"claims":         {"/claims", strings.Repeat("x", 100_000), "u1", 200},
			"claims no":      {"/claims", strings.Repeat("x", 100_000), "u2", 403},
		} {
			t.Run(name, func(t *testing.T) {
				// net/http does not know the length of this reader and sends none.
				req, err := http.NewRequest("POST", "http://"+at+c.target, io.NopCloser(strings.NewReader(c.body)))
				if err != nil {
					t.Fatal(err)
				}
				token := harness.Bearer(t, fmt.Sprintf(`{"id":%q}`, c.id))
				req.Header.Set(token[0], token[1])
				req.Header.Set("content-type", "application/json")
				req.Header.Set("x_user_id", "admin")
				req.Header.Set(harness.RequestID, t.Name())
				req.Trailer = http.Header{"X-User-Id": {"admin"}, "X_user_id": {"admin"}, "X-Sum": {"7"}}
				resp, err := client.Do(req)
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Body.Close()
				if resp.StatusCode != c.want || resp.ProtoMajor != 2 {
					t.Errorf("want %d, found %d over %s", c.want, resp.StatusCode, resp.Proto)
				}
				got, err := up.Take(t.Name())
				if err != nil || (len(got) == 1) != (c.want == 200) {
					t.Fatalf("the upstream got %d requests, %v", len(got), err)
				}
				if len(got) == 0 {
					return
				}
				if got[0].Body != c.body {
					t.Errorf("the upstream got a body of %d, want %d", len(got[0].Body), len(c.body))
				}
				if v := got[0].Headers["x-user-id"]; len(v) != 1 || v[0] != "u1" || got[0].Headers["x_user_id"] != nil {
					t.Errorf("the upstream got x-user-id %q, x_user_id %q", v, got[0].Headers["x_user_id"])
				}
				tr := got[0].Trailers
				if tr["x-user-id"] != nil || tr["x_user_id"] != nil || len(tr["x-sum"]) != 1 {
					t.Errorf("the upstream got trailers %v", tr)
				}
			})
		}
	}
}

// oneConnection tests a keep-alive connection whose bodies the module makes longer
// and shorter: the upstream gets each request with its own body.
func oneConnection(t *testing.T, b *harness.Bootstrap, up *harness.Upstream) func(*testing.T, *harness.Process) {
	b.AddPolicy(t, "connection", `
project: shop
auth: {tokens: [{name: own, alg: HS256, secret: the-own-secret-of-the-test-cases, primary: true}]}
routes:
  - match: {methods: [POST], path: "/longer"}
    rule: {rule: force, field: args.params.more, value: "0123456789"}
  - match: {methods: [POST], path: "/shorter"}
    rule: {rule: remove, fields: [args.params.secret]}
  - match: {methods: [POST], path: "/refused"}
    rule: {rule: match, type: bool, eval: "==", f1: args.params.ok, f2: true}
`, "")
	return func(t *testing.T, p *harness.Process) {
		conn, err := net.Dial("tcp", p.Listeners(t)["connection"])
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(harness.RequestTimeout))
		in := bufio.NewReader(conn)
		token := harness.Bearer(t, `{}`)
		for i, c := range []struct {
			target, body, want string
			status             int
		}{
			{"/longer", `{"a":1}`, `{"a":1,"more":"0123456789"}`, 200},
			{"/shorter", `{"secret":"POST /longer HTTP/1.1","a":1}`, `{"a":1}`, 200},
			{"/refused", `{"ok":false}`, "", 403},
			{"/longer", `{}`, `{"more":"0123456789"}`, 200},
			{"/shorter", `{"a":2}`, `{"a":2}`, 200},
		} {
			id := fmt.Sprint("connection-", i)
			r := &harness.Request{Method: "POST", Target: c.target, Body: c.body, Headers: [][2]string{token, {"content-type", "application/json"}}}
			fmt.Fprint(conn, strings.Replace(r.Wire(id), "connection: close\r\n", "", 1))
			resp, err := http.ReadResponse(in, nil)
			if err != nil {
				t.Fatal(err)
			}
			io.Copy(io.Discard, resp.Body)
			if resp.StatusCode != c.status {
				t.Errorf("%s: want %d, found %d", c.target, c.status, resp.StatusCode)
			}
			got, err := up.Take(id)
			if err != nil || (len(got) == 1) != (c.want != "") {
				t.Fatalf("%s: the upstream got %d requests, %v", c.target, len(got), err)
			}
			if len(got) == 1 && !harness.SameBody(c.want, got[0].Body) {
				t.Errorf("%s: the upstream got %s, want %s", c.target, got[0].Body, c.want)
			}
		}
	}
}
