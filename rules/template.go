package rules

import "github.com/rulegate/rulegate/rules/value"

// template is a JSON value written in a rule, in which strings may be
// references.
type template struct {
	operand *operand // a leaf
	keys    []string // an object's
	inner   []*template
	array   bool
	check   func(value.Value) string      // what a reference must bring; "" when it does
	wrap    func(value.Value) value.Value // of a leaf: how it is written in the result
}

// value fills the template in: Missing, with a reason, when a reference cannot
// be resolved or brings what may not stand there.
func (t *template) value(r *run) (v value.Value, reason string) {
	if t.operand != nil {
		return t.leaf(r)
	}
	values := make([]value.Value, len(t.inner))
	pending := false
	for i, in := range t.inner {
		v, reason := in.value(r)
		switch v.Kind() {
		case value.Missing:
			return v, reason
		case value.Pending:
			pending = true
		}
		values[i] = v
	}
	if pending {
		return value.PendingValue, ""
	}
	if t.array {
		return value.Arr(values...), ""
	}
	members := make([]value.Member, len(values))
	for i, v := range values {
		members[i] = value.Member{Key: t.keys[i], Value: v}
	}
	return value.Obj(members...), ""
}

func (t *template) leaf(r *run) (v value.Value, reason string) {
	v = t.operand.value(r)
	switch v.Kind() {
	case value.Pending:
		return v, ""
	case value.Missing:
		return v, t.operand.text + " is missing"
	}
	if t.check != nil {
		if reason := t.check(v); reason != "" {
			return value.Value{}, t.operand.text + ": " + reason
		}
	}
	if t.wrap != nil {
		v = t.wrap(v)
	}
	return v, ""
}

func (t *template) reads(rs *roots) {
	if t.operand != nil {
		t.operand.reads(rs)
	}
	for _, in := range t.inner {
		in.reads(rs)
	}
}

// parseTemplate reads a value in which every string may be a reference and may
// bring anything: a webhook's body and claims.
func parseTemplate(spec value.Value, place string, fs *Faults) *template {
	if _, ok := literalText(spec); ok || spec.Kind() != value.Array && spec.Kind() != value.Object {
		o, err := ofArgs.operand(spec)
		if err != nil {
			fs.add(place, "%v", err)
			return nil
		}
		return &template{operand: o}
	}
	t := &template{array: spec.Kind() == value.Array}
	spec.Each(func(key string, x value.Value) bool {
		at := Join(place, key)
		if t.array {
			at = Elem(place, len(t.inner))
		}
		t.keys = append(t.keys, key)
		t.inner = append(t.inner, parseTemplate(x, at, fs))
		return true
	})
	return t
}
