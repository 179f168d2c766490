// Package counts counts the module's work for a request, on the embedded
// gateway: entries into the VM, calls of the host, allocations, bytes copied. The
// counts are exact, where times are not, so the table of them in testdata guards
// the path of a request.
package counts

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/rulegate/rulegate/envoy/harness"
	"github.com/rulegate/rulegate/host/gateway"
	"github.com/rulegate/rulegate/host/metrics"
)

var (
	update = flag.Bool("update", false, "rewrite testdata/counts.txt")
	stacks = flag.Bool("stacks", false, "with -v, print the callers of each allocation")
	every  = flag.Bool("functions", false, "with -v, print the calls of each function")
	only   = flag.String("kind", "", "count only the kinds whose names begin so, and compare nothing")
)

func TestMain(m *testing.M) { os.Exit(harness.Main(m)) }

// countedPolicy has a route for each kind of request.
var countedPolicy = `
project: shop
auth:
  tokens:
    - {name: own, alg: HS256, secret: the-own-secret-of-the-test-cases, primary: true}
    - {name: partner, alg: RS256, publicKey: "${RSA_PUBLIC}"}
companion: {cluster: rulegate-companion}
databases: {social: {type: embedded, conn: social.db}}
define:
  admin: {rule: match, type: string, eval: "==", f1: args.auth.role, f2: admin}
routes:
  - {name: allow, match: {path: /allow}, auth: none, rule: {rule: allow}}
  - {name: deny, match: {path: /deny}, auth: none, rule: {rule: deny}}
  - {name: optional, match: {path: /optional}, auth: optional, rule: {rule: allow}}
  - {name: claim, match: {path: /claim}, rule: {rule: use, of: admin}}
  - {name: owner, match: {path: "/users/{id}"}, rule: {rule: match, type: string, eval: "==", f1: args.auth.id, f2: args.request.vars.id}}
  - name: clauses
    match: {path: /clauses}
    rule: {rule: and, clauses: [` + twentyClauses + `]}
  - {name: parameter, match: {path: /parameter}, rule: {rule: match, type: string, eval: "==", f1: args.auth.id, f2: args.params.id}}
  - name: force
    match: {path: /force}
    rule: {rule: and, clauses: [{rule: use, of: admin}, {rule: force, field: args.params.owner, value: args.auth.id}]}
  - {name: mask, match: {path: /mask}, rule: {rule: and, clauses: [{rule: use, of: admin}, {rule: remove, fields: [res.secret]}]}}
  - {name: query, match: {path: /query}, rule: {rule: query, db: social, col: bans, find: {id: args.auth.id}, clause: {rule: match, type: number, eval: "==", f1: utils.length(args.result), f2: 0}}}
`

var twentyClauses = strings.Repeat(`{rule: use, of: admin}, `, 20)

// kind is a request that is counted.
type kind struct {
	name, method, path, body string
	token                    string // a key of the harness; "": none
	cold                     bool   // each request has another token
	withheld                 bool   // the policy does not forward tokens
	log                      string // the policy's section log; "": none
	headers                  [][2]string
	status                   int
}

var browser = [][2]string{
	{"accept", "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"},
	{"accept-encoding", "gzip, deflate, br, zstd"}, {"accept-language", "en-US,en;q=0.5"}, {"cache-control", "no-cache"},
	{"cookie", "theme=dark; consent=yes; _ga=GA1.1.1234567890.1700000000"}, {"dnt", "1"}, {"pragma", "no-cache"},
	{"priority", "u=0, i"}, {"referer", "https://shop.example/start"}, {"sec-ch-ua", `"Chromium";v="140"`},
	{"sec-ch-ua-mobile", "?0"}, {"sec-ch-ua-platform", `"Linux"`}, {"sec-fetch-dest", "document"}, {"sec-fetch-mode", "navigate"},
	{"sec-fetch-site", "same-origin"}, {"sec-fetch-user", "?1"}, {"upgrade-insecure-requests", "1"},
	{"user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"},
}

