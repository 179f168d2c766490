package harness

import (
	"context"
	"crypto/tls"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/rulegate/rulegate/host/envoyconf"
	"github.com/rulegate/rulegate/host/gateway"
	"github.com/rulegate/rulegate/rules/value"
)

// ModuleFile returns the path of the module under test.
func ModuleFile(t testing.TB) string {
	t.Helper()
	path := os.Getenv("RULEGATE_WASM")
	if path == "" {
		path = Repository("bin/rulegate.wasm")
	}
	path, err := filepath.Abs(path)
	if err == nil {
		_, err = os.Stat(path)
	}
	if err != nil {
		t.Fatalf("no module (run make build, or set RULEGATE_WASM to another): %v", err)
	}
	return path
}

// LoadModule compiles the module for the embedded gateway.
func LoadModule(t testing.TB) *gateway.Module {
	t.Helper()
	return loadModule(t, ModuleFile(t))
}

// LoadModuleWith builds the module with a build tag, and compiles it.
func LoadModuleWith(t testing.TB, tag string) *gateway.Module {
	t.Helper()
	path := filepath.Join(t.TempDir(), tag+".wasm")
	if out, err := exec.Command(Repository(".ci/module"), path, "-tags="+tag).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return loadModule(t, path)
}

func loadModule(t testing.TB, path string) *gateway.Module {
	t.Helper()
	code, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	m, err := gateway.Load(context.Background(), code)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close(context.Background()) })
	return m
}

// GatewayConfig returns the configuration that `rulegate run` makes from a
// policy, except that the module reads variables from its environment, as in
// Envoy.
func GatewayConfig(c *Case, m *gateway.Module, doc value.Value) (gateway.Config, error) {
	text, names, err := envoyconf.ForModule(doc, envoyconf.Expansion{Getenv: c.getenv, ReadFile: os.ReadFile})
	if err != nil {
		return gateway.Config{}, err
	}
	env := map[string]string{}
	for _, n := range names {
		if v, ok := c.getenv(n); ok {
			env[n] = v
		}
	}
	return gateway.Config{
		Module: m, PluginConfig: []byte(text), Env: env, VMs: 1,
		AllowOnHeadersStopIteration: true,
		FailurePolicy:               gateway.FailReload,
		StreamIdleTimeout:           RequestTimeout,
		PluginName:                  c.Name, RootID: "rulegate", VMID: c.Name,
	}, nil
}

// instantiations bounds how many modules start at once, because each allocates
// a heap.
var instantiations = make(chan struct{}, 4)

// NewGateway starts an embedded gateway when fewer than four others are starting.
func NewGateway(cfg gateway.Config) (*gateway.Gateway, error) {
	instantiations <- struct{}{}
	defer func() { <-instantiations }()
	return gateway.New(context.Background(), cfg)
}

// Gateway says how to start the embedded gateway.
type Gateway struct {
	Case      *Case // its policy and its environment
	Module    *gateway.Module
	Upstream  *Upstream
	Companion gateway.Cluster           // zero: the policy has no companion
	Alter     func(cfg *gateway.Config) // changes the configuration; may be nil
	Started   func(g *gateway.Gateway)  // gets the gateway; may be nil
}

// Start starts the gateway, closes it when the test ends, and returns its address.
func (s Gateway) Start(t *testing.T) (addr string) {
	t.Helper()
	p, doc := s.Case.Load(t, s.Case.Policy)
	cfg, err := GatewayConfig(s.Case, s.Module, doc)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Route = gateway.RoutesOf(p)
	cfg.RemoveHeaders = envoyconf.Forwarded()
	cfg.Path.AllowEscapedSlashes = p.KeepsSlashes()
	cfg.BufferLimit = int64(envoyconf.BufferLimit(p.Limits.RequestBody, p.Limits.ResponseBody))
	cfg.Upstream.URL, _ = url.Parse(s.Upstream.URL)
	cfg.Clusters = map[string]gateway.Cluster{}
	if s.Companion != (gateway.Cluster{}) {
		cfg.Clusters[p.Companion.Cluster] = s.Companion
	}
	for _, r := range p.JWKS {
		for _, server := range r.Servers() {
			u, err := url.Parse(server.URL)
			if err != nil {
				t.Fatal(err)
			}
			cfg.Clusters[server.Cluster] = gateway.Cluster{URL: u}
		}
	}
	if s.Alter != nil {
		s.Alter(&cfg)
	}
	g, err := NewGateway(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if s.Started != nil {
		s.Started(g)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if s.Case.UsesTLS() {
		l = tls.NewListener(l, proxyTLS())
	}
	srv := g.Server()
	go srv.Serve(l)
	t.Cleanup(func() {
		srv.Close()
		g.Close(context.Background())
	})
	return l.Addr().String()
}
