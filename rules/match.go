package rules

import (
	"github.com/rulegate/rulegate/rules/value"
)

// match compares two operands: `f1 eval f2`.
type match struct {
	typ    *operandType
	eval   *eval
	f1, f2 expression
	no     result
}

func (m *match) run(r *run) result {
	a, err1 := m.f1.value(r)
	b, err2 := m.f2.value(r)
	switch {
	case a.Kind() == value.Pending || b.Kind() == value.Pending:
		return waiting
	case err1 != nil:
		return unknown(err1.Error())
	case err2 != nil:
		return unknown(err2.Error())
	}
	if !m.typ.spend(r, a) || !m.typ.spend(r, b) {
		return unknown(TooManySteps)
	}
	switch c, wrong := m.eval.compare(a, b); {
	case wrong == first:
		return unknown(m.typ.mismatch(m.f1.source(), a).Error())
	case wrong == second:
		return unknown(m.typ.mismatch(m.f2.source(), b).Error())
	case m.eval.relation.holds(c):
		return yes
	}
	return m.no
}

// spend counts the steps of comparing a value.
func (t *operandType) spend(r *run, v value.Value) bool {
	return r.spend(t.steps + v.Size()/t.bytes)
}

// mismatch is the error of a value that is not of the type.
func (t *operandType) mismatch(of string, v value.Value) error {
	if t.form != "" && v.Kind() == value.String {
		return &badForm{of, t.name}
	}
	return wrongType(of, t.name, v)
}

// badForm is the error of a string that is no date or no address.
type badForm struct{ of, want string }

func (b *badForm) Error() string { return b.of + " is a string that is no " + b.want }

// matches is the eval matches.
type matches struct {
	f1      expression
	text    string // the pattern as it is written
	pattern *machine
	no      result
}

func (m *matches) run(r *run) result {
	v, err := m.f1.value(r)
	switch {
	case err != nil:
		return unknown(err.Error())
	case v.Kind() == value.Pending:
		return waiting
	}
	text, ok := v.Text()
	if !ok {
		return unknown(stringType.mismatch(m.f1.source(), v).Error())
	}
	if !r.spend(1 + len(text)/bytesMatched) {
		return unknown(TooManySteps)
	}
	holds, work, err := m.pattern.match(text, min(maxWork, (r.most-r.steps)*workOfStep))
	if !r.spend((work + workOfStep - 1) / workOfStep) {
		return unknown(TooManySteps)
	}
	switch {
	case err != nil:
		return unknown(m.f1.source() + ": " + err.Error())
	case holds:
		return yes
	}
	return m.no
}

// inList is the evals in and notIn: f1 is, or is not, one of the elements.
type inList struct {
	typ     *operandType
	f1      expression
	from    expression    // brings the array; nil: it is written in the rule
	written []value.Value // the elements that the rule spells out
	set     *set          // of these, if they are many; else nil
	refs    []expression  // the other elements of a written array
	list    value.Value   // the written array
	in      bool          // in; else notIn
	no      result
}

func (m *inList) run(r *run) result {
	v, err := m.f1.value(r)
	if v.Kind() == value.Pending {
		return waiting
	}
	// The list first: an element that cannot be resolved makes the match
	// unknown wherever it stands.
	elems, res := m.resolve(r)
	switch {
	case res.outcome != Yes:
		return res
	case err != nil:
		return unknown(err.Error())
	case !m.typ.spend(r, v):
		return unknown(TooManySteps)
	case !m.typ.typed(v):
		return unknown(m.typ.mismatch(m.f1.source(), v).Error())
	case m.found(r, v, elems) == m.in:
		return yes
	}
	return m.no
}

// resolve returns the elements that are not written in the rule: an array, or
// nothing.
func (m *inList) resolve(r *run) (elems value.Value, res result) {
	if m.from != nil {
		elems, err := m.from.value(r)
		switch {
		case err != nil:
			return elems, unknown(err.Error())
		case elems.Kind() == value.Pending:
			return elems, waiting
		case elems.Kind() != value.Array:
			return elems, unknown(wrongType(m.from.source(), "array", elems).Error())
		}
		return elems, yes
	}
	if len(m.refs) == 0 {
		return elems, yes
	}
	values := make([]value.Value, len(m.refs))
	for i, ref := range m.refs {
		var err error
		values[i], err = ref.value(r)
		switch {
		case err != nil:
			return elems, unknown(err.Error())
		case values[i].Kind() == value.Pending:
			return elems, waiting
		}
	}
	return value.Arr(values...), yes
}

// inWritten reports whether v is one of the elements that are written in the rule.
func (m *inList) inWritten(r *run, v value.Value) bool {
	if m.set != nil {
		found, steps := m.set.has(v)
		return r.spend(steps) && found
	}
	for _, e := range m.written {
		if r.spend(1); m.typ.element(e, v) {
			return true
		}
	}
	return false
}

// found reports whether v is one of the elements. Elements of another type are
// passed over.
func (m *inList) found(r *run, v, elems value.Value) (found bool) {
	if m.inWritten(r, v) {
		return true
	}
	if elems.Kind() == value.Missing {
		return false
	}
	if s := r.setOf(m.typ, elems); s != nil {
		found, steps := s.has(v)
		return r.spend(steps) && found
	}
	elems.Each(func(_ string, e value.Value) bool {
		if !r.spend(stepsElement) || !m.typ.spend(r, e) {
			return false
		}
		found = m.typ.element(e, v)
		return !found
	})
	return found
}
