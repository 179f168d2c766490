// Package edges tests the edges of HTTP: framing, streams, trailers, truncated
// bodies, and requests that two parsers read differently.
package edges

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/rulegate/rulegate/envoy/harness"
)

// TestEdges tests edges of HTTP that need more than one request and one response:
// framing, streams, trailers, bodies that are cut.
func TestEdges(t *testing.T) {
	harness.RunParts(t, []harness.Part{
		{Name: "request bodies", Setup: requestBodies},
		{Name: "streams", Setup: streams},
		{Name: "truncated", Setup: truncated},
		{Name: "trailers", Setup: trailers},
		{Name: "forwarded", Setup: forwarded},
		{Name: "matrix", Setup: matrix},
		{Name: "one connection", Setup: oneConnection},
		{Name: "canaries", Setup: canaries},
	})
}

// edgesPolicy has a rule that reads no body, one that reads the request's, and
// one that changes the response's.
const edgesPolicy = `
project: shop
auth: {tokens: [{name: own, alg: HS256, secret: the-own-secret-of-the-test-cases, primary: true}]}
limits: {requestBody: 1KiB}
routes:
  - {name: claims, match: {path: "/claims"}, rule: {rule: match, type: string, eval: "==", f1: args.auth.id, f2: u1}}
  - {name: body, match: {path: "/body"}, rule: {rule: match, type: bool, eval: "==", f1: args.params.ok, f2: true}}
  - {name: mask, match: {path: "/mask"}, rule: {rule: remove, fields: [res.x]}}
`

// requestBodies tests the ways in which a client can send a body over HTTP/1.1.
func requestBodies(t *testing.T, b *harness.Bootstrap, up *harness.Upstream) func(*testing.T, *harness.Process) {
	b.AddPolicy(t, "edges", edgesPolicy, "")
	return func(t *testing.T, p *harness.Process) {
		at := p.Listeners(t)["edges"]
		t.Run("100-continue", func(t *testing.T) { expectContinue(t, at, up) })
		t.Run("framing", func(t *testing.T) { framing(t, at, up, true) })
		t.Run("unbuffered", func(t *testing.T) { unbuffered(t, at, up) })
	}
}

func TestEdgesOnWazero(t *testing.T) {
	up := harness.NewUpstream(t)
	c := &harness.Case{Name: "edges", Policy: edgesPolicy}
	at := harness.Gateway{Case: c, Module: harness.LoadModule(t), Upstream: up}.Start(t)
	t.Run("100-continue", func(t *testing.T) { expectContinue(t, at, up) })
	t.Run("framing", func(t *testing.T) { framing(t, at, up, false) })
	t.Run("unbuffered", func(t *testing.T) { unbuffered(t, at, up) })
}

// rawConn is a connection on which a test writes and reads bytes of its own.
type rawConn struct {
	net.Conn
	in *bufio.Reader
}

// dial connects to a listener for at most harness.RequestTimeout.
func dial(t *testing.T, addr string) *rawConn {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(harness.RequestTimeout))
	return &rawConn{conn, bufio.NewReader(conn)}
}

func (c *rawConn) say(t *testing.T, text string) {
	t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
}

// status reads the next response with its body and returns its status.
func (c *rawConn) status(t *testing.T) int {
	t.Helper()
	resp, err := http.ReadResponse(c.in, nil)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode >= 200 {
		io.Copy(io.Discard, resp.Body)
	}
	return resp.StatusCode
}

// expectContinue tests Expect: 100-continue. The client gets 100 before it sends
// its body, unless the headers decide; the upstream gets no Expect header.
func expectContinue(t *testing.T, at string, up *harness.Upstream) {
	for name, c := range map[string]struct {
		path, id, body string
		want           int
	}{
		"a body that the rule takes":       {"/body", "u1", `{"ok":true}`, 200},
		"a body that the rule refuses":     {"/body", "u1", `{"ok":false}`, 403},
		"a body that no rule reads":        {"/claims", "u1", `{"ok":false}`, 200},
		"headers that the rule refuses":    {"/claims", "u2", `{"ok":false}`, 403},
		"a path that is not covered":       {"/nowhere", "u1", `{"ok":true}`, 403},
		"a body beyond limits.requestBody": {"/body", "u1", `{"ok":true,"x":"` + strings.Repeat("x", 2000) + `"}`, 413},
	} {
		t.Run(name, func(t *testing.T) {
			r := &harness.Request{Method: "POST", Target: c.path, Body: c.body, Headers: [][2]string{
				harness.Bearer(t, fmt.Sprintf(`{"id":%q}`, c.id)), {"content-type", "application/json"}, {"expect", "100-continue"},
			}}
			wire := r.Wire(t.Name())
			conn := dial(t, at)
			conn.say(t, strings.TrimSuffix(wire, c.body))
			got := conn.status(t)
			if got == 100 {
				conn.say(t, c.body)
				got = conn.status(t)
			} else if got < 400 {
				t.Errorf("want 100 before the response, found %d", got)
			}
			if got != c.want {
				t.Errorf("want %d, found %d", c.want, got)
			}
			seen, err := up.Take(t.Name())
			if err != nil || (len(seen) == 1) != (c.want == 200) {
				t.Fatalf("the upstream got %d requests, %v", len(seen), err)
			}
			if len(seen) == 1 && (seen[0].Body != c.body || seen[0].Headers["expect"] != nil) {
				t.Errorf("the upstream got %v, %s", seen[0].Headers["expect"], seen[0].Body)
			}
		})
	}
}

