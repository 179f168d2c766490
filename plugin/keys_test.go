//go:build !wasip1

package main

import (
	"encoding/base64"
	"testing"
	"time"

	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm/proxytest"
	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm/types"

	"github.com/rulegate/rulegate/rules/jwks"
)

const fetching = `{
	"auth": {"tokens": [
		{"alg": "HS256", "secret": "a secret of more than thirty-two bytes", "kid": "own"},
		{"jwks": {"url": "https://id.example/keys"}}]},
	"routes": [
		{"match": {"path": "/head"}, "rule": {"rule": "authenticated"}},
		{"match": {"path": "/body"}, "rule": {"rule": "match", "type": "string", "eval": "==", "f1": "args.params.id", "f2": "args.auth.id"}}
	]
}`

// unknown returns a token whose key is missing.
func unknown() string {
	b := base64.RawURLEncoding.EncodeToString
	return b([]byte(`{"alg":"EdDSA","kid":"x"}`)) + "." + b([]byte(`{"id":"u1"}`)) + "." + b(make([]byte, 64))
}

func fetchingPlugin(t *testing.T) (proxytest.HostEmulator, *plugin) {
	t.Helper()
	v := &emulatedVM{}
	host, reset := proxytest.NewHostEmulator(proxytest.NewEmulatorOption().WithVMContext(v).WithPluginConfiguration([]byte(fetching)))
	t.Cleanup(reset)
	host.RegisterForeignFunction("verify_signature", func([]byte) []byte { return []byte{1 << 3, 0} })
	if host.StartPlugin() != types.OnPluginStartStatusOK {
		t.Fatal(host.GetErrorLogs())
	}
	return host, v.plugin
}

func send(host proxytest.HostEmulator, path string) (id uint32) {
	id = host.InitializeHttpContext()
	host.CallOnRequestHeaders(id, [][2]string{
		{":method", "POST"}, {":path", path}, {":authority", "shop"}, {":scheme", "http"},
		{"content-type", "application/json"}, {"authorization", "Bearer " + unknown()},
	}, false)
	return id
}

// Clients of requests that wait for keys have shown no valid token, so the number
// of such requests is limited.
func TestLimitOfRequestsThatWaitForKeys(t *testing.T) {
	for path, room := range map[string]int{"/head": maxWaiting, "/body": maxGathering} {
		t.Run(path, func(t *testing.T) {
			host, p := fetchingPlugin(t)
			var last uint32
			for range room {
				last = send(host, path)
			}
			if r := host.GetSentLocalResponse(last); r != nil || len(p.keys.waiting) != room {
				t.Fatalf("%d wait, the last was answered %+v", len(p.keys.waiting), r)
			}
			if r := host.GetSentLocalResponse(send(host, path)); r == nil || r.StatusCode != 503 {
				t.Fatalf("one more: %+v", r)
			}
			host.CompleteHttpContext(last) // its client leaves
			if r := host.GetSentLocalResponse(send(host, path)); r != nil {
				t.Fatalf("there is room again, and it was answered %+v", r)
			}
			if path == "/body" { // one that is refused makes room as well
				id := send(host, "/head")
				host.CallOnRequestBody(last-1, make([]byte, 2<<20), false)
				if r := host.GetSentLocalResponse(last - 1); r == nil || r.StatusCode != 413 {
					t.Fatalf("a body that is too large, without a token: %+v", r)
				}
				if p.keys.gathering != room-1 || p.keys.waiting[id] == nil {
					t.Fatalf("%d hold bodies, want %d", p.keys.gathering, room-1)
				}
			}
		})
	}
}

// The wait ends even if the fetch never ends.
func TestWaitForKeysEnds(t *testing.T) {
	host, p := fetchingPlugin(t)
	id := send(host, "/head")
	host.Tick()
	p.keys.tick(time.Now().Add(jwks.MaxWait - time.Second))
	if r := host.GetSentLocalResponse(id); r != nil {
		t.Fatalf("answered %d before its time", r.StatusCode)
	}
	p.keys.tick(time.Now().Add(jwks.MaxWait))
	if r := host.GetSentLocalResponse(id); r == nil || r.StatusCode != 503 {
		t.Fatalf("answered %+v, want 503", r)
	}
	if len(p.keys.waiting)+len(p.deadlines.streams) != 0 {
		t.Fatal("a stream still waits")
	}
}
