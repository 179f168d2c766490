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
	opKeep
	opTransform
	opFilter
	opEach
)

// Edit changes the value at one path. Of the request it is applied at once; of
// the response it is kept until that is there, with the values of args that it
// needs.
type Edit struct {
	op        editOp
	path      []string
	optional  bool            // nothing to do where there is no value
	value     value.Value     // of opForce
	keys      map[string]bool // of opKeep
	transform transform
	nonces    io.Reader // of transform
	filter    *filter
	each      *each
	in        *Input // of filter and each in the response: args as they were
}

// clauses are the rules that the edit evaluates when it is applied.
func (e *Edit) clauses() []*Rule {
	switch e.op {
	case opFilter:
		return []*Rule{e.filter.clause}
	case opEach:
		return e.each.clauses
	}
	return nil
}

// inRequest applies the edit to a value of the request, args or an element. The
// path goes through objects only.
func (e *Edit) inRequest(r *run, p *path, root *value.Value) result {
	if e.optional && absentAt(*root, e.path) {
		return yes
	}
	// Each object on the path is taken apart and written again.
	for part, i := *root, 0; part.Kind() == value.Object && i < len(e.path); i++ {
		if r.walk(part); !r.walk(part) {
			return unknown(TooManySteps)
		}
		part = part.Key(e.path[i])
	}
	if !r.spend(stepsEdit) {
		return unknown(TooManySteps)
	}
	var o value.Obstacle
	changed := *root
	switch e.op {
	case opForce:
		changed, o = changed.Set(e.path, e.value)
	case opRemove:
		changed, o = changed.Remove(e.path)
	default:
		old, res := valueAt(changed, e.path, p)
		if res.outcome != Yes {
			return res
		}
		now, res := e.apply(r, old)
		if res.outcome != Yes {
			if res.outcome == Unknown && res.at == nil {
				res.reason = p.of + ": " + res.reason
			}
			return res
		}
		// The clause of a filter may have changed args, the array among them.
		if old, _ = valueAt(*root, e.path, p); now.Same(old) {
			return yes
		}
		changed, o = root.Set(e.path, now)
	}
	if o != value.Free {
		return obstructed(o, p)
	}
	*root = changed
	return yes
}

// absentAt reports whether the value at keys, or an object on the way to it, is
// absent or null.
func absentAt(v value.Value, keys []string) bool {
	for _, key := range keys {
		if v.Kind() != value.Object {
			break
		}
		v = v.Key(key)
	}
	return isNothing(v)
}

// isNothing reports whether there is nothing to do for an optional edit.
func isNothing(v value.Value) bool { return v.Kind() == value.Missing || v.Kind() == value.Null }

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
	case opKeep:
		if !r.walk(old) {
			return old, unknown(TooManySteps)
		}
		return e.keep(old)
	case opTransform:
		text, ok := old.Text()
		if !ok {
			return old, unknown("want string, found " + found(old))
		}
		if !r.spend(e.transform.steps(len(text))) {
			return old, unknown(TooManySteps)
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
	case opEach:
		return e.each.apply(r, old)
	}
	return old, unknown("an edit without an operation")
}

// keep removes the members whose keys are not listed.
func (e *Edit) keep(old value.Value) (value.Value, result) {
	if old.Kind() != value.Object {
		return old, unknown("want object, found " + found(old))
	}
	var kept []value.Member
	all := true
	for _, m := range old.Members() {
		if e.keys[m.Key] {
			kept = append(kept, m)
		} else {
			all = false
		}
	}
	if all {
		return old, yes
	}
	return value.Obj(kept...), yes
}
