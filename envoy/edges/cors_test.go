package edges

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/rulegate/rulegate/envoy/harness"
	"github.com/rulegate/rulegate/host/gateway"
	"github.com/rulegate/rulegate/host/testbrowser"
)

// corsPolicy allows the pages of one origin, %s.
const corsPolicy = `
project: shop
auth:
  tokens: [{name: own, alg: HS256, secret: the-own-secret-of-the-test-cases, primary: true}]
  from: [{header: authorization, prefix: "Bearer "}, {cookie: session, origins: ["%[1]s"]}]
cors: {origins: ["%[1]s"], methods: [GET, PUT], headers: [authorization, content-type], expose: [x-total], credentials: true}
routes:
  - match: {methods: [GET, PUT], path: "/orders/{id}"}
    rule: {rule: match, type: string, eval: "==", f1: args.auth.id, f2: args.request.vars.id}
  - match: {methods: [PUT], path: "/bodies"}
    rule: {rule: match, type: bool, eval: "==", f1: args.params.ok, f2: true}
`

// corsUpstream counts requests by their method and path.
type corsUpstream struct {
	*httptest.Server
	mu  sync.Mutex
	got map[string]int
}

func newCORSUpstream(t *testing.T) *corsUpstream {
	u := &corsUpstream{got: map[string]int{}}
	u.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		u.mu.Lock()
		u.got[r.Method+" "+r.URL.Path]++
		u.mu.Unlock()
		w.Header().Set("x-total", "7")
		w.Header().Set("x-internal", "8")
		w.Header().Set("access-control-allow-origin", "*") // the policy's headers take its place
		fmt.Fprint(w, "an answer")
	}))
	t.Cleanup(u.Close)
	return u
}

func (u *corsUpstream) take() map[string]int {
	u.mu.Lock()
	defer u.mu.Unlock()
	got := u.got
	u.got = map[string]int{}
	return got
}

// newPage serves an empty page, and returns its origin.
func newPage(t *testing.T) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("content-type", "text/html")
		fmt.Fprint(w, "<!doctype html><title>a page</title>")
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// TestCORSInABrowser has pages of two origins in a real Chromium ask an API behind Envoy
// and behind the embedded gateway. The page of the allowed origin reads answers and the
// statuses of refusals; the other one reads nothing.
func TestCORSInABrowser(t *testing.T) {
	browser := testbrowser.Start(t)
	allowed, foreign := newPage(t), newPage(t)
	up := newCORSUpstream(t)
	policy := fmt.Sprintf(corsPolicy, allowed)
	b := harness.NewBootstrap(t, up.URL)
	b.AddPolicy(t, "cors", policy, "")
	p := b.Start(t)
	p.Ready(t)
	embedded := harness.Gateway{Case: &harness.Case{Name: "cors", Policy: policy}, Module: harness.LoadModule(t), Upstream: harness.NewUpstream(t), Alter: func(cfg *gateway.Config) {
		cfg.Upstream.URL, _ = url.Parse(up.URL)
	}}.Start(t)
	for host, at := range map[string]string{"Envoy": p.Listeners(t)["cors"], "gateway": embedded} {
		t.Run(host, func(t *testing.T) { corsInABrowser(t, browser, up, "http://"+at, allowed, foreign) })
	}
}

func corsInABrowser(t *testing.T, browser *testbrowser.Browser, up *corsUpstream, api, allowed, foreign string) {
	token := harness.Bearer(t, `{"id":"u1"}`)[1]
	cookie := "session=" + strings.TrimPrefix(token, "Bearer ")
	pages := map[string]*testbrowser.Page{}
	for _, origin := range []string{allowed, foreign} {
		pages[origin] = browser.Open(t, testbrowser.View{})
		pages[origin].Go(origin)
		// Cookies do not depend on the port, so the API gets this one.
		pages[origin].Run(fmt.Sprintf("document.cookie = %q", cookie))
	}
	const kept = "TypeError" // all that a page learns
	for name, c := range map[string]struct {
		origin, method, path string
		options              string // more members of fetch's options
		want                 string
		upstream             int
	}{
		"a token, which takes a preflight":      {allowed, "GET", "/orders/u1", "headers: {authorization: TOKEN}", "200 an answer 7 null", 1},
		"a change":                              {allowed, "PUT", "/bodies", `headers: {authorization: TOKEN, "content-type": "application/json"}, body: '{"ok":true}'`, "200 an answer 7 null", 1},
		"a change that the rule refuses":        {allowed, "PUT", "/bodies", `headers: {authorization: TOKEN, "content-type": "application/json"}, body: '{"ok":false}'`, `403 {"error":"not allowed"} null null`, 0},
		"a malformed body":                      {allowed, "PUT", "/bodies", `headers: {authorization: TOKEN, "content-type": "application/json"}, body: '{'`, `400 {"error":"the request cannot be read"} null null`, 0},
		"a bad token":                           {allowed, "GET", "/orders/u1", `headers: {authorization: "Bearer x.y.z"}`, `401 {"error":"a valid token is needed"} null null`, 0},
		"another user's":                        {allowed, "GET", "/orders/u2", "headers: {authorization: TOKEN}", `403 {"error":"not allowed"} null null`, 0},
		"no route":                              {allowed, "GET", "/other", "headers: {authorization: TOKEN}", `403 {"error":"not allowed"} null null`, 0},
		"the cookie":                            {allowed, "GET", "/orders/u1", `credentials: "include"`, "200 an answer 7 null", 1},
		"a change with the cookie":              {allowed, "PUT", "/orders/u1", `credentials: "include"`, "200 an answer 7 null", 1},
		"without the cookie":                    {allowed, "GET", "/orders/u1", `credentials: "omit"`, `401 {"error":"a valid token is needed"} null null`, 0},
		"a header that is not allowed":          {allowed, "GET", "/orders/u1", `headers: {"x-more": "1"}, credentials: "include"`, kept, 0},
		"a method that is not allowed":          {allowed, "DELETE", "/orders/u1", `credentials: "include"`, kept, 0},
		"another page with a token":             {foreign, "GET", "/orders/u1", "headers: {authorization: TOKEN}", kept, 0},
		"another page reads with the cookie":    {foreign, "GET", "/orders/u1", `credentials: "include"`, kept, 1},
		"another page changes with the cookie":  {foreign, "PUT", "/orders/u1", `credentials: "include"`, kept, 0},
		"another page, a refusal":               {foreign, "GET", "/orders/u2", `credentials: "include"`, kept, 0},
		"another page without reading (opaque)": {foreign, "GET", "/orders/u1", `credentials: "include", mode: "no-cors"`, "0  null null", 1},
	} {
		t.Run(name, func(t *testing.T) {
			up.take()
			got := testbrowser.Eval[string](pages[c.origin], fmt.Sprintf(`(async () => {
				try {
					const r = await fetch(%q, {method: %q, %s})
					return [r.status, await r.text(), r.headers.get("x-total"), r.headers.get("x-internal")].map(String).join(" ")
				} catch (e) { return e.name }
			})()`, api+c.path, c.method, strings.ReplaceAll(c.options, "TOKEN", fmt.Sprintf("%q", token))))
			if got != c.want {
				t.Errorf("want %q, found %q", c.want, got)
			}
			n := 0
			for what, times := range up.take() {
				if n += times; strings.HasPrefix(what, "OPTIONS") {
					t.Errorf("the upstream got %s", what)
				}
			}
			if n != c.upstream {
				t.Errorf("the upstream got %d requests, want %d", n, c.upstream)
			}
		})
	}
}
