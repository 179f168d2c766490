package edges

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rulegate/rulegate/envoy/harness"
	"github.com/rulegate/rulegate/rules/wire"
	"github.com/tidwall/gjson"
)

// The module decides a request in the memory of an earlier one. canaries sends
// requests of many users at once, each with a text of its own in headers, claims,
// parameters, bodies and rows. Each message to the upstream, the client or the
// companion, and each log line, must hold the texts of one user only.

const canaryPolicy = `
project: shop
auth:
  tokens: [{name: own, alg: HS256, secret: the-own-secret-of-the-test-cases, primary: true}]
  claimsToHeaders: {x-user: id}
  forward: false
companion: {cluster: rulegate-companion, timeout: 10s}
databases: {social: {type: embedded, conn: social.db}}
limits: {requestBody: 64KiB}
log: {claims: [id], sample: 0.3}
define:
  same: {rule: match, type: string, eval: "==", f1: args.auth.id, f2: args.request.headers.x-canary}
routes:
  - {name: open, match: {path: "/open"}, auth: none, rule: {rule: allow}}
  - {name: known, match: {path: "/known"}, rule: {rule: match, type: string, eval: "==", f1: args.auth.kind, f2: user}}
  - {name: own, match: {path: "/own/{id}"}, rule: {rule: and, clauses: [{rule: use, of: same}, {rule: match, type: string, eval: "==", f1: args.auth.id, f2: args.request.vars.id}]}}
  - {name: query, match: {path: "/query"}, rule: {rule: match, type: string, eval: "==", f1: args.auth.id, f2: args.params.id}}
  - name: force
    match: {methods: [POST], path: "/force"}
    rule: {rule: and, clauses: [{rule: match, type: string, eval: "==", f1: args.auth.id, f2: args.params.id}, {rule: force, field: args.params.owner, value: args.auth.id},
      {rule: force, field: args.request.headers.x-forced, value: args.auth.id}]}
  - {name: mask, match: {path: "/mask"}, rule: {rule: and, clauses: [{rule: use, of: same}, {rule: remove, fields: [res.gone]}]}, response: {rule: match, type: string, eval: "==", f1: args.res.canary, f2: args.auth.id}}
  - name: rows
    match: {path: "/rows"}
    rule: {rule: query, db: social, col: bans, find: {id: args.auth.id}, clause: {rule: match, type: string, eval: "==", f1: "args.result.0.id", f2: args.auth.id}}
`

var canaryText = regexp.MustCompile(`canary-[0-9]+`)

// strangers returns the canaries of a text that are not the own one.
func strangers(text, own string) (found []string) {
	for _, c := range canaryText.FindAllString(text, -1) {
		if c != own {
			found = append(found, c)
		}
	}
	return found
}

