package policy

import (
	"github.com/rulegate/rulegate/rules/policy/lint"
)

// reviewRules adds the faults of rules that compile and can only be a mistake.
func (l *loader) reviewRules(r *Resource, g *guarded, rule ruleSource, define defines) {
	reviewed := lint.Resource{
		Kind: argsOf[r.Kind], Name: r.Name, Vars: g.vars, Path: g.path, Methods: g.methods, NoToken: !r.Auth.Reads(),
		Rule: lint.Source{Spec: rule.spec, Place: rule.place}, Response: lint.Source{Spec: g.response.spec, Place: g.response.place},
		Define:      define,
		Substituted: func(place string) bool { _, ok := l.substituted[place]; return ok },
	}
	for _, f := range lint.Check(&reviewed) {
		l.redact(&f)
		l.add(f)
	}
	l.reviewed = append(l.reviewed, reviewed)
}
