package query

import "fmt"

// Condition is an expression as a database is asked for it. Without a Test the
// filter is exact: it admits the rows for which the expression holds. With a Test the
// filter is only a bound, because the database cannot decide the expression (or
// means something else by it): every row for which the expression holds passes the
// filter, and Test decides each of them.
//
// Under an odd number of negations the bound is the other way round: no row passes
// for which the expression does not hold. Its Not then admits every row for which
// the negation holds.
//
// F is the filter type of a database, R is a row as Test sees it.
type Condition[F, R any] struct {
	Known  Known
	Filter F // when Known is Depends
	Test   func(row R) bool
}

// Known says whether a filter is a constant, so that the database need not be asked.
type Known uint8

const (
	Depends Known = iota // on the row
	Always
	Never
)

func (k Known) not() Known {
	switch k {
	case Always:
		return Never
	case Never:
		return Always
	}
	return Depends
}

// Dialect translates for one database.
type Dialect[F, R any] interface {
	// Field translates one operator on one field. want is false under an odd number
	// of negations: then a filter that is not exact must admit too few rows, not
	// too many.
	Field(f *Field, want bool) (Condition[F, R], error)
	// All, Any and Not combine filters. The lists have two or more.
	All(list []F) F
	Any(list []F) F
	Not(F) F
	// Truth returns the test for e, whose filter is exact. It is used where e stands
	// beside a condition that is not.
	Truth(e Expr, exact F) func(R) bool
}

// AtLeast is the bound for a field of which a database can be asked nothing.
func AtLeast[F, R any](want bool, test func(R) bool) Condition[F, R] {
	if want {
		return Condition[F, R]{Known: Always, Test: test}
	}
	return Condition[F, R]{Known: Never, Test: test}
}

// Narrow translates an expression.
func Narrow[F, R any](d Dialect[F, R], e Expr) (Condition[F, R], error) {
	return narrow(d, e, true)
}

func narrow[F, R any](d Dialect[F, R], e Expr, want bool) (c Condition[F, R], err error) {
	switch e := e.(type) {
	case And:
		return join(d, e, want, Never)
	case Or:
		return join(d, e, want, Always)
	case Not:
		if c, err = narrow(d, e.Expr, !want); err != nil {
			return c, err
		}
		if c.Known = c.Known.not(); c.Known == Depends {
			c.Filter = d.Not(c.Filter)
		}
		if test := c.Test; test != nil {
			c.Test = func(row R) bool { return !test(row) }
		}
		return c, nil
	case *Field:
		return d.Field(e, want)
	}
	return c, fmt.Errorf("unknown expression %T", e)
}

// join translates an And, which one part that is Never decides, or an Or, which one
// part that is Always decides. All parts are translated, so that a fault in any of
// them is reported.
func join[F, R any](d Dialect[F, R], list []Expr, want bool, decides Known) (Condition[F, R], error) {
	parts := make([]Condition[F, R], len(list))
	var filters []F
	whole := Condition[F, R]{Known: decides.not()}
	exact, decided := true, false
	for i, e := range list {
		c, err := narrow(d, e, want)
		if err != nil {
			return c, err
		}
		parts[i] = c
		exact = exact && c.Test == nil
		switch c.Known {
		case decides:
			whole.Known = decides
			decided = decided || c.Test == nil
		case Depends:
			filters = append(filters, c.Filter)
		}
	}
	if decided {
		return Condition[F, R]{Known: decides}, nil
	}
	if whole.Known != decides && len(filters) > 0 {
		whole.Known, whole.Filter = Depends, combine(d, filters, decides)
	}
	if !exact {
		whole.Test = joinTests(d, list, parts, decides)
	}
	return whole, nil
}

func combine[F, R any](d Dialect[F, R], filters []F, decides Known) F {
	switch {
	case len(filters) == 1:
		return filters[0]
	case decides == Never:
		return d.All(filters)
	}
	return d.Any(filters)
}

// joinTests returns the test of an And or Or from those of its parts.
func joinTests[F, R any](d Dialect[F, R], list []Expr, parts []Condition[F, R], decides Known) func(R) bool {
	var tests []func(R) bool
	for i, c := range parts {
		switch {
		case c.Test != nil:
			tests = append(tests, c.Test)
		case c.Known == Depends: // an exact constant that does not decide adds nothing
			tests = append(tests, d.Truth(list[i], c.Filter))
		}
	}
	return func(row R) bool {
		for _, test := range tests {
			if test(row) == (decides == Always) {
				return decides == Always
			}
		}
		return decides == Never
	}
}
