package recipes

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/rulegate/rulegate/envoy/harness"
	"github.com/rulegate/rulegate/host/envoyconf"
	"github.com/rulegate/rulegate/host/policytest"
	"github.com/rulegate/rulegate/host/testcert"
)

// proxies is one Envoy with a listener for each recipe.
type proxies struct {
	bootstrap *harness.Bootstrap
	authority *testcert.Authority
	proxies   []*proxied
}

// proxied is a recipe behind its listener.
type proxied struct {
	name   string
	suite  *policytest.Suite
	module *policytest.Module
	tls    bool
}

func newProxies(t *testing.T) *proxies {
	t.Helper()
	nowhere := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(nowhere.Close)
	b := harness.NewBootstrap(t, nowhere.URL)
	b.Workers = 1
	return &proxies{bootstrap: b, authority: testcert.New(t)}
}

func (e *proxies) add(t *testing.T, name string, s *policytest.Suite) {
	t.Helper()
	m, backend, err := policytest.NewProxied(s)
	if err != nil {
		t.Fatal(err)
	}
	p := &proxied{name: name, suite: s, module: m, tls: name == "service-mtls"}
	upstream, companion := httptest.NewServer(backend.Upstream), httptest.NewServer(backend.Companion)
	t.Cleanup(upstream.Close)
	t.Cleanup(companion.Close)
	e.bootstrap.AddCluster("upstream-of-"+name, upstream.URL)
	e.bootstrap.AddCluster("companion-of-"+name, companion.URL)
	l := envoyconf.Listener{
		Name: name, Address: "127.0.0.1:0", Policy: backend.Policy, Rules: s.Policy,
		Upstream: "upstream-of-" + name,
		Buffer:   envoyconf.BufferLimit(s.Policy.Limits.RequestBody, s.Policy.Limits.ResponseBody),
	}
	if len(s.Policy.Companion.Secrets) > 0 {
		l.Companion = "companion-of-" + name
	}
	for _, set := range s.Policy.JWKS {
		for _, server := range set.Servers() {
			e.bootstrap.AddCluster(server.Cluster, "http://127.0.0.1:1") // key sets are not fetched in tests
		}
	}
	if p.tls {
		l.TLS = e.serverTLS(t)
	}
	e.bootstrap.Conf.Listeners = append(e.bootstrap.Conf.Listeners, l)
	e.proxies = append(e.proxies, p)
}

func (e *proxies) serverTLS(t *testing.T) *envoyconf.ServerTLS {
	t.Helper()
	dir := t.TempDir()
	certificate, key := e.authority.Pair(nil)
	out := &envoyconf.ServerTLS{
		Cert: filepath.Join(dir, "gateway.pem"), Key: filepath.Join(dir, "gateway.key"),
		ClientCA: filepath.Join(dir, "ca.pem"), ClientOptional: true,
	}
	for path, text := range map[string]string{out.Cert: certificate, out.Key: key, out.ClientCA: e.authority.PEM()} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func (e *proxies) start(t *testing.T) {
	t.Helper()
	envoy := e.bootstrap.Start(t)
	envoy.Ready(t)
	listeners := envoy.Listeners(t)
	for _, p := range e.proxies {
		addr, ok := listeners[p.name]
		if !ok {
			t.Fatalf("no listener %s in %v", p.name, listeners)
		}
		p.module.Serve(&client{t: t, addr: addr, tls: p.tls, authority: e.authority})
	}
}

// client passes the requests of cases to Envoy, each on a connection of its own.
type client struct {
	t         *testing.T
	addr      string
	tls       bool
	authority *testcert.Authority
}

func (c *client) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	out := r.Clone(r.Context())
	out.RequestURI = ""
	out.URL = &url.URL{Scheme: "http", Host: c.addr, Opaque: r.RequestURI}
	if n, err := strconv.ParseInt(r.Header.Get("content-length"), 10, 64); err == nil && n > r.ContentLength {
		// The case says how long its body is, and does not write it out.
		out.Body, out.ContentLength = io.NopCloser(io.LimitReader(zeros{}, n)), n
	}
	transport := &http.Transport{DisableKeepAlives: true, DisableCompression: true}
	if c.tls {
		out.URL.Scheme = "https"
		transport.TLSClientConfig = c.config(r.TLS)
	}
	resp, err := transport.RoundTrip(out)
	if err != nil {
		c.t.Errorf("%s %s: %v", r.Method, r.RequestURI, err)
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer resp.Body.Close()
	for name, values := range resp.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(resp.StatusCode)
	if _, err := io.Copy(w, resp.Body); err != nil {
		c.t.Error(err)
	}
}

// zeros is a body without an end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// config has a certificate for the URI of the peer that the case simulates.
func (c *client) config(state *tls.ConnectionState) *tls.Config {
	out := &tls.Config{RootCAs: c.authority.Pool(), ServerName: "127.0.0.1"}
	if state != nil && len(state.PeerCertificates) > 0 {
		uris := state.PeerCertificates[0].URIs
		out.Certificates = []tls.Certificate{c.authority.TLS(func(x *x509.Certificate) { x.URIs = uris })}
	}
	return out
}
