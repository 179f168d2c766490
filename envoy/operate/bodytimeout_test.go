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
		for _, part := range []string{`rulegate: ready: policy "shop", version `, `, resources 3, calls false, body timeout 1s; `, "ticks yes, properties yes, shared data yes"} {
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

// delivery is a request whose body, or whose response's body, may stop half-way.
type delivery struct {
	listener string
	method   string
	path     string
	answer   *halves // the upstream's bytes; nil: its usual response
	pause    bool    // the second half of answer, or else of the request, is late
	want     int
	log      string // a part of the log line wanted
}

const (
	slowClient   = `reason="body not delivered: slow client"`
	slowUpstream = `reason="response: body not delivered: slow upstream"`
	noClient     = `reason="body not delivered: slow client, or allow_on_headers_stop_iteration missing"`
	noUpstream   = `reason="response: body not delivered: slow upstream, or allow_on_headers_stop_iteration missing"`
)

const (
	document = `{"x":"SECRET","kept":"y"}`
	okHead   = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: application/json\r\n"
	cut      = 15 // the first half ends within SECRET
)

var (
	sizedHead = fmt.Sprintf("%scontent-length: %d\r\n\r\n", okHead, len(document))
	whole     = &halves{sizedHead, document}
	half      = &halves{sizedHead + document[:cut], document[cut:]}
	chunks    = &halves{
		okHead + "transfer-encoding: chunked\r\n\r\n" + chunk(document[:cut]),
		chunk(document[cut:]) + chunk(""),
	}
)

func chunk(s string) string { return fmt.Sprintf("%x\r\n%s\r\n", len(s), s) }

var deliveries = map[string]delivery{
	"the host shows no request body":                    {noStop, "POST", "/body", nil, false, 503, noClient},
	"the host shows none, and there is none":            {noStop, "GET", "/body", nil, false, 200, ""},
	"the host shows none, and no rule reads it":         {noStop, "POST", "/headers", nil, false, 200, ""},
	"a request body":                                    {short, "POST", "/body", nil, false, 200, ""},
	"a client that stops within the body":               {short, "POST", "/body", nil, true, 503, slowClient},
	"a slow client within the timeout":                  {long, "POST", "/body", nil, true, 200, ""},
	"a slow client, no rule reads the body":             {short, "POST", "/headers", nil, true, 200, ""},
	"the host shows no response body":                   {noStop, "GET", "/mask", whole, false, 502, noUpstream},
	"a response body":                                   {short, "GET", "/mask", whole, false, 200, ""},
	"an upstream that stops within the body":            {short, "GET", "/mask", half, true, 502, slowUpstream},
	"a slow upstream within the timeout":                {long, "GET", "/mask", half, true, 200, ""},
	"an upstream that stops within its chunks":          {short, "GET", "/mask", chunks, true, 502, slowUpstream},
	"slow chunks within the timeout":                    {long, "GET", "/mask", chunks, true, 200, ""},
	"a slow upstream, no rule reads the response":       {short, "GET", "/headers", half, true, 200, ""},
	"the host shows no response body, no rule reads it": {noStop, "GET", "/headers", whole, false, 200, ""},
	"the host shows no chunks, no rule reads them":      {noStop, "GET", "/headers", chunks, true, 200, ""},
}

func runBodyTimeout(t *testing.T, up *harness.Upstream, at func(name string) string, log func() string) {
	token := harness.Bearer(t, `{"id":"u1"}`)
	for name, d := range deliveries {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d.run(t, up, at(d.listener), token)
			for end := time.Now().Add(harness.RequestTimeout); !strings.Contains(log(), d.log); time.Sleep(20 * time.Millisecond) {
				if time.Now().After(end) {
					t.Fatalf("the log has no line with %s", d.log)
				}
			}
		})
	}
}

// run sends the request and checks the response.
func (d *delivery) run(t *testing.T, up *harness.Upstream, addr string, token [2]string) {
	id, answered := t.Name(), make(chan struct{})
	late := func() {
		// The pause is longer than the short timeout. Where a refusal is wanted,
		// the second half waits for it, however slow the machine is.
		pause := 2500 * time.Millisecond
		if d.want >= 400 {
			pause = harness.RequestTimeout
		}
		select {
		case <-answered:
		case <-time.After(pause):
		}
	}
	if d.answer != nil {
		a := &harness.UpstreamResponse{Wire: []string{d.answer[0] + d.answer[1]}}
		if d.pause {
			a.Wire, a.Between = d.answer[:], late
		}
		up.Respond(id, a)
	}
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(harness.RequestTimeout))
	var writes sync.WaitGroup
	defer writes.Wait()
	writes.Go(func() {
		request := d.request(id, token)
		io.WriteString(conn, request[0])
		if d.pause && d.answer == nil {
			late()
		}
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
	if resp.StatusCode != d.want {
		t.Errorf("want %d, found %d", d.want, resp.StatusCode)
	}
	if d.path == "/mask" && strings.Contains(raw.String(), "SECRET") {
		t.Errorf("the client got %s", raw)
	}
	if got, _ := up.Take(id); (len(got) == 1) != (d.want != 503) {
		t.Errorf("the upstream got %d requests", len(got))
	}
}

// request returns the request's bytes. The second half of a POST is the end of
// its body.
func (d *delivery) request(id string, token [2]string) halves {
	r := &harness.Request{Method: d.method, Target: d.path, Headers: [][2]string{token}}
	if d.method == "GET" {
		r.Target += "?ok=1"
		return halves{r.Wire(id), ""}
	}
	r.Body, r.Headers = `{"ok":true}`, append(r.Headers, [2]string{"content-type", "application/json"})
	w := r.Wire(id)
	return halves{w[:len(w)-6], w[len(w)-6:]}
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
