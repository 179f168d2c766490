package operate

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rulegate/rulegate/envoy/harness"
	"github.com/rulegate/rulegate/host/decisionlog"
)

// hostile is a policy that lets each request through, and a candidate that fails in a
// way of its own on each route.
const (
	hostilePolicy = `
shadow: candidate.yaml
limits: {requestBody: 64KiB, responseBody: 64KiB, memory: 400KiB}
routes:
  - {name: h-panic, match: {path: /panic}, auth: none, rule: {rule: allow}}
  - {name: h-steps, match: {path: /steps}, auth: none, rule: {rule: allow}}
  - {name: h-huge, match: {path: /huge}, auth: none, rule: {rule: allow}}
  - {name: h-memory, match: {path: /memory}, auth: none, rule: {rule: allow}}
  - {name: h-keys, match: {path: /keys}, auth: none, rule: {rule: allow}}
  - {name: h-ended, match: {path: /ended}, auth: none, rule: {rule: deny}}
  - {name: h-denied, match: {path: /denied}, auth: none, rule: {rule: deny}}
`
	hostileCandidate = `
limits: {requestBody: 8MiB, responseBody: 8MiB, steps: 100000000, memory: 768MiB}
auth: {tokens: [{jwks: {url: "http://127.0.0.1:1/keys", cluster: nowhere}, audience: [a]}]}
routes:
  - {name: panic, match: {path: /panic}, auth: none, rule: {rule: allow}}
  - {name: steps, match: {path: /steps}, auth: none, rule: {rule: every, field: args.params.list, clause: {rule: some, field: args.params.list, clause: {rule: match, type: number, eval: "==", f1: item, f2: -1}}}}
  - {name: huge, match: {path: /huge}, auth: none, rule: {rule: remove, fields: [res.secret]}}
  - {name: memory, match: {path: /memory}, auth: none, rule: {rule: match, type: string, eval: "==", f1: args.params.a, f2: b}}
  - {name: keys, match: {path: /keys}, rule: {rule: authenticated}}
  - {name: ended, match: {path: /ended}, auth: none, rule: {rule: match, type: string, eval: "==", f1: args.params.a, f2: b}}
  - {name: denied, match: {path: /denied}, auth: none, rule: {rule: deny}}
`
)

