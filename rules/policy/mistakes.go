package policy

import (
	"github.com/rulegate/rulegate/rules/policy/lint"
)

// checkRules adds the faults of rules that compile and can only be a mistake.
func (l *loader) checkRules(r *Resource, g *guarded, rule ruleSource, define defines) {
	checked := lint.Resource{
		Kind: argsOf[r.Kind], Name: r.Name, Vars: g.vars, Path: g.path, Methods: g.methods, NoToken: !r.Auth.Reads(),
		Rule: lint.Source{Spec: rule.spec, Place: rule.place}, Response: lint.Source{Spec: g.response.spec, Place: g.response.place},
		Define: define,
		// In the module a variable may have been replaced by its value.
		Substituted: func(place string) bool { _, ok := l.substituted[place]; return ok || l.o.Module },
	}
	for _, f := range lint.Check(&checked) {
		l.redact(&f)
		l.add(f)
	}
	l.checked = append(l.checked, checked)
}
