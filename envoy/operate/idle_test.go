package operate

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/rulegate/rulegate/envoy/harness"
	"github.com/rulegate/rulegate/host/gateway"
)

// idlePolicy has routes of every kind for which the idle timeout matters: those that
// the module never holds, that it may hold, and whose response it holds.
const idlePolicy = `
project: shop
limits: {bodyTimeout: 60s}
routes:
  - {name: open, match: {path: /open}, rule: {rule: allow}}
  - {name: events, match: {methods: [GET], path: "/events"}, rule: {rule: allow}}
  - {name: cut, match: {methods: [GET], path: "/cut/{x}"}, idle: 1s, rule: {rule: allow}}
  - {name: socket, match: {methods: [GET], path: "/socket"}, rule: {rule: allow}}
  - name: reads
    match: {methods: [POST], path: "/reads"}
    auth: none
    rule: {rule: match, type: string, eval: "==", f1: args.params.a, f2: b}
  - name: masks
    match: {methods: [GET], path: "/masks"}
    auth: none
    rule: {rule: remove, fields: [res.secret], optional: true}
  - name: long masks
    match: {methods: [GET], path: "/long-masks"}
    auth: none
    idle: 1m
    rule: {rule: remove, fields: [res.secret], optional: true}
`

// silence is longer than the idle timeouts of these tests, but for limits.idle.
const silence = 6 * time.Second

// silentUpstream is silent for a while in the middle of its responses.
func silentUpstream(t *testing.T) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/open":
			return
		case "/socket":
			conn, rw, err := w.(http.Hijacker).Hijack()
			if err != nil {
				return
			}
			defer conn.Close()
			fmt.Fprint(conn, "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n")
			line, _ := rw.ReadString('\n')
			fmt.Fprint(conn, "echo "+line)
			return
		case "/masks", "/long-masks":
			w.Header().Set("content-type", "application/json")
			fmt.Fprint(w, `{"a":`)
			w.(http.Flusher).Flush()
			time.Sleep(silence)
			fmt.Fprint(w, `1}`)
			return
		}
		io.Copy(io.Discard, r.Body)
		w.Header().Set("content-type", "text/event-stream")
		fmt.Fprint(w, "data: 1\n\n")
		w.(http.Flusher).Flush()
		time.Sleep(silence)
		fmt.Fprint(w, "data: 2\n\n")
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// TestIdle tests that a request that was let through may be silent for longer than
// one that the module holds, unless its route says otherwise.
func TestIdle(t *testing.T) {
	up := silentUpstream(t)
	b := harness.NewBootstrap(t, up)
	b.Conf.Idle = 2 * time.Second
	b.AddPolicy(t, "idle", idlePolicy, "")
	b.AddPolicy(t, "never-holds", "routes: [{match: {path: /events}, rule: {rule: allow}}, {match: {path: '/cut/{x}'}, idle: 1s, rule: {rule: allow}}]", "")
	p := b.Start(t)
	p.Ready(t)
	at := p.Listeners(t)
	c := &harness.Case{Name: "idle", Policy: idlePolicy}
	target, err := url.Parse(up)
	if err != nil {
		t.Fatal(err)
	}
	embedded := harness.Gateway{Case: c, Module: harness.LoadModule(t), Upstream: harness.NewUpstream(t), Alter: func(cfg *gateway.Config) {
		cfg.StreamIdleTimeout = 2 * time.Second
		cfg.Upstream.URL = target
	}}.Start(t)

	for name, test := range map[string]struct {
		addr, method, path, body string
		want                     string // the end of the answer
	}{
		"Envoy: events":                         {at["idle"], "GET", "/events", "", "data: 2\n\n"},
		"Envoy: events, a body that was read":   {at["idle"], "POST", "/reads", `{"a":"b"}`, "data: 2\n\n"},
		"Envoy: a route's own":                  {at["idle"], "GET", "/cut/1", "", "cut off"},
		"Envoy: a response that is held":        {at["idle"], "GET", "/masks", "", "504"},
		"Envoy: held, with a route's own":       {at["idle"], "GET", "/long-masks", "", `{"a":1}`},
		"Envoy: events, never held":             {at["never-holds"], "GET", "/events", "", "data: 2\n\n"},
		"Envoy: a route's own, never held":      {at["never-holds"], "GET", "/cut/1", "", "cut off"},
		"gateway: events":                       {embedded, "GET", "/events", "", "data: 2\n\n"},
		"gateway: events, a body that was read": {embedded, "POST", "/reads", `{"a":"b"}`, "data: 2\n\n"},
		"gateway: a route's own":                {embedded, "GET", "/cut/1", "", "cut off"},
		"gateway: a response that is held":      {embedded, "GET", "/masks", "", "504"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := answerEnd(t, test.addr, test.method, test.path, test.body); !strings.HasSuffix(got, test.want) {
				t.Errorf("want %q at the end, found %q", test.want, got)
			}
		})
	}
	t.Run("Envoy: a WebSocket", func(t *testing.T) {
		t.Parallel()
		conn, err := net.Dial("tcp", at["idle"])
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(harness.RequestTimeout))
		fmt.Fprint(conn, "GET /socket HTTP/1.1\r\nhost: shop.example\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n")
		in := bufio.NewReader(conn)
		resp, err := http.ReadResponse(in, nil)
		if err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
			t.Fatalf("%v %v", resp, err)
		}
		time.Sleep(silence)
		fmt.Fprint(conn, "hello\n")
		if line, err := in.ReadString('\n'); line != "echo hello\n" {
			t.Errorf("found %q, %v", line, err)
		}
	})
}

// answerEnd returns the body of a response, `cut off` after a body without its end,
// or the status if that is not 200.
func answerEnd(t *testing.T, addr, method, path, body string) string {
	t.Helper()
	r, err := http.NewRequest(method, "http://"+addr+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("content-type", jsonType)
	client := http.Client{Timeout: 2 * harness.RequestTimeout, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	switch {
	case resp.StatusCode != http.StatusOK:
		if resp.Header.Get("x-request-id") == "" {
			t.Error("a refusal without x-request-id")
		}
		return resp.Status[:3]
	case err != nil:
		return string(text) + "cut off"
	}
	return string(text)
}
