package rules

import (
	"io"

	"github.com/rulegate/rulegate/rules/value"
)

// editOp is an operation on the value at a path.
type editOp uint8

const (
	opForce editOp = iota + 1
	opRemove
	opTransform
	opFilter
)

// Edit changes the value at one path. Of the request it is applied at once; of
// the response it is kept until that is there, with the values of args that it
// needs.
type Edit struct {
	op        editOp
	path      []string
	value     value.Value // of opForce
	transform transform
	nonces    io.Reader // of transform
	filter    *filter
	in        *Input // of the filter of a response: args as they were
}

// inArgs applies the edit to the request. The path goes through objects only.
func (e *Edit) inArgs(r *run, p *path) result {
	var o value.Obstacle
	args := r.args
	switch e.op {
	case opForce:
		args, o = args.Set(e.path, e.value)
	case opRemove:
		args, o = args.Remove(e.path)
	default:
		old, res := valueAt(args, e.path, p)
		if res.outcome != Yes {
			return res
		}
		now, res := e.apply(r, old)
		if res.outcome != Yes {
			if res.outcome == Unknown && res.place == "" {
				res.reason = p.of + ": " + res.reason
			}
			return res
		}
		// The clause of a filter may have changed args, the array among them.
		if old, _ = valueAt(r.args, e.path, p); now.Same(old) {
			return yes
		}
		args, o = r.args.Set(e.path, now)
	}
	if o != value.Free {
		return obstructed(o, p)
	}
	r.args = args
	return yes
}

// valueAt returns the value at keys, which lead through objects only.
func valueAt(v value.Value, keys []string, p *path) (value.Value, result) {
	for _, key := range keys {
		switch v.Kind() {
		case value.Pending:
			return v, waiting
		case value.Array:
			return v, obstructed(value.Blocked, p)
		}
		v = v.Key(key)
	}
	switch v.Kind() {
	case value.Pending:
		return v, waiting
	case value.Missing:
		return v, unknown(p.absence.Error())
	}
	return v, yes
}

func obstructed(o value.Obstacle, p *path) result {
	if o == value.Awaited {
		return waiting
	}
	return unknown(p.of + ": a step on the way is no object")
}

// apply returns the value that takes the place of old, Missing where the member
// is removed.
func (e *Edit) apply(r *run, old value.Value) (value.Value, result) {
	switch e.op {
	case opForce:
		return e.value, yes
	case opRemove:
		return value.Value{}, yes
	case opTransform:
		text, ok := old.Text()
		if !ok {
			return old, unknown("want string, found " + found(old))
		}
		text, err := e.transform.apply(text, e.nonces)
		if err != nil {
			return old, unknown("the value " + err.Error())
		}
		return value.Str(text), yes
	case opFilter:
		if old.Kind() != value.Array {
			return old, unknown("want array, found " + found(old))
		}
		return e.filter.keep(r, old)
	}
	return old, unknown("an edit without an operation")
}
