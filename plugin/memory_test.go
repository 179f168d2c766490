//go:build !wasip1

package main

import (
	"strings"
	"testing"
	"time"

	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm/proxytest"
	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm/types"

	"github.com/rulegate/rulegate/rules/policy"
)

// begin sends the headers of a POST, and for a mask those of its response.
func begin(t *testing.T, host proxytest.HostEmulator, path string) uint32 {
	t.Helper()
	id := host.InitializeHttpContext()
	jsonType := [2]string{"content-type", "application/json"}
	host.CallOnRequestHeaders(id, [][2]string{{":method", "POST"}, {":path", path}, {":authority", "shop"}, {":scheme", "http"}, jsonType}, path == "/mask")
	if path == "/mask" {
		host.CallOnResponseHeaders(id, [][2]string{{":status", "200"}, jsonType}, false)
	}
	return id
}

// TestMemoryIsReleased: after every end of a stream, also if events follow it, the
// VM counts no bytes for it.
func TestMemoryIsReleased(t *testing.T) {
	const half, whole = `{"ok":`, `{"ok":true}`
	for name, c := range map[string]struct {
		path string
		held int // before the end
		run  func(host proxytest.HostEmulator, id uint32)
		end  func(host proxytest.HostEmulator, p *plugin, id uint32)
	}{
		"allowed": {"/body", len(half), func(host proxytest.HostEmulator, id uint32) {
			host.CallOnRequestBody(id, []byte(half), false)
		}, func(host proxytest.HostEmulator, _ *plugin, id uint32) {
			host.CallOnRequestBody(id, []byte(`true}`), true)
		}},
		"refused": {"/body", len(half), func(host proxytest.HostEmulator, id uint32) {
			host.CallOnRequestBody(id, []byte(half), false)
		}, func(host proxytest.HostEmulator, _ *plugin, id uint32) {
			host.CallOnRequestBody(id, []byte(`false}`), true)
			host.CallOnRequestBody(id, []byte(whole), true)
		}},
		"malformed": {"/body", len(half), func(host proxytest.HostEmulator, id uint32) {
			host.CallOnRequestBody(id, []byte(half), false)
		}, func(host proxytest.HostEmulator, _ *plugin, id uint32) {
			host.CallOnRequestTrailers(id, [][2]string{{"x", "y"}})
		}},
		"expired": {"/body", len(half), func(host proxytest.HostEmulator, id uint32) {
			host.CallOnRequestBody(id, []byte(half), false)
		}, func(_ proxytest.HostEmulator, p *plugin, _ uint32) {
			p.deadlines.tick(time.Now().Add(time.Hour))
		}},
		"too large": {"/body", len(half), func(host proxytest.HostEmulator, id uint32) {
			host.CallOnRequestBody(id, []byte(half), false)
		}, func(host proxytest.HostEmulator, _ *plugin, id uint32) {
			host.CallOnRequestBody(id, make([]byte, 2<<20), false)
			host.CallOnRequestBody(id, []byte(whole), true)
		}},
		"a client that leaves": {"/asks", 0, func(host proxytest.HostEmulator, id uint32) {
			host.CallOnRequestBody(id, []byte(whole), true)
		}, func(host proxytest.HostEmulator, _ *plugin, id uint32) {
			calls := host.GetCalloutAttributesFromContext(id)
			host.CompleteHttpContext(id)
			for _, call := range calls {
				host.CallOnHttpCallResponse(call.CalloutID, [][2]string{{":status", "200"}}, nil, []byte("late"))
			}
		}},
		"a reply that fails": {"/asks", 0, func(host proxytest.HostEmulator, id uint32) {
			host.CallOnRequestBody(id, []byte(whole), true)
		}, func(host proxytest.HostEmulator, _ *plugin, id uint32) {
			for _, call := range host.GetCalloutAttributesFromContext(id) {
				host.CallOnHttpCallResponse(call.CalloutID, [][2]string{{":status", "200"}}, nil, []byte("not sealed"))
			}
		}},
		"a panic": {"/asks", 0, func(host proxytest.HostEmulator, id uint32) {
			host.CallOnRequestBody(id, []byte(whole), true)
		}, func(host proxytest.HostEmulator, p *plugin, id uint32) {
			p.deadlines.streams[0].request = nil
			for _, call := range host.GetCalloutAttributesFromContext(id) {
				host.CallOnHttpCallResponse(call.CalloutID, [][2]string{{":status", "200"}}, nil, nil)
			}
		}},
		"a masked response": {"/mask", len(half), func(host proxytest.HostEmulator, id uint32) {
			host.CallOnResponseBody(id, []byte(half), false)
		}, func(host proxytest.HostEmulator, _ *plugin, id uint32) {
			host.CallOnResponseBody(id, []byte(`true}`), true)
		}},
		"a response that breaks off": {"/mask", len(half), func(host proxytest.HostEmulator, id uint32) {
			host.CallOnResponseBody(id, []byte(half), false)
		}, func(host proxytest.HostEmulator, _ *plugin, id uint32) {
			host.CompleteHttpContext(id)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			host, p := startIdle(t)
			id := begin(t, host, c.path)
			c.run(host, id)
			if held := p.vm.memory.held; held == 0 || c.held > 0 && held != c.held {
				t.Fatalf("before the end: %d bytes, want %d", held, c.held)
			}
			c.end(host, p, id)
			if p.vm.memory.held != 0 {
				t.Errorf("%d bytes are held after the end", p.vm.memory.held)
			}
		})
	}
}

// TestMemoryLimit: what goes beyond limits.memory is refused with 503 before it is
// read, and what waits already goes on.
func TestMemoryLimit(t *testing.T) {
	const document = `{"ok":true}`
	for path, reason := range map[string]string{"/body": "request: ", "/mask": "response: "} {
		t.Run(path, func(t *testing.T) {
			host, p := startIdle(t)
			p.policy.Limits.Memory = policy.BodyCost*len(document) + 6
			send := func(id uint32, text string, end bool) types.Action {
				if path == "/mask" {
					return host.CallOnResponseBody(id, []byte(text), end)
				}
				return host.CallOnRequestBody(id, []byte(text), end)
			}
			waits, late := begin(t, host, path), begin(t, host, path)
			send(waits, `{"ok":`, false)
			send(late, document, true) // three times its length is exactly free
			if r := host.GetSentLocalResponse(late); r != nil {
				t.Fatalf("a body that fits: %+v", r)
			}
			over := begin(t, host, path)
			if send(over, document+" ", true) != types.ActionPause {
				t.Error("a body that is refused goes on")
			}
			if r := host.GetSentLocalResponse(over); r == nil || r.StatusCode != 503 {
				t.Errorf("want 503, found %+v", r)
			}
			if log := strings.Join(host.GetWarnLogs(), "\n"); !strings.Contains(log, `outcome=memory`) || !strings.Contains(log, `reason="`+reason+"the bodies of all") {
				t.Errorf("want the reason, found %s", log)
			}
			send(waits, `true}`, true)
			if r := host.GetSentLocalResponse(waits); r != nil {
				t.Errorf("a body that waited: %+v", r)
			}
			if p.vm.memory.held != 0 {
				t.Errorf("%d bytes are held at the end", p.vm.memory.held)
			}
		})
	}
}
