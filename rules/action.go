package rules

import (
	"fmt"

	"github.com/rulegate/rulegate/rules/value"
)

// target is a path that an action changes: in the request now, or in the
// response later.
type target struct {
	path     *path
	response bool
}

func obstructed(o value.Obstacle, p *path) result {
	if o == value.Awaited {
		return waiting
	}
	return unknown(p.text + ": what is on the way is no object")
}

// noKey is the result of a path with a step in brackets that names no key.
func noKey(p *path, k value.Value) result {
	switch k.Kind() {
	case value.Pending:
		return waiting
	case value.Missing:
		return unknown(p.text + ": what is in the brackets is missing")
	}
	return unknown(p.text + ": want string in the brackets, found " + found(k))
}

// target reads a path that an action changes: never below an element, but what
// is in its brackets may be.
func (w reach) target(text string) (target, error) {
	if p, err := w.pathBelow("res", text); err == nil {
		return target{p, true}, nil
	} else if len(text) > 3 && text[:4] == "res." {
		return target{}, err
	}
	p, err := w.pathBelow("args", text)
	if err != nil {
		return target{}, fmt.Errorf("%w or res.…", err)
	}
	return target{path: p}, nil
}

// guarded evaluates an action's clause. What a guard changed stays if it was
// yes; response actions in it never count.
func guarded(r *run, guard *Rule) (act bool, res result) {
	if guard == nil {
		return true, yes
	}
	before, kept := r.args, len(r.response)
	res = guard.run(r)
	r.response = r.response[:kept]
	switch res.outcome {
	case Yes:
		return true, yes
	case No:
		r.args = before
		return false, yes
	}
	return false, res
}

type force struct {
	target target
	value  *operand
	guard  *Rule
}

func (f *force) run(r *run) result {
	act, res := guarded(r, f.guard)
	if !act {
		return res
	}
	v := f.value.value(r)
	switch v.Kind() {
	case value.Pending:
		return waiting
	case value.Missing:
		return unknown(f.value.text + " is missing")
	}
	keys, k := f.target.path.keys(r)
	if keys == nil {
		return noKey(f.target.path, k)
	}
	if f.target.response {
		return r.respond(ResponseAction{op: opForce, path: keys, value: v})
	}
	args, o := r.args.Set(keys, v)
	if o != value.Free {
		return obstructed(o, f.target.path)
	}
	r.args = args
	return yes
}

// fields are the paths of an action: written in the rule, or found at a path.
type fields struct {
	targets []target
	from    *path
	reach   reach // of the paths that are found
}

func (f *fields) resolve(r *run) ([]target, result) {
	if f.from == nil {
		return f.targets, yes
	}
	v := f.from.resolve(r)
	switch v.Kind() {
	case value.Array:
	case value.Pending:
		return nil, waiting
	case value.Missing:
		return nil, unknown(f.from.text + " is missing")
	default:
		return nil, unknown(f.from.text + ": want an array of paths, found " + found(v))
	}
	var targets []target
	res := yes
	v.Each(func(_ string, x value.Value) bool {
		s, _ := x.Text()
		t, err := f.reach.target(s)
		if err != nil {
			res = unknown(f.from.text + " holds what is no path")
			return false
		}
		targets = append(targets, t)
		return true
	})
	return targets, res
}

// rewrite is remove, encrypt, decrypt and hash.
type rewrite struct {
	fields   fields
	request  *transform // nil: remove
	response *transform
	guard    *Rule
	respond  bool // the response can be rewritten; paths that are found may ask for it
}

func (w *rewrite) run(r *run) result {
	act, res := guarded(r, w.guard)
	if !act {
		return res
	}
	targets, res := w.fields.resolve(r)
	if res.outcome != Yes {
		return res
	}
	for _, t := range targets {
		if res := w.change(r, t); res.outcome != Yes {
			return res
		}
	}
	return yes
}

func (w *rewrite) change(r *run, t target) result {
	keys, k := t.path.keys(r)
	switch {
	case keys == nil:
		return noKey(t.path, k)
	case t.response && !w.respond:
		return unknown(t.path.text + ": actions on the response are not built yet")
	case t.response && w.request == nil:
		return r.respond(ResponseAction{op: opRemove, path: keys})
	case t.response:
		return r.respond(ResponseAction{op: opTransform, path: keys, transform: w.response, nonces: r.in.Rand})
	}
	if w.request == nil {
		args, o := r.args.Remove(keys)
		if o != value.Free {
			return obstructed(o, t.path)
		}
		r.args = args
		return yes
	}
	old := r.args
	for _, key := range keys {
		if old.Kind() == value.Array {
			return obstructed(value.Blocked, t.path)
		}
		if old.Kind() != value.Pending {
			old = old.Key(key)
		}
	}
	switch old.Kind() {
	case value.Pending:
		return waiting
	case value.Missing:
		return unknown(t.path.text + " is missing")
	case value.String:
	default:
		return unknown(t.path.text + ": want string, found " + found(old))
	}
	text, _ := old.Text()
	s, reason := w.request.apply(text, r.in.Rand)
	if reason != "" {
		return unknown(t.path.text + " " + reason)
	}
	r.args, _ = r.args.Set(keys, value.Str(s))
	return yes
}

func (r *run) respond(a ResponseAction) result {
	r.response = append(r.response, a)
	return yes
}
