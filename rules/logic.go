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

// and is yes when all its clauses are. The first other outcome decides.
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

// or is yes when one of its clauses is. The first yes decides; the changes of the
// clauses before it are undone.
type or struct{ clauses []*Rule }

func (o *or) run(r *run) result {
	var room [4]result // on the stack, as most often a later clause holds
	failed := room[:0]
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
	r.spend(stepsFailed * len(failed))
	return none(failed)
}

// none joins the outcomes of an or without a yes: it is unknown if one is, failed
// if one is, and has the last message.
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
		if f.status != 0 {
			res.status = f.status
		}
		res.failed = res.failed || f.failed
		reasons[i] = f.where() + ": " + f.reason
	}
	if res.outcome != No {
		res.status = 0
	}
	res.reason = "no clause holds: " + strings.Join(reasons, "; ")
	return res
}

// not is yes for a no and no for a yes. The changes of its clause are undone.
type not struct{ clause *Rule }

func (c *compiler) not(r *Rule, spec value.Value, place string) clause {
	s := spec.Key("clause")
	if s.Kind() == value.Missing {
		return nil // reported
	}
	in := c.rule(s, Join(place, "clause"))
	r.adoptReads(in)
	return &not{in}
}

func (n *not) run(r *run) result {
	before, kept := r.args, len(r.response)
	res := n.clause.run(r)
	r.args, r.response = before, r.response[:kept]
	switch res.outcome {
	case Yes:
		return result{outcome: No, reason: "the clause of not is yes"}
	case No:
		return yes
	}
	return res
}

// lookAhead evaluates the clauses behind one that waits, to find queries that do
// not depend on it and can be asked at the same time. In an and (all), the roots
// that the waiting clause may change are Pending for them; an or would undo its
// changes. A webhook is not sent ahead, because a POST may have consequences.
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

// await makes the roots Pending that a clause may change.
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
