package main

import (
	"strings"

	"github.com/rulegate/rulegate/plugin/abi"
	"github.com/rulegate/rulegate/rules/decide"
	"github.com/rulegate/rulegate/rules/jwks"
	"github.com/rulegate/rulegate/rules/policy"
)

// metrics are the counters of a plugin:
//
//	rulegate.decision.<outcome>.<resource>
//	rulegate.jwks.<result>
//
// The outcomes are those of package decide; a request that no resource covers
// has the resource none. The results are those of package jwks.
//
// A decision only counts here. The next tick tells the host, because a host call
// costs a request more than its rule.
type metrics struct {
	decisions []decisions // by the resource's index plus one; 0: no resource
	fetches   map[jwks.Result]*counter
	untold    []*counter // have counted since the host was told
	atOnce    bool       // no tick comes: tell the host at once
}

// decisions are the counters of one resource.
type decisions struct {
	yes    counter // needs no search: most decisions are this one
	others map[decide.Outcome]*counter
}

// counter is one counter. The zero counter has counted nothing.
type counter struct {
	name    string // of the last part, which may have characters that metricName replaces
	family  string
	count   uint64 // since the host was told
	defined bool   // the host knows it as metric
	metric  abi.Counter
}

func newMetrics(resources int) metrics {
	return metrics{decisions: make([]decisions, resources+1), fetches: map[jwks.Result]*counter{}}
}

// decision counts one decision.
func (m *metrics) decision(r *policy.Resource, outcome decide.Outcome) {
	i := 0
	if r != nil {
		i = r.Index + 1
	}
	d := &m.decisions[i]
	c := &d.yes
	if outcome != decide.Yes {
		if c = d.others[outcome]; c == nil {
			if d.others == nil {
				d.others = map[decide.Outcome]*counter{}
			}
			c = new(counter)
			d.others[outcome] = c
		}
	}
	if c.family == "" {
		c.family, c.name = "decision."+string(outcome), resourceName(r)
	}
	m.add(c)
}

// fetch counts one fetch of a JWK set.
func (m *metrics) fetch(result jwks.Result) {
	c := m.fetches[result]
	if c == nil {
		c = &counter{family: "jwks", name: string(result)}
		m.fetches[result] = c
	}
	m.add(c)
}

func (m *metrics) add(c *counter) {
	if c.count == 0 {
		m.untold = append(m.untold, c)
	}
	c.count++
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
		metric, err := abi.NewCounter("rulegate." + c.family + "." + metricName(c.name))
		if err != nil {
			return
		}
		c.metric, c.defined = metric, true
	}
	_ = c.metric.Add(c.count)
}

// metricName replaces the characters of a name that sinks of statistics do not
// keep.
func metricName(name string) string {
	if name == "" {
		return "none"
	}
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-' || r == '.' {
			return r
		}
		return '_'
	}, name)
}
