package cases

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/rulegate/rulegate/envoy/harness"
	"github.com/rulegate/rulegate/host/gateway"
	"github.com/rulegate/rulegate/host/policytest"
	"github.com/rulegate/rulegate/host/simulate"
	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/httpfield"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/value"
)

// TestPolicyTests turns each request of the cases that a file with tests can say into a
// test of `rulegate test`, and wants the same result, without the module and in it. With
// another status, the test fails.
func TestPolicyTests(t *testing.T) {
	module := harness.LoadModule(t)
	said, all := 0, 0
	for _, c := range harness.LoadCases(t) {
		all += len(c.Requests)
		tests := convert(t, c)
		if len(tests) == 0 {
			continue
		}
		said += len(tests)
		t.Run(c.Name, func(t *testing.T) { runConverted(t, c, tests, module) })
	}
	t.Logf("%d of %d requests can be said as tests of a policy", said, all)
	if said < all/2 {
		t.Errorf("want at least half of the requests")
	}
}

// converted is a request of a case as a test of a policy.
type converted map[string]any

func runConverted(t *testing.T, c *harness.Case, tests []converted, module *gateway.Module) {
	suite := loadConverted(t, c, tests)
	native := policytest.NewNative(suite.Policy, 0)
	inModule, err := policytest.NewModule(t.Context(), suite, module, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer inModule.Close()
	for _, k := range suite.Cases {
		for name, runner := range map[string]policytest.Runner{"native": native, "module": inModule} {
			if name == "module" && behindProxy(c, k.Name) {
				continue
			}
			if r := suite.Run(runner, k); r.Outcome == policytest.Fail {
				t.Errorf("%s, %s: %v %v", k.Name, name, r.Differences, r.Err)
			}
		}
	}
	// The twins must fail.
	for _, x := range tests {
		want := x["want"].(map[string]any)
		if status := want["status"]; status == "allow" || status == 200 {
			x["want"] = map[string]any{"status": "deny"}
		} else {
			x["want"] = map[string]any{"status": 599}
		}
	}
	suite = loadConverted(t, c, tests)
	for _, k := range suite.Cases {
		if r := suite.Run(native, k); r.Outcome != policytest.Fail {
			t.Errorf("%s: a wrong status passes", k.Name)
		}
	}
}

// behindProxy reports whether a request has another result behind a proxy, which
// normalises its path first.
func behindProxy(c *harness.Case, name string) bool {
	return slices.ContainsFunc(c.Requests, func(r *harness.Request) bool { return r.Name == name && r.Proxied != nil })
}

// loadConverted writes a file with tests beside the case's policy, and loads both.
func loadConverted(t *testing.T, c *harness.Case, tests []converted) *policytest.Suite {
	t.Helper()
	dir := t.TempDir()
	doc, err := json.Marshal(map[string]any{"now": time.Now().UTC().Format(time.RFC3339Nano), "env": c.Environ(), "tests": tests})
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"policy.yaml": c.Policy, "policy_test.json": string(doc)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	suite, err := policytest.Load(filepath.Join(dir, "policy_test.json"), policytest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return suite
}

// convert returns the requests of a case that tests of a policy can say.
func convert(t *testing.T, c *harness.Case) (tests []converted) {
	if strings.Contains(c.Policy, "mode: shadow") {
		return nil // a test says what the rule decides, which a proxy does not carry out
	}
	if c.Faults != nil || c.Candidate != "" || c.Seed != "" {
		return nil
	}
	p, _ := c.Load(t, c.Policy)
	if len(p.JWKS) > 0 || len(p.Issuers) > 0 {
		return nil // key sets are fetched, or issuers asked
	}
	for _, r := range c.Requests {
		if x, ok := convertRequest(p, c, r); ok {
			tests = append(tests, x)
		}
	}
	return tests
}

func convertRequest(p *policy.Policy, c *harness.Case, r *harness.Request) (x converted, ok bool) {
	if !strings.HasPrefix(r.Target, "/") || strings.ContainsAny(r.Target, " #") || !httpfield.IsToken(r.Method) || !sayable(r) {
		return nil, false
	}
	x = converted{"name": r.Name, "request": r.Method + " " + r.Target, "host": "shop.example"}
	headers := map[string][]string{}
	for _, h := range r.Headers {
		if h[0] == "host" {
			x["host"] = h[1]
		} else {
			headers[h[0]] = append(headers[h[0]], h[1])
		}
	}
	if x["host"] == "" {
		return nil, false
	}
	x["headers"] = headers
	if r.Body != "" {
		x["body"] = r.Body
	}
	if peer := r.Peer(); peer.Kind() == value.Object {
		x["peer"], x["scheme"] = json.RawMessage(peer.String()), "https"
	}
	if a := r.Answer; a != nil {
		if a.Wire != nil || a.Status < 200 || a.Status > 599 {
			return nil, false
		}
		answer := map[string][]string{}
		for _, h := range a.Headers {
			answer[h[0]] = append(answer[h[0]], h[1])
		}
		x["response"] = map[string]any{"status": a.Status, "headers": answer, "body": a.Body}
	}
	if !convertReplies(p, c, r, x) {
		return nil, false
	}
	x["want"] = convertWant(r)
	return x, true
}

// sayable reports whether the texts of a request can stand in a file with tests.
func sayable(r *harness.Request) bool {
	texts := []string{r.Target, r.Body}
	for _, h := range r.Headers {
		if !httpfield.IsToken(h[0]) || !httpfield.IsValue(h[1]) {
			return false
		}
		texts = append(texts, h[1])
	}
	for _, h := range r.Want.Headers {
		texts = append(texts, h.Values...)
	}
	if u := r.Want.Upstream; u != nil {
		for _, h := range u.Headers {
			texts = append(texts, h.Values...)
		}
		if u.Body != nil {
			texts = append(texts, *u.Body)
		}
	}
	if a := r.Answer; a != nil {
		texts = append(texts, a.Body)
		for _, h := range a.Headers {
			texts = append(texts, h[1])
		}
	}
	return !slices.ContainsFunc(texts, func(s string) bool { return !utf8.ValidString(s) || strings.Contains(s, "\x00") })
}

// convertReplies says the replies as data. The rows of a reply serve any query, those of
// data only the queries whose conditions they meet: where that makes a difference, the
// case cannot be said.
func convertReplies(p *policy.Policy, c *harness.Case, r *harness.Request, x converted) bool {
	tables, hooks := targets(p)
	data, webhooks := map[string]any{}, map[string]any{}
	given := map[string]*harness.Reply{}
	for _, target := range append(slices.Clone(tables), hooks...) {
		i := slices.IndexFunc(r.Replies, func(reply harness.Reply) bool {
			if slices.Contains(hooks, target) {
				return reply.Kind == "webhook" && (reply.URL == "" || reply.URL == target)
			}
			_, col := simulate.SplitTable(target)
			return reply.Kind == "query" && (reply.Col == "" || reply.Col == col)
		})
		to, answer := data, any(map[string]any{"fails": "no reply"})
		if slices.Contains(hooks, target) {
			to = webhooks
		}
		if i >= 0 {
			reply := &r.Replies[i]
			given[target] = reply
			switch {
			case reply.Error != "" && slices.Contains(simulate.Phrases, reply.Error):
				answer = map[string]any{"fails": reply.Error}
			case reply.Error != "":
				answer = map[string]any{"fails": "internal error"}
			case reply.Kind == "query" && !isRows(reply.Rows):
				return false
			case reply.Kind == "query":
				answer = reply.Rows
			case reply.Status < 100 || reply.Status > 599:
				return false
			default:
				answer = map[string]any{"status": reply.Status, "body": reply.Body}
			}
		}
		to[target] = answer
	}
	x["data"], x["webhooks"] = data, webhooks
	return len(r.Replies) == 0 || sameRows(p, c, r, given)
}

func isRows(raw json.RawMessage) bool {
	v, err := value.Parse(string(raw), 64)
	return err == nil && v.Kind() == value.Array && !slices.ContainsFunc(v.Elements(), func(x value.Value) bool { return x.Kind() != value.Object })
}

// targets lists the collections and webhooks that the rules of a policy call.
func targets(p *policy.Policy) (tables, hooks []string) {
	var visit func(*rules.Rule)
	visit = func(r *rules.Rule) {
		if r == nil {
			return
		}
		switch kind, target := r.Called(); {
		case kind == rules.Query && !slices.Contains(tables, target):
			tables = append(tables, target)
		case kind == rules.Webhook && !slices.Contains(hooks, target):
			hooks = append(hooks, target)
		}
		for _, in := range r.Clauses() {
			visit(in)
		}
	}
	for _, r := range p.Resources() {
		visit(r.Rule)
		visit(r.Response)
	}
	return tables, hooks
}

// sameRows reports whether the rows of the replies are those that the queries find.
func sameRows(p *policy.Policy, c *harness.Case, r *harness.Request, given map[string]*harness.Reply) bool {
	n := &native{policy: p, companion: c.Companion(nil, p), keys: newNativeKeys(p)}
	n.simulator = simulate.New(p, simulate.Options{Keys: n.keys, Wait: n.keys.wait})
	n.companion.Expect(r.Replies)
	got, err := n.decide(r)
	if err != nil {
		return false
	}
	for i := range got.Calls {
		call := &got.Calls[i]
		reply := given[simulate.Target(&call.Call)]
		if call.Kind != rules.Query || reply == nil || reply.Error != "" {
			continue
		}
		rows, err := value.Parse(string(reply.Rows), 64)
		if err != nil {
			return false
		}
		table, err := simulate.NewTable(rows.Elements(), true)
		if err != nil {
			return false
		}
		a := &simulate.Answers{Policy: p, Tables: map[string]*simulate.Table{simulate.Target(&call.Call): table}}
		found, err := a.Answer([]rules.Call{call.Call})
		if err != nil || found[0].Err != "" || found[0].Rows.String() != call.Reply.Rows.String() {
			return false
		}
	}
	return true
}

func convertWant(r *harness.Request) map[string]any {
	w := &r.Want
	want := map[string]any{"status": w.Status}
	if w.Status < 400 && r.Answer == nil {
		want["status"] = "allow"
	}
	if w.Error != "" {
		want["error"] = w.Error
	}
	headers := map[string]any{}
	for _, h := range w.Headers {
		headers[h.Name] = wantedHeader(h.Values)
	}
	if len(headers) > 0 && (r.Answer != nil || w.Status >= 400) {
		want["headers"] = headers
	}
	if r.Got != nil {
		want["body"] = *r.Got
	}
	if w.Status < 400 {
		want["upstream"] = convertUpstream(r)
	}
	return want
}

func wantedHeader(values []string) any {
	if len(values) == 0 {
		return nil
	}
	return values
}

func convertUpstream(r *harness.Request) map[string]any {
	method, target, body := r.Method, r.Target, r.Body
	up := map[string]any{}
	if u := r.Want.Upstream; u != nil {
		method, target = u.Method, u.Target
		if u.Body != nil {
			body = *u.Body
		}
		headers := map[string]any{}
		for _, h := range u.Headers {
			headers[h.Name] = wantedHeader(h.Values)
		}
		up["headers"] = headers
	}
	path, query, _ := strings.Cut(target, "?")
	up["method"], up["path"] = method, path
	if pairs, err := httpfield.ParseForm(query); err == nil {
		values := map[string][]string{}
		for _, p := range pairs {
			values[p.Name] = append(values[p.Name], p.Value)
		}
		up["query"] = values
	}
	if v, err := value.Parse(body, 512); err == nil && (v.Kind() == value.Object || v.Kind() == value.Array) {
		up["json"] = json.RawMessage(body)
	} else {
		up["body"] = body
	}
	return up
}
