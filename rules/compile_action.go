package rules

import (
	"github.com/rulegate/rulegate/rules/value"
)

func (c *compiler) force(r *Rule, spec value.Value, place string) clause {
	a := &action{op: opForce, guard: c.guard(r, spec, place)}
	if p := c.field(r, a, spec, place); p != nil && p.root == inArgs {
		r.headers = append(r.headers, forcedHeaders(p, spec.Key("value"))...)
	}
	v := spec.Key("value")
	e, err := c.expression(v, Join(place, "value"))
	if err != nil {
		c.faults.add(Join(place, "value"), "%v", err)
		return nil
	}
	a.value = e
	e.reads(&r.reads)
	if a.targets.written == nil || v.Kind() == value.Missing {
		return nil // reported
	}
	return a
}

// field compiles the `field` of an action, its only target.
func (c *compiler) field(r *Rule, a *action, spec value.Value, place string) *path {
	text := c.text(spec, place, "field")
	if text == "" {
		return nil // reported
	}
	p := c.target(r, a.op, text, Join(place, "field"))
	a.targets.add(p)
	return p
}

// forcedHeaders are the request headers that a force at p sets.
func forcedHeaders(p *path, forced value.Value) (names []string) {
	if p.steps[0].key != RootRequest || len(p.steps) > 3 {
		return nil
	}
	switch {
	case len(p.steps) == 3 && p.steps[1].key == "headers" && p.steps[2].inner == nil:
		return []string{lower(p.steps[2].key)}
	case len(p.steps) == 2 && p.steps[1].key == "headers":
	case len(p.steps) == 1:
		forced = forced.Key("headers")
	default:
		return nil
	}
	forced.Each(func(key string, _ value.Value) bool {
		if forced.Kind() == value.Object {
			names = append(names, lower(key))
		}
		return true
	})
	return names
}

// target compiles one path that is changed, nil when it has a fault.
func (c *compiler) target(r *Rule, op editOp, text, at string) *path {
	p, err := c.scope.target(text, op)
	switch {
	case err != nil:
		c.faults.add(at, "%v", err)
		return nil
	case p.root == inItem:
		r.reads.readBrackets(p.steps)
	case p.root == inRes:
		r.response = true
		r.reads.readBrackets(p.steps)
	default:
		r.stores(p)
		part := readValue
		if op == opForce || op == opRemove {
			part = readPlace
		}
		r.reads.read(p, part)
	}
	return p
}

func (c *compiler) remove(r *Rule, spec value.Value, place string) clause {
	a := &action{op: opRemove, guard: c.guard(r, spec, place)}
	c.fieldsOf(r, a, spec, place)
	return a
}

// encrypt compiles encrypt and decrypt.
func (c *compiler) encrypt(r *Rule, spec value.Value, place string) clause {
	a := &action{op: opTransform, guard: c.guard(r, spec, place)}
	c.fieldsOf(r, a, spec, place)
	algorithm := c.oneOf(spec, place, "algorithm", "aes-cfb", "aes-gcm")
	if algorithm == "" || !c.keyed(r, algorithm, place) {
		return nil // reported
	}
	r.fresh = algorithm == "aes-gcm"
	t, err := newCipher(algorithm, c.env.AESKey, r.kind == "decrypt")
	if err != nil {
		c.faults.add(place, "%v", err)
		return nil
	}
	a.request, a.response = t, t
	return a
}

func (c *compiler) hash(r *Rule, spec value.Value, place string) clause {
	a := &action{op: opTransform, guard: c.guard(r, spec, place)}
	c.fieldsOf(r, a, spec, place)
	var key []byte
	if algorithm := c.oneOf(spec, place, "algorithm", "sha256", "hmac-sha256"); algorithm == "hmac-sha256" {
		c.keyed(r, algorithm, place)
		key = c.env.AESKey
	}
	inHex := c.oneOf(spec, place, "encoding", "base64", "hex") == "hex"
	unsaid := spec.Key("encoding").Kind() == value.Missing
	a.request = &digest{key, inHex}
	a.response = &digest{key, inHex || unsaid} // hex is the form that Space Cloud's clients compare with
	return a
}

