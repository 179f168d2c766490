// Package query reads the query documents of `query` rules (MongoDB's syntax, a
// subset) into a small tree that each database translates.
//
// A document's keys are field names, or $and, $or, $nor with a non-empty array of
// documents. A field's value is an operator document when it is an object with
// keys that all start with `$`, else a value to be equal to; `{"$date": …}` and
// `{"$oid": …}` alone are values. An operator beside a plain key is refused, and
// so is what is not listed here:
//
//	$eq $ne $gt $gte $lt $lte   a value
//	$in $nin                    an array of values
//	$exists                     true or false
//	$regex                      a pattern, see rules.CheckPattern
//	$not                        an operator document
//
// What they mean is what MongoDB means:
//
//   - A field that is null and one that is not there are alike for `null`: $eq,
//     $in, $gte and $lte with null match them. No other value matches null.
//   - $ne, $nin, $nor, $not and `$exists: false` match exactly where $eq, $in,
//     $or, what they hold and `$exists: true` do not, so $ne and $nin match null.
//   - Nothing is converted. A value matches only values of its own type, and
//     orders only among them: numbers as numbers (64-bit integers exactly, others
//     as IEEE doubles), strings by bytes, false before true, dates as instants.
//     Arrays and objects can be equal, and have no order here.
//   - In JSON, a condition on an array holds when it holds for the array or for
//     one of its elements, and `a.b` looks into each element of an array at `a`;
//     a number in a path is also an index. Objects are equal whatever the order of
//     their keys.
package query

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/rulegate/rulegate/rules/value"
)

const (
	// MaxConditions bounds the conditions of one document.
	MaxConditions = 400
	// MaxValues bounds the values of one document, those of $in included.
	MaxValues = 10000
)

// Expr is a condition on a row: And, Or, Not or *Field. It is true or false,
// never a third thing.
type Expr interface{ expr() }

type (
	// And holds when all of it holds; an empty one does.
	And []Expr
	// Or holds when any of it holds; an empty one does not.
	Or []Expr
	// Not holds when Expr does not.
	Not struct{ Expr Expr }
	// Field is one operator on one field.
	Field struct {
		Key     string // as written; dots lead into JSON
		Op      Op
		Value   Value          // of Eq, Gt, Gte, Lt, Lte
		Values  []Value        // of In
		Pattern *regexp.Regexp // of Regex
	}
)

func (And) expr()    {}
func (Or) expr()     {}
func (Not) expr()    {}
func (*Field) expr() {}

// Op is an operator. $ne, $nin and `$exists: false` are a Not of the others.
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

var opNames = map[string]Op{
	"$eq": Eq, "$ne": Eq, "$gt": Gt, "$gte": Gte, "$lt": Lt, "$lte": Lte,
	"$in": In, "$nin": In, "$exists": Exists, "$regex": Regex,
}

// Parse reads a document; Missing stands for one without conditions. Nothing of
// the document's values gets into an error.
func Parse(doc value.Value) (Expr, error) {
	if doc.Kind() == value.Missing {
		return And{}, nil
	}
	var p parser
	return p.document(doc)
}

type parser struct {
	conditions, values int
}