var kinds = []kind{
	{name: "allow", path: "/allow", status: 200},
	{name: "token and match", path: "/claim", token: "own", status: 200},
	{name: "token and match, sampled out of the log", path: "/claim", token: "own", log: "{claims: [id], sample: 0}", status: 200},
	{name: "token and match, the token not forwarded", path: "/claim", token: "own", withheld: true, status: 200},
	{name: "token and match, a browser's headers", path: "/claim", token: "own", headers: browser, status: 200},
	{name: "token and match of a path's variable", path: "/users/u1", token: "own", status: 200},
	{name: "token and 20 matches", path: "/clauses", token: "own", status: 200},
	{name: "token and match of a parameter", path: "/parameter?id=u1", token: "own", status: 200},
	{name: "a new token, HS256", path: "/claim", token: "own", cold: true, status: 200},
	{name: "a new token, RS256", path: "/claim", token: "rsa", cold: true, status: 200},
	{name: "no token, where it is optional", path: "/optional", status: 200},
	{name: "denied by its rule", path: "/deny", status: 403},
	{name: "no token", path: "/claim", status: 401},
	{name: "no route", path: "/nowhere", status: 403},
	{name: "a body that passes", method: "POST", path: "/claim", token: "own", body: `{"n":1}`, status: 200},
	{name: "a forced field", method: "POST", path: "/force", token: "own", body: `{"n":1,"owner":"nobody"}`, status: 200},
	{name: "a masked response", path: "/mask", token: "own", status: 200},
	{name: "a query", path: "/query", token: "own", status: 200},
}

// warmUp is the number of requests of a kind before the first that is counted: by
// then the counters are defined, and caches and pools are filled.
const warmUp = 4

// TestCounts compares the counts of each kind of request with the recorded table.
// After a change that is wanted: go test ./envoy/counts -update.
func TestCounts(t *testing.T) {
	m := &meter{show: *stacks, every: *every}
	module := namedModule(t, m)
	text := "# What the module does for one request of each kind. go test ./envoy/counts -update writes this file.\n"
	for _, k := range kinds {
		if !strings.HasPrefix(k.name, *only) {
			continue
		}
		text += "\n" + k.name + "\n" + k.measure(t, module, m).lines()
	}
	if *only != "" {
		fmt.Println(text)
		return
	}
	const golden = "testdata/counts.txt"
	if *update {
		if err := os.WriteFile(golden, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if d := difference(string(want), text); d != "" {
		t.Errorf("the counts have changed. If that is wanted: go test ./envoy/counts -update. (Go's own allocations count too; this is %s.)\n%s", runtime.Version(), d)
	}
}

// TestLogIsFree: a request whose decision is not written costs what it costs without a
// log.
func TestLogIsFree(t *testing.T) {
	data, err := os.ReadFile("testdata/counts.txt")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(data), "\n\ntoken and match\n")
	plain, _, _ := strings.Cut(rest, "\n\n")
	_, rest, _ = strings.Cut(string(data), "\n\ntoken and match, sampled out of the log\n")
	sampledOut, _, _ := strings.Cut(rest, "\n\n")
	if d := cmp.Diff(plain, sampledOut); d != "" || plain == "" {
		t.Errorf("without a log, and sampled out:\n%s", d)
	}
}

// difference shows the blocks that differ between the recorded table and another.
func difference(recorded, now string) (text string) {
	before := map[string]string{}
	for block := range strings.SplitSeq(recorded, "\n\n") {
		name, _, _ := strings.Cut(block, "\n")
		before[name] = strings.TrimRight(block, "\n")
	}
	for block := range strings.SplitSeq(now, "\n\n") {
		name, _, _ := strings.Cut(block, "\n")
		if block = strings.TrimRight(block, "\n"); block != before[name] {
			text += "recorded: " + before[name] + "\nnow:      " + block + "\n"
		}
		delete(before, name)
	}
	for name := range before {
		text += "recorded, and counted no more: " + name + "\n"
	}
	return text
}

// namedModule builds the module with the names of its functions, which `make build`
// leaves out, and compiles it with a meter.
func namedModule(t *testing.T, m *meter) *gateway.Module {
	t.Helper()
	path := filepath.Join(t.TempDir(), "named.wasm")
	build := exec.Command("go", "build", "-buildmode=c-shared", "-trimpath", "-ldflags=-w", "-o", path, harness.Repository("plugin"))
	build.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	code, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	module, err := gateway.Load(experimental.WithFunctionListenerFactory(context.Background(), m), code)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { module.Close(context.Background()) })
	return module
}

