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
// be rewritten). What nothing covers has the
// resource none.
type counters map[counter]proxywasm.MetricCounter

type counter struct {
	resource *policy.Resource
	outcome  string
}

// add counts one decision; the first of its kind defines the counter. A host
// that cannot count does not keep requests from being decided.
func (c *counters) add(r *policy.Resource, outcome string) {
	defer func() { _ = recover() }() // the SDK panics on the host's errors
	key := counter{r, outcome}
	m, ok := (*c)[key]
	if !ok {
		if *c == nil {
			*c = counters{}
		}
		m = proxywasm.DefineCounterMetric("rulegate.decision." + outcome + "." + safe(resourceName(r)))
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
