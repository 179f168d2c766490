package rules

import (
	"errors"
	"slices"
	"strings"

	"github.com/rulegate/rulegate/rules/lightfmt"
	"github.com/rulegate/rulegate/rules/value"
	"github.com/rulegate/rulegate/rules/value/strictjson"
)

// ApplyResponse rewrites a JSON response. After an error no byte of the response
// may go out. An empty body and null pass unchanged. Parts that no edit changes
// keep their bytes. The walk through the body is not counted as steps, since its
// length is bounded; what the edits do with each object is.
func ApplyResponse(body string, edits []Edit, maxDepth, maxSteps int) (string, error) {
	return ApplyResponseIn(nil, body, edits, maxDepth, maxSteps)
}

// ApplyResponseIn is ApplyResponse. The result may be in the memory of room, beyond its
// length, if that is enough: then it is valid until that is written.
func ApplyResponseIn(room []byte, body string, edits []Edit, maxDepth, maxSteps int) (string, error) {
	if len(edits) == 0 || body == "" {
		return body, nil
	}
	m := masks.Get().(*mask)
	defer m.free()
	m.input.MaxSteps = maxSteps
	m.run.start(&m.input, nil)
	m.r, m.text, m.edits = &m.run, body, edits
	if cap(room) >= len(body)+len(body)/8 {
		m.room = room[:0]
	}
	m.stack = m.firstStack[:0]
	if !m.plan() {
		return applyToTree(m.r, body, edits, maxDepth)
	}
	if err := strictjson.Scan(body, maxDepth, m); err != nil {
		return "", notRewritable(err)
	}
	return m.result()
}

func notRewritable(err error) error {
	return lightfmt.Errorf("the response is not JSON that can be rewritten: %w", err)
}

// applyToTree applies the edits one after the other, on a tree.
func applyToTree(r *run, body string, edits []Edit, maxDepth int) (string, error) {
	v, err := value.Parse(body, maxDepth)
	if err != nil {
		return "", notRewritable(err)
	}
	if v.Kind() == value.Null {
		return body, nil
	}
	after, err := applyAll(r, v, edits, 0)
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
func applyAll(r *run, v value.Value, edits []Edit, depth int) (value.Value, error) {
	if v.Kind() == value.Array {
		return applyEach(r, v, edits, depth)
	}
	if len(edits) == 1 && len(edits[0].path) == depth+1 && v.Kind() == value.Object && v.IsText() && v.Size() <= maxSpliced {
		return edits[0].splice(r, v)
	}
	o := value.NewEdit(v)
	for len(edits) > 0 {
		e := &edits[0]
		key := e.path[depth]
		if !o.Open(e.op == opForce) {
			if e.optional && isNothing(v) {
				edits = edits[1:]
				continue
			}
			return v, e.fault(lightfmt.Errorf("want an object with %q, found %s", key, found(v)))
		}
		at, read := o.Find(key)
		if !r.spend(1 + read/bytesWalked) {
			return v, errSteps
		}
		if len(e.path) == depth+1 {
			changed, err := e.inResponse(r, o.At(at))
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
		changed, err := applyAll(r, o.At(at), edits[:n], depth+1)
		if err != nil {
			return v, err
		}
		o.Put(at, key, changed)
		edits = edits[n:]
	}
	return o.Value(), nil
}

// maxSpliced is the length of an object, in bytes, up to which one edit of it writes its
// text again. A longer one is taken apart, since more edits may follow.
const maxSpliced = 2 << 10

// splice applies the edit to a member of an object of text.
func (e *Edit) splice(r *run, v value.Value) (value.Value, error) {
	var failed error
	now, _ := v.Splice(e.path[len(e.path)-1], func(old value.Value, compared int) (value.Value, bool) {
		if !r.spend(1 + compared/bytesWalked) {
			failed = errSteps
			return old, false
		}
		changed, err := e.inResponse(r, old)
		if err != nil {
			failed = e.fault(err)
		}
		return changed, err == nil
	})
	return now, failed
}

func applyEach(r *run, v value.Value, edits []Edit, depth int) (value.Value, error) {
	var elems []value.Value
	var failed error
	same := true
	v.Each(func(_ string, x value.Value) bool {
		changed, err := applyAll(r, x, edits, depth)
		if failed = err; err != nil {
			return false
		}
		if !changed.Same(x) {
			changed, same = changed.Flat(x), false
			if !r.written(changed) {
				failed = errSteps
				return false
			}
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
	return lightfmt.Errorf("res.%s: %w", strings.Join(e.path, "."), err)
}

// inResponse applies the edit to the value at the end of its path.
func (e *Edit) inResponse(r *run, old value.Value) (value.Value, error) {
	if e.optional && isNothing(old) {
		return old, nil
	}
	if e.in != nil {
		outer := r
		r = outer.inner(e.in)
		defer func() { outer.elements, outer.steps = r.elements, r.steps }()
	}
	now, res := e.applyToList(r, old)
	switch {
	case r.exhausted():
		return old, errors.New(TooManySteps)
	case res.outcome == Yes:
		return now, nil
	case res.outcome == Waiting:
		return old, errors.New("a clause waits for a value that cannot come")
	case res.at != nil:
		return old, lightfmt.Errorf("%s: %s", res.where(), res.reason)
	}
	return old, errors.New(res.reason)
}

// inner returns the run for the clauses of an edit. Edits of the same Input share it,
// and so do the elements that an edit is applied to: it remembers what does not
// depend on these.
func (r *run) inner(in *Input) *run {
	i := slices.IndexFunc(r.inners, func(x *run) bool { return x.in == in })
	if i < 0 {
		x := new(run)
		x.start(in, nil)
		x.inResponse = true
		i, r.inners = len(r.inners), append(r.inners, x)
	}
	x := r.inners[i]
	x.args, x.elements, x.steps = in.Args, r.elements, r.steps
	return x
}

// applyToList is apply, but that a transform changes each string of an array.
func (e *Edit) applyToList(r *run, old value.Value) (value.Value, result) {
	if e.op != opTransform || old.Kind() != value.Array {
		return e.apply(r, old)
	}
	var elems []value.Value
	last := yes
	old.Each(func(_ string, x value.Value) bool {
		x, last = e.apply(r, x)
		elems = append(elems, x)
		return last.outcome == Yes
	})
	if last.outcome == Unknown {
		last.reason = lightfmt.Sprintf("element %d: %s", len(elems)-1, last.reason)
	}
	return value.Arr(elems...), last
}

// inItem applies the edit to the element of a response that an each changes.
func (e *Edit) inItem(r *run, p *path) result {
	var now value.Value
	var err error
	if len(e.path) == 0 {
		now, err = e.inResponse(r, *r.item)
	} else {
		now, err = applyAll(r, *r.item, []Edit{*e}, 0)
	}
	if err != nil {
		return unknown(p.of + ": " + err.Error())
	}
	*r.item = now
	return yes
}
