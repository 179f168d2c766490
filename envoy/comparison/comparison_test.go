package comparison

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rulegate/rulegate/envoy/harness"
	"github.com/rulegate/rulegate/host/companion"
	"github.com/rulegate/rulegate/rules/wire"
	_ "modernc.org/sqlite"
)

// TestForms sends the same requests to each form of each policy in one Envoy. What became
// of them is compared with outcomes.txt of the policy; those of rulegate have to be right.
func TestForms(t *testing.T) {
	c, err := Load(".")
	if err != nil {
		t.Fatal(err)
	}
	e := newEnvironment(t, c)
	at := e.start(t)
	tables := map[string][][]string{}
	for _, p := range c.Policies {
		requests, err := p.Sent()
		if err != nil {
			t.Fatal(err)
		}
		for i := range requests {
			row := []string{requests[i].Name, wanted(&requests[i])}
			for _, f := range Forms {
				row = append(row, e.cell(t, at, p, f, i, &requests[i]))
			}
			tables[p.Name] = append(tables[p.Name], row)
		}
	}
	e.outage()
	for _, p := range c.Policies {
		t.Run(p.Name, func(t *testing.T) {
			gone := p.Requests[0]
			gone.Pass, gone.Upstream, gone.Client = false, "", ""
			row := []string{"the servers that it asks have ended", wanted(&gone)}
			for _, f := range Forms {
				if p.asks(f) {
					row = append(row, e.cell(t, at, p, f, len(tables[p.Name]), &gone))
				} else {
					row = append(row, notAsked)
				}
			}
			golden(t, filepath.Join(p.Name, outcomesFile), Outcomes{append(tables[p.Name], row)}.String())
		})
	}
	if t.Failed() {
		t.Logf("Envoy's log:\n%s", harness.Tail(e.envoy.Log(), 30))
	}
}

// TestPage: COMPARISON.md is what the files, the outcomes and the figures make.
func TestPage(t *testing.T) {
	c, err := Load(".")
	if err != nil {
		t.Fatal(err)
	}
	text, err := c.Page(".")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, pageFile, text)
}

// cell is what became of a request in a form. What rulegate decides has to be right.
func (e *environment) cell(t *testing.T, at map[string]string, p *Policy, f Form, number int, r *Request) string {
	t.Helper()
	if _, ok := p.Texts[f.Name]; !ok {
		return cannot
	}
	out := e.send(t, at[listener(p, f)], p, f, number, r)
	if !out.right && f.Name == Rulegate {
		t.Errorf("rulegate: %s: %s: %s", p.Name, r.Name, out.text)
	}
	return out.text
}

// outage ends the servers that forms ask.
func (e *environment) outage() {
	for _, stop := range e.servers {
		stop()
	}
}

func wanted(r *Request) string {
	if r.Pass {
		return "pass"
	}
	return "no"
}

func listener(p *Policy, f Form) string { return p.Name + "-" + f.Name }

func golden(t *testing.T, file, text string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != text {
		t.Errorf("%s differs; go test ./envoy/comparison -update writes it. Differences:\n%s", file, cmp.Diff(string(want), text))
	}
}

// environment has Envoy and the servers that the forms ask.
type environment struct {
	c         *Comparison
	issuer    *Issuer
	upstream  *harness.Upstream
	bootstrap *harness.Bootstrap
	envoy     *harness.Process
	servers   []func() // end them
}

func newEnvironment(t *testing.T, c *Comparison) *environment {
	t.Helper()
	issuer, err := NewIssuer()
	if err != nil {
		t.Fatal(err)
	}
	keys, err := issuer.Keys()
	if err != nil {
		t.Fatal(err)
	}
	e := &environment{c: c, issuer: issuer, upstream: harness.NewUpstream(t)}
	b := harness.NewBootstrap(t, e.upstream.URL)
	b.Workers, b.Filters = 1, map[string][]any{}
	e.bootstrap = b
	values := Values{Keys: keys}
	data := httptest.NewServer(http.HandlerFunc(Follows))
	t.Cleanup(data.Close)
	e.servers = append(e.servers, data.Close)
	b.AddCluster("data", data.URL)
	binary := build(t)
	for _, f := range Forms {
		if f.Server != "" {
			address, stop := startServer(t, binary, f.Kind(), "KEYS="+values.Keys, "DATA="+data.URL)
			e.servers = append(e.servers, stop)
			b.AddCluster(f.Server, "http://"+address)
			b.HTTP2 = append(b.HTTP2, f.Server)
		}
		for _, p := range c.Policies {
			if _, ok := p.Texts[f.Name]; ok {
				e.add(t, p, f, values)
			}
		}
	}
	return e
}

