package cases

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/rulegate/rulegate/envoy/harness"
	"github.com/rulegate/rulegate/host/gateway"
)

// TestWazero runs the cases through the module on the embedded gateway, over TCP.
func TestWazero(t *testing.T) {
	module, up := harness.LoadModule(t), harness.NewUpstream(t)
	for _, c := range harness.LoadCases(t) {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			onWazero(t, c, module, up)
			tally.wazero.add(c)
		})
	}
}

// TestGeneralWayOnWazero does so with a module in which no request takes the quick way.
func TestGeneralWayOnWazero(t *testing.T) {
	module, up := harness.LoadModuleWith(t, "general"), harness.NewUpstream(t)
	for _, c := range harness.LoadCases(t) {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			onWazero(t, c, module, up)
		})
	}
}

func onWazero(t *testing.T, c *harness.Case, module *gateway.Module, up *harness.Upstream) {
	if c.Faults != nil {
		refusedOnWazero(t, c, module)
		return
	}
	p, _ := c.Load(t, c.Policy)
	co := c.Companion(t, p)
	var running *gateway.Gateway
	addr := harness.Gateway{
		Case: c, Module: module, Upstream: up, Companion: gateway.Cluster{Handler: co},
		Started: func(g *gateway.Gateway) { running = g },
	}.Start(t)
	runOver(t, c, sent(c, p), addr, up, co)
	awaitDifferences(t, c, func() map[string]uint64 { return ofGateway(running) })
}

// runOver sends requests of a case to a proxy in order.
func runOver(t *testing.T, c *harness.Case, requests []*harness.Request, addr string, up *harness.Upstream, co *harness.Companion) {
	for _, r := range requests {
		t.Run(r.Name, func(t *testing.T) {
			co.Expect(r.Replies)
			id := t.Name()
			up.Respond(id, r.Answer)
			if c.Candidate != "" {
				// A stream that ends before the candidate has its replies is not decided.
				up.Delay(id, 300*time.Millisecond)
			}
			send := harness.Send
			if c.UsesTLS() {
				send = harness.SendTLS
			}
			answer, err := send(addr, r, id)
			if err != nil {
				t.Fatal(err)
			}
			seen := &harness.Seen{Response: *answer}
			if seen.Upstream, err = up.Take(id); err != nil {
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

// refusedOnWazero checks that the module refuses the policy with every fault that
// it can find, and accepts the policy's twin.
func refusedOnWazero(t *testing.T, c *harness.Case, m *gateway.Module) {
	t.Helper()
	for text, want := range map[string][]string{c.Policy: c.ModuleFaults(), c.Loads: nil} {
		doc, err := c.ParsePolicy(text)
		if err != nil {
			t.Fatal(err)
		}
		cfg, err := harness.GatewayConfig(c, m, doc)
		if err != nil {
			t.Fatal(err)
		}
		cfg.Upstream.Handler = http.NotFoundHandler()
		g, err := harness.NewGateway(cfg)
		if err == nil {
			g.Close(context.Background())
		}
		if f := refusal(err, want); f != "" {
			t.Error(f)
		}
	}
}

// refusal compares the module's error with the wanted faults, nil for a policy
// that must be accepted, and returns the difference or "".
func refusal(err error, want []string) string {
	switch {
	case err == nil && want == nil:
		return ""
	case err == nil:
		return "want the policy refused, found it accepted"
	case want == nil:
		return fmt.Sprintf("want the policy accepted, found %v", err)
	}
	log := err.Error()
	for _, f := range want {
		if !strings.Contains(log, "rulegate: policy: "+f) {
			return fmt.Sprintf("no fault %q in\n%s", f, log)
		}
	}
	if n := strings.Count(log, "rulegate: policy: "); n != len(want) {
		return fmt.Sprintf("want %d faults, found %d:\n%s", len(want), n, log)
	}
	return ""
}
