package rules

import (
	"errors"
	"fmt"
	"strings"

	"github.com/rulegate/rulegate/rules/value"
)

// ApplyResponse rewrites a JSON response. After an error no byte of the response
// may go out. An empty body and null pass unchanged. Parts that no edit changes
// keep their bytes.
func ApplyResponse(body string, edits []Edit, maxDepth int) (string, error) {
	if len(edits) == 0 || body == "" {
		return body, nil
	}
	v, err := value.Parse(body, maxDepth)
	if err != nil {
		return "", fmt.Errorf("the response is not JSON that can be rewritten: %w", err)
	}
	if v.Kind() == value.Null {
		return body, nil
	}
	after, err := applyAll(v, edits, 0)
	switch {
	case err != nil:
		return "", err
	case after.Same(v):
		return body, nil
	}
	return after.String(), nil
}

// applyAll applies the edits in order, by their paths from depth on, and in each
// element of an array on the way. An element gets all its edits before the next
// one: then it is a text again, so that one element at a time is held as a tree.
func applyAll(v value.Value, edits []Edit, depth int) (value.Value, error) {
	if v.Kind() == value.Array {
		return applyEach(v, edits, depth)
	}
	o := value.NewEdit(v)
	for len(edits) > 0 {
		e := &edits[0]
		key := e.path[depth]
		if !o.Open(e.op == opForce) {
			return v, e.fault(fmt.Errorf("want an object with %q, found %s", key, found(v)))
		}
		at := o.Find(key)
		if len(e.path) == depth+1 {
			changed, err := e.inResponse(o.At(at))
			if err != nil {
				return v, e.fault(err)
			}
			o.Put(at, key, changed)
			edits = edits[1:]
			continue
		}
		n := 1
		for n < len(edits) && len(edits[n].path) > depth+1 && edits[n].path[depth] == key {
			n++
		}
		changed, err := applyAll(o.At(at), edits[:n], depth+1)
		if err != nil {
			return v, err
		}
		o.Put(at, key, changed)
		edits = edits[n:]
	}
	return o.Value(), nil
}

func applyEach(v value.Value, edits []Edit, depth int) (value.Value, error) {
	var elems []value.Value
	var failed error
	same := true
	v.Each(func(_ string, x value.Value) bool {
		changed, err := applyAll(x, edits, depth)
		if failed = err; err != nil {
			return false
		}
		if !changed.Same(x) {
			changed, same = changed.Flat(x), false
		}
		elems = append(elems, changed)
		return true
	})
	if failed != nil || same {
		return v, failed
	}
	return value.Arr(elems...), nil
}

func (e *Edit) fault(err error) error {
	return fmt.Errorf("res.%s: %w", strings.Join(e.path, "."), err)
}

// inResponse applies the edit to the value at the end of its path.
func (e *Edit) inResponse(old value.Value) (value.Value, error) {
	var r *run
	if e.in != nil {
		r = &run{in: e.in, args: e.in.Args}
	}
	now, res := e.apply(r, old)
	switch {
	case res.outcome == Yes:
		return now, nil
	case res.outcome == Waiting:
		return old, errors.New("the filter waits for a value that cannot come")
	case res.place != "":
		return old, fmt.Errorf("%s: %s", res.place, res.reason)
	}
	return old, errors.New(res.reason)
}
