package edges

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/rulegate/rulegate/envoy/harness"
	"github.com/rulegate/rulegate/host/gateway"
)

// readersPolicy reads each part of a request: PART/user lets it through if the
// role is user, PART/absent if there is no role.
const readersPolicy = `
project: shop
auth:
  tokens: [{name: own, alg: HS256, secret: the-own-secret-of-the-test-cases, primary: true}]
  claimsToHeaders: {x-user-id: id}
routes:
  - {match: {methods: [GET, POST, PUT, DELETE], path: "/query/user"}, auth: none, rule: {rule: match, type: string, eval: "==", f1: args.request.query.user_role, f2: user}}
  - {match: {methods: [GET, POST, PUT, DELETE], path: "/query/absent"}, auth: none, rule: {rule: match, type: bool, eval: "==", f1: utils.exists(args.request.query.user_role), f2: false}}
  - {match: {methods: [GET, POST, PUT, DELETE], path: "/params/user"}, auth: none, rule: {rule: match, type: string, eval: "==", f1: args.params.user_role, f2: user}}
  - {match: {methods: [GET, POST, PUT, DELETE], path: "/params/absent"}, auth: none, rule: {rule: match, type: bool, eval: "==", f1: utils.exists(args.params.user_role), f2: false}}
  - {match: {methods: [GET], path: "/header/user"}, auth: none, rule: {rule: match, type: string, eval: "==", f1: args.request.headers.x-role, f2: user}}
  - {match: {methods: [GET], path: "/header/absent"}, auth: none, rule: {rule: match, type: bool, eval: "==", f1: utils.exists(args.request.headers.x-role), f2: false}}
  - {match: {methods: [GET], path: "/claim/user"}, rule: {rule: authenticated}}
  - {match: {methods: [GET], path: "/claim/absent"}, auth: none, rule: {rule: allow}}
`

// readings returns the members of a reader's response that an application may use
// where the rule reads a part of the request. args.params is the body, and the query
// of a GET or DELETE. "merged" is a framework's mixture of query and form, such as
// PHP's $_REQUEST.
func (r oddRequest) readings(path string) []string {
	switch {
	case r.part != "params":
		return []string{r.part}
	case r.method == "GET" || r.method == "DELETE":
		return []string{"body", "query", "merged"}
	case path == "/params/user" && slices.Contains(r.headers, [2]string{"content-type", form}):
		return []string{"body", "merged"}
	}
	return []string{"body"}
}

// startReaders starts an upstream for each framework and returns their URLs.
func startReaders(t *testing.T) map[string]string {
	t.Helper()
	for _, program := range []string{"php-cgi", "node", "npm", "python3"} {
		if _, err := exec.LookPath(program); err != nil {
			if os.Getenv("CI") != "" {
				t.Fatal(err)
			}
			t.Skip(err)
		}
	}
	get := exec.Command(harness.Repository(".ci/readers"))
	get.Stderr = os.Stderr
	out, err := get.Output()
	if err != nil {
		t.Fatal(err)
	}
	folder := strings.TrimSpace(string(out))
	golang := httptest.NewServer(http.HandlerFunc(readInGo))
	t.Cleanup(golang.Close)
	python := []string{"PYTHONPATH=" + filepath.Join(folder, "python"), "PYTHONDONTWRITEBYTECODE=1"}
	return map[string]string{
		"go":      golang.URL,
		"php":     startPHP(t, harness.Repository("envoy/edges/testdata/reader.php")),
		"express": startReader(t, []string{"NODE_PATH=" + filepath.Join(folder, "node_modules")}, "node", "testdata/reader.js"),
		"flask":   startReader(t, python, "python3", "testdata/reader.py", "flask"),
		"django":  startReader(t, python, "python3", "testdata/reader.py", "django"),
	}
}

// gatewaySuffix marks a framework behind the embedded gateway instead of Envoy.
const gatewaySuffix = " behind the gateway"

// reading is the content of one request, as one reader sees it.
type reading struct {
	status int
	reader string // "": the request did not reach one
	values map[string]any
}

func readOdd(t *testing.T, addr string, r oddRequest, path string) reading {
	target := path
	if r.query != "" {
		target += "?" + r.query
	}
	headers := slices.Clone(r.headers)
	if path == "/claim/user" {
		headers = append(headers, harness.Bearer(t, `{"id":"u1"}`))
	}
	resp, err := harness.Send(addr, &harness.Request{Method: r.method, Target: target, Headers: headers, Body: r.body}, "odd")
	if err != nil {
		return reading{} // Envoy closes the connection
	}
	got := reading{status: resp.Status, reader: strings.Join(resp.Headers["x-reader"], "")}
	if got.reader != "" && got.status == http.StatusOK {
		if err := json.Unmarshal([]byte(resp.Body), &got.values); err != nil {
			t.Errorf("%v %s: %v in %s", r, got.reader, err, resp.Body)
		}
	}
	return got
}

