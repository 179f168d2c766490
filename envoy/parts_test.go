package envoy

import "testing"

// part is a test that shares its Envoy with others.
type part struct {
	Name string
	// Setup adds listeners to b before Envoy starts and returns the test itself.
	Setup func(t *testing.T, b *bootstrap, up *upstream) (run func(*testing.T, *process))
}

// runParts sets all parts up, starts one Envoy for them and runs them as subtests.
func runParts(t *testing.T, parts []part) {
	up := newUpstream(t)
	b := newBootstrap(t, up.URL)
	runs := make([]func(*testing.T, *process), len(parts))
	for i, part := range parts {
		runs[i] = part.Setup(t, b, up)
	}
	p := b.launch(t)
	p.ready(t)
	for i, part := range parts {
		t.Run(part.Name, func(t *testing.T) { runs[i](t, p) })
	}
}