// framing tests that a body whose end is ambiguous is refused, as the rule and
// the upstream could read different bodies.
func framing(t *testing.T, at string, up *harness.Upstream, envoy bool) {
	const chunks = "b\r\n{\"ok\":true}\r\n0\r\n\r\n"
	token := harness.Bearer(t, `{"id":"u1"}`)
	for name, c := range map[string]struct {
		headers, body string
		ok            bool
	}{
		"a length":                   {"content-length: 11\r\n", `{"ok":true}`, true},
		"chunks":                     {"transfer-encoding: chunked\r\n", chunks, true},
		"two lengths":                {"content-length: 11\r\ncontent-length: 10\r\n", `{"ok":true}`, false},
		"an invalid length":          {"content-length: +11\r\n", `{"ok":true}`, false},
		"a length and chunks":        {"content-length: 11\r\ntransfer-encoding: chunked\r\n", chunks, false},
		"chunks and a length":        {"transfer-encoding: chunked\r\ncontent-length: 4\r\n", chunks, false},
		"chunks in another encoding": {"transfer-encoding: gzip, chunked\r\n", chunks, false},
		"chunks before an encoding":  {"transfer-encoding: chunked, identity\r\n", chunks, false},
		"a chunk without a length":   {"transfer-encoding: chunked\r\n", "x\r\n{\"ok\":true}\r\n0\r\n\r\n", false},
		"a folded header line":       {"content-length:\r\n 11\r\n", `{"ok":true}`, true},
		"two hosts":                  {"host: other.example\r\ncontent-length: 11\r\n", `{"ok":true}`, false},
		"white space before a colon": {"transfer-encoding : chunked\r\ncontent-length: 11\r\n", `{"ok":true}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			if !envoy && (name == "a length and chunks" || name == "chunks and a length") {
				c.ok = true // net/http ignores the length and passes the chunks on with a length of its own
			}
			conn := dial(t, at)
			conn.say(t, fmt.Sprintf("POST /body HTTP/1.1\r\nhost: shop.example\r\n%s: %s\r\n%s: %s\r\ncontent-type: application/json\r\nconnection: close\r\n%s\r\n%s",
				token[0], token[1], harness.RequestID, t.Name(), c.headers, c.body))
			if resp, err := http.ReadResponse(conn.in, nil); err != nil && (c.ok || envoy) {
				t.Error(err)
			} else if err == nil && (c.ok && resp.StatusCode != 200 || !c.ok && (resp.StatusCode < 400 || resp.StatusCode > 501)) {
				t.Errorf("found %s", resp.Status)
			} // else net/http has closed the connection without a response
			seen, err := up.Take(t.Name())
			if err != nil || (len(seen) == 1) != c.ok {
				t.Fatalf("the upstream got %d requests, %v", len(seen), err)
			}
			if c.ok && seen[0].Body != `{"ok":true}` {
				t.Errorf("the upstream got %s", seen[0].Body)
			}
		})
	}
}

// unbuffered tests that the upstream gets the first part of a body that no rule
// reads before the client has sent the rest.
func unbuffered(t *testing.T, at string, up *harness.Upstream) {
	token := harness.Bearer(t, `{"id":"u1"}`)
	for _, kind := range []string{"multipart/form-data; boundary=cut", "application/json", "application/octet-stream"} {
		t.Run(strings.ReplaceAll(kind, "/", " "), func(t *testing.T) {
			first := make(chan string, 1)
			id := t.Name()
			up.OnFirst(id, first)
			conn := dial(t, at)
			conn.say(t, fmt.Sprintf("POST /claims HTTP/1.1\r\nhost: shop.example\r\n%s: %s\r\n%s: %s\r\ncontent-type: %s\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n5\r\n--cut\r\n",
				token[0], token[1], harness.RequestID, id, kind))
			select {
			case got := <-first:
				if got != "--cut" {
					t.Errorf("the upstream got %q first", got)
				}
			case <-time.After(harness.RequestTimeout):
				t.Fatal("the upstream got nothing before the client sent the rest")
			}
			rest := strings.Repeat("x", 3<<20)
			conn.say(t, fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(rest), rest))
			if got := conn.status(t); got != 200 {
				t.Errorf("want 200, found %d", got)
			}
			if seen, err := up.Take(id); err != nil || len(seen) != 1 || seen[0].Body != "--cut"+rest {
				t.Errorf("the upstream got %d requests, %v", len(seen), err)
			}
		})
	}
}
