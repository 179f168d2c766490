package envoy

import (
	"strings"
	"testing"
	"time"
)

// TestEnvoy takes the cases through the module in a real Envoy: one start, a
// listener for each case. Policies that must be refused come by the listener
// discovery service, as one of them in the configuration would end the start.
func TestEnvoy(t *testing.T) {
	cases := loadCases(t)
	up := newUpstream(t)
	b := newBootstrap(t, up.URL)
	companions := map[*Case]*companion{}
	for _, c := range cases {
		if c.Faults != nil {
			b.discover(t, c, refused(c), c.Policy)
			b.discover(t, c, taken(c), c.Loads)
			continue
		}
		companions[c] = b.add(t, c)
	}
	p := b.launch(t)
	t.Cleanup(func() {
		if strings.Contains(p.log(), "panic") {
			t.Errorf("Envoy's log speaks of a panic:\n%s", tail(p.log(), 60))
		}
	})
	began := time.Now()
	p.ready(t)
	t.Logf("Envoy serves %d listeners after %v", len(b.conf.Listeners)+len(b.discovered.Listeners), time.Since(began).Round(time.Millisecond))
	at := p.listeners(t)
	log := p.log()
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			if c.Faults != nil {
				refusedInEnvoy(t, c, at, log)
			} else {
				runOver(t, c, at[c.Name], up, companions[c])
			}
			tally.envoy.add(c)
		})
	}
}

func refused(c *Case) string { return c.Name + "/policy.yaml" }
func taken(c *Case) string   { return c.Name + "/loads.yaml" }

// refusedInEnvoy sees that a policy's listener was not taken, with every fault
// in the log, and that its twin was.
func refusedInEnvoy(t *testing.T, c *Case, at map[string]string, log string) {
	t.Helper()
	if at[refused(c)] != "" {
		t.Errorf("%s: listens, want it refused", refused(c))
	}
	if at[taken(c)] == "" {
		t.Errorf("%s: does not listen, want it taken", taken(c))
	}
	for _, f := range c.moduleFaults() {
		if !strings.Contains(log, "rulegate: policy: "+f) {
			t.Errorf("Envoy's log has no word of %q", f)
		}
	}
}
