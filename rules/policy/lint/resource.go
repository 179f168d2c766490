// Package lint finds mistakes in rules that compile. Check returns the faults:
// rules that cannot mean what they say, such as a match of two constants. Warn
// returns the warnings: rules that are valid and probably not meant.
//
// It reads rules as they are written, with the description of `args` from
// package args. It does not evaluate them.
package lint

import (
	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/policy/args"
	"github.com/rulegate/rulegate/rules/value"
)

// Source is a rule as it is written in a policy file.
type Source struct {
	Spec  value.Value // Missing: there is no rule
	Place string
}

// Resource is a resource with its rules.
type Resource struct {
	Kind     args.Resource
	Name     string   // for messages: `routes[2] (orders)`
	Vars     []string // variables of the path
	Path     string   // of a route, as it is written
	Methods  []string // of a route; nil: all
	NoToken  bool     // no token is read, so args.auth is absent
	Rule     Source
	Response Source
	// Define returns the rule of a name in `define`. Nil: there is none.
	Define func(name string) (spec value.Value, place string, ok bool)
	// Substituted reports whether a string has a `${…}`: its value may differ
	// where the policy is used, so it is not judged. Nil: none has.
	Substituted func(place string) bool
}

// Check returns the faults of a resource's rules, in the order in which they are
// evaluated.
func Check(r *Resource) rules.Faults {
	c := &checker{r: r}
	c.trace = traceOf(r)
	for i := range c.trace.steps {
		c.step(i, &c.trace.steps[i])
	}
	return c.faults
}
