package main

import (
	"strings"

	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm"

	"github.com/rulegate/rulegate/rules/policy"
)

// counters are the decisions by resource and outcome:
//
//	rulegate.decision.<outcome>.<resource>
//
// Outcomes: yes, no, unknown, error (a call failed, or the module), token,
// invalid (the request cannot be read), uncovered, blocked (the response cannot
// be rewritten). What nothing covers has the resource none.
//
// And of fetches of JWK sets, rulegate.jwks.<result>: ok, same (as before),
// shared (by another worker), failed, refused (not a usable set), dropped (too
// old).
type counters map[counter]proxywasm.MetricCounter

type counter struct {
	resource *policy.Resource
	outcome  string
}

// add counts one decision.
func (c *counters) add(r *policy.Resource, outcome string) {
	c.increment(counter{r, outcome}, "rulegate.decision."+outcome+"."+safe(resourceName(r)))
}

// count counts what is no decision.
func (c *counters) count(name string) { c.increment(counter{nil, name}, name) }

// increment defines a counter when it is first needed. A host that cannot count
// does not keep requests from being decided.
func (c *counters) increment(key counter, name string) {
	defer func() { _ = recover() }() // the SDK panics on the host's errors
	m, ok := (*c)[key]
	if !ok {
		if *c == nil {
			*c = counters{}
		}
		m = proxywasm.DefineCounterMetric(name)
		(*c)[key] = m
	}
	m.Increment(1)
}

// safe keeps the characters of a name that statistics sinks keep.
func safe(name string) string {
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
