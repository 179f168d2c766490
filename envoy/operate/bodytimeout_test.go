package operate

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rulegate/rulegate/envoy/harness"
	"github.com/rulegate/rulegate/host/gateway"
)

// bodyPolicy has rules that read the body of a request or a response. %s is
// limits.bodyTimeout.
const bodyPolicy = `
project: shop
auth: {tokens: [{name: own, alg: HS256, secret: the-own-secret-of-the-test-cases, primary: true}]}
limits: {bodyTimeout: %s}
routes:
  - name: body
    match: {methods: [GET, POST], path: "/body"}
    rule: {rule: match, type: number, eval: "==", f1: utils.length(args.params), f2: 1}
  - name: headers
    match: {methods: [GET, POST], path: "/headers"}
    rule: {rule: authenticated}
  - name: mask
    match: {methods: [GET], path: "/mask"}
    rule: {rule: remove, fields: [res.x]}
`

const (
	noStop = "no-stop" // without allow_on_headers_stop_iteration: Envoy passes no body to the module
	short  = "short"   // waits a second for a body
	long   = "long"    // waits 30 seconds
)

var bodyPolicies = map[string]string{
	noStop: fmt.Sprintf(bodyPolicy, "1s"), short: fmt.Sprintf(bodyPolicy, "1s"), long: fmt.Sprintf(bodyPolicy, "30s"),
}

// bodyTimeout tests that the module waits for a body as long as limits.bodyTimeout
// says, which is shorter than Envoy's stream_idle_timeout.
func bodyTimeout(t *testing.T, b *harness.Bootstrap, up *harness.Upstream) func(*testing.T, *harness.Process) {
	for name, policy := range bodyPolicies {
		b.AddPolicy(t, name, policy, "")
	}
	b.Alter[noStop] = func(manager map[string]any) { delete(harness.PluginConfig(manager), "allow_on_headers_stop_iteration") }
	return func(t *testing.T, p *harness.Process) {
		at := p.Listeners(t)
		runBodyTimeout(t, up, func(name string) string { return at[name] }, p.Log)
		for _, part := range []string{`rulegate: ready: policy "shop", resources 3, calls false, body timeout 1s; `, "ticks yes, properties yes, shared data yes"} {
			if !strings.Contains(p.Log(), part) {
				t.Errorf("the log has no line with %s", part)
			}
		}
	}
}

func TestBodyTimeoutOnWazero(t *testing.T) {
	up := harness.NewUpstream(t)
	m := harness.LoadModule(t)
	at := map[string]string{}
	log := &logBuffer{}
	for name, policy := range bodyPolicies {
		c := &harness.Case{Name: name, Policy: policy}
		at[name] = harness.Gateway{Case: c, Module: m, Upstream: up, Alter: func(cfg *gateway.Config) {
			cfg.AllowOnHeadersStopIteration = name != noStop
			cfg.Log = log.logger()
		}}.Start(t)
	}
	runBodyTimeout(t, up, func(name string) string { return at[name] }, log.String)
}

// halves are the two parts of a request or a response.
type halves [2]string

