package rules

import (
	"github.com/rulegate/rulegate/rules/lightfmt"
	"github.com/rulegate/rulegate/rules/value"
)

// filter keeps those elements of an array for which its clause holds.
type filter struct {
	clause   *Rule
	drop     bool // an element for which the clause is unknown is dropped, and does not block
	response bool // the array is in the response
}

// keep returns the elements for which the clause is yes, and list itself where
// these are all. Changes that the clause made in the request stay for the
// elements that are kept, as with a guard. In the response every element is
// tested with the same args, as there is no request left to change.
func (f *filter) keep(r *run, list value.Value) (value.Value, result) {
	var (
		outer = r.item
		item  value.Value
		elems []value.Value
		all   = true
		at    = -1
		last  = yes
	)
	list.Each(func(_ string, x value.Value) bool {
		at++
		if res, ok := r.visit(x); !ok {
			last = res
			return false
		}
		args, kept := r.args, len(r.response)
		item, r.item = x, &item
		res := f.clause.run(r)
		r.response = r.response[:kept]
		if f.response || res.outcome != Yes {
			r.args = args
		}
		switch {
		case res.outcome == Yes:
			elems = append(elems, x)
		case res.outcome == No, res.outcome == Unknown && f.drop:
			all = false
		default:
			last = res
			return false
		}
		return true
	})
	r.item = outer
	if last.outcome == Unknown {
		last.reason = lightfmt.Sprintf("element %d: %s", at, last.reason)
	}
	if last.outcome != Yes || all {
		return list, last
	}
	return value.Arr(elems...), yes
}

// awaits reports whether one of the roots is still Pending.
func awaits(v value.Value, rs roots) (pending bool) {
	v.Each(func(key string, x value.Value) bool {
		pending = x.Kind() == value.Pending && rs.has(key)
		return !pending
	})
	return pending
}
