package rules

import (
	"github.com/rulegate/rulegate/rules/value"
)

func (c *compiler) force(r *Rule, spec value.Value, place string) clause {
	a := &action{op: opForce, guard: c.guard(r, spec, place)}
	if s := c.text(spec, place, "field"); s != "" {
		p := c.target(r, s, Join(place, "field"))
		if p != nil && p.root == inArgs {
			r.headers = append(r.headers, forcedHeaders(p, spec.Key("value"))...)
		}
		a.targets.add(p)
	}
	v := spec.Key("value")
	e, err := c.scope.expression(v)
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
func (c *compiler) target(r *Rule, text, at string) *path {
	p, err := c.scope.target(text)
	switch {
	case err != nil:
		c.faults.add(at, "%v", err)
		return nil
	case p.root == inRes:
		r.response = true
		r.reads.readBrackets(p)
	default:
		r.stores(p)
		r.reads.read(p, readValue)
	}
	return p
}

func (c *compiler) remove(r *Rule, spec value.Value, place string) clause {
	a := &action{op: opRemove, guard: c.guard(r, spec, place)}
	a.targets = c.targets(r, spec.Key("fields"), Join(place, "fields"))
	return a
}

// encrypt compiles encrypt and decrypt.
func (c *compiler) encrypt(r *Rule, spec value.Value, place string) clause {
	a := &action{op: opTransform, guard: c.guard(r, spec, place)}
	a.targets = c.targets(r, spec.Key("fields"), Join(place, "fields"))
	algorithm := c.oneOf(spec, place, "algorithm", "aes-cfb", "aes-gcm")
	if algorithm == "" || !c.keyed(r, algorithm, place) {
		return nil // reported
	}
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
	a.targets = c.targets(r, spec.Key("fields"), Join(place, "fields"))
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

// targets compiles `fields`: an array of paths, or one path to an array of them.
func (c *compiler) targets(r *Rule, spec value.Value, at string) (t targets) {
	switch spec.Kind() {
	case value.Missing: // reported
	case value.String:
		text, _ := spec.Text()
		p, err := c.scope.readPath(text)
		if err != nil {
			c.faults.add(at, "%v that holds an array of paths", err)
			return t
		}
		t.from, t.scope = p, c.scope
		r.reads.read(p, readValue)
		// The array may hold any path.
		r.reads.all, r.writes.all, r.response = true, true, true
	case value.Array:
		i := 0
		spec.Each(func(_ string, x value.Value) bool {
			if s, ok := x.Text(); !ok {
				c.faults.add(Elem(at, i), "want a path, found %s", found(x))
			} else {
				t.add(c.target(r, s, Elem(at, i)))
			}
			i++
			return true
		})
	default:
		c.faults.add(at, "want an array of paths, or one path to an array of them; found %s", found(spec))
	}
	return t
}

// filter compiles a filter, whose clause may name the element.
func (c *compiler) filter(r *Rule, spec value.Value, place string) clause {
	f := &filter{drop: c.oneOf(spec, place, "onUnknown", "block", "drop") == "drop"}
	a := &action{op: opFilter, filter: f}
	if s := c.text(spec, place, "field"); s != "" {
		p := c.target(r, s, Join(place, "field"))
		a.targets.add(p)
		f.response = p != nil && p.root == inRes
	}
	outside := c.scope
	c.scope.item = true
	f.clause = c.guard(r, spec, place)
	c.scope = outside
	if f.clause == nil || a.targets.written == nil {
		return nil // reported
	}
	return a
}