func runBodyTimeout(t *testing.T, up *harness.Upstream, at func(name string) string, log func() string) {
	token := harness.Bearer(t, `{"id":"u1"}`)
	post := func(path, id string) halves {
		r := &harness.Request{Method: "POST", Target: path, Body: `{"ok":true}`, Headers: [][2]string{token, {"content-type", "application/json"}}}
		w := r.Wire(id)
		return halves{w[:len(w)-6], w[len(w)-6:]}
	}
	get := func(path, id string) halves {
		return halves{(&harness.Request{Method: "GET", Target: path + "?ok=1", Headers: [][2]string{token}}).Wire(id), ""}
	}
	const (
		slowClient   = `reason="body not delivered: slow client"`
		slowUpstream = `reason="response: body not delivered: slow upstream"`
		noClient     = `reason="body not delivered: slow client, or allow_on_headers_stop_iteration missing"`
		noUpstream   = `reason="response: body not delivered: slow upstream, or allow_on_headers_stop_iteration missing"`
	)
	const (
		document = `{"x":"SECRET","kept":"y"}`
		ok       = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: application/json\r\n"
		cut      = 15 // the first half ends within SECRET
	)
	sized := fmt.Sprintf("content-length: %d\r\n\r\n", len(document))
	piece := func(s string) string { return fmt.Sprintf("%x\r\n%s\r\n", len(s), s) }
	whole := halves{ok + sized, document}
	half := halves{ok + sized + document[:cut], document[cut:]}
	part := halves{ok + "transfer-encoding: chunked\r\n\r\n" + piece(document[:cut]), piece(document[cut:]) + piece("")}

	for name, c := range map[string]struct {
		listener string
		request  func(path, id string) halves
		path     string
		pause    bool // the second half of the answer, or else of the request, is late
		answer   *halves
		want     int
		log      string
	}{
		"the host shows no request body":                    {noStop, post, "/body", false, nil, 503, noClient},
		"the host shows none, and there is none":            {noStop, get, "/body", false, nil, 200, ""},
		"the host shows none, and no rule reads it":         {noStop, post, "/headers", false, nil, 200, ""},
		"a request body":                                    {short, post, "/body", false, nil, 200, ""},
		"a client that stops within the body":               {short, post, "/body", true, nil, 503, slowClient},
		"a slow client within the timeout":                  {long, post, "/body", true, nil, 200, ""},
		"a slow client, no rule reads the body":             {short, post, "/headers", true, nil, 200, ""},
		"the host shows no response body":                   {noStop, get, "/mask", false, &whole, 502, noUpstream},
		"a response body":                                   {short, get, "/mask", false, &whole, 200, ""},
		"an upstream that stops within the body":            {short, get, "/mask", true, &half, 502, slowUpstream},
		"a slow upstream within the timeout":                {long, get, "/mask", true, &half, 200, ""},
		"an upstream that stops within its chunks":          {short, get, "/mask", true, &part, 502, slowUpstream},
		"slow chunks within the timeout":                    {long, get, "/mask", true, &part, 200, ""},
		"a slow upstream, no rule reads the response":       {short, get, "/headers", true, &half, 200, ""},
		"the host shows no response body, no rule reads it": {noStop, get, "/headers", false, &whole, 200, ""},
		"the host shows no chunks, no rule reads them":      {noStop, get, "/headers", true, &part, 200, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			id := t.Name()
			answered := make(chan struct{})
			// The pause is longer than the short timeout. Where a refusal is wanted,
			// the second half waits for it, however slow the machine is.
			pause := 2500 * time.Millisecond
			if c.want >= 400 {
				pause = harness.RequestTimeout
			}
			late := func() {
				select {
				case <-answered:
				case <-time.After(pause):
				}
			}
			if c.answer != nil {
				a := &harness.UpstreamResponse{Wire: []string{c.answer[0] + c.answer[1]}}
				if c.pause {
					a.Wire, a.Between = c.answer[:], late
				}
				up.Respond(id, a)
			}
			request := c.request(c.path, id)
			conn, err := net.Dial("tcp", at(c.listener))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			conn.SetDeadline(time.Now().Add(harness.RequestTimeout))
			var writes sync.WaitGroup
			defer writes.Wait()
			writes.Go(func() {
				if !c.pause || c.answer != nil {
					io.WriteString(conn, request[0]+request[1])
					return
				}
				io.WriteString(conn, request[0])
				late()
				io.WriteString(conn, request[1])
			})
			raw := &strings.Builder{}
			resp, err := http.ReadResponse(bufio.NewReader(io.TeeReader(conn, raw)), nil)
			if err != nil {
				t.Fatal(err)
			}
			if resp.StatusCode >= 400 {
				close(answered)
			}
			if _, err := io.ReadAll(resp.Body); err != nil {
				t.Error(err)
			}
			if resp.StatusCode != c.want {
				t.Errorf("want %d, found %d", c.want, resp.StatusCode)
			}
			if c.path == "/mask" && strings.Contains(raw.String(), "SECRET") {
				t.Errorf("the client got %s", raw)
			}
			if got, _ := up.Take(id); (len(got) == 1) != (c.want != 503) {
				t.Errorf("the upstream got %d requests", len(got))
			}
			for end := time.Now().Add(harness.RequestTimeout); !strings.Contains(log(), c.log); time.Sleep(20 * time.Millisecond) {
				if time.Now().After(end) {
					t.Fatalf("the log has no line with %s", c.log)
				}
			}
		})
	}
}

// logBuffer is a log that a test can read while it grows.
type logBuffer struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// logger returns a logger that writes only messages, one a line.
func (l *logBuffer) logger() *slog.Logger { return slog.New(plainLines{l}) }

type plainLines struct{ to io.Writer }

func (plainLines) Enabled(context.Context, slog.Level) bool { return true }

func (p plainLines) WithAttrs([]slog.Attr) slog.Handler { return p }

func (p plainLines) WithGroup(string) slog.Handler { return p }

func (p plainLines) Handle(_ context.Context, r slog.Record) error {
	_, err := fmt.Fprintln(p.to, r.Message)
	return err
}
