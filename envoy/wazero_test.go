package envoy

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rulegate/rulegate/host/envoyconf"
	"github.com/rulegate/rulegate/host/gateway"
	"github.com/rulegate/rulegate/rules/value"
)

// TestWazero takes the cases through the module on the embedded gateway, over
// real connections.
func TestWazero(t *testing.T) {
	cases := loadCases(t)
	module := loadModule(t)
	up := newUpstream(t)
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			if c.Faults != nil {
				refusedOnWazero(t, c, module)
				tally.wazero.add(c)
				return
			}
			p, _ := c.load(t, c.Policy)
			co := c.companion(t, p)
			addr := gatewayStart{Case: c, Module: module, Upstream: up, Companion: gateway.Cluster{Handler: co}}.start(t)
			runOver(t, c, addr, up, co)
			tally.wazero.add(c)
		})
	}
}

// runOver sends a case's requests to a proxy, one after the other.
func runOver(t *testing.T, c *Case, addr string, up *upstream, co *companion) {
	for _, r := range c.Requests {
		t.Run(r.Name, func(t *testing.T) {
			co.expect(r.Replies)
			id := t.Name()
			up.answer(id, r.Answer)
			answer, err := send(addr, r, id)
			if err != nil {
				t.Fatal(err)
			}
			seen := &Seen{Answer: *answer}
			if seen.Upstream, err = up.take(id); err != nil {
				t.Error(err)
			}
			w := &r.Want
			if r.Proxied != nil {
				w = r.Proxied
			}
			report(t, r, w, seen, co)
		})
	}
}

// moduleFile is the path of the module that is tested.
func moduleFile(t testing.TB) string {
	t.Helper()
	path := os.Getenv("RULEGATE_WASM")
	if path == "" {
		path = repository("bin/rulegate.wasm")
	}
	path, err := filepath.Abs(path)
	if err == nil {
		_, err = os.Stat(path)
	}
	if err != nil {
		t.Fatalf("no module (make build makes it, $RULEGATE_WASM names another): %v", err)
	}
	return path
}

func loadModule(t testing.TB) *gateway.Module {
	t.Helper()
	code, err := os.ReadFile(moduleFile(t))
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

// gatewayConfig is what `rulegate run` makes of a policy, but that variables
// stay in the environment, as they do in Envoy.
func gatewayConfig(c *Case, m *gateway.Module, doc value.Value) (gateway.Config, error) {
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
		StreamIdleTimeout:           answerWithin,
		PluginName:                  c.Name, RootID: "rulegate", VMID: c.Name,
	}, nil
}

// instantiations bounds how many modules start at once: each is a heap.
var instantiations = make(chan struct{}, 4)

func newGateway(cfg gateway.Config) (*gateway.Gateway, error) {
	instantiations <- struct{}{}
	defer func() { <-instantiations }()
	return gateway.New(context.Background(), cfg)
}

// gatewayStart is what an embedded gateway is started with.
type gatewayStart struct {
	Case      *Case // its policy and its environment
	Module    *gateway.Module
	Upstream  *upstream
	Companion gateway.Cluster           // zero: the policy asks none
	Alter     func(cfg *gateway.Config) // nil: the configuration is used as it is
}

// start starts the gateway, which the test's end closes, and returns its address.
func (s gatewayStart) start(t *testing.T) (addr string) {
	t.Helper()
	p, doc := s.Case.load(t, s.Case.Policy)
	cfg, err := gatewayConfig(s.Case, s.Module, doc)
	if err != nil {
		t.Fatal(err)
	}
	cfg.BufferLimit = int64(envoyconf.BufferLimit(p.Limits.RequestBody, p.Limits.ResponseBody))
	cfg.Upstream.URL, _ = url.Parse(s.Upstream.URL)
	cfg.Clusters = map[string]gateway.Cluster{}
	if s.Companion != (gateway.Cluster{}) {
		cfg.Clusters[p.Companion.Cluster] = s.Companion
	}
	for _, r := range p.Remotes {
		u, err := url.Parse(r.URL)
		if err != nil {
			t.Fatal(err)
		}
		cfg.Clusters[r.Cluster] = gateway.Cluster{URL: u}
	}
	if s.Alter != nil {
		s.Alter(&cfg)
	}
	g, err := newGateway(cfg)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := g.Server()
	go srv.Serve(l)
	t.Cleanup(func() {
		srv.Close()
		g.Close(context.Background())
	})
	return l.Addr().String()
}

// refusedOnWazero sees the module refuse the policy with every fault that it
// can know of, and take its twin.
func refusedOnWazero(t *testing.T, c *Case, m *gateway.Module) {
	t.Helper()
	for text, want := range map[string][]string{c.Policy: c.moduleFaults(), c.Loads: nil} {
		doc, err := c.parse(text)
		if err != nil {
			t.Fatal(err)
		}
		cfg, err := gatewayConfig(c, m, doc)
		if err != nil {
			t.Fatal(err)
		}
		cfg.Upstream.Handler = http.NotFoundHandler()
		g, err := newGateway(cfg)
		if err == nil {
			g.Close(context.Background())
		}
		if f := refusal(err, want); f != "" {
			t.Error(f)
		}
	}
}

// refusal compares what the module said of a policy with the faults it has;
// none: it is to be taken.
func refusal(err error, want []string) string {
	switch {
	case err == nil && want == nil:
		return ""
	case err == nil:
		return "taken, want it refused"
	case want == nil:
		return fmt.Sprintf("refused, want it taken: %v", err)
	}
	log := err.Error()
	for _, f := range want {
		if !strings.Contains(log, "rulegate: policy: "+f) {
			return fmt.Sprintf("no word of %q in\n%s", f, log)
		}
	}
	if n := strings.Count(log, "rulegate: policy: "); n != len(want) {
		return fmt.Sprintf("want %d faults, found %d:\n%s", len(want), n, log)
	}
	return ""
}
