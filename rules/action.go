package rules

import (
	"errors"
	"strings"

	"github.com/rulegate/rulegate/rules/lightfmt"
	"github.com/rulegate/rulegate/rules/value"
)

// action is a rule that changes values: force, remove, keep, encrypt, decrypt,
// hash, filter or each. It makes the same edit of the value at each of its
// targets: of the request at once, of the response later.
type action struct {
	targets  targets
	guard    *Rule // nil: none
	op       editOp
	optional bool       // nothing to do where there is no value
	value    expression // of force
	keys     keyList    // of keep
	request  transform  // of encrypt, decrypt and hash in the request
	response transform  // the same in the response, where hash has another encoding
	filter   *filter
	each     *each
}

func (a *action) run(r *run) result {
	act, res := guarded(r, a.guard)
	if !act {
		return res
	}
	e := Edit{op: a.op, optional: a.optional, nonces: r.in.Rand, filter: a.filter, each: a.each}
	if res := a.resolve(r, &e); res.outcome != Yes {
		return res
	}
	paths, res := a.targets.resolve(r)
	if res.outcome != Yes {
		return res
	}
	for _, p := range paths {
		if res := a.edit(r, p, e); res.outcome != Yes {
			return res
		}
	}
	return yes
}

// resolve resolves the operands of the edit.
func (a *action) resolve(r *run, e *Edit) result {
	switch a.op {
	case opForce:
		v, err := a.value.value(r)
		switch {
		case err != nil:
			return unknown(err.Error())
		case v.Kind() == value.Pending:
			return waiting
		}
		e.value = v
	case opKeep:
		var res result
		if e.keys, res = a.keys.resolve(r); res.outcome != Yes {
			return res
		}
	}
	return yes
}

// edit edits the value at one path.
func (a *action) edit(r *run, p *path, e Edit) result {
	keys, res := p.keys(r)
	if keys == nil {
		return res
	}
	e.path, e.transform = keys, a.request
	switch p.root {
	case inItem:
		if r.inResponse {
			e.transform = a.response
			return e.inItem(r, p)
		}
		return e.inRequest(r, p, r.item)
	case inArgs:
		return e.inRequest(r, p, &r.args)
	}
	e.transform = a.response
	if clauses := e.clauses(); len(clauses) > 0 {
		for _, c := range clauses {
			// When the response is there, nothing is awaited any more.
			if awaits(r.args, c.reads) || awaits(r.args, c.writes) {
				return waiting
			}
		}
		in := *r.in
		in.Args = r.args
		e.in = &in
	}
	r.response = append(r.response, e)
	return yes
}

// guarded evaluates an action's clause. The changes of a guard stay if it was
// yes; its response actions never count.
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

// targets are the paths that an action changes: written in the rule, or found
// at a path.
type targets struct {
	written []*path
	from    *path
	scope   scope // of the paths that are found
	op      editOp
}

// add adds a path unless it is nil, which is one with a fault.
func (t *targets) add(p *path) {
	if p != nil {
		t.written = append(t.written, p)
	}
}

// target reads a path that an action changes: in args or res, or in the element
// where an each changes that. Brackets of the path may name the element anyway.
func (s scope) target(text string, op editOp) (*path, error) {
	switch {
	case s.only == edits && !isItem(text):
		return nil, lightfmt.Errorf("%q is no path: an action of each changes item.…", text)
	case s.only == edits && text == "item" && op == opRemove:
		return nil, errors.New("item itself cannot be removed: filter drops elements")
	case s.only == edits:
		return s.pathIn(inItem, text)
	case strings.HasPrefix(text, "res."):
		return s.pathIn(inRes, text)
	}
	p, err := s.pathIn(inArgs, text)
	if err != nil {
		return nil, lightfmt.Errorf("%w or res.…", err)
	}
	return p, nil
}

// resolve returns the paths.
func (t *targets) resolve(r *run) ([]*path, result) {
	if t.from == nil {
		return t.written, yes
	}
	v := t.from.resolve(r)
	switch v.Kind() {
	case value.Array:
	case value.Pending:
		return nil, waiting
	case value.Missing:
		return nil, unknown(t.from.absence.Error())
	default:
		return nil, unknown(wrongType(t.from.of, "an array of paths", v).Error())
	}
	var found []*path
	res := yes
	v.Each(func(_ string, x value.Value) bool {
		if !r.spend(stepsPath) {
			res = unknown(TooManySteps)
			return false
		}
		s, _ := x.Text()
		p, err := t.scope.target(s, t.op)
		if err != nil {
			res = unknown(t.from.of + " holds a text that is no path")
			return false
		}
		found = append(found, p)
		return true
	})
	return found, res
}

// keyList is the keys of keep: written in the rule, or found at a reference.
type keyList struct {
	written map[string]bool
	from    expression
}

func (k *keyList) resolve(r *run) (map[string]bool, result) {
	if k.from == nil {
		return k.written, yes
	}
	v, err := k.from.value(r)
	switch {
	case err != nil:
		return nil, unknown(err.Error())
	case v.Kind() == value.Pending:
		return nil, waiting
	case v.Kind() != value.Array:
		return nil, unknown(wrongType(k.from.source(), "array", v).Error())
	}
	keys := map[string]bool{}
	res := yes
	v.Each(func(_ string, x value.Value) bool {
		if !r.spend(stepsSet) || !r.skip(x) {
			res = unknown(TooManySteps)
			return false
		}
		text, ok := x.Text()
		if !ok {
			res = unknown(k.from.source() + ": want an array of strings, found " + found(x) + " in it")
		}
		keys[text] = true
		return ok
	})
	return keys, res
}
