//go:build !wasip1

package main

import (
	"strings"
	"testing"
	"time"

	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm/proxytest"
	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm/types"
)

// Real hosts keep to the timeouts of calls, so these tests emulate one that does
// not.

const asking = `{
	"project": "shop",
	"auth": {"tokens": [{"alg": "HS256", "secret": "a secret of more than thirty-two bytes", "primary": true}]},
	"databases": {"d": {"type": "embedded"}},
	"routes": [
		{"match": {"path": "/request"}, "auth": "none", "rule": {"rule": "query", "db": "d", "col": "c"}},
		{"match": {"path": "/response"}, "rule": {"rule": "allow"}, "response": {"rule": "query", "db": "d", "col": "c"}},
		{"match": {"path": "/body"}, "auth": "none", "rule": {"rule": "match", "type": "bool", "eval": "==", "f1": "args.params.ok", "f2": true}},
		{"match": {"path": "/asks"}, "auth": "none", "rule": {"rule": "and", "clauses": [
			{"rule": "match", "type": "bool", "eval": "==", "f1": "args.params.ok", "f2": true}, {"rule": "query", "db": "d", "col": "c"}]}},
		{"match": {"path": "/mask"}, "rule": {"rule": "and", "clauses": [{"rule": "remove", "fields": ["res.a"]}]}, "auth": "none"}
	]
}`

// startIdle starts a plugin in a host that does nothing by itself.
func startIdle(t *testing.T) (proxytest.HostEmulator, *plugin) {
	t.Helper()
	v := &emulatedVM{}
	host, reset := proxytest.NewHostEmulator(proxytest.NewEmulatorOption().WithVMContext(v).WithPluginConfiguration([]byte(asking)))
	t.Cleanup(reset)
	host.RegisterForeignFunction("verify_signature", func([]byte) []byte { return []byte{1 << 3, 0} }) // it verifies nothing
	if host.StartPlugin() != types.OnPluginStartStatusOK {
		t.Fatal(host.GetErrorLogs())
	}
	return host, v.plugin
}

type emulatedVM struct {
	vm
	plugin *plugin
}

func (v *emulatedVM) NewPluginContext(id uint32) types.PluginContext {
	v.plugin = v.vm.NewPluginContext(id).(*plugin)
	return v.plugin
}

func TestNoStreamOutlivesItsDeadline(t *testing.T) {
	const bodyTimeout, callTimeout = 10 * time.Second, 500 * time.Millisecond
	for path, c := range map[string]struct {
		wait   time.Duration
		status uint32
		reason string
	}{
		"/request":  {callTimeout + hostGrace, 503, `reason="the host did not call back about calls"`},
		"/response": {callTimeout + hostGrace, 503, `reason="response: the host did not call back about calls"`},
		"/body":     {bodyTimeout, 503, `reason="body not delivered: slow client, or allow_on_headers_stop_iteration missing"`},
		"/mask":     {bodyTimeout, 502, `reason="response: body not delivered: slow upstream, or allow_on_headers_stop_iteration missing"`},
	} {
		t.Run(path, func(t *testing.T) {
			host, p := startIdle(t)
			began := time.Now()
			id := host.InitializeHttpContext()
			headers := [][2]string{{":method", "POST"}, {":path", path}, {":authority", "shop"}, {":scheme", "http"}, {"content-type", "application/json"}}
			action := host.CallOnRequestHeaders(id, headers, path != "/body")
			if path == "/response" || path == "/mask" {
				action = host.CallOnResponseHeaders(id, [][2]string{{":status", "200"}, {"content-type", "application/json"}}, false)
			}
			if action == types.ActionContinue {
				t.Fatalf("want it held, found action %d", action)
			}
			p.deadlines.tick(began.Add(c.wait - time.Millisecond))
			if r := host.GetSentLocalResponse(id); r != nil {
				t.Fatalf("answered %d before its time", r.StatusCode)
			}
			p.deadlines.tick(time.Now().Add(c.wait))
			r := host.GetSentLocalResponse(id)
			if r == nil || r.StatusCode != c.status {
				t.Fatalf("want %d, found %+v", c.status, r)
			}
			if log := strings.Join(host.GetWarnLogs(), "\n"); !strings.Contains(log, c.reason) {
				t.Errorf("want a line with %s, found %s", c.reason, log)
			}
			// Late events change nothing.
			for _, call := range host.GetCalloutAttributesFromContext(id) {
				host.CallOnHttpCallResponse(call.CalloutID, [][2]string{{":status", "200"}}, nil, nil)
			}
			if host.CallOnRequestBody(id, []byte(`{"ok":true}`), true) != types.ActionPause && path == "/body" {
				t.Error("a body after the end was let through")
			}
			if len(p.deadlines.streams) != 0 {
				t.Errorf("%d streams still have a deadline", len(p.deadlines.streams))
			}
		})
	}
}

