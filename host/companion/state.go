package companion

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/sony/gobreaker/v2"
)

// state shows what the current companion holds at the moment of the scrape.
type state struct{ m *Metrics }

func gauge(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("rulegate_companion_"+name, help, labels, nil)
}

var (
	requestsInFlight = gauge("requests_in_flight", "Requests that are being served.")
	bytesInFlight    = gauge("bytes_in_flight", "Bytes of their bodies and answers.")
	cacheBytes       = gauge("cache_bytes", "What the cached answers take.")
	cacheEntries     = gauge("cache_entries", "Cached answers.")
	flightsNow       = gauge("flights", "Calls that run for one or more equal ones.")
	running          = gauge("running", "Calls that run at a target.", "target")
	queued           = gauge("queued", "Calls that wait for their turn.", "target")
	breakerState     = gauge("breaker_state", "0 closed, as it should be; 1 half-open, one call tries; 2 open, nothing is tried.", "target")
	connections      = gauge("pool_connections", "Connections to a database.", "target", "state")
	allGauges        = []*prometheus.Desc{requestsInFlight, bytesInFlight, cacheBytes, cacheEntries, flightsNow, running, queued, breakerState, connections}
)

func (state) Describe(out chan<- *prometheus.Desc) {
	for _, d := range allGauges {
		out <- d
	}
}

func (s state) Collect(out chan<- prometheus.Metric) {
	c := s.m.current.Load()
	if c == nil {
		return
	}
	set := func(d *prometheus.Desc, n int64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(n), labels...)
	}
	set(requestsInFlight, c.intake.running.Load())
	set(bytesInFlight, c.intake.held.Load())
	entries, bytes := c.cache.load()
	set(cacheEntries, int64(entries))
	set(cacheBytes, int64(bytes))
	set(flightsNow, int64(c.flights.load()))
	lane := func(l *lane) {
		set(running, int64(len(l.slots)), l.name)
		set(queued, l.waiting.Load(), l.name)
		set(breakerState, map[gobreaker.State]int64{gobreaker.StateHalfOpen: 1, gobreaker.StateOpen: 2}[l.breaker.State()], l.name)
	}
	for _, l := range c.webhooks.allowed {
		lane(l)
	}
	for _, t := range c.targets {
		lane(t.lane)
		if p, ok := t.db.(pooled); ok {
			used, idle := p.connections()
			set(connections, int64(used), t.name, "used")
			set(connections, int64(idle), t.name, "idle")
		}
	}
}

// pooled is a database that knows its connections.
type pooled interface{ connections() (used, idle int) }

func (d *sqliteDB) connections() (used, idle int) {
	idle = len(d.conns.idle)
	return max(0, d.db.Stats().InUse-idle), idle
}

func (d *mysqlDB) connections() (used, idle int) {
	s := d.db.Stats()
	return s.InUse, s.Idle
}

func (d *postgresDB) connections() (used, idle int) {
	s := d.pool.Stat()
	return int(s.AcquiredConns()), int(s.IdleConns())
}
