//go:build !wasip1

package main

import (
	"strings"
	"testing"

	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm/types"
)

// TestFlows: before a decision no byte of a request passes, and none of a
// response that a rule decides.
func TestFlows(t *testing.T) {
	for next := awaitHeaders; next <= gone; next++ {
		for _, c := range []struct {
			due, of direction
			want    bool
		}{
			{request, request, next == passed},
			{request, response, true}, // an answer of our own, or of the proxy
			{response, request, next != withheld && next != answered && next != gone},
			{response, response, next == passed || next == answered},
		} {
			s := &stream{direction: c.due, state: next}
			if got := s.flows(c.of); got != c.want {
				t.Errorf("direction %d in state %d: flows(%d) is %t, want %t", c.due, next, c.of, got, c.want)
			}
		}
	}
}

// TestPanics: a panic in a callback is answered, whichever the direction.
func TestPanics(t *testing.T) {
	for name, c := range map[string]struct {
		path   string
		breaks func(*stream) // after the request's headers
		call   func(*stream) types.Action
		status uint32
		state  state
		reason string
	}{
		"request":  {"/body", func(s *stream) { s.request = nil }, func(s *stream) types.Action { return s.OnHttpRequestBody(2, true) }, 503, answered, `reason="panic: `},
		"response": {"/mask", func(s *stream) { s.response = nil }, func(s *stream) types.Action { return s.OnHttpResponseHeaders(1, false) }, 502, withheld, `reason="response: panic: `},
	} {
		t.Run(name, func(t *testing.T) {
			host, p := startIdle(t)
			id := host.InitializeHttpContext()
			s := p.NewHttpContext(id).(*stream) // beside the host's own
			host.CallOnRequestHeaders(id, [][2]string{{":method", "POST"}, {":path", c.path}, {":authority", "shop"}, {":scheme", "http"}, {"content-type", "application/json"}}, false)
			if s.OnHttpRequestHeaders(5, false); s.state != awaitBody && s.direction != response {
				t.Fatalf("state %d", s.state)
			}
			c.breaks(s)
			if action := c.call(s); action != types.ActionPause {
				t.Errorf("action %d, want a pause", action)
			}
			if r := host.GetSentLocalResponse(id); s.state != c.state || r == nil || r.StatusCode != c.status {
				t.Errorf("state %d, answered %+v, want %d", s.state, r, c.status)
			}
			if log := strings.Join(host.GetWarnLogs(), "\n"); !strings.Contains(log, c.reason) {
				t.Errorf("want a line with %s, found %s", c.reason, log)
			}
			if log := strings.Join(host.GetErrorLogs(), "\n"); !strings.Contains(log, "rulegate: panic: ") || !strings.Contains(log, "goroutine ") {
				t.Errorf("no stack in %s", log)
			}
		})
	}
}

// TestBodyBeforeHeaders: a host that shows a body first gets no stream through.
func TestBodyBeforeHeaders(t *testing.T) {
	host, p := startIdle(t)
	id := host.InitializeHttpContext()
	s := p.NewHttpContext(id).(*stream)
	if s.OnHttpRequestBody(1, true) != types.ActionPause || !s.state.ended() {
		t.Errorf("state %d", s.state)
	}
}

// TestUnsentRefusal: if the host does not take the reply that refuses a response,
// no byte of that response passes.
func TestUnsentRefusal(t *testing.T) {
	host, p := startIdle(t)
	id := host.InitializeHttpContext()
	s := p.NewHttpContext(id).(*stream)
	host.CallOnRequestHeaders(id, [][2]string{{":method", "GET"}, {":path", "/mask"}, {":authority", "shop"}, {":scheme", "http"}}, true)
	if s.OnHttpRequestHeaders(4, true) != types.ActionContinue || s.direction != response {
		t.Fatalf("state %d", s.state)
	}
	host.CallOnResponseHeaders(id, [][2]string{{":status", "200"}, {"content-type", "text/plain"}}, false)
	if s.OnHttpResponseHeaders(2, false) != types.ActionPause || s.state != withheld {
		t.Fatalf("state %d, want a refusal", s.state)
	}
	if s.OnHttpResponseBody(5, false) != types.ActionPause || s.OnHttpResponseBody(9, true) != types.ActionPause || s.OnHttpResponseHeaders(2, false) != types.ActionPause {
		t.Error("the upstream's body passes after a refusal")
	}
}

// TestShortBody: a body that the host gives only in part is never decided as the
// whole.
func TestShortBody(t *testing.T) {
	host, p := startIdle(t)
	id := host.InitializeHttpContext()
	s := p.NewHttpContext(id).(*stream)
	host.CallOnRequestHeaders(id, [][2]string{{":method", "POST"}, {":path", "/body"}, {":authority", "shop"}, {":scheme", "http"}, {"content-type", "application/json"}}, false)
	if s.OnHttpRequestHeaders(5, false); s.state != awaitBody {
		t.Fatalf("state %d", s.state)
	}
	if s.OnHttpRequestBody(20, true) != types.ActionPause || !s.state.ended() {
		t.Errorf("state %d, want a refusal", s.state)
	}
	if log := strings.Join(host.GetWarnLogs(), "\n"); !strings.Contains(log, "the host gave 0 of its 20 bytes") {
		t.Errorf("want the reason, found %s", log)
	}
}
