package harness

import (
	"testing"
)

// Part is a subtest that shares an Envoy with others. Parts do not depend on
// their order.
type Part struct {
	Name string
	// Setup adds listeners to b before Envoy starts and returns the test itself.
	Setup func(t *testing.T, b *Bootstrap, up *Upstream) (run func(*testing.T, *Process))
}

// RunParts calls Setup of all parts, starts one Envoy and runs them as subtests.
func RunParts(t *testing.T, parts []Part) {
	up := NewUpstream(t)
	b := NewBootstrap(t, up.URL)
	runs := make([]func(*testing.T, *Process), len(parts))
	for i, part := range parts {
		runs[i] = part.Setup(t, b, up)
	}
	p := b.Start(t)
	p.Ready(t)
	for i, part := range parts {
		t.Run(part.Name, func(t *testing.T) { runs[i](t, p) })
	}
}
