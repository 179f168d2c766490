package main

import (
	"runtime"
	"strings"
	"time"

	"github.com/rulegate/rulegate/plugin/abi"
	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/decide"
	"github.com/rulegate/rulegate/rules/httpfield"
	"github.com/rulegate/rulegate/rules/policy"
)

// metrics are the metrics of a plugin. A name is rulegate.<family>, and behind it the
// values of its labels; package host/metrics has the table of all.
//
// A decision only counts here. The next tick tells the host, because a host call
// costs a request more than its rule.
type metrics struct {
	yes      []counter // by the resource's index plus one; 0: no resource. Most decisions are these
	bodies   []counter // that were held, by direction, and behind these their bytes
	counters map[labels]*counter
	gauges   map[labels]*gauge
	within   within
	untold   []*counter // have counted since the host was told
	atOnce   bool       // no tick comes: tell the host at once
	ticks    int
}

// labels are a family, and the values of its labels. Those that it does not have are "".
type labels struct{ family, first, second string }

// counter is one counter. The zero counter has counted nothing.
type counter struct {
	labels
	count   uint64 // since the host was told
	defined bool   // the host knows it as metric
	metric  abi.Counter
}

// gauge is one gauge. VMs that have one of the same labels share it.
type gauge struct {
	value   int64 // of this VM, as the host was told
	defined bool
	metric  abi.Gauge
}

func (m *metrics) start(resources int) {
	m.yes, m.counters, m.gauges = make([]counter, resources+1), map[labels]*counter{}, map[labels]*gauge{}
	m.bodies = []counter{
		{labels: labels{family: "bodies_held_total", first: "request"}}, {labels: labels{family: "bodies_held_total", first: "response"}},
		{labels: labels{family: "bodies_held_bytes_total", first: "request"}}, {labels: labels{family: "bodies_held_bytes_total", first: "response"}},
	}
}

// decision counts one decision.
func (m *metrics) decision(r *policy.Resource, outcome decide.Outcome) {
	if outcome != decide.Yes {
		m.count("decisions_total", string(outcome), labelOf(r))
		return
	}
	i := 0
	if r != nil {
		i = r.Index + 1
	}
	c := &m.yes[i]
	if c.family == "" {
		c.labels = labels{"decisions_total", string(outcome), labelOf(r)}
	}
	m.add(c, 1)
}

// body counts a body that was held.
func (m *metrics) body(d direction, bytes int) {
	m.add(&m.bodies[d], 1)
	m.add(&m.bodies[2+d], uint64(bytes))
}

// labelOf is the label of a resource, none for a request that no resource covers.
//
//go:noinline
func labelOf(r *policy.Resource) string {
	if r == nil {
		return "none"
	}
	return r.Name
}

//go:noinline
func (m *metrics) count(family, first, second string) { m.countN(family, first, second, 1) }

func (m *metrics) countN(family, first, second string, n uint64) {
	l := labels{family, first, second}
	c := m.counters[l]
	if c == nil {
		c = &counter{labels: l}
		m.counters[l] = c
	}
	m.add(c, n)
}

func (m *metrics) add(c *counter, n uint64) {
	if c.count == 0 {
		m.untold = append(m.untold, c)
	}
	c.count += n
	if m.atOnce {
		m.tell()
	}
}

// tell adds the counts since the last call to the host's counters.
func (m *metrics) tell() {
	for _, c := range m.untold {
		c.tell()
		c.count = 0
	}
	clear(m.untold)
	m.untold = m.untold[:0]
}

// tell adds the count to the host's counter, which it makes first. A host that
// cannot count keeps no request from being decided.
func (c *counter) tell() {
	if !c.defined {
		metric, err := abi.NewCounter(c.name())
		if err != nil {
			return
		}
		c.metric, c.defined = metric, true
	}
	_ = c.metric.Add(c.count)
}

// set makes v the value of a gauge. The host's is that of the VM that was last.
func (m *metrics) set(family, first string, v int64) {
	if g := m.gauge(labels{family: family, first: first}); g != nil {
		g.value = v
		_ = g.metric.Set(v)
	}
}

// share makes v this VM's part of a gauge, which is the sum over all VMs.
func (m *metrics) share(family string, v int64) {
	if g := m.gauge(labels{family: family}); g != nil && g.value != v {
		_ = g.metric.Add(v - g.value)
		g.value = v
	}
}

// gauge returns a gauge that the host knows, or nil.
func (m *metrics) gauge(l labels) *gauge {
	g := m.gauges[l]
	if g == nil {
		g = new(gauge)
		m.gauges[l] = g
	}
	if !g.defined {
		metric, err := abi.NewGauge(l.name())
		if err != nil {
			return nil
		}
		g.metric, g.defined = metric, true
	}
	return g
}

