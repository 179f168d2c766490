package rules

import (
	"github.com/rulegate/rulegate/rules/value"
)

// operandType is a type that a match compares values of, and its evals.
type operandType[T any] struct {
	name string
	read func(value.Value) (T, bool)
	// form describes the strings of the type, for faults. It is empty unless the
	// values are strings of a certain form.
	form     string
	evals    []eval[T]
	quantity bool // number or bool: a string in f1 and f2 is always a reference
}

// eval is a comparison by its name in rules.
type eval[T any] struct {
	name  string
	holds func(a, b T) bool
}

// operand is f1 or f2 of a match.
type operand[T any] struct {
	expression
	written   T // the value, where the rule has it
	isWritten bool
}

// get resolves the operand. The error says why it cannot be compared.
func (o *operand[T]) get(r *run, t *operandType[T]) (v T, pending bool, err error) {
	if o.isWritten {
		return o.written, false, nil
	}
	found, err := o.value(r)
	if err != nil {
		return v, false, err
	}
	if found.Kind() == value.Pending {
		return v, true, nil
	}
	v, ok := t.read(found)
	if !ok {
		err = t.mismatch(o.source(), found)
	}
	return v, false, err
}

// mismatch is the error of a value that is not of the type.
func (t *operandType[T]) mismatch(of string, v value.Value) error {
	if t.form != "" && v.Kind() == value.String {
		return &badForm{of, t.name}
	}
	return wrongType(of, t.name, v)
}

// badForm is the error of a string that is no date or no address.
type badForm struct{ of, want string }

func (b *badForm) Error() string { return b.of + " is a string that is no " + b.want }

// match compares two operands: `f1 eval f2`.
type match[T any] struct {
	typ    *operandType[T]
	f1, f2 operand[T]
	holds  func(a, b T) bool
	no     result
}

func (m *match[T]) run(r *run) result {
	a, pending1, err1 := m.f1.get(r, m.typ)
	b, pending2, err2 := m.f2.get(r, m.typ)
	switch {
	case pending1 || pending2:
		return waiting
	case err1 != nil:
		return unknown(err1.Error())
	case err2 != nil:
		return unknown(err2.Error())
	case m.holds(a, b):
		return yes
	}
	return m.no
}

func (m *match[T]) reads(rs *roots) {
	m.f1.reads(rs)
	m.f2.reads(rs)
}

// matches is the eval matches.
type matches struct {
	f1      operand[string]
	pattern *machine
	no      result
}

func (m *matches) run(r *run) result {
	text, pending, err := m.f1.get(r, &stringType)
	switch {
	case pending:
		return waiting
	case err != nil:
		return unknown(err.Error())
	}
	holds, err := m.pattern.match(text)
	switch {
	case err != nil:
		return unknown(m.f1.source() + ": " + err.Error())
	case holds:
		return yes
	}
	return m.no
}

// inList is the evals in and notIn: f1 is, or is not, one of the elements. An
// element has a type of its own, as a CIDR block holds addresses.
type inList[T, E any] struct {
	typ     *operandType[T]
	f1      operand[T]
	list    list[E]
	element *elementType[T, E]
	in      bool // in; else notIn
	no      result
}

// elementType is the type of the elements of a list.
type elementType[T, E any] struct {
	read  func(value.Value) (E, bool)
	holds func(e E, v T) bool
}

// list is the f2 of in and notIn.
type list[E any] struct {
	from    expression   // brings the array; nil: it is written in the rule
	written []E          // the elements that the rule spells out
	refs    []expression // the other elements of a written array
}

func (m *inList[T, E]) run(r *run) result {
	v, pending, err := m.f1.get(r, m.typ)
	if pending {
		return waiting
	}
	// The list first: an element that cannot be resolved makes the match
	// unknown wherever it stands.
	elems, res := m.list.resolve(r)
	switch {
	case res.outcome != Yes:
		return res
	case err != nil:
		return unknown(err.Error())
	case m.found(v, elems) == m.in:
		return yes
	}
	return m.no
}

// resolve returns the elements that are not written in the rule: an array, or
// nothing.
func (l *list[E]) resolve(r *run) (elems value.Value, res result) {
	if l.from == nil && len(l.refs) == 0 {
		return elems, yes
	}
	if l.from != nil {
		elems, err := l.from.value(r)
		switch {
		case err != nil:
			return elems, unknown(err.Error())
		case elems.Kind() == value.Pending:
			return elems, waiting
		case elems.Kind() != value.Array:
			return elems, unknown(wrongType(l.from.source(), "array", elems).Error())
		}
		return elems, yes
	}
	values := make([]value.Value, len(l.refs))
	for i, ref := range l.refs {
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

// found reports whether v is one of the elements. Elements of another type are
// passed over.
func (m *inList[T, E]) found(v T, elems value.Value) (found bool) {
	for _, e := range m.list.written {
		if m.element.holds(e, v) {
			return true
		}
	}
	elems.Each(func(_ string, x value.Value) bool {
		e, ok := m.element.read(x)
		found = ok && m.element.holds(e, v)
		return !found
	})
	return found
}

func (m *inList[T, E]) reads(rs *roots) {
	m.f1.reads(rs)
	if m.list.from != nil {
		m.list.from.reads(rs)
	}
	for _, ref := range m.list.refs {
		ref.reads(rs)
	}
}