// TestDripping: pieces of a body do not extend the deadline.
func TestDripping(t *testing.T) {
	host, p := startIdle(t)
	id := host.InitializeHttpContext()
	host.CallOnRequestHeaders(id, [][2]string{{":method", "POST"}, {":path", "/body"}, {":authority", "shop"}, {":scheme", "http"}, {"content-type", "application/json"}}, false)
	until := p.deadlines.streams[0].deadline.at
	for range 5 {
		host.CallOnRequestBody(id, []byte(` `), false)
	}
	if len(p.deadlines.streams) != 1 || !p.deadlines.streams[0].deadline.at.Equal(until) {
		t.Fatalf("the deadline was extended from %v: %+v", until, p.deadlines.streams)
	}
	p.deadlines.tick(until)
	if r := host.GetSentLocalResponse(id); r == nil || r.StatusCode != 503 {
		t.Errorf("want 503, found %+v", r)
	}
	if log := strings.Join(host.GetWarnLogs(), "\n"); !strings.Contains(log, `reason="body not delivered: slow client"`) {
		t.Errorf("found %s", log)
	}
}

// TestStreamsThatEnd: a stream that ends loses its deadline, in any order.
func TestStreamsThatEnd(t *testing.T) {
	host, p := startIdle(t)
	headers := [][2]string{{":method", "POST"}, {":path", "/body"}, {":authority", "shop"}, {":scheme", "http"}, {"content-type", "application/json"}}
	var ids []uint32
	for range 5 {
		id := host.InitializeHttpContext()
		host.CallOnRequestHeaders(id, headers, false)
		ids = append(ids, id)
	}
	if len(p.deadlines.streams) != 5 {
		t.Fatalf("want 5 deadlines, found %d", len(p.deadlines.streams))
	}
	host.CompleteHttpContext(ids[2])
	host.CallOnRequestBody(ids[0], []byte(`{"ok":true}`), true)
	host.CallOnRequestBody(ids[4], []byte(`{"ok":false}`), true)
	for i, s := range p.deadlines.streams {
		if s.deadline.index != i+1 || s.id != ids[1] && s.id != ids[3] {
			t.Errorf("stream %d at %d has index %d", s.id, i, s.deadline.index)
		}
	}
	if len(p.deadlines.streams) != 2 {
		t.Errorf("want 2 deadlines, found %d", len(p.deadlines.streams))
	}
	p.deadlines.tick(time.Now().Add(time.Hour))
	for i, answered := range []bool{false, true, false, true, true} {
		if r := host.GetSentLocalResponse(ids[i]); (r != nil) != answered {
			t.Errorf("stream %d: answered %+v", i, r)
		}
	}
}

func TestReady(t *testing.T) {
	host, _ := startIdle(t)
	const want = `rulegate: ready: policy "shop", version 082b85852754, resources 5, calls true, body timeout 10s; host: plugin "", ticks yes, properties yes, shared data yes, `
	if log := strings.Join(host.GetInfoLogs(), "\n"); !strings.HasPrefix(log, want) {
		t.Errorf("found %s, want %s", log, want)
	}
	if host.GetTickPeriod() != uint32(deadlinePeriod.Milliseconds()) {
		t.Errorf("ticks every %d ms", host.GetTickPeriod())
	}
}
