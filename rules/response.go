package rules

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/rulegate/rulegate/rules/value"
)

type responseOp uint8

const (
	opForce responseOp = iota + 1
	opRemove
	opTransform
	opFilter
)

// ResponseAction changes one path of the response. Its values were resolved
// when the request was decided, and so was what a filter reads of args.
type ResponseAction struct {
	op        responseOp
	path      []string
	value     value.Value
	transform *transform
	nonces    io.Reader
	filter    *filter
	in        *Input // of a filter's clause
}

// ApplyResponse rewrites a JSON response. The error says why it cannot be
// rewritten as the rule says: then none of it may go out. An empty body and null
// pass as they are. What no action touches keeps its bytes.
func ApplyResponse(body string, actions []ResponseAction, maxDepth int) (string, error) {
	if len(actions) == 0 || body == "" {
		return body, nil
	}
	v, err := value.Parse(body, maxDepth)
	if err != nil {
		return "", fmt.Errorf("the response is not JSON that can be rewritten: %w", err)
	}
	if v.Kind() == value.Null {
		return body, nil
	}
	after, err := applyAll(v, actions, 0)
	switch {
	case err != nil:
		return "", err
	case after.Same(v):
		return body, nil
	}
	return after.String(), nil
}

// applyAll makes the changes in their order, by what their paths have from depth
// on, and in each element of every array on the way. Elements do not know of one
// another, so all is done to one before the next: then it is text again, and no
// more than one is held in pieces.
func applyAll(v value.Value, actions []ResponseAction, depth int) (value.Value, error) {
	if v.Kind() == value.Array {
		return applyEach(v, actions, depth)
	}
	o := value.NewEdit(v)
	for len(actions) > 0 {
		a := &actions[0]
		key := a.path[depth]
		if !o.Open(a.op == opForce) {
			return v, a.fault(fmt.Errorf("want an object with %q, found %s", key, found(v)))
		}
		at := o.Find(key)
		if len(a.path) == depth+1 {
			changed, err := a.leaf(o.At(at))
			if err != nil {
				return v, a.fault(err)
			}
			o.Put(at, key, changed)
			actions = actions[1:]
			continue
		}
		n := 1
		for n < len(actions) && len(actions[n].path) > depth+1 && actions[n].path[depth] == key {
			n++
		}
		changed, err := applyAll(o.At(at), actions[:n], depth+1)
		if err != nil {
			return v, err
		}
		o.Put(at, key, changed)
		actions = actions[n:]
	}
	return o.Value(), nil
}

func applyEach(v value.Value, actions []ResponseAction, depth int) (value.Value, error) {
	var elems []value.Value
	var failed error
	same := true
	v.Each(func(_ string, x value.Value) bool {
		changed, err := applyAll(x, actions, depth)
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

func (a *ResponseAction) fault(err error) error {
	return fmt.Errorf("res.%s: %w", strings.Join(a.path, "."), err)
}

// leaf is what becomes of the value at the end of the path; Missing takes it
// away.
func (a *ResponseAction) leaf(v value.Value) (value.Value, error) {
	switch a.op {
	case opForce:
		return a.value, nil
	case opRemove:
		return value.Value{}, nil
	case opFilter:
		return a.keep(v)
	}
	s, ok := v.Text()
	if !ok {
		return v, fmt.Errorf("want string, found %s", found(v))
	}
	s, reason := a.transform.apply(s, a.nonces)
	if reason != "" {
		return v, fmt.Errorf("the value %s", reason)
	}
	return value.Str(s), nil
}

// keep filters an array.
func (a *ResponseAction) keep(list value.Value) (value.Value, error) {
	if list.Kind() != value.Array {
		return list, fmt.Errorf("want array, found %s", found(list))
	}
	kept, res := a.filter.keep(&run{in: a.in, args: a.in.Args}, list)
	switch {
	case res.outcome == Waiting:
		return list, errors.New("the filter waits for what cannot come")
	case res.outcome != Yes:
		return list, fmt.Errorf("%s: %s", res.place, res.reason)
	}
	return kept, nil
}
