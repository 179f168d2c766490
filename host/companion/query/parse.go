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

var opNames = map[string]Op{
	"$eq": Eq, "$ne": Eq, "$gt": Gt, "$gte": Gte, "$lt": Lt, "$lte": Lte,
	"$in": In, "$nin": In, "$exists": Exists, "$regex": Regex,
}

// Parse reads a document; a Missing one has no conditions. Errors never quote the
// document's values.
func Parse(doc value.Value) (Expr, error) {
	if doc.Kind() == value.Missing {
		return And{}, nil
	}
	var p parser
	return p.document(doc)
}

// parser counts the conditions and values of one document against the limits.
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

// member reads one key of a document: a field or a logical operator.
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

// operator reads one operator of a field.
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
		if f.Operand, err = p.operand(v); err == nil && f.Op != Eq && f.Operand.Kind == JSON {
			err = errors.New("arrays and objects have no order")
		}
	case In:
		f.Operands, err = p.list(v)
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

func (p *parser) list(v value.Value) ([]Operand, error) {
	if v.Kind() != value.Array {
		return nil, fmt.Errorf("want an array, found %s", v.Kind())
	}
	list := []Operand{}
	err := each(v, func(_ string, x value.Value) error {
		operand, err := p.operand(x)
		list = append(list, operand)
		return err
	})
	return list, err
}

func pattern(v value.Value) (*regexp.Regexp, error) {
	text, ok := v.Text()
	if !ok {
		return nil, fmt.Errorf("want a string, found %s", v.Kind())
	}
	return Compile(text)
}

// operatorDocument reports whether v is a document of operators. A mix of operators
// and fields is refused, because either reading may be an accident.
func operatorDocument(v value.Value) (bool, error) {
	if v.Kind() != value.Object || isExtended(v) {
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

// each is Value.Each for a function that can fail; the first error ends it.
func each(v value.Value, f func(key string, x value.Value) error) (err error) {
	v.Each(func(key string, x value.Value) bool {
		err = f(key, x)
		return err == nil
	})
	return err
}
