package rules

import (
	"github.com/rulegate/rulegate/rules/lightfmt"
	"github.com/rulegate/rulegate/rules/value"
)

// maxElements bounds the elements that one evaluation visits, in filter, some,
// every and each together, because the thread that evaluates a rule serves no
// other request meanwhile.
const maxElements = 100_000

// visit counts an element. It reports whether the evaluation may visit it.
func (r *run) visit(x value.Value) (res result, ok bool) {
	if r.elements++; r.elements > maxElements {
		return unknown(lightfmt.Sprintf("more than %d elements", maxElements)), false
	}
	if !r.spend(stepsElement) || !r.skip(x) {
		return unknown(TooManySteps), false
	}
	return res, true
}

// quantifier is some or every: its clause is asked about each element of an array.
type quantifier struct {
	array  expression
	clause *Rule
	every  bool
}

func (c *compiler) quantifier(r *Rule, spec value.Value, place string) clause {
	q := &quantifier{every: r.kind == "every"}
	if text := c.text(spec, place, "field"); text != "" {
		q.array = c.arrayField(text, Join(place, "field"))
	}
	q.clause = c.testElements(r, spec, place)
	if q.array == nil || q.clause == nil {
		return nil // reported
	}
	q.array.reads(&r.reads)
	return q
}

// arrayField reads the reference to an array.
func (c *compiler) arrayField(text, at string) expression {
	if !c.scope.isReference(text) {
		c.faults.add(at, "%v", wantReference(text))
		return nil
	}
	e, err := c.referenceAt(text, at)
	if err != nil {
		c.faults.add(at, "%v", err)
		return nil
	}
	return e
}

// testElements compiles the clause that is asked about each element.
func (c *compiler) testElements(r *Rule, spec value.Value, place string) *Rule {
	outside := c.scope
	c.scope.item, c.scope.only = true, tests
	defer func() { c.scope = outside }()
	return c.guard(r, spec, place)
}

func (q *quantifier) run(r *run) result {
	array, err := q.array.value(r)
	switch {
	case err != nil:
		return unknown(err.Error())
	case array.Kind() == value.Pending:
		return waiting
	case array.Kind() != value.Array:
		return unknown(wrongType(q.array.source(), "array", array).Error())
	case moreThan(array, maxElements):
		return unknown(lightfmt.Sprintf("%s has more than %d elements", q.array.source(), maxElements))
	}
	return q.ask(r, array)
}

// moreThan reports whether an array has more elements than that. It counts only where
// the array is long enough.
func moreThan(array value.Value, most int) bool {
	return array.Size() >= 2*most && array.Len() > most
}

// ask joins the outcomes of the elements: in some like or, in every like and, but
// that an unknown is stronger than a no.
func (q *quantifier) ask(r *run, array value.Value) result {
	outer := r.item
	var item value.Value
	at, last := -1, yes
	if !q.every {
		last = result{outcome: No, reason: "no element of " + q.array.source() + " fits"}
	}
	array.Each(func(_ string, x value.Value) bool {
		at++
		if res, ok := r.visit(x); !ok {
			last = res
			return false
		}
		item, r.item = x, &item
		res := q.clause.run(r)
		switch {
		case res.outcome == Waiting:
			last = res
			return false
		case res.outcome == Yes && !q.every:
			last = res
			return false
		case res.outcome == Yes:
		case q.every && last.outcome == Yes, res.outcome == Unknown && last.outcome == No:
			res.reason = lightfmt.Sprintf("element %d: %s", at, res.reason)
			last = res
		case !q.every && last.outcome == No:
			last.message, last.status = res.message, res.status
		}
		return true
	})
	r.item = outer
	return last
}
