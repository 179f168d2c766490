package policy

import (
	"github.com/rulegate/rulegate/rules/value"
)

// Source returns the rules of a resource as they are written, with the named rules
// that they use in their places: two resources with the same Source, in policies
// with the same settings, decide alike. It is for a policy that Load has loaded.
func (p *Policy) Source(r *Resource) string {
	for i := range p.reviewed {
		if w := &p.reviewed[i]; w.Rule.Place == r.Place {
			return value.Obj(
				value.Member{Key: "rule", Value: inlined(w.Rule.Spec, w.Define, 0)},
				value.Member{Key: "response", Value: inlined(w.Response.Spec, w.Define, 0)},
			).String()
		}
	}
	return ""
}

// inlined returns a rule in which each `use` holds the rule that it names.
func inlined(spec value.Value, define defines, depth int) value.Value {
	switch spec.Kind() {
	case value.Missing:
		return value.NullValue
	case value.Array:
		var elems []value.Value
		for _, x := range spec.Elements() {
			elems = append(elems, inlined(x, define, depth))
		}
		return value.Arr(elems...)
	case value.Object:
	default:
		return spec
	}
	if name, ok := spec.Key("of").Text(); ok && define != nil && depth < maxInlined {
		if named, _, ok := define(name); ok {
			return spec.With("of", inlined(named, define, depth+1))
		}
	}
	var members []value.Member
	spec.Each(func(key string, x value.Value) bool {
		if key == "clause" || key == "clauses" {
			x = inlined(x, define, depth)
		}
		members = append(members, value.Member{Key: key, Value: x})
		return true
	})
	return value.Obj(members...)
}

// maxInlined bounds named rules that use each other. A rule that compiles has
// fewer.
const maxInlined = 64