// keyed reports whether there is the key that an algorithm needs.
func (c *compiler) keyed(r *Rule, algorithm, place string) bool {
	if len(c.env.AESKey) == 0 {
		c.faults.add(place, "%s with %s needs a key: set crypto.aesKey", r.kind, algorithm)
		return false
	}
	return true
}

// fieldsOf compiles the `fields` of an action: an array of paths, or one path to
// an array of them.
func (c *compiler) fieldsOf(r *Rule, a *action, rule value.Value, place string) {
	a.optional = c.flag(rule, place, "optional")
	spec, at, t := rule.Key("fields"), Join(place, "fields"), &a.targets
	switch spec.Kind() {
	case value.Missing: // reported
	case value.String:
		text, _ := spec.Text()
		p, err := c.scope.readPath(text)
		if err != nil {
			c.faults.add(at, "%v that holds an array of paths", err)
			return
		}
		t.from, t.scope, t.op = p, c.scope, a.op
		r.reads.read(p, readValue)
		if c.scope.only != edits {
			// The array may hold any path.
			r.reads.all, r.writes.all, r.response = true, true, true
		}
	case value.Array:
		i := 0
		spec.Each(func(_ string, x value.Value) bool {
			if s, ok := x.Text(); !ok {
				c.faults.add(Elem(at, i), "want a path, found %s", found(x))
			} else {
				t.add(c.target(r, a.op, s, Elem(at, i)))
			}
			i++
			return true
		})
	default:
		c.faults.add(at, "want an array of paths, or one path to an array of them; found %s", found(spec))
	}
}

// filter compiles a filter, whose clause may name the element.
func (c *compiler) filter(r *Rule, spec value.Value, place string) clause {
	r.fresh = true
	f := &filter{drop: c.oneOf(spec, place, "onUnknown", "block", "drop") == "drop"}
	a := &action{op: opFilter, filter: f}
	p := c.field(r, a, spec, place)
	outside := c.scope
	if p != nil && p.root != inItem {
		c.scope.inResponse = p.root == inRes
	}
	f.response = c.scope.inResponse
	c.scope.item = true
	if c.scope.only == anyRule {
		c.scope.only = noCalls
	}
	f.clause = c.guard(r, spec, place)
	c.scope = outside
	if f.clause == nil || p == nil {
		return nil // reported
	}
	return a
}

func (c *compiler) keep(r *Rule, spec value.Value, place string) clause {
	a := &action{op: opKeep, guard: c.guard(r, spec, place), optional: c.flag(spec, place, "optional")}
	p := c.field(r, a, spec, place)
	ok := c.keys(r, a, spec.Key("keys"), Join(place, "keys"))
	if p == nil || !ok {
		return nil // reported
	}
	return a
}

// keys compiles the `keys` of a keep: an array of strings, or a reference to one.
func (c *compiler) keys(r *Rule, a *action, v value.Value, at string) bool {
	if text, ok := v.Text(); ok {
		a.keys.from = c.arrayField(text, at)
		if a.keys.from != nil {
			a.keys.from.reads(&r.reads)
		}
		return a.keys.from != nil
	}
	if v.Kind() != value.Array {
		if v.Kind() != value.Missing { // else it is reported
			c.faults.add(at, "want an array of keys, or a reference to one; found %s", found(v))
		}
		return false
	}
	a.keys.written = map[string]bool{}
	ok := true
	for i, x := range v.Elements() {
		key, isText := x.Text()
		if !isText {
			c.faults.add(Elem(at, i), "want a key, found %s", found(x))
			ok = false
		}
		a.keys.written[key] = true
	}
	return ok
}
