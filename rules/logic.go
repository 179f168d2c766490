package rules

import (
	"strings"

	"github.com/rulegate/rulegate/rules/value"
)

type allow struct{}

func (allow) run(*run) result { return yes }

type deny struct{}

func (deny) run(*run) result { return result{outcome: No, reason: "deny"} }

type authenticated struct{}

func (authenticated) run(r *run) result {
	if r.in.Verified {
		return yes
	}
	return result{outcome: No, reason: "no verified token"}
}

// and holds when all its clauses do; the first that does not, decides.
type and struct{ clauses []*Rule }

func (a *and) run(r *run) result {
	for i, c := range a.clauses {
		before := r.args
		res := c.run(r)
		if res.outcome == Waiting {
			r.lookAhead(before, a.clauses[i:], true)
		}
		if res.outcome != Yes {
			return res
		}
	}
	return yes
}

// or holds when one of its clauses does; the first that does, decides. What the
// others changed is undone.
type or struct{ clauses []*Rule }

func (o *or) run(r *run) result {
	var failed []result
	for i, c := range o.clauses {
		before, kept := r.args, len(r.response)
		res := c.run(r)
		switch {
		case res.outcome == Yes:
			return res
		case res.outcome == Waiting:
			r.lookAhead(before, o.clauses[i:], false)
			return res
		}
		r.args, r.response = before, r.response[:kept]
		failed = append(failed, res)
	}
	return none(failed)
}

// none joins the failures of an or: unknown if one is, failed if one is; the
// last message is told.
func none(failed []result) result {
	res := result{outcome: No}
	reasons := make([]string, len(failed))
	for i, f := range failed {
		if f.outcome == Unknown {
			res.outcome = Unknown
		}
		if f.message != "" {
			res.message = f.message
		}
		res.failed = res.failed || f.failed
		reasons[i] = f.place + ": " + f.reason
	}
	res.reason = "no clause holds: " + strings.Join(reasons, "; ")
	return res
}

// lookAhead finds the queries behind a clause that waits which do not need its
// outcome, so that they go out with it. What that clause may change is Pending
// for them (all: in an and; in an or its changes would have been undone). A
// webhook stays behind: a POST may have consequences.
func (r *run) lookAhead(before value.Value, clauses []*Rule, all bool) {
	ahead, response := r.ahead, len(r.response)
	r.ahead = true
	last := waiting
	for i, c := range clauses[1:] {
		if all && last.outcome == Waiting {
			before = await(before, clauses[i].writes)
		}
		r.args = before
		last = c.run(r)
		ends := last.outcome == Yes
		if all {
			ends = last.outcome == No || last.outcome == Unknown
		}
		if ends {
			break
		}
		if last.outcome == Yes {
			before = r.args
		}
	}
	r.args, r.ahead, r.response = before, ahead, r.response[:response]
}

// await makes what a clause may change Pending.
func await(v value.Value, rs roots) value.Value {
	if rs.all {
		v.Each(func(key string, _ value.Value) bool {
			rs.add(key)
			return true
		})
	}
	for _, name := range rs.names {
		v = v.With(name, value.PendingValue)
	}
	return v
}
