package rules

import (
	"fmt"

	"github.com/rulegate/rulegate/rules/value"
)

// maxElements bounds the elements that the filters of one evaluation look at, a
// filter in a filter's clause included: nobody else is served meanwhile.
const maxElements = 100_000

// filter keeps those elements of an array for which its clause holds.
type filter struct {
	target target
	clause *Rule
	drop   bool // an element that nobody can decide about goes, and blocks nothing
}

func (c *compiler) filter(r *Rule, spec value.Value, place string) clause {
	f := &filter{drop: c.oneOf(spec, place, "onUnknown", "block", "drop") == "drop"}
	if s := c.text(spec, place, "field"); s != "" {
		f.target = c.target(r, s, Join(place, "field"))
	}
	outside := c.reach
	c.reach = ofItem
	f.clause = c.guard(r, spec, place)
	c.reach = outside
	if f.clause == nil || f.target.path == nil {
		return nil // reported
	}
	return f
}

func (f *filter) run(r *run) result {
	keys, k := f.target.path.keys(r)
	if keys == nil {
		return noKey(f.target.path, k)
	}
	if f.target.response {
		if awaits(r.args, f.clause.reads) || awaits(r.args, f.clause.writes) {
			return waiting // when the response is there, nobody waits any more
		}
		in := *r.in
		in.Args = r.args
		return r.respond(ResponseAction{op: opFilter, path: keys, filter: f, in: &in})
	}
	list, res := f.list(r.args, keys)
	if res.outcome != Yes {
		return res
	}
	kept, res := f.keep(r, list)
	if res.outcome != Yes {
		return res
	}
	if now, _ := f.list(r.args, keys); now.Same(kept) {
		return yes
	}
	args, o := r.args.Set(keys, kept)
	if o != value.Free {
		return obstructed(o, f.target.path)
	}
	r.args = args
	return yes
}

// list is the array at keys, which lead through objects only.
func (f *filter) list(v value.Value, keys []string) (value.Value, result) {
	for _, key := range keys {
		if v.Kind() == value.Pending {
			return v, waiting
		}
		if v.Kind() == value.Array {
			return v, obstructed(value.Blocked, f.target.path)
		}
		v = v.Key(key)
	}
	switch v.Kind() {
	case value.Array:
		return v, yes
	case value.Pending:
		return v, waiting
	case value.Missing:
		return v, unknown(f.target.path.text + " is missing")
	}
	return v, unknown(f.target.path.text + ": want array, found " + found(v))
}

// keep asks the clause about each element. What the clause changed in the
// request stays for the elements it keeps, as with a guard; for the response
// there is no request to change any more, and each element is asked about with
// the same args. The list itself comes back when nothing goes.
func (f *filter) keep(r *run, list value.Value) (value.Value, result) {
	var (
		outer = r.item
		elems []value.Value
		all   = true
		at    = -1
		last  = yes
	)
	list.Each(func(_ string, x value.Value) bool {
		at++
		if r.elements++; r.elements > maxElements {
			last = unknown(fmt.Sprintf("more than %d elements", maxElements))
			return false
		}
		args, kept := r.args, len(r.response)
		r.item = &x
		res := f.clause.run(r)
		r.response = r.response[:kept]
		if f.target.response || res.outcome != Yes {
			r.args = args
		}
		switch {
		case res.outcome == Yes:
			elems = append(elems, x)
		case res.outcome == No, res.outcome == Unknown && f.drop:
			all = false
		default:
			last = res
			return false
		}
		return true
	})
	r.item = outer
	if last.outcome == Unknown {
		last.reason = fmt.Sprintf("element %d: %s", at, last.reason)
	}
	if last.outcome != Yes || all {
		return list, last
	}
	return value.Arr(elems...), yes
}

// awaits says whether one of the roots is still Pending.
func awaits(v value.Value, rs roots) (pending bool) {
	v.Each(func(key string, x value.Value) bool {
		pending = x.Kind() == value.Pending && rs.has(key)
		return !pending
	})
	return pending
}
