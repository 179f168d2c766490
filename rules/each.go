package rules

import (
	"github.com/rulegate/rulegate/rules/lightfmt"
	"github.com/rulegate/rulegate/rules/value"
)

// each carries out actions on each element of an array.
type each struct {
	clauses []*Rule
	members bool // the values of an object are the elements
}

func (c *compiler) each(r *Rule, spec value.Value, place string) clause {
	r.fresh = true
	e := &each{members: c.flag(spec, place, "members")}
	a := &action{op: opEach, each: e, optional: c.flag(spec, place, "optional")}
	c.field(r, a, spec, place)
	outside := c.scope
	if p := a.targets.written; len(p) > 0 && p[0].root != inItem {
		c.scope.inResponse = p[0].root == inRes
	}
	c.scope.item, c.scope.only = true, edits
	e.clauses = c.inner(r, spec, place)
	c.scope = outside
	if a.targets.written == nil || e.clauses == nil {
		return nil // reported
	}
	return a
}

// apply carries the actions out, in order, for each element.
func (e *each) apply(r *run, old value.Value) (value.Value, result) {
	switch {
	case e.members && old.Kind() != value.Object:
		return old, unknown("want object, found " + found(old))
	case !e.members && old.Kind() != value.Array:
		return old, unknown("want array, found " + found(old))
	}
	elems := make([]value.Value, 0, min(old.Len(), maxElements))
	same, last := true, yes
	outer := r.item
	var item value.Value
	old.Each(func(_ string, x value.Value) bool {
		item, r.item = x, &item
		if last = e.element(r, x); last.outcome != Yes {
			if last.outcome == Unknown {
				last.reason = lightfmt.Sprintf("element %d: %s", len(elems), last.reason)
			}
			return false
		}
		if !item.Same(x) {
			if item, same = item.Flat(x), false; !r.written(item) {
				last = unknown(TooManySteps)
				return false
			}
		}
		elems = append(elems, item)
		return true
	})
	r.item = outer
	switch {
	case last.outcome != Yes || same:
		return old, last
	case !e.members:
		return value.Arr(elems...), yes
	}
	members := old.Members()
	for i := range members {
		members[i].Value = elems[i]
	}
	return value.Obj(members...), yes
}

// element carries the actions out for the element of the run.
func (e *each) element(r *run, x value.Value) result {
	if res, ok := r.visit(x); !ok {
		return res
	}
	for _, c := range e.clauses {
		if res := c.run(r); res.outcome != Yes {
			return res
		}
	}
	return yes
}
