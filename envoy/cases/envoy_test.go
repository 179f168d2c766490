package cases

import (
	"strings"
	"testing"
	"time"

	"github.com/rulegate/rulegate/envoy/harness"
)

// TestEnvoy runs the cases through the module in one Envoy with a listener for
// each. Policies that must be refused come by the listener discovery service,
// because in the static configuration they would stop Envoy from starting.
func TestEnvoy(t *testing.T) {
	cases := harness.Chosen(harness.LoadCases(t))
	up := harness.NewUpstream(t)
	b := harness.NewBootstrap(t, up.URL)
	companions := map[*harness.Case]*harness.Companion{}
	for _, c := range cases {
		if c.Faults != nil {
			b.Discover(t, c, refused(c), c.Policy)
			b.Discover(t, c, taken(c), c.Loads)
			continue
		}
		companions[c] = b.Add(t, c)
	}
	p := b.Start(t)
	t.Cleanup(func() {
		if strings.Contains(p.Log(), "panic") {
			t.Errorf("Envoy's log has a panic:\n%s", harness.Tail(p.Log(), 60))
		}
	})
	began := time.Now()
	p.Ready(t)
	t.Logf("Envoy serves %d listeners after %v", len(b.Conf.Listeners)+len(b.Discovered.Listeners), time.Since(began).Round(time.Millisecond))
	at := p.Listeners(t)
	log := p.Log()
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			if c.Faults != nil {
				refusedInEnvoy(t, c, at, log)
			} else {
				pol, _ := c.Load(t, c.Policy)
				runOver(t, c, sent(c, pol), at[c.Name], up, companions[c])
				awaitDifferences(t, c, func() map[string]uint64 { return ofEnvoy(t, p, c) })
			}
			tally.envoy.add(c)
		})
	}
}

func refused(c *harness.Case) string { return c.Name + "/policy.yaml" }

func taken(c *harness.Case) string { return c.Name + "/loads.yaml" }

// refusedInEnvoy checks that Envoy refused the listener of a policy with faults,
// logged each fault, and took the listener of the policy's twin.
func refusedInEnvoy(t *testing.T, c *harness.Case, at map[string]string, log string) {
	t.Helper()
	if at[refused(c)] != "" {
		t.Errorf("%s: want the listener refused, found it listening", refused(c))
	}
	if at[taken(c)] == "" {
		t.Errorf("%s: want it listening, found no listener", taken(c))
	}
	for _, f := range c.ModuleFaults() {
		if !strings.Contains(log, "rulegate: policy: "+f) {
			t.Errorf("no fault %q in Envoy's log", f)
		}
	}
}
