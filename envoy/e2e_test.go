package envoy

import "testing"

// TestEndToEnd shows what no case can: a companion that misbehaves, clients
// that leave, trailers, what an operator sees. The parts share one Envoy.
func TestEndToEnd(t *testing.T) {
	up := newUpstream(t)
	b := newBootstrap(t, up)
	// A part adds its listeners, then runs. What looks at the log comes first:
	// refusals are logged at a bounded rate.
	parts := []struct {
		name  string
		setup func(*testing.T, *bootstrap, *upstream) func(*testing.T, *process)
		run   func(*testing.T, *process)
	}{
		{name: "operator sees", setup: operatorSees},
		{name: "bodies that do not come", setup: undelivered},
		{name: "tokens leave no trace", setup: tokensLeaveNoTrace},
		{name: "configuration forms", setup: configurationForms},
		{name: "edges", setup: edges},
		{name: "streams", setup: streams},
		{name: "truncated", setup: truncated},
		{name: "trailers", setup: trailers},
		{name: "matrix", setup: matrix},
		{name: "one connection", setup: oneConnection},
		{name: "companion trouble", setup: companionTrouble},
		{name: "clients that leave", setup: clientsThatLeave},
		{name: "companion trouble during the response", setup: companionTroubleLater},
		{name: "clients that leave during the response", setup: clientsThatLeaveLater},
	}
	for i := range parts {
		parts[i].run = parts[i].setup(t, b, up)
	}
	p := b.launch(t)
	p.ready(t)
	for _, part := range parts {
		t.Run(part.name, func(t *testing.T) { part.run(t, p) })
	}
}