func (e *environment) add(t *testing.T, p *Policy, f Form, v Values) {
	t.Helper()
	name, b := listener(p, f), e.bootstrap
	if f.Name != Rulegate {
		filters, err := e.c.EnvoyFilters(p, f, v)
		if err != nil {
			t.Fatal(err)
		}
		b.AddPolicy(t, name, "routes: [{match: {path: /}, rule: {rule: deny}}]", "")
		b.Filters[name] = filters
		return
	}
	more, err := e.c.More(p, v)
	if err != nil {
		t.Fatal(err)
	}
	text, url := e.c.RulegatePolicy(p, v), ""
	if strings.Contains(text, "${SOCIAL_DB}") {
		file := socialDatabase(t)
		text = strings.NewReplacer("${SOCIAL_DB}", file, "${COMPANION_SECRET}", companionSecret).Replace(text)
		var stop func()
		url, stop = startCompanion(t, text, file)
		e.servers = append(e.servers, stop)
	}
	b.AddPolicy(t, name, text, url)
	b.Alter[name] = func(manager map[string]any) {
		all := manager["http_filters"].([]any)
		manager["http_filters"] = slices.Insert(all, harness.ModuleAt(all)+1, more...)
	}
}

func (e *environment) start(t *testing.T) map[string]string {
	t.Helper()
	e.envoy = e.bootstrap.Start(t)
	e.envoy.Ready(t)
	return e.envoy.Listeners(t)
}

// send sends a request as often as it says, and returns what became of the last.
func (e *environment) send(t *testing.T, address string, p *Policy, f Form, number int, r *Request) (out outcome) {
	t.Helper()
	for time := range max(1, r.Times) {
		id := fmt.Sprintf("%s-%s-%d-%d", p.Name, f.Name, number, time)
		if r.Answer != "" {
			a := &harness.UpstreamResponse{Status: 200, Body: r.Answer, Headers: [][2]string{{"content-type", "application/json"}}}
			if r.AnswerType != "" {
				a.Headers[0][1] = r.AnswerType
			}
			if r.Gzip {
				a.Body = zipped(r.Answer)
				a.Headers = append(a.Headers, [2]string{"content-encoding", "gzip"})
			}
			e.upstream.Respond(id, a)
		}
		resp, err := harness.Send(address, e.request(t, r), id)
		var got *harness.Received
		if list, _ := e.upstream.Take(id); len(list) > 0 {
			got = list[0]
		}
		out = judge(r, resp, got, err)
	}
	return out
}

func (e *environment) request(t *testing.T, r *Request) *harness.Request {
	t.Helper()
	q := &harness.Request{Body: r.Body()}
	q.Method, q.Target, _ = strings.Cut(r.Request, " ")
	tokens, err := e.issuer.Tokens(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, token := range tokens {
		q.Headers = append(q.Headers, [2]string{"authorization", "Bearer " + token})
	}
	if q.Body != "" {
		q.Headers = append(q.Headers, [2]string{"content-type", max(r.Type, "application/json")})
	}
	for name, value := range r.Headers {
		q.Headers = append(q.Headers, [2]string{name, value})
	}
	if len(r.Twin) == 2 {
		q.Headers = append(q.Headers, [2]string{r.Twin[0], r.Twin[1]})
	}
	return q
}

const companionSecret = "a secret for the tests alone of 32 bytes"

// socialDatabase has the same data as Follows.
func socialDatabase(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "social.db")
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(FollowsSQL); err != nil {
		t.Fatal(err)
	}
	return file
}

func startCompanion(t *testing.T, text, file string) (url string, stop func()) {
	t.Helper()
	_, p, err := (&harness.Case{}).ReadPolicy(text)
	if err != nil {
		t.Fatal(err)
	}
	d := p.Databases[0]
	real, err := companion.New(companion.Config{
		Project: p.Project, Keys: wire.DeriveKeys(p.Companion.Secrets...), Tokens: p.Tokens, Log: slog.New(slog.DiscardHandler),
		Databases: []companion.Source{{Name: d.Name, Type: d.Type, Conn: file, Collections: d.Queried}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { real.Close(context.Background()) })
	srv := httptest.NewServer(real)
	t.Cleanup(srv.Close)
	return srv.URL, srv.Close
}

// build builds the server that decides in Rego and in CEL.
func build(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "authz")
	if out, err := exec.Command("go", "build", "-C", filepath.Join("testdata", "authz"), "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return binary
}

func startServer(t *testing.T, binary, kind string, env ...string) (address string, stop func()) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address = l.Addr().String()
	l.Close()
	cmd := exec.Command(binary, kind, ".")
	cmd.Env = append(os.Environ(), append(env, "LISTEN="+address)...)
	var log strings.Builder
	cmd.Stdout, cmd.Stderr = &log, &log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { cmd.Wait(); close(ended) }()
	stop = func() { cmd.Process.Kill(); <-ended }
	t.Cleanup(stop)
	harness.Eventually(t, "the server for "+kind+" listens", func() bool {
		select {
		case <-ended:
			t.Fatalf("the server for %s ended: %s", kind, log.String())
		default:
		}
		conn, err := net.Dial("tcp", address)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
	return address, stop
}