// measure sends requests of one kind through a new gateway, and returns the counts
// of the last ones, which must be equal. It checks that each was counted once: the
// module tells the host once a second, and at its end.
func (k *kind) measure(t *testing.T, module *gateway.Module, m *meter) counts {
	t.Helper()
	h := k.gateway(t, module)
	for i := range warmUp {
		k.send(t, h, i)
	}
	if *stacks {
		fmt.Println(k.name)
	}
	first := m.during(func() { k.send(t, h, warmUp) })
	if *stacks {
		fmt.Println(k.name + ", again")
	}
	second := m.during(func() { k.send(t, h, warmUp+1) })
	if *every {
		fmt.Print(k.name + first.called())
	}
	if d := cmp.Diff(first.lines(), second.lines()); d != "" {
		t.Errorf("%s: two requests differ:\n%s", k.name, d)
	}
	// The meter cannot tell VMs apart, so there is one at a time.
	h.Close(context.Background())
	if n := decisions(t, h); n != warmUp+2 {
		t.Errorf("%s: the module has counted %d decisions, want %d", k.name, n, warmUp+2)
	}
	return first
}

// decisions returns the sum of the module's counters of decisions.
func decisions(t *testing.T, g *gateway.Gateway) (n int64) {
	for _, m := range g.Metrics() {
		if _, _, err := metrics.Split(m.Name); err != nil {
			t.Error(err)
		}
		if strings.HasPrefix(m.Name, "rulegate.decisions_total.") {
			n += m.Value
		}
	}
	return n
}

func (k *kind) gateway(t *testing.T, module *gateway.Module) *gateway.Gateway {
	t.Helper()
	c := &harness.Case{Name: "counts", Policy: countedPolicy}
	if k.withheld {
		c.Policy = strings.Replace(c.Policy, "auth:\n", "auth:\n  forward: false\n", 1)
	}
	if k.log != "" {
		c.Policy += "log: " + k.log + "\n"
	}
	_, doc := c.Load(t, c.Policy)
	cfg, err := harness.GatewayConfig(c, module, doc)
	if err != nil {
		t.Fatal(err)
	}
	// A collection may come at any time, so there is none.
	cfg.Env["GOGC"] = "off"
	cfg.Upstream = gateway.Cluster{Handler: http.HandlerFunc(upstream)}
	cfg.Clusters = map[string]gateway.Cluster{"rulegate-companion": {Handler: http.HandlerFunc(companion)}}
	g, err := harness.NewGateway(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func upstream(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	w.Header().Set("content-type", "application/json")
	_, _ = io.WriteString(w, `{"id":1,"name":"Ann","secret":"x","tags":["a","b"]}`)
}

func companion(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	harness.Sealed(w, harness.BansKeys, r, harness.NoRows(body))
}

// send sends the request of number n.
func (k *kind) send(t *testing.T, h http.Handler, n int) {
	t.Helper()
	method := k.method
	if method == "" {
		method = "GET"
	}
	r := httptest.NewRequest(method, "http://shop.example"+k.path, strings.NewReader(k.body))
	if k.body == "" {
		r.Body, r.ContentLength = http.NoBody, 0
	} else {
		r.Header.Set("content-type", "application/json")
	}
	for _, f := range k.headers {
		r.Header.Set(f[0], f[1])
	}
	if k.token != "" {
		if !k.cold {
			n = 0
		}
		token, err := harness.SignToken(k.token, fmt.Sprintf(`{"id":"u1","role":"admin","email":"ann@shop.example","n":%d}`, n), "", false)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("authorization", "Bearer "+token)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != k.status {
		t.Fatalf("%s: got %d %s, want %d", k.name, w.Code, w.Body, k.status)
	}
}
