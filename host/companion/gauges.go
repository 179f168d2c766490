package companion

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rulegate/rulegate/host/companion/target"
)

// gauges reads the state of the current companion at each scrape.
type gauges struct{ m *Metrics }

func gauge(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("rulegate_companion_"+name, help, labels, nil)
}

var (
	requestsInFlight = gauge("requests_in_flight", "Requests that are being served.")
	bytesInFlight    = gauge("bytes_in_flight", "Bytes of their bodies and answers.")
	cacheBytes       = gauge("cache_bytes", "Bytes of the cached answers.")
	cacheEntries     = gauge("cache_entries", "Cached answers.")
	coalescedCalls   = gauge("flights", "Distinct calls that run for one or more equal ones.")
	runningCalls     = gauge("running", "Calls that run at a target.", "target")
	queuedCalls      = gauge("queued", "Calls that wait for a slot.", "target")
	breakerState     = gauge("breaker_state", "0 closed, calls pass; 1 half-open, one call tries; 2 open, no call passes.", "target")
	connections      = gauge("pool_connections", "Connections to a database.", "target", "state")
	policyInfo       = gauge("policy_info", "1 for the version of the policy, which is the hash of its text.", "version")
	allGauges        = []*prometheus.Desc{requestsInFlight, bytesInFlight, cacheBytes, cacheEntries, coalescedCalls, runningCalls, queuedCalls, breakerState, connections, policyInfo}
)

func (gauges) Describe(out chan<- *prometheus.Desc) {
	for _, d := range allGauges {
		out <- d
	}
}

func (g gauges) Collect(out chan<- prometheus.Metric) {
	c := g.m.current.Load()
	if c == nil {
		return
	}
	set := func(d *prometheus.Desc, n int, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(n), labels...)
	}
	if c.version != "" {
		set(policyInfo, 1, c.version)
	}
	set(requestsInFlight, int(c.admission.requests.Load()))
	set(bytesInFlight, int(c.admission.bytes.Load()))
	entries, bytes := c.cache.size()
	set(cacheEntries, entries)
	set(cacheBytes, bytes)
	set(coalescedCalls, c.coalescer.Running())
	pools := append(c.webhooks.Pools(), c.issuers.Pools()...)
	for _, d := range c.databases {
		pools = append(pools, d.Pool)
		if used, idle, ok := d.db.Connections(); ok {
			set(connections, used, d.Name(), "used")
			set(connections, idle, d.Name(), "idle")
		}
	}
	for _, p := range pools {
		set(runningCalls, p.Running(), p.Name())
		set(queuedCalls, p.Waiting(), p.Name())
		set(breakerState, breakerNumbers[p.Breaker()], p.Name())
	}
}

// breakerNumbers are the values of the gauge breaker_state.
var breakerNumbers = map[target.State]int{target.Closed: 0, target.HalfOpen: 1, target.Open: 2}
