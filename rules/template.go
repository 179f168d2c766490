package rules

// template is a JSON value written in a rule, in which strings may be
// references.
type template struct {
	operand *operand // a leaf
	keys    []string // an object's
	inner   []*template
	array   bool
	check   func(Value) string // what a reference must bring; "" when it does
	wrap    func(Value) Value  // of a leaf: how it is written in the result
}

// value fills the template in: Missing, with a reason, when a reference cannot
// be resolved or brings what may not stand there.
func (t *template) value(r *run) (v Value, reason string) {
	if t.operand != nil {
		return t.leaf(r)
	}
	values := make([]Value, len(t.inner))
	pending := false
	for i, in := range t.inner {
		v, reason := in.value(r)
		switch v.kind {
		case Missing:
			return v, reason
		case Pending:
			pending = true
		}
		values[i] = v
	}
	if pending {
		return PendingValue, ""
	}
	if t.array {
		return Arr(values...), ""
	}
	members := make([]Member, len(values))
	for i, v := range values {
		members[i] = Member{Key: t.keys[i], Value: v}
	}
	return Obj(members...), ""
}

func (t *template) leaf(r *run) (v Value, reason string) {
	v = t.operand.value(r)
	switch v.kind {
	case Pending:
		return v, ""
	case Missing:
		return v, t.operand.text + " is missing"
	}
	if t.check != nil {
		if reason := t.check(v); reason != "" {
			return Value{}, t.operand.text + ": " + reason
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
func parseTemplate(spec Value, place string, fs *Faults) *template {
	if _, ok := literalText(spec); ok || spec.kind != Array && spec.kind != Object {
		o, err := ofArgs.operand(spec)
		if err != nil {
			fs.add(place, "%v", err)
			return nil
		}
		return &template{operand: o}
	}
	t := &template{array: spec.kind == Array}
	spec.Each(func(key string, x Value) bool {
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
