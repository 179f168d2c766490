package edges

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/rulegate/rulegate/envoy/harness"
	"github.com/tidwall/gjson"
)

// rolePolicy allows requests whose role, in a body, a query or a header, is user.
const rolePolicy = `
project: shop
routes:
  - {match: {methods: [POST], path: "/body"}, auth: none, rule: {rule: match, type: string, eval: "==", f1: args.params.role, f2: user}}
  - {match: {methods: [GET], path: "/query"}, auth: none, rule: {rule: match, type: string, eval: "==", f1: args.request.query.role, f2: user}}
  - {match: {methods: [GET], path: "/header"}, auth: none, rule: {rule: match, type: string, eval: "==", f1: args.request.headers.x-role, f2: user}}
`

// lastWins is a Python upstream that responds with the role that it reads: the
// last if there are several.
const lastWins = `
import http.server, json, sys, urllib.parse

class Upstream(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        url = urllib.parse.urlsplit(self.path)
        try:
            if url.path == "/query":
                role = urllib.parse.parse_qs(url.query)["role"][-1]
            elif url.path == "/header":
                role = self.headers.get_all("x-role")[-1]
            elif "json" in self.headers.get("content-type"):
                role = json.loads(body)["role"]
            else:
                role = urllib.parse.parse_qs(body.decode())["role"][-1]
        except Exception as e:
            role = "unreadable: " + type(e).__name__
        out = ("reached " + str(role)).encode("utf-8", "backslashreplace")
        self.send_response(200)
        self.send_header("content-length", str(len(out)))
        self.end_headers()
        self.wfile.write(out)

    do_GET = do_POST = answer

    def log_message(self, *args):
        pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
print(server.server_port, flush=True)
server.serve_forever()
`

// firstWins is a Go upstream that responds with the first role.
func firstWins(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	role := ""
	switch {
	case r.URL.Path == "/query":
		role = r.URL.Query().Get("role")
	case r.URL.Path == "/header":
		role = r.Header.Get("x-role")
	case strings.Contains(r.Header.Get("content-type"), "json"):
		role = gjson.GetBytes(body, "role").String()
	default:
		r.Body = io.NopCloser(bytes.NewReader(body))
		r.ParseForm()
		role = r.PostForm.Get("role")
	}
	fmt.Fprintf(w, "reached %s", role)
}

