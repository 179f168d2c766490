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

// awaited reads the body of the request, and of the response; %s is how long
// either is waited for.
const awaited = `
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
	deaf    = "deaf"    // the plugin may not stop in headers, so no body is ever shown to it
	hasty   = "hasty"   // a second for a body
	patient = "patient" // half a minute
)

var awaits = map[string]string{
	deaf: fmt.Sprintf(awaited, "1s"), hasty: fmt.Sprintf(awaited, "1s"), patient: fmt.Sprintf(awaited, "30s"),
}

// undelivered: a body that does not come is waited for as long as the policy
// says, and not a moment of the host's idle timeout.
func undelivered(t *testing.T, b *harness.Bootstrap, up *harness.Upstream) func(*testing.T, *harness.Process) {
	for name, policy := range awaits {
		b.AddPolicy(t, name, policy, "")
	}
	b.Alter[deaf] = func(manager map[string]any) { delete(harness.ConfigOf(manager), "allow_on_headers_stop_iteration") }
	return func(t *testing.T, p *harness.Process) {
		at := p.Listeners(t)
		runUndelivered(t, up, func(name string) string { return at[name] }, p.Log)
		for _, part := range []string{`rulegate: ready: policy "shop", resources 3, calls false, body timeout 1s; `, "ticks yes, properties yes, shared data yes"} {
			if !strings.Contains(p.Log(), part) {
				t.Errorf("the log has no line with %s", part)
			}
		}
	}
}

func TestUndeliveredOnWazero(t *testing.T) {
	up := harness.NewUpstream(t)
	m := harness.LoadModule(t)
	at := map[string]string{}
	log := &record{}
	for name, policy := range awaits {
		c := &harness.Case{Name: name, Policy: policy}
		at[name] = harness.Gateway{Case: c, Module: m, Upstream: up, Alter: func(cfg *gateway.Config) {
			cfg.AllowOnHeadersStopIteration = name != deaf
			cfg.Log = log.logger()
		}}.Start(t)
	}
	runUndelivered(t, up, func(name string) string { return at[name] }, log.String)
}

// halves are the two parts of a request, or of an answer.
type halves [2]string

func runUndelivered(t *testing.T, up *harness.Upstream, at func(name string) string, log func() string) {
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
		cut      = 15 // in the middle of the secret
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
		pause    bool // the second half comes late: of the answer, else of the request
		answer   *halves
		want     int
		log      string
	}{
		"a body that the host never shows":                       {deaf, post, "/body", false, nil, 503, noClient},
		"there, no body":                                         {deaf, get, "/body", false, nil, 200, ""},
		"there, a body that no rule reads":                       {deaf, post, "/headers", false, nil, 200, ""},
		"a body that the host shows":                             {hasty, post, "/body", false, nil, 200, ""},
		"a client that stops in the middle of a body":            {hasty, post, "/body", true, nil, 503, slowClient},
		"the same, waited for":                                   {patient, post, "/body", true, nil, 200, ""},
		"a client that stops, and no rule reads the body":        {hasty, post, "/headers", true, nil, 200, ""},
		"a response that the host never shows":                   {deaf, get, "/mask", false, &whole, 502, noUpstream},
		"a response that the host shows":                         {hasty, get, "/mask", false, &whole, 200, ""},
		"an upstream that stops in the middle":                   {hasty, get, "/mask", true, &half, 502, slowUpstream},
		"the same upstream, waited for":                          {patient, get, "/mask", true, &half, 200, ""},
		"an upstream that stops in the middle of its chunks":     {hasty, get, "/mask", true, &part, 502, slowUpstream},
		"those chunks, waited for":                               {patient, get, "/mask", true, &part, 200, ""},
		"an upstream that stops, and no rule is about it":        {hasty, get, "/headers", true, &half, 200, ""},
		"a response that the host never shows, nor has to":       {deaf, get, "/headers", false, &whole, 200, ""},
		"a response that is shown to nobody is never waited for": {deaf, get, "/headers", true, &part, 200, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			id := t.Name()
			answered := make(chan struct{})
			// A slow machine may take its time to refuse; to be let through the half
			// only has to come after what a hasty policy waits for.
			pause := 2500 * time.Millisecond
			if c.want >= 400 {
				pause = harness.AnswerWithin
			}
			late := func() {
				select {
				case <-answered:
				case <-time.After(pause):
				}
			}
			if c.answer != nil {
				a := &harness.UpstreamAnswer{Wire: []string{c.answer[0] + c.answer[1]}}
				if c.pause {
					a.Wire, a.Between = c.answer[:], late
				}
				up.Answer(id, a)
			}
			request := c.request(c.path, id)
			conn, err := net.Dial("tcp", at(c.listener))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			conn.SetDeadline(time.Now().Add(harness.AnswerWithin))
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
			for end := time.Now().Add(harness.AnswerWithin); !strings.Contains(log(), c.log); time.Sleep(20 * time.Millisecond) {
				if time.Now().After(end) {
					t.Fatalf("the log has no line with %s", c.log)
				}
			}
		})
	}
}

// record is a log that a test reads.
type record struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *record) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *record) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// logger writes messages as they are, one a line.
func (l *record) logger() *slog.Logger { return slog.New(plainLines{l}) }

type plainLines struct{ to io.Writer }

func (plainLines) Enabled(context.Context, slog.Level) bool { return true }

func (p plainLines) WithAttrs([]slog.Attr) slog.Handler { return p }

func (p plainLines) WithGroup(string) slog.Handler { return p }

func (p plainLines) Handle(_ context.Context, r slog.Record) error {
	_, err := fmt.Fprintln(p.to, r.Message)
	return err
}