// TestHostileCandidate: whatever a candidate does, the client and the upstream get what
// they would get without it, and it is counted.
func TestHostileCandidate(t *testing.T) {
	const secret = `{"secret":"x","rest":"`
	huge := secret + strings.Repeat("r", 200<<10) + `"}`   // more than limits.responseBody
	chunked := secret + strings.Repeat("r", 60<<10) + `"}` // less, and more than the candidate's memory
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("content-type", "application/json")
		if r.URL.Path == "/huge" {
			if r.URL.RawQuery == "chunked" {
				io.WriteString(w, chunked)
				return
			}
			w.Header().Set("content-length", fmt.Sprint(len(huge)))
			io.WriteString(w, huge)
			return
		}
		fmt.Fprintf(w, `{"got":%d}`, len(body))
	}))
	defer upstream.Close()
	b := harness.NewBootstrap(t, upstream.URL)
	b.Workers = 1
	b.Conf.Module = failingModule(t)
	b.AddCluster("nowhere", "http://127.0.0.1:1")
	b.AddCandidate(t, "hostile", hostilePolicy, hostileCandidate, "")
	b.AddCandidate(t, "faulty", "shadow: candidate.yaml\nroutes: [{name: h-faulty, match: {path: /}, auth: none, rule: {rule: allow}}]",
		"auth: {tokens: [{name: own, alg: HS256, secret: \"${NOT_SET_WHERE_ENVOY_RUNS}\"}]}\nroutes: []", "")
	b.AddPolicy(t, "in shadow", "mode: shadow\nroutes: [{name: h-shadow, match: {path: /}, auth: none, rule: {rule: deny}}]", "")
	b.AddPolicy(t, "enforced", "routes: [{name: h-enforced, match: {path: /}, auth: none, rule: {rule: allow}}]", "")
	p := b.Start(t)
	p.Ready(t)
	at := p.Listeners(t)
	send := func(listener string, r *harness.Request, status int, body string) {
		t.Helper()
		answer, err := harness.Send(at[listener], r, r.Target)
		if err != nil || answer.Status != status || body != "" && answer.Body != body {
			t.Errorf("%s %s: want %d %.40s, found %v, %+v", r.Method, r.Target, status, body, err, answer)
		}
	}
	post := func(target, body string, headers ...[2]string) *harness.Request {
		return &harness.Request{Method: "POST", Target: target, Body: body, Headers: append(headers, [2]string{"content-type", "application/json"})}
	}
	get := func(target string, headers ...[2]string) *harness.Request {
		return &harness.Request{Method: "GET", Target: target, Headers: headers}
	}
	list := `{"list":[` + strings.Repeat("1,", 3000) + `1]}`
	send("hostile", get("/panic", [2]string{"x-test-fail-candidate", "panic"}), 200, `{"got":0}`)
	for range 40 {
		send("hostile", post("/steps", list), 200, fmt.Sprintf(`{"got":%d}`, len(list)))
	}
	send("hostile", get("/huge"), 200, huge)
	send("hostile", get("/huge?chunked"), 200, chunked)
	large := `{"a":"` + strings.Repeat("b", 60<<10) + `"}`
	send("hostile", post("/memory", large), 200, fmt.Sprintf(`{"got":%d}`, len(large)))
	send("hostile", get("/keys", harness.Bearer(t, `{"id":"u1"}`)), 200, `{"got":0}`)
	send("hostile", post("/ended", `{"a":"b"}`), 403, "")
	send("hostile", get("/denied"), 403, "")
	send("faulty", get("/"), 200, `{"got":0}`)

	// A panic while a policy in shadow reads the headers lets the request through, and one
	// of an active policy does not.
	send("in shadow", get("/", [2]string{"x-test-fail", "throw"}), 200, `{"got":0}`)
	send("enforced", get("/", [2]string{"x-test-fail", "throw"}), 503, "")

	p.AwaitAdmin(t, "/stats?filter=rulegate", "shadow_differences_total.denies.h-steps: 40")
	p.AwaitAdmin(t, "/stats?filter=rulegate", "candidate_decisions_total.no.h-denied: 1")
	page := p.AwaitAdmin(t, "/stats?filter=rulegate", "candidate_undecided_total.ended.h-ended: 1")
	for _, line := range []string{
		"candidate_undecided_total.panic.h-panic: 1", "candidate_decisions_total.steps.h-steps: 40", "candidate_decisions_total.blocked.h-huge: 1",
		"shadow_differences_total.denies.h-huge: 1", "candidate_undecided_total.memory.h-huge: 1", "candidate_undecided_total.memory.h-memory: 1",
		"candidate_info.faulty: 1", "candidate_seconds_total: ",
	} {
		if !strings.Contains(page, line) {
			t.Errorf("no %s in\n%s", line, page)
		}
	}
	// Their panics come before the resource is known.
	p.AwaitAdmin(t, "/stats?filter=rulegate", "shadow_undecided_total.panic.none: 1")
	p.AwaitAdmin(t, "/stats?filter=rulegate", "decisions_total.error.none: 1")
	if !strings.Contains(page, "candidate_undecided_total.keys.h-keys: 1") && !strings.Contains(page, "shadow_differences_total.denies.h-keys: 1") {
		t.Errorf("nothing about the keys in\n%s", page)
	}
	for _, text := range []string{"panic in shadow: for a test", "candidate: it has faults, and the policy decides without it", "NOT_SET_WHERE_ENVOY_RUNS"} {
		if !strings.Contains(p.Log(), text) {
			t.Errorf("no %s in Envoy's log", text)
		}
	}
	checkDifference(t, p.Log())
}

// checkDifference reads the line of the first difference out of Envoy's log. After 20 lines
// at once, some are left out.
func checkDifference(t *testing.T, log string) {
	t.Helper()
	for line := range strings.Lines(log) {
		e, err := decisionlog.Parse([]byte(decisionlog.Unwrap(line)))
		if err != nil || e.Route != "h-steps" {
			continue
		}
		if len(e.Differs) != 1 || e.Differs[0] != "denies" || e.Outcome != "yes" || e.Candidate == nil || e.Candidate.Outcome != "steps" || e.Candidate.Status != 503 || e.Request == nil || e.Request.Path != "/steps" {
			t.Errorf("got %s", line)
		}
		return
	}
	t.Errorf("no line of a difference in Envoy's log:\n%s", harness.Tail(log, 30))
}
