package rules

import (
	"strings"

	"github.com/rulegate/rulegate/rules/value"
)

func (c *compiler) force(r *Rule, spec value.Value, place string) clause {
	f := &force{guard: c.guard(r, spec, place)}
	if s := c.text(spec, place, "field"); s != "" {
		f.target = c.target(r, s, Join(place, "field"))
		if p := f.target.path; p != nil && !f.target.response {
			r.headers = append(r.headers, forcedHeaders(p, spec.Key("value"))...)
		}
	}
	v := spec.Key("value")
	o, err := c.reach.operand(v)
	if err != nil {
		c.faults.add(Join(place, "value"), "%v", err)
		return nil
	}
	f.value = o
	o.reads(&r.reads)
	if f.target.path == nil || v.Kind() == value.Missing {
		return nil // reported
	}
	return f
}

// forcedHeaders are the request headers that a force at p sets.
func forcedHeaders(p *path, forced value.Value) (names []string) {
	if p.steps[0].key != "request" || len(p.steps) > 3 {
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

// target compiles one path that is changed.
func (c *compiler) target(r *Rule, text, at string) target {
	t, err := c.reach.target(text)
	switch {
	case err != nil:
		c.faults.add(at, "%v", err)
		return target{}
	case t.response && !c.sc.Response:
		c.faults.add(at, "actions on the response are not built yet")
	case t.response:
		r.response = true
		r.reads.inner(t.path)
	default:
		r.stores(t.path)
		r.reads.look(t.path, -1)
	}
	return t
}

func (c *compiler) rewrite(r *Rule, spec value.Value, place string) clause {
	w := &rewrite{guard: c.guard(r, spec, place), respond: c.sc.Response}
	w.fields = c.paths(r, spec.Key("fields"), Join(place, "fields"))
	if r.kind == "remove" {
		return w
	}
	t := transform{kind: r.kind, key: c.sc.AESKey}
	if r.kind == "hash" {
		t.algorithm = c.oneOf(spec, place, "algorithm", "sha256", "hmac-sha256")
	} else {
		t.algorithm = c.oneOf(spec, place, "algorithm", "aes-cfb", "aes-gcm")
	}
	if keyed := strings.HasPrefix(t.algorithm, "aes-") || t.algorithm == "hmac-sha256"; keyed && len(t.key) == 0 {
		c.faults.add(place, "%s with %s needs a key: set crypto.aesKey", r.kind, t.algorithm)
	}
	request, response := t, t
	request.encoding = c.oneOf(spec, place, "encoding", "base64", "hex")
	response.encoding = request.encoding
	if spec.Key("encoding").Kind() == value.Missing {
		response.encoding = "hex" // what Space Cloud's clients compare with
	}
	w.request, w.response = &request, &response
	return w
}

// paths compiles `fields`: an array of paths, or one path to an array of them.
func (c *compiler) paths(r *Rule, spec value.Value, at string) (f fields) {
	switch spec.Kind() {
	case value.Missing: // reported
	case value.String:
		text, _ := spec.Text()
		p, err := c.reach.path(text)
		if err != nil {
			c.faults.add(at, "%v that holds an array of paths", err)
			return f
		}
		f.from, f.reach = p, c.reach
		r.reads.read(p)
		// What is written there may be any path.
		r.reads.all, r.writes.all = true, true
		r.response = r.response || c.sc.Response
	case value.Array:
		i := 0
		spec.Each(func(_ string, x value.Value) bool {
			s, ok := x.Text()
			if !ok {
				c.faults.add(Elem(at, i), "want a path, found %s", found(x))
			} else if t := c.target(r, s, Elem(at, i)); t.path != nil {
				f.targets = append(f.targets, t)
			}
			i++
			return true
		})
	default:
		c.faults.add(at, "want an array of paths, or one path to an array of them; found %s", found(spec))
	}
	return f
}
