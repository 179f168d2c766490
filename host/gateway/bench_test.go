package gateway

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
)

// BenchmarkCallback is one callback that does nothing.
func BenchmarkCallback(b *testing.B) {
	g := benchGateway(b, must(b, empty).Module, "", Cluster{Handler: http.NotFoundHandler()})
	v := g.workers[0].vm
	b.ReportAllocs()
	for b.Loop() {
		v.lock()
		if _, err := v.call(v.exp.tick, rootID); err != nil {
			b.Fatal(err)
		}
		v.unlock()
	}
}

// BenchmarkLocalReply is a request that the module denies, without a network: a
// new context, three callbacks and a local reply.
func BenchmarkLocalReply(b *testing.B) {
	g := benchGateway(b, must(b, script).Module, "request_headers: reply 403", Cluster{Handler: http.NotFoundHandler()})
	r := httptest.NewRequest("GET", "/", nil)
	b.ReportAllocs()
	for b.Loop() {
		w := httptest.NewRecorder()
		g.ServeHTTP(w, r)
		if w.Code != 403 {
			b.Fatal(w.Code)
		}
	}
}

// BenchmarkEmpty is a GET through a module that does nothing, without a network:
// a new context, seven callbacks, and the end of the context.
func BenchmarkEmpty(b *testing.B) {
	g := benchGateway(b, must(b, empty).Module, "", Cluster{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") })})
	r := httptest.NewRequest("GET", "/", nil)
	b.ReportAllocs()
	for b.Loop() {
		w := httptest.NewRecorder()
		g.ServeHTTP(w, r)
		if w.Code != 200 {
			b.Fatal(w.Code)
		}
	}
}

// BenchmarkRequest is a GET over loopback, through the module to an upstream.
func BenchmarkRequest(b *testing.B) { benchProxy(b, true) }

// BenchmarkWithoutGateway is the same GET, straight to the upstream.
func BenchmarkWithoutGateway(b *testing.B) { benchProxy(b, false) }

func benchProxy(b *testing.B, through bool) {
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }))
	defer up.Close()
	u, _ := url.Parse(up.URL)
	target := up.URL
	if through {
		srv := httptest.NewServer(benchGateway(b, must(b, empty).Module, "", Cluster{URL: u}))
		defer srv.Close()
		target = srv.URL
	}
	b.ReportAllocs()
	for b.Loop() {
		resp, err := http.Get(target)
		if err != nil {
			b.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
}

// BenchmarkStart is a new VM, configured.
func BenchmarkStart(b *testing.B) {
	g := benchGateway(b, must(b, script).Module, "", Cluster{Handler: http.NotFoundHandler()})
	for b.Loop() {
		v, err := newVM(g)
		if err != nil {
			b.Fatal(err)
		}
		v.close()
	}
}

// empty is testdata/empty, a module that does nothing.
var empty = lazyModule("empty")

func benchGateway(b *testing.B, m *Module, text string, upstream Cluster) *Gateway {
	b.Helper()
	g, err := New(b.Context(), Config{Module: m, PluginConfig: []byte(text), VMs: 1, Upstream: upstream, AllowOnHeadersStopIteration: true})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = g.Close(b.Context()) })
	return g
}
