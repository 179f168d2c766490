package main

import (
	"strings"

	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm"

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
type metrics map[metric]proxywasm.MetricCounter

type metric struct {
	resource *policy.Resource
	name     string
}

// decision counts one decision.
func (m *metrics) decision(r *policy.Resource, outcome decide.Outcome) {
	m.increment(metric{r, string(outcome)}, func() string {
		return "rulegate.decision." + string(outcome) + "." + metricName(resourceName(r))
	})
}

// fetch counts one fetch of a JWK set.
func (m *metrics) fetch(result jwks.Result) {
	name := "rulegate.jwks." + string(result)
	m.increment(metric{nil, name}, func() string { return name })
}

// increment defines a counter when it is first needed. A host that cannot count
// keeps no request from being decided.
func (m *metrics) increment(key metric, name func() string) {
	defer func() { _ = recover() }() // the SDK panics if the host fails
	counter, ok := (*m)[key]
	if !ok {
		if *m == nil {
			*m = metrics{}
		}
		counter = proxywasm.DefineCounterMetric(name())
		(*m)[key] = counter
	}
	counter.Increment(1)
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
