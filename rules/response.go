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
	before := v
	for i := range actions {
		a := &actions[i]
		if v, err = a.apply(v, a.path); err != nil {
			return "", fmt.Errorf("res.%s: %w", strings.Join(a.path, "."), err)
		}
	}
	if v.same(before) {
		return body, nil
	}
	return v.String(), nil
}

// apply changes what is at keys below v, in each element of every array on the
// way.
func (a *ResponseAction) apply(v Value, keys []string) (Value, error) {
	if v.kind == Array {
		return a.each(v, keys)
	}
	if v.kind == Missing && a.op == opForce {
		v = Obj()
	}
	if v.kind != Object {
		return v, fmt.Errorf("want an object with %q, found %s", keys[0], found(v))
	}
	if len(keys) > 1 {
		inner, err := a.apply(v.Key(keys[0]), keys[1:])
		if err != nil {
			return v, err
		}
		return v.With(keys[0], inner), nil
	}
	return a.leaf(v, keys[0])
}

func (a *ResponseAction) each(v Value, keys []string) (Value, error) {
	var elems []Value
	var failed error
	v.Each(func(_ string, x Value) bool {
		x, err := a.apply(x, keys)
		elems, failed = append(elems, x), err
		return err == nil
	})
	return Arr(elems...), failed
}

func (a *ResponseAction) leaf(v Value, key string) (Value, error) {
	switch a.op {
	case opForce:
		return v.With(key, a.value), nil
	case opRemove:
		return v.Without(key), nil
	case opFilter:
		return a.keep(v, key)
	}
	s, ok := v.Key(key).Text()
	if !ok {
		return v, fmt.Errorf("want string, found %s", found(v.Key(key)))
	}
	s, reason := a.transform.apply(s, a.nonces)
	if reason != "" {
		return v, fmt.Errorf("the value %s", reason)
	}
	return v.With(key, Str(s)), nil
}

// keep filters the array under key.
func (a *ResponseAction) keep(v Value, key string) (Value, error) {
	list := v.Key(key)
	if list.kind != Array {
		return v, fmt.Errorf("want array, found %s", found(list))
	}
	kept, res := a.filter.keep(&run{in: a.in, args: a.in.Args}, list)
	switch {
	case res.outcome == Waiting:
		return v, errors.New("the filter waits for what cannot come")
	case res.outcome != Yes:
		return v, fmt.Errorf("%s: %s", res.place, res.reason)
	case kept.same(list):
		return v, nil
	}
	return v.With(key, kept), nil
}
