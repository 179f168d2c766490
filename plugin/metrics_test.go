//go:build !wasip1

package main

import (
	"testing"

	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm/proxytest"
)

// TestMetricsAreTold: the host learns of decisions with the next tick, with the
// plugin's end, and at once if no tick comes.
func TestMetricsAreTold(t *testing.T) {
	const name = "rulegate.decisions_total.uncovered.none"
	host, p := startIdle(t)
	count := func(host proxytest.HostEmulator) uint64 {
		n, err := host.GetCounterMetric(name)
		if err != nil {
			return 0 // not defined
		}
		return n
	}
	ask := func(times int) {
		for range times {
			id := host.InitializeHttpContext()
			host.CallOnRequestHeaders(id, [][2]string{{":method", "GET"}, {":path", "/nowhere"}, {":authority", "shop"}, {":scheme", "http"}}, true)
			host.CompleteHttpContext(id)
		}
	}
	for _, step := range []struct {
		then string
		do   func()
		want uint64
	}{
		{"no tick yet", func() {}, 0},
		{"a tick", host.Tick, 6},
		{"another", host.Tick, 9},
		{"the end", func() { host.FinishVM() }, 12},
		{"no ticks", func() { p.metrics.atOnce = true; ask(1) }, 16},
	} {
		ask(3)
		if step.do(); count(host) != step.want {
			t.Errorf("%s: the host knows of %d, want %d", step.then, count(host), step.want)
		}
	}
}

// TestBodiesAreCounted: each direction has its own counters.
func TestBodiesAreCounted(t *testing.T) {
	host, p := startIdle(t)
	p.metrics.body(request, 10)
	p.metrics.body(response, 200)
	p.metrics.body(response, 300)
	host.Tick()
	for name, want := range map[string]uint64{
		"bodies_held_total.request": 1, "bodies_held_total.response": 2, "bodies_held_bytes_total.request": 10, "bodies_held_bytes_total.response": 500,
	} {
		if n, err := host.GetCounterMetric("rulegate." + name); err != nil || n != want {
			t.Errorf("%s: got %d, %v, want %d", name, n, err, want)
		}
	}
}