func (p *parser) document(doc value.Value) (Expr, error) {
	if doc.Kind() != value.Object {
		return nil, fmt.Errorf("want a document, found %s", doc.Kind())
	}
	all := And{}
	err := each(doc, func(key string, v value.Value) error {
		e, err := p.member(key, v)
		if err != nil {
			return err
		}
		all = append(all, e)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(all) == 1 {
		return all[0], nil
	}
	return all, nil
}

func (p *parser) member(key string, v value.Value) (Expr, error) {
	switch {
	case key == "$and" || key == "$or" || key == "$nor":
		docs, err := p.documents(key, v)
		switch {
		case err != nil:
			return nil, err
		case key == "$and":
			return And(docs), nil
		case key == "$or":
			return Or(docs), nil
		}
		return Not{Or(docs)}, nil
	case strings.HasPrefix(key, "$"):
		return nil, fmt.Errorf("unknown operator %q", key)
	case key == "":
		return nil, errors.New("a field without a name")
	}
	operators, err := operatorDocument(v)
	switch {
	case err != nil:
		return nil, err
	case operators:
		return p.operators(key, v)
	}
	return p.operator(key, "$eq", v)
}

func (p *parser) documents(key string, v value.Value) ([]Expr, error) {
	if v.Kind() != value.Array || v.Len() == 0 {
		return nil, fmt.Errorf("%s: want an array of documents", key)
	}
	var docs []Expr
	err := each(v, func(_ string, d value.Value) error {
		e, err := p.document(d)
		docs = append(docs, e)
		return err
	})
	return docs, err
}

// operators reads an operator document, in which all operators must hold.
func (p *parser) operators(field string, doc value.Value) (Expr, error) {
	all := And{}
	err := each(doc, func(op string, v value.Value) error {
		e, err := p.operator(field, op, v)
		all = append(all, e)
		return err
	})
	if err != nil {
		return nil, err
	}
	if len(all) == 1 {
		return all[0], nil
	}
	return all, nil
}

func (p *parser) operator(field, name string, v value.Value) (Expr, error) {
	if p.conditions++; p.conditions > MaxConditions {
		return nil, fmt.Errorf("more than %d conditions", MaxConditions)
	}
	if name == "$not" {
		operators, err := operatorDocument(v)
		if err != nil || !operators {
			return nil, errors.New("$not: want a document of operators")
		}
		e, err := p.operators(field, v)
		return Not{e}, err
	}
	f := &Field{Key: field, Op: opNames[name]}
	var err error
	switch f.Op {
	case Eq, Gt, Gte, Lt, Lte:
		if f.Value, err = p.value(v); err == nil && f.Op != Eq && f.Value.Kind == JSON {
			err = errors.New("arrays and objects have no order")
		}
	case In:
		f.Values, err = p.list(v)
	case Exists:
		if v.Kind() != value.Bool {
			err = errors.New("want true or false")
		}
	case Regex:
		f.Pattern, err = pattern(v)
	default:
		err = errors.New("unknown operator")
	}
	if err != nil {
		return nil, fmt.Errorf("%q: %w", name, err)
	}
	if name == "$ne" || name == "$nin" || f.Op == Exists && !v.IsTrue() {
		return Not{f}, nil
	}
	return f, nil
}

func (p *parser) list(v value.Value) ([]Value, error) {
	if v.Kind() != value.Array {
		return nil, fmt.Errorf("want an array, found %s", v.Kind())
	}
	values := []Value{}
	err := each(v, func(_ string, x value.Value) error {
		value, err := p.value(x)
		values = append(values, value)
		return err
	})
	return values, err
}

func pattern(v value.Value) (*regexp.Regexp, error) {
	text, ok := v.Text()
	if !ok {
		return nil, fmt.Errorf("want a string, found %s", v.Kind())
	}
	return Compile(text)
}

// operatorDocument says whether v is a document of operators. One that mixes
// operators and fields is refused: it would mean one or the other by accident.
func operatorDocument(v value.Value) (bool, error) {
	if v.Kind() != value.Object || extended(v) {
		return false, nil
	}
	operators, fields := 0, 0
	v.Each(func(key string, _ value.Value) bool {
		if strings.HasPrefix(key, "$") {
			operators++
		} else {
			fields++
		}
		return true
	})
	if operators > 0 && fields > 0 {
		return false, errors.New("operators and fields in one document")
	}
	return operators > 0, nil
}

// each is Value.Each with an error that ends it.
func each(v value.Value, f func(key string, x value.Value) error) (err error) {
	v.Each(func(key string, x value.Value) bool {
		err = f(key, x)
		return err == nil
	})
	return err
}
