package gateway

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// A trap is a request in whose callback the module traps, with its expected
// result. As with scenarios, the gateway and Envoy both run it.
type trap struct {
	name   string
	at     string // the event that traps
	script string // added to armed
	closed bool   // FAIL_CLOSED: the VM is never replaced

	post    bool
	trailer bool
	code    int    // 0: the connection is reset
	body    string // the response's
	sent    bool   // the request was sent upstream
}

// armed makes the event trap that a request's x-trap header names, and pauses
// requests with x-wait.
const armed = "request_headers: arm; pauseif x-wait\n"

var traps = []trap{
	{name: "in request headers", at: "request_headers", code: 503},
	{name: "in request headers, for good", at: "request_headers", closed: true, code: 503},
	{name: "in a request body that is held", at: "request_body", script: "request_headers: pauseif x-trap\n", post: true, code: 503},
	{name: "in request trailers", at: "request_trailers", script: "request_headers: pauseif x-trap\nrequest_body: pause\n", post: true, trailer: true, code: 503},
	{name: "in response headers", at: "response_headers", code: 503, sent: true},
	{name: "in a response body that is held", at: "response_body", script: "response_headers: pause\n", code: 503, sent: true},
	{name: "in a response body whose headers were sent", at: "response_body", sent: true},
	{name: "in the reply to a call", at: "call", script: "request_headers: pauseif x-trap; call peer 15000 /x\n", code: 503},
	{name: "in a tick", at: "tick marked", script: "request_headers: mark; tickevery 10; pauseif x-trap\ntick marked: unmark\n", code: 503},
	{name: "in the reply to a tick's call", at: "plugin_call", script: "request_headers: mark; tickevery 10; pauseif x-trap\ntick marked: unmark; call peer 15000 /x\n", code: 503},
	{name: "in the log", at: "log", code: 200, body: "hello", sent: true},
}

func (tr trap) scenario() scenario {
	return scenario{name: "a trap " + tr.name, script: armed + tr.script, idle: shortIdle}
}

// play springs the trap while another request is paused in the same VM, and
// checks both responses and whether the VM is replaced.
func (tr trap) play(b *testbed) {
	b.t.Helper()
	stranded := make(chan reply, 1)
	go func() { stranded <- b.do("GET", "/stranded", "", "x-wait", "1") }()
	b.notes.wait(b.t, "request_headers end=true")
	r := tr.spring(b)
	switch {
	case tr.code == 0 && r.err == nil:
		b.t.Errorf("got %d %q, want the connection broken off", r.code, r.body)
	case tr.code != 0 && (r.err != nil || r.code != tr.code || r.body != tr.body):
		b.t.Errorf("got %d %q %v, want %d %q", r.code, r.body, r.err, tr.code, tr.body)
	}
	if r := <-stranded; r.code != 503 || r.body != "" {
		b.t.Errorf("the paused request: got %d %q %v, want 503", r.code, r.body, r.err)
	}
	sent := false
	for _, q := range b.upstreamSaw() {
		sent = sent || q.URI == "/trap"
		if q.URI == "/stranded" {
			b.t.Error("the paused request was sent upstream")
		}
	}
	if sent != tr.sent {
		b.t.Errorf("sent on: %t, want %t", sent, tr.sent)
	}
	if tr.closed {
		if r := b.do("GET", "/", ""); r.code != 503 || r.body != "" {
			b.t.Errorf("afterwards: got %d %q, want 503 for good", r.code, r.body)
		}
		return
	}
	until(b.t, func() bool { r = b.do("GET", "/", ""); return r.code == 200 && r.body == "hello" }, func() string {
		return fmt.Sprintf("the VM is not replaced: %d %q %v", r.code, r.body, r.err)
	})
}

func (tr trap) spring(b *testbed) reply {
	b.t.Helper()
	method, body := "GET", io.Reader(nil)
	if tr.post {
		method, body = "POST", io.MultiReader(strings.NewReader("body"))
	}
	req, err := http.NewRequest(method, b.url+"/trap", body)
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("x-trap", tr.at)
	if tr.trailer {
		req.Trailer = http.Header{"X-T": {"1"}}
	}
	return b.send(&http.Transport{DisableKeepAlives: true}, req)
}

func TestTraps(t *testing.T) {
	for _, tr := range traps {
		t.Run(tr.name, func(t *testing.T) {
			t.Parallel()
			b := start(t, tr.scenario().script, withPeers(t), func(c *Config) {
				c.HTTP1Trailers, c.StreamIdleTimeout, c.ReloadBackoff = true, shortIdle, 100*time.Millisecond
				if !tr.closed {
					c.FailurePolicy = FailReload
				}
			})
			tr.play(b)
		})
	}
}
