package rules

import (
	"errors"
	"fmt"
	"io"
	"strings"
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
	value     Value
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
	v, err := Parse(body, maxDepth)
	if err != nil {
		return "", fmt.Errorf("the response is not JSON that can be rewritten: %w", err)
	}
	if v.kind == Null {
		return body, nil
	}
	after, err := applyAll(v, actions, 0)
	switch {
	case err != nil:
		return "", err
	case after.same(v):
		return body, nil
	}
	return after.String(), nil
}

// applyAll makes the changes in their order, by what their paths have from depth
// on, and in each element of every array on the way. Elements do not know of one
// another, so all is done to one before the next: then it is text again, and no
// more than one is held in pieces.
func applyAll(v Value, actions []ResponseAction, depth int) (Value, error) {
	if v.kind == Array {
		return applyEach(v, actions, depth)
	}
	o := edit{of: v}
	for len(actions) > 0 {
		a := &actions[0]
		key := a.path[depth]
		if !o.open(a.op == opForce) {
			return v, a.fault(fmt.Errorf("want an object with %q, found %s", key, found(v)))
		}
		at := o.find(key)
		if len(a.path) == depth+1 {
			changed, err := a.leaf(o.at(at))
			if err != nil {
				return v, a.fault(err)
			}
			o.put(at, key, changed)
			actions = actions[1:]
			continue
		}
		n := 1
		for n < len(actions) && len(actions[n].path) > depth+1 && actions[n].path[depth] == key {
			n++
		}
		changed, err := applyAll(o.at(at), actions[:n], depth+1)
		if err != nil {
			return v, err
		}
		o.put(at, key, changed)
		actions = actions[n:]
	}
	return o.value(), nil
}

func applyEach(v Value, actions []ResponseAction, depth int) (Value, error) {
	var elems []Value
	var failed error
	same := true
	v.Each(func(_ string, x Value) bool {
		changed, err := applyAll(x, actions, depth)
		if failed = err; err != nil {
			return false
		}
		if !changed.same(x) {
			text := changed.Append(make([]byte, 0, len(x.raw)))
			changed, same = Value{kind: changed.kind, raw: string(text)}, false
		}
		elems = append(elems, changed)
		return true
	})
	if failed != nil || same {
		return v, failed
	}
	return Arr(elems...), nil
}

func (a *ResponseAction) fault(err error) error {
	return fmt.Errorf("res.%s: %w", strings.Join(a.path, "."), err)
}

// leaf is what becomes of the value at the end of the path; Missing takes it
// away.
func (a *ResponseAction) leaf(v Value) (Value, error) {
	switch a.op {
	case opForce:
		return a.value, nil
	case opRemove:
		return Value{}, nil
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
	return Str(s), nil
}

// keep filters an array.
func (a *ResponseAction) keep(list Value) (Value, error) {
	if list.kind != Array {
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
