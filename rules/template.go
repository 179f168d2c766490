package rules

import (
	"github.com/rulegate/rulegate/rules/lightfmt"
	"github.com/rulegate/rulegate/rules/value"
)

// template is a JSON value of a rule in which strings may be references. It is
// a leaf, an array or an object.
type template struct {
	leaf  expression
	check func(value.Value) error       // of a leaf: checks the value of a reference; nil: any value
	wrap  func(value.Value) value.Value // of a leaf: how it is written in the result; nil: as it is

	array bool
	keys  []string // of an object
	inner []*template
}

// value fills the template in. The error says which reference cannot be
// resolved, or brings a value that may not stand there.
func (t *template) value(r *run) (value.Value, error) {
	if t.leaf != nil {
		return t.leafValue(r)
	}
	values := make([]value.Value, len(t.inner))
	pending := false
	for i, in := range t.inner {
		v, err := in.value(r)
		if err != nil {
			return v, err
		}
		pending = pending || v.Kind() == value.Pending
		values[i] = v
	}
	if pending {
		return value.PendingValue, nil
	}
	if t.array {
		return value.Arr(values...), nil
	}
	members := make([]value.Member, len(values))
	for i, v := range values {
		members[i] = value.Member{Key: t.keys[i], Value: v}
	}
	return value.Obj(members...), nil
}

func (t *template) leafValue(r *run) (value.Value, error) {
	v, err := t.leaf.value(r)
	if err != nil || v.Kind() == value.Pending {
		return v, err
	}
	if !r.skip(v) {
		return value.Value{}, errSteps
	}
	if t.check != nil {
		if err := t.check(v); err != nil {
			return value.Value{}, lightfmt.Errorf("%s: %w", t.leaf.source(), err)
		}
	}
	if t.wrap != nil {
		v = t.wrap(v)
	}
	return v, nil
}

func (t *template) reads(rs *roots) {
	if t.leaf != nil {
		t.leaf.reads(rs)
	}
	for _, in := range t.inner {
		in.reads(rs)
	}
}

// template reads a value in which every string may be a reference, which may
// bring anything: a webhook's body and claims.
func (c *compiler) template(spec value.Value, place string) *template {
	if _, ok := literalText(spec); ok || spec.Kind() != value.Array && spec.Kind() != value.Object {
		e, err := c.expression(spec, place)
		if err != nil {
			c.faults.add(place, "%v", err)
			return nil
		}
		return &template{leaf: e}
	}
	t := &template{array: spec.Kind() == value.Array}
	spec.Each(func(key string, x value.Value) bool {
		at := Join(place, key)
		if t.array {
			at = Elem(place, len(t.inner))
		}
		t.keys = append(t.keys, key)
		t.inner = append(t.inner, c.template(x, at))
		return true
	})
	return t
}
