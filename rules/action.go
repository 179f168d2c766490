package rules

import (
	"fmt"
	"strings"

	"github.com/rulegate/rulegate/rules/value"
)

// action is force, remove, encrypt, decrypt, hash or filter: the same edit of
// the value at each of its targets, of the request at once, of the response
// later.
type action struct {
	targets targets
	guard   *Rule // nil: none
	op      editOp
	value   expression // of force
	request transform  // of encrypt, decrypt and hash in the request
	// response is the same in the response, where hash has another encoding.
	response transform
	filter   *filter
}

func (a *action) run(r *run) result {
	act, res := guarded(r, a.guard)
	if !act {
		return res
	}
	var v value.Value
	if a.value != nil {
		var err error
		switch v, err = a.value.value(r); {
		case err != nil:
			return unknown(err.Error())
		case v.Kind() == value.Pending:
			return waiting
		}
	}
	paths, res := a.targets.resolve(r)
	if res.outcome != Yes {
		return res
	}
	for _, p := range paths {
		if res := a.change(r, p, v); res.outcome != Yes {
			return res
		}
	}
	return yes
}

// change edits the value at one path.
func (a *action) change(r *run, p *path, v value.Value) result {
	keys, res := p.keys(r)
	if keys == nil {
		return res
	}
	e := Edit{op: a.op, path: keys, value: v, transform: a.request, nonces: r.in.Rand, filter: a.filter}
	if p.root != inRes {
		return e.inArgs(r, p)
	}
	e.transform = a.response
	if a.filter != nil {
		// When the response is there, nothing is awaited any more.
		if awaits(r.args, a.filter.clause.reads) || awaits(r.args, a.filter.clause.writes) {
			return waiting
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
}

// add adds a path unless it is nil, which is one with a fault.
func (t *targets) add(p *path) {
	if p != nil {
		t.written = append(t.written, p)
	}
}

// target reads a path that an action changes. It is never in the element, but
// its brackets may name that.
func (s scope) target(text string) (*path, error) {
	if strings.HasPrefix(text, "res.") {
		return s.pathIn(inRes, text)
	}
	p, err := s.pathIn(inArgs, text)
	if err != nil {
		return nil, fmt.Errorf("%w or res.…", err)
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
		s, _ := x.Text()
		p, err := t.scope.target(s)
		if err != nil {
			res = unknown(t.from.of + " holds what is no path")
			return false
		}
		found = append(found, p)
		return true
	})
	return found, res
}