func canaries(t *testing.T, b *harness.Bootstrap, _ *harness.Upstream) func(*testing.T, *harness.Process) {
	var mu sync.Mutex
	var mixed []string
	report := func(where, text, own string) {
		if other := strangers(text, own); other != nil {
			mu.Lock()
			defer mu.Unlock()
			mixed = append(mixed, fmt.Sprintf("%s of %s has %q: %.300s", where, own, other, text))
		}
	}
	// The upstream answers with all that it gets.
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		own := r.Header.Get("x-canary")
		report("the upstream's request", fmt.Sprint(r.RequestURI, r.Header, string(body)), own)
		w.Header().Set("content-type", "application/json")
		w.Header().Set("x-echo", own)
		_ = json.NewEncoder(w).Encode(map[string]any{"canary": own, "gone": "SECRET", "headers": r.Header, "body": string(body)})
	}))
	t.Cleanup(up.Close)
	keys := wire.DeriveKeys(harness.OwnSecret)
	companion := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		// The queries of several users may come together: each has a user of its own.
		replies := []any{}
		gjson.GetBytes(body, "calls").ForEach(func(_, call gjson.Result) bool {
			own := canaryText.FindString(call.Raw)
			report("a call", call.Raw, own)
			replies = append(replies, map[string]any{"id": call.Get("id").Str, "rows": []any{map[string]any{"id": own}}})
			return true
		})
		harness.Sealed(w, keys, r, []byte(harness.JSON(map[string]any{"replies": replies})))
	}))
	t.Cleanup(companion.Close)
	b.AddCluster("canary-echo", up.URL)
	// With headers of claims no request is decided the quick way; without, many are.
	policies := map[string]string{"canaries": canaryPolicy, "quick-canaries": strings.Replace(canaryPolicy, "  claimsToHeaders: {x-user: id}\n", "", 1)}
	for name, policy := range policies {
		b.AddPolicy(t, name, policy, companion.URL).Upstream = "canary-echo"
	}
	return func(t *testing.T, p *harness.Process) {
		client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}, Timeout: harness.RequestTimeout}
		defer client.CloseIdleConnections()
		const users, rounds = 48, 12
		listeners := p.Listeners(t)
		var wait sync.WaitGroup
		for user := range users {
			wait.Go(func() {
				u := canaryUser{own: fmt.Sprintf("canary-%d", 1000+user), at: listeners["canaries"], withUser: user%2 == 0, client: client, report: report}
				if !u.withUser {
					u.at = listeners["quick-canaries"]
				}
				u.token = harness.Bearer(t, fmt.Sprintf(`{"id":%q,"kind":"user"}`, u.own))[1]
				for round := range rounds {
					if err := u.round(user + round); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		wait.Wait()
		for line := range strings.Lines(p.Log()) {
			if own := canaryText.FindString(line); own != "" {
				report("a line of the log", line, own)
			}
		}
		for i, m := range mixed {
			if i < 10 {
				t.Error(m)
			}
		}
	}
}

type canaryUser struct {
	own, at, token string
	withUser       bool // the upstream gets x-user
	client         *http.Client
	report         func(where, text, own string)
}

// round sends each kind of request once, beginning with another kind each time.
func (u *canaryUser) round(first int) error {
	requests := []struct {
		method, path, body string
		alter              func(http.Header)
		status             int
	}{
		{"GET", "/open", "", func(h http.Header) { h.Del("authorization") }, 200},
		{"GET", "/known", "", nil, 200},
		{"GET", "/own/" + u.own, "", nil, 200},
		{"GET", "/own/someone", "", nil, 403},
		{"GET", "/query?id=" + u.own, "", nil, 200},
		{"GET", "/query?id=someone&" + u.own + "=1", "", nil, 403},
		{"POST", "/force", `{"id":"` + u.own + `","owner":"someone"}`, nil, 200},
		{"POST", "/force", `{"id":"` + u.own + `","owner":"` + strings.Repeat("x", 20000) + `"}`, nil, 200},
		{"POST", "/force", `{"id":"` + u.own + `"`, nil, 400},
		{"GET", "/mask", "", nil, 200},
		{"GET", "/mask", "", func(h http.Header) { h.Set("x-canary", "someone") }, 403},
		{"GET", "/rows", "", nil, 200},
		{"GET", "/nowhere/" + u.own, "", nil, 403},
		{"GET", "/known", "", func(h http.Header) { h.Set("authorization", "Bearer "+u.own) }, 401},
		{"GET", "/known", "", func(h http.Header) { h.Set("x-more", u.own+strings.Repeat("y", 8000)) }, 200},
		{"GET", "/known", "", func(h http.Header) {
			for i := range 90 {
				h.Set(fmt.Sprint("x-more-", i), u.own)
			}
		}, 200},
		{"GET", "/known;" + u.own, "", nil, 400},
	}
	for i := range requests {
		r := requests[(first+i)%len(requests)]
		req, err := http.NewRequest(r.method, "http://"+u.at+r.path, bytes.NewReader([]byte(r.body)))
		if err != nil {
			return err
		}
		req.URL.Opaque = r.path // as it is
		if path, query, found := strings.Cut(r.path, "?"); found {
			req.URL = &url.URL{Scheme: "http", Host: u.at, Opaque: path, RawQuery: query}
		}
		req.Header.Set("authorization", u.token)
		req.Header.Set("x-canary", u.own)
		req.Header.Set("content-type", "application/json")
		if r.alter != nil {
			r.alter(req.Header)
		}
		resp, err := u.client.Do(req)
		if err != nil {
			return err
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			return err
		}
		if resp.StatusCode != r.status {
			return fmt.Errorf("%s %s: status %d %s, want %d", r.method, r.path, resp.StatusCode, body, r.status)
		}
		u.report("the client's response", fmt.Sprint(resp.Header, string(body)), u.own)
		if r.status == 200 && r.path != "/open" && strings.Contains(string(body), `"X-User":["`+u.own+`"]`) != u.withUser {
			return fmt.Errorf("%s: the upstream got %s", r.path, body)
		}
		if strings.Contains(string(body), u.token) {
			return fmt.Errorf("%s: the upstream got the token", r.path)
		}
		if strings.HasPrefix(r.path, "/mask") && strings.Contains(string(body), "SECRET") {
			return fmt.Errorf("%s: got %s", r.path, body)
		}
	}
	time.Sleep(time.Millisecond)
	return nil
}