// startReader starts a program that prints the port on which it listens.
func startReader(t *testing.T, env []string, program string, args ...string) (url string) {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Env = append(os.Environ(), env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := cmd.StdoutPipe()
	if err == nil {
		cmd.Stderr = os.Stderr
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	port, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return "http://127.0.0.1:" + strings.TrimSpace(port)
}

// roleRequest is a request with a role, and the status that it must get.
type roleRequest struct {
	name, path, kind, body string
	headers                []string // the values of x-role
	differ                 bool     // without rulegate the upstreams read different roles
	want                   int
}

var roleRequests = []roleRequest{
	{name: "json", body: `{"role":"user"}`, want: 200},
	{name: "another role", body: `{"role":"admin"}`, want: 403},
	{name: "an escaped value", body: `{"role":"us\u0065r"}`, want: 200},
	{name: "an escaped key", body: `{"\u0072ole":"user"}`, want: 200},
	{name: "the key in a nested object too", body: `{"x":{"role":"admin"},"role":"user"}`, want: 200},
	{name: "the key twice", body: `{"role":"user","role":"admin"}`, differ: true, want: 400},
	{name: "the key twice, admin first", body: `{"role":"admin","role":"user"}`, differ: true, want: 400},
	{name: "the key twice, same value", body: `{"role":"user","role":"user"}`, want: 400},
	{name: "the key twice, the second escaped", body: `{"role":"user","\u0072ole":"admin"}`, differ: true, want: 400},
	{name: "the key twice, the first escaped", body: `{"r\u006Fle":"admin","role":"user"}`, differ: true, want: 400},
	{name: "another key twice", body: `{"role":"user","x":1,"x":2}`, want: 400},
	{name: "a nested key twice", body: `{"role":"user","x":{"y":1,"\u0079":2}}`, want: 400},
	{name: "text after the object", body: `{"role":"user"}{"role":"admin"}`, differ: true, want: 400},
	{name: "a byte order mark", body: "\ufeff" + `{"role":"user"}`, want: 400},
	{name: "a comment", body: `{"role":"user"/*,"x":1*/}`, differ: true, want: 400},
	{name: "a trailing comma", body: `{"role":"user",}`, differ: true, want: 400},
	{name: "NaN", body: `{"role":"user","n":NaN}`, want: 400},
	{name: "a lone surrogate", body: `{"role":"user\ud800"}`, differ: true, want: 400},
	{name: "a NUL", body: `{"role":"user\u0000"}`, want: 403},
	{name: "UTF-16", body: "{\x00\"\x00r\x00o\x00l\x00e\x00\"\x00:\x00\"\x00u\x00s\x00e\x00r\x00\"\x00}\x00", differ: true, want: 400},
	{name: "invalid UTF-8", body: "{\"role\":\"user\",\"x\":\"\xff\"}", differ: true, want: 400},

	{name: "a form", kind: "application/x-www-form-urlencoded", body: "role=user&x=1", want: 200},
	{name: "a form, escaped", kind: "application/x-www-form-urlencoded", body: "%72ole=use%72", want: 200},
	{name: "a form, twice", kind: "application/x-www-form-urlencoded", body: "role=user&role=admin", differ: true, want: 403},
	{name: "a form, twice, escaped", kind: "application/x-www-form-urlencoded", body: "%72ole=admin&role=user", differ: true, want: 403},
	{name: "a form, a semicolon", kind: "application/x-www-form-urlencoded", body: "x=1;role=admin&role=user", want: 400},

	{name: "a query", path: "/query?role=user&x=1", want: 200},
	{name: "a query, twice", path: "/query?role=user&role=admin", differ: true, want: 403},
	{name: "a query, twice, escaped", path: "/query?rol%65=admin&role=user", differ: true, want: 403},
	{name: "a query, a semicolon", path: "/query?x=1;role=admin&role=user", want: 400},

	{name: "a header", path: "/header", headers: []string{"user"}, want: 200},
	{name: "a header, twice", path: "/header", headers: []string{"user", "admin"}, differ: true, want: 403},
	{name: "a header, twice, admin first", path: "/header", headers: []string{"admin", "user"}, differ: true, want: 403},
}

// TestParsersAgree sends requests in which two upstreams may read different roles.
// Both read a role as the rule does if the rule lets the request through; other
// requests reach neither.
func TestParsersAgree(t *testing.T) {
	for _, program := range []string{"curl", "python3"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Fatal(err)
		}
	}
	var reached atomic.Int64
	counting := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			reached.Add(1)
			next.ServeHTTP(w, r)
		})
	}
	first := httptest.NewServer(counting(http.HandlerFunc(firstWins)))
	t.Cleanup(first.Close)
	upstreams := map[string]string{"first": first.URL, "last": startReader(t, nil, "python3", "-c", lastWins)}

	b := harness.NewBootstrap(t, harness.NewUpstream(t).URL)
	for name, url := range upstreams {
		b.AddCluster(name, url)
		b.AddPolicy(t, name, rolePolicy, "").Upstream = name
	}
	p := b.Start(t)
	p.Ready(t)
	at := p.Listeners(t)

	for i := range roleRequests {
		s := &roleRequests[i]
		t.Run(s.name, func(t *testing.T) {
			direct := map[string]string{}
			for name, url := range upstreams {
				_, direct[name] = clients["net/http"](t, strings.TrimPrefix(url, "http://"), s)
			}
			if (direct["first"] != direct["last"]) != s.differ {
				t.Errorf("without rulegate the upstreams read %q and %q: want different ones %v", direct["first"], direct["last"], s.differ)
			}
			for who, ask := range clients {
				for name := range upstreams {
					before := reached.Load()
					status, body := ask(t, at[name], s)
					if status != s.want {
						t.Errorf("%s, %s: want %d, found %d %s", who, name, s.want, status, body)
					}
					if status == 200 && body != "reached user" {
						t.Errorf("%s, %s: want the upstream to read user as the rule did, found %q", who, name, body)
					}
					if status != 200 && (strings.HasPrefix(body, "reached") || reached.Load() != before) {
						t.Errorf("%s, %s: refused with %d, but the upstream got the request", who, name, status)
					}
				}
			}
		})
	}
	if strings.Contains(p.Log(), "panic") {
		t.Errorf("Envoy's log has a panic:\n%s", harness.Tail(p.Log(), 20))
	}
}
