// Package query holds the conditions of `query` rules (the `find` document, a
// subset of MongoDB's syntax) as a small tree, decides it for a document, and
// translates it for a database.
//
//	find ─ Parse → Expr ─ Match(document)            in Go
//	                    └ Narrow(dialect) → filter    in the database; rows that the
//	                                                  filter admits too widely are tested in Go
//
// A document's keys are field names, or $and, $or, $nor with a non-empty array of
// documents. A field's value is an operator document when it is an object whose
// keys all start with `$`, else a value to be equal to; `{"$date": …}` and
// `{"$oid": …}` alone are values. An operator beside a plain key is refused, and so
// is every operator that is not listed here:
//
//	$eq $ne $gt $gte $lt $lte   a value
//	$in $nin                    an array of values
//	$exists                     true or false
//	$regex                      a pattern, see rules.CheckPattern
//	$not                        an operator document
//
// Each has MongoDB's meaning:
//
//   - A field that is null and a missing field are alike for `null`: $eq, $in, $gte
//     and $lte with null match them. No other value matches null.
//   - $ne, $nin, $nor, $not and `$exists: false` match exactly where $eq, $in, $or,
//     the negated document and `$exists: true` do not, so $ne and $nin match null.
//   - Nothing is converted. A value matches only values of its own type, and is
//     ordered only among them: numbers as numbers (whole numbers exactly, others
//     as IEEE doubles), strings by bytes, false before true, dates as instants.
//     Arrays and objects can be equal, and have no order.
//   - In JSON, a condition on an array holds when it holds for the array or for one
//     of its elements, and `a.b` looks into each element of an array at `a`; a number
//     in a path is also an index (an array at that index is compared as a whole). Objects are equal whatever the order of their keys.
package query

import "regexp"

// Expr is a condition on a row: And, Or, Not or *Field. It is true or false,
// never unknown.
type Expr interface{ expr() }

type (
	// And holds when all of its conditions hold; an empty one holds.
	And []Expr
	// Or holds when one of its conditions holds; an empty one does not.
	Or []Expr
	// Not holds when Expr does not.
	Not struct{ Expr Expr }
	// Field is one operator on one field.
	Field struct {
		Key      string // as written; dots lead into JSON
		Op       Op
		Operand  Operand        // of Eq, Gt, Gte, Lt, Lte
		Operands []Operand      // of In
		Pattern  *regexp.Regexp // of Regex
	}
)

func (And) expr()    {}
func (Or) expr()     {}
func (Not) expr()    {}
func (*Field) expr() {}

// Op is an operator. $ne, $nin and `$exists: false` become a Not of the others.
type Op uint8

const (
	Eq Op = iota + 1
	Gt
	Gte
	Lt
	Lte
	In
	Exists
	Regex
)

// Orders reports whether the operator compares by order.
func (op Op) Orders() bool { return op == Gt || op == Gte || op == Lt || op == Lte }

// AdjacentBound returns the operator that compares with n as op compares with x,
// where x is not representable in the column's type and n is its nearest
// representable neighbour. above reports that n is greater than x.
func (op Op) AdjacentBound(above bool) Op {
	upward := op == Gt || op == Gte
	switch {
	case upward && above:
		return Gte
	case upward:
		return Gt
	case above:
		return Lt
	}
	return Lte
}