// name is the host's name of a metric.
func (l *labels) name() string {
	name := "rulegate." + l.family
	for _, label := range [...]string{l.first, l.second} {
		if label != "" {
			name += "." + metricName(label)
		}
	}
	return name
}

// metricName replaces the characters of a name that sinks of statistics do not
// keep.
func metricName(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-' || r == '.' {
			return r
		}
		return '_'
	}, name)
}

// within counts decisions by the time that they took: a histogram whose buckets are
// counters, because a host's histogram takes a host call for each decision, and whole
// numbers alone.
type within struct {
	counts  [len(withinBounds) + 1]uint64  // decisions of each bucket alone, since the last tick
	buckets [len(withinBounds) + 1]counter // of it and the smaller ones; the last one is for all decisions
	seconds counter
	rest    time.Duration // that is no whole second yet
	passed  int           // decisions in one callback since the last one that was measured
}

var withinBounds = [...]time.Duration{
	100 * time.Microsecond, 250 * time.Microsecond, 500 * time.Microsecond, time.Millisecond, 2500 * time.Microsecond, 5 * time.Millisecond,
	10 * time.Millisecond, 25 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond,
	time.Second, 2500 * time.Millisecond, 5 * time.Second, 10 * time.Second,
}

var withinLabels = [...]string{
	"0.0001", "0.00025", "0.0005", "0.001", "0.0025", "0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "inf",
}

// measured is the number of decisions that are made in one callback, of which one is
// measured and counts for all: the clock is a host call.
const measured = 16

// took counts a decision about a request that came at from. waited: in more than one
// callback.
func (m *metrics) took(from time.Time, waited bool) {
	n, w := uint64(1), &m.within
	if !waited {
		if w.passed++; w.passed < measured {
			return
		}
		w.passed, n = 0, measured
	}
	w.count(m, abi.Now().Sub(from), n)
}

// count counts n decisions that took d.
func (w *within) count(m *metrics, d time.Duration, n uint64) {
	i := 0
	for i < len(withinBounds) && d > withinBounds[i] {
		i++
	}
	w.counts[i] += n
	if m.atOnce {
		w.sum(m)
	}
	if w.rest += max(0, d) * time.Duration(n); w.rest >= time.Second {
		w.seconds.labels = labels{family: "decision_seconds_total"}
		m.add(&w.seconds, uint64(w.rest/time.Second))
		w.rest %= time.Second
	}
}

// sum adds the decisions since the last call to the counters.
func (w *within) sum(m *metrics) {
	sum := uint64(0)
	for i := range w.counts {
		sum += w.counts[i]
		w.counts[i] = 0
		if sum > 0 {
			c := &w.buckets[i]
			c.labels = labels{family: "decisions_within_total", first: withinLabels[i]}
			m.add(c, sum)
		}
	}
}

// memoryTicks is the number of ticks between two looks at the memory, which stop the
// program for some microseconds.
const memoryTicks = 10

// tellState sets the host's gauges of this VM.
func (p *plugin) tellState() {
	m, v := &p.metrics, p.vm
	m.within.sum(m)
	m.set("policy_info", p.policy.Version, 1)
	m.set("shadow_resources", "", int64(p.policy.ShadowedResources()))
	p.tellCandidate(1)
	// The plugins of a VM share its memory: each tells its part.
	parts := int64(max(1, len(v.plugins)))
	m.share("held_bytes", int64(v.memory.held)/parts)
	if m.ticks++; m.ticks%memoryTicks == 1 {
		var s runtime.MemStats
		runtime.ReadMemStats(&s)
		m.share("vm_memory_bytes", int64(s.Sys)/parts)
	}
	for i, at := range p.keys.ring.Fetched() {
		if !at.IsZero() {
			m.set("jwks_fetch_timestamp_seconds", hostOf(p.policy.JWKS[i].URL), at.Unix())
		}
	}
	hits, misses := p.engine.Lookups()
	if hits > 0 {
		m.countN("token_cache_lookups_total", "hit", "", hits)
	}
	if misses > 0 {
		m.countN("token_cache_lookups_total", "miss", "", misses)
	}
}

// untellState subtracts a plugin that ends from the host's gauges.
func (p *plugin) untellState() {
	m := &p.metrics
	m.set("policy_info", p.policy.Version, 0)
	p.tellCandidate(0)
	m.share("held_bytes", 0)
	m.share("vm_memory_bytes", 0)
}

// hostOf is the label of a key set.
func hostOf(address string) string {
	u, err := httpfield.ParseURL(address)
	if err != nil {
		return "none"
	}
	return u.Host
}

// replies counts the replies to calls.
func (m *metrics) replies(calls []rules.Call, replies []rules.Reply) {
	for i := range replies {
		result := "ok"
		if replies[i].Err != "" {
			result = "failed"
		}
		m.count("calls_total", result, calls[min(i, len(calls)-1)].Kind.String())
	}
}
