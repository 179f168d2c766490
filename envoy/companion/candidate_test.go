package companion

import (
	"cmp"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rulegate/rulegate/envoy/harness"
)

// callingPolicy asks for the row of a user at /asked, and nothing elsewhere. Its
// candidate asks for another row there, a row and a webhook at /both, and a webhook at
// /hooked.
const (
	callingPolicy = `
project: shop
shadow: {policy: candidate.yaml%[1]s}
auth: {tokens: [{name: own, alg: HS256, secret: the-own-secret-of-the-test-cases, primary: true}]}
databases: {social: {type: embedded, conn: %[2]s}}
routes:
  - {name: asked%[3]s, match: {path: /asked}, rule: {rule: query, db: social, col: bans, find: {id: args.auth.id}, clause: {rule: match, type: number, eval: "==", f1: utils.length(args.result), f2: 0}}}
  - {name: both%[3]s, match: {path: /both}, rule: {rule: allow}}
  - {name: hooked%[3]s, match: {path: /hooked}, rule: {rule: allow}}
`
	callingCandidate = `
project: shop
auth: {tokens: [{name: own, alg: HS256, secret: the-own-secret-of-the-test-cases, primary: true}]}
databases: {social: {type: embedded, conn: nowhere.db}}
webhooks: {allow: ["%[1]s"]}
define:
  notBanned: {rule: query, db: social, col: bans, find: {id: args.request.query.of}, clause: {rule: match, type: number, eval: "==", f1: utils.length(args.result), f2: 0}}
  hook: {rule: webhook, url: "http://%[1]s/%[2]s"}
routes:
  - {name: asked, match: {path: /asked}, rule: {rule: use, of: notBanned}}
  - {name: both, match: {path: /both}, rule: {rule: and, clauses: [{rule: use, of: notBanned}, {rule: use, of: hook}]}}
  - {name: hooked, match: {path: /hooked}, rule: {rule: use, of: hook}}
`
)

// hookCounter is the target of webhooks. It answers 403 where the caller's claim id is
// u3, and counts the calls by their path.
type hookCounter struct {
	mu    sync.Mutex
	calls map[string]int
}

func (h *hookCounter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	h.mu.Lock()
	h.calls[r.URL.Path]++
	h.mu.Unlock()
	if strings.Contains(string(body), `"id":"u3"`) {
		w.WriteHeader(http.StatusForbidden)
	}
}

// take returns the number of calls since the last take.
func (h *hookCounter) take(path string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	defer delete(h.calls, path)
	return h.calls[path]
}

// candidateCalls tests that the calls of a candidate reach a real database and a real
// webhook if the policy permits them, that none is made otherwise, and that the client
// gets what the policy decides in any case.
func candidateCalls(t *testing.T, b *harness.Bootstrap, _ *harness.Upstream) func(*testing.T, *harness.Process) {
	hooks := &hookCounter{calls: map[string]int{}}
	target := httptest.NewServer(hooks)
	t.Cleanup(target.Close)
	// A candidate decides nothing once the request is over, so the upstream takes its time.
	upstream := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { time.Sleep(200 * time.Millisecond) }))
	t.Cleanup(upstream.Close)
	b.AddCluster("leisurely", upstream.URL)
	host := strings.TrimPrefix(target.URL, "http://")
	tests := []candidateCall{
		{name: "none", path: "/asked?of=u2", counts: "candidate_undecided_total.calls.asked-none"},
		{name: "none", path: "/both?of=u2", counts: "candidate_undecided_total.calls.both-none"},
		{name: "none", path: "/hooked", counts: "candidate_undecided_total.calls.hooked-none"},
		{name: "queries", path: "/asked?of=u2", counts: "shadow_differences_total.denies.asked-queries"},
		{name: "queries", path: "/asked?of=u1", counts: "candidate_decisions_total.yes.asked-queries"},
		{name: "queries", path: "/both?of=u2", counts: "shadow_differences_total.denies.both-queries"}, // by the query alone
		{name: "queries", path: "/both?of=u1", counts: "candidate_undecided_total.calls.both-queries"},
		{name: "queries", path: "/hooked", counts: "candidate_undecided_total.calls.hooked-queries"},
		{name: "webhooks", path: "/hooked", counts: "candidate_decisions_total.yes.hooked-webhooks", hooked: true},
		{name: "webhooks", as: "u3", path: "/hooked", counts: "shadow_differences_total.denies.hooked-webhooks", hooked: true},
		{name: "webhooks", path: "/both?of=u1", counts: "candidate_undecided_total.calls.both-webhooks"},
		{name: "all", path: "/both?of=u1", counts: "candidate_decisions_total.yes.both-all", hooked: true},
		{name: "all", as: "u3", path: "/both?of=u1", counts: "shadow_differences_total.denies.both-all", hooked: true},
	}
	permissions := map[string]string{"none": "", "queries": ", queries: true", "webhooks": ", webhooks: true", "all": ", queries: true, webhooks: true"}
	for name, keys := range permissions {
		policy, candidate := fmt.Sprintf(callingPolicy, keys, harness.BansFile(t), "-"+name), fmt.Sprintf(callingCandidate, host, name)
		co := harness.ServeCandidate(t, policy, candidate, "127.0.0.1:0")
		b.AddCandidate(t, "calls-"+name, policy, candidate, co.URL).Upstream = "leisurely"
	}
	return func(t *testing.T, p *harness.Process) {
		at := p.Listeners(t)
		var wait sync.WaitGroup
		for name := range permissions {
			wait.Go(func() { // one after the other: they share the path of their webhook
				for _, c := range tests {
					if c.name != name {
						continue
					}
					sent := c.until(t, p, at["calls-"+name])
					if got := hooks.take("/" + name); c.hooked != (got > 0) || got > sent {
						t.Errorf("%s: %s: the webhook was called %d times for %d requests", name, c.path, got, sent)
					}
				}
			})
		}
		wait.Wait()
		page, err := p.AdminGet("/stats?filter=rulegate")
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(page) {
			if strings.Contains(line, "shadow_differences_total") && (strings.Contains(line, "-none:") || !strings.Contains(line, ".denies.")) {
				t.Errorf("a difference that is none: %s", line)
			}
		}
	}
}

// candidateCall is a request to the listener of a permission, and what it is counted as.
type candidateCall struct {
	name, as, path, counts string
	hooked                 bool // the webhook is called
}

// until sends the request until it is counted, and returns how often that was.
func (c *candidateCall) until(t *testing.T, p *harness.Process, listener string) (sent int) {
	t.Helper()
	as := cmp.Or(c.as, "u1")
	request := &harness.Request{Method: "GET", Target: c.path, Headers: [][2]string{harness.Bearer(t, `{"id":"`+as+`"}`)}}
	for sent < 8 {
		sent++
		answer, err := harness.Send(listener, request, "candidate")
		if err != nil || answer.Status != http.StatusOK {
			t.Errorf("%s: %s as %s: want 200, found %v, %+v", c.name, c.path, as, err, answer)
			return sent
		}
		for range 30 { // the counters come once a second
			page, err := p.AdminGet("/stats?filter=rulegate")
			if err != nil {
				t.Error(err)
				return sent
			}
			if strings.Contains(page, c.counts+": ") {
				return sent
			}
			time.Sleep(100 * time.Millisecond)
		}
	}
	t.Errorf("%s: %s as %s: not counted as %s", c.name, c.path, as, c.counts)
	return sent
}