// differences returns the readings that are not the rule's.
func (g reading) differences(r oddRequest, path string) (all []string) {
	if g.values == nil {
		return nil
	}
	for _, name := range r.readings(path) {
		value := g.values[name]
		wrong := value != nil // of a role that the rule found absent
		switch {
		case path == "/claim/user":
			wrong = value != "u1"
		case strings.HasSuffix(path, "/user"):
			wrong = value != nil && value != "user"
		}
		if wrong {
			all = append(all, fmt.Sprintf("%s: %s reads %s=%s", path, g.reader, name, harness.JSON(value)))
		}
	}
	return all
}

// readInGo responds with the user's role as an application of net/http reads it.
func readInGo(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("x-reader", "go")
	got := map[string]any{}
	add := func(name string, values []string) {
		if len(values) > 0 {
			got[name] = values[0]
		}
	}
	add("query", r.URL.Query()["user_role"])
	if strings.Contains(r.Header.Get("content-type"), "json") {
		var body struct {
			Role *any `json:"user_role"`
		}
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		if body.Role != nil {
			got["body"] = *body.Role
		}
	} else if err := r.ParseForm(); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	add("body", r.PostForm["user_role"])
	add("merged", r.Form["user_role"])
	add("header", r.Header["X-Role"])
	add("claim", r.Header["X-User-Id"])
	json.NewEncoder(w).Encode(got)
}

// TestReadersAgree sends odd requests to applications of five frameworks, through Envoy
// and to some of them through the embedded gateway. A request that a rule lets through
// has the same role for the application and for the rule.
func TestReadersAgree(t *testing.T) {
	urls := startReaders(t)
	b := harness.NewBootstrap(t, harness.NewUpstream(t).URL)
	for name, url := range urls {
		b.AddCluster(name, url)
		b.AddPolicy(t, name, readersPolicy, "").Upstream = name
	}
	p := b.Start(t)
	p.Ready(t)
	at := p.Listeners(t)
	module := harness.LoadModule(t)
	for _, name := range []string{"php", "go"} {
		host := name + gatewaySuffix
		urls[host] = urls[name]
		at[host] = harness.Gateway{Case: &harness.Case{Name: name, Policy: readersPolicy}, Module: module, Upstream: harness.NewUpstream(t), Alter: func(cfg *gateway.Config) {
			cfg.Upstream.URL, _ = url.Parse(urls[name])
		}}.Start(t)
	}
	plainRequestsAreRead(t, at, urls)

	requests := corpus()
	if len(requests) < 300 {
		t.Errorf("want at least 300 requests, found %d", len(requests))
	}
	var mu sync.Mutex
	var found []string
	var all sync.WaitGroup
	workers := make(chan struct{}, 8)
	for _, r := range requests {
		for name := range urls {
			workers <- struct{}{}
			all.Go(func() {
				defer func() { <-workers }()
				for _, path := range []string{"/" + r.part + "/user", "/" + r.part + "/absent"} {
					for _, d := range readOdd(t, at[name], r, path).differences(r, path) {
						mu.Lock()
						found = append(found, fmt.Sprintf("%s: %v %s", name, r, d))
						mu.Unlock()
					}
				}
			})
		}
	}
	all.Wait()
	t.Logf("%d requests", len(requests))
	slices.Sort(found)
	for _, d := range found {
		t.Error(d)
	}
}

// plainRequestsAreRead checks that each reader reads each part of a request.
func plainRequestsAreRead(t *testing.T, at, urls map[string]string) {
	for _, r := range []oddRequest{
		{part: "query", method: "GET", query: "user_role=user"},
		{part: "params", method: "POST", headers: [][2]string{{"content-type", form}}, body: "user_role=user"},
		{part: "params", method: "POST", headers: [][2]string{{"content-type", "application/json"}}, body: `{"user_role":"user"}`},
		{part: "header", method: "GET", headers: [][2]string{{"x-role", "user"}}},
		{part: "claim", method: "GET"},
	} {
		for name := range urls {
			got := readOdd(t, at[name], r, "/"+r.part+"/user")
			first := r.readings("")[0]
			if want := map[bool]string{true: "u1", false: "user"}[r.part == "claim"]; got.reader != strings.TrimSuffix(name, gatewaySuffix) || got.values[first] != want {
				t.Errorf("%v: want %s to read %s, found %+v", r, name, want, got)
			}
		}
	}
}
