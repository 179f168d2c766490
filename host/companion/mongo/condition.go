package mongo

import (
	"math"
	"regexp/syntax"

	"github.com/rulegate/rulegate/host/companion/query"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// translate translates one operator on one field. The values in the filter are
// checked scalars, never documents, so that none is read as an operator. When the
// filter is not exact, the caller adds the test.
func translate(f *query.Field, want bool) (c condition, exact bool) {
	switch f.Op {
	case query.Exists:
		return compareWith(f.Key, "$exists", true), true
	case query.Regex:
		return pattern(f, want), false
	case query.Eq:
		return equals(f.Key, []query.Operand{f.Operand}, want)
	case query.In:
		return equals(f.Key, f.Operands, want)
	}
	return orders(f, want)
}

func compareWith(key, op string, v any) condition {
	return condition{Filter: bson.D{{Key: key, Value: bson.D{{Key: op, Value: v}}}}}
}

// unknown is the bound where the server is asked nothing.
func unknown(want bool) condition { return query.AtLeast[bson.D, query.Value](want, nil) }

// pattern bounds a pattern by the text with which all its matches begin.
func pattern(f *query.Field, want bool) condition {
	if !want {
		return unknown(want)
	}
	if prefix, ok := prefixOf(f.Pattern.String()); ok {
		return compareWith(f.Key, "$gte", prefix)
	}
	return compareWith(f.Key, "$exists", true)
}

// prefixOf returns the text with which every match of an anchored pattern begins, so
// that an index may serve.
func prefixOf(pattern string) (string, bool) {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil || re.Op != syntax.OpConcat || re.Sub[0].Op != syntax.OpBeginText || re.Sub[1].Op != syntax.OpLiteral {
		return "", false
	}
	return string(re.Sub[1].Rune), true
}

var operators = map[query.Op]string{query.Gt: "$gt", query.Gte: "$gte", query.Lt: "$lt", query.Lte: "$lte"}

func orders(f *query.Field, want bool) (c condition, exact bool) {
	if f.Operand.Kind == query.Null {
		if f.Op == query.Gt || f.Op == query.Lt {
			return condition{Known: query.Never}, true
		}
		return compareWith(f.Key, "$eq", nil), true
	}
	if f.Operand.Kind == query.Str {
		return ordersText(f, want), false
	}
	v, op, exact := bound(f.Operand, f.Op)
	if v == nil || !exact && !want {
		return unknown(want), false
	}
	return compareWith(f.Key, operators[op], v), exact
}

// ordersText bounds an order of strings. A UUID is ordered by its text too, which the
// server does not do, so all binaries are admitted.
func ordersText(f *query.Field, want bool) condition {
	c := compareWith(f.Key, operators[f.Op], f.Operand.Text)
	if want {
		c.Filter = operator("$or", []bson.D{c.Filter, compareWith(f.Key, "$type", int32(bson.TypeBinary)).Filter})
	}
	return c
}

// bound returns the value to order a field against, nil if there is none. When it is
// not exact, it admits close values too.
func bound(x query.Operand, op query.Op) (v any, as query.Op, exact bool) {
	switch x.Kind {
	case query.Num:
		return numberBound(x.Number, op)
	case query.Date: // the server's dates are in milliseconds
		ms := floorDiv(x.Micros, 1000)
		if ms*1000 != x.Micros {
			op = op.AdjacentBound(false)
		}
		return bson.DateTime(ms), op, true
	}
	v = scalar(x)
	return v, op, v != nil
}

// numberBound rounds a fraction outwards: to the server a decimal and a double that
// are written alike are two numbers.
func numberBound(n query.Number, op query.Op) (v any, as query.Op, exact bool) {
	switch {
	case n.IsInt:
		return n.Int, op, true
	case op == query.Gt || op == query.Gte:
		return math.Nextafter(n.Float, math.Inf(-1)), query.Gte, false
	}
	return math.Nextafter(n.Float, math.Inf(1)), query.Lte, false
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// scalar returns the value of BSON for an operand that has exactly one, else nil.
func scalar(x query.Operand) any {
	switch x.Kind {
	case query.Bool:
		return x.Bool
	case query.Str:
		return x.Text
	case query.ObjectID:
		if id, err := bson.ObjectIDFromHex(x.Text); err == nil {
			return id
		}
	}
	return nil
}

// equality collects the alternatives of an $eq or $in.
type equality struct {
	key    string
	want   bool
	values bson.A   // equal to one of these
	bounds []bson.D // or, not exactly, one of these
	exact  bool
}

// equals asks for one of the operands.
func equals(key string, operands []query.Operand, want bool) (c condition, exact bool) {
	e := &equality{key: key, want: want, exact: true}
	for _, x := range operands {
		e.add(x)
	}
	return e.condition(), e.exact
}

func (e *equality) add(x query.Operand) {
	switch x.Kind {
	case query.Null:
		e.values = append(e.values, nil)
	case query.Str:
		e.values = append(e.values, x.Text)
		if id, ok := uuidOf(x.Text); ok {
			e.values = append(e.values, id)
		}
	case query.JSON:
		// The server compares the order of an object's keys, a find does not.
		e.addBound(bson.D{{Key: "$exists", Value: true}})
	case query.Num:
		if x.Number.IsInt {
			e.values = append(e.values, x.Number.Int)
			return
		}
		e.addBound(bson.D{
			{Key: "$gte", Value: math.Nextafter(x.Number.Float, math.Inf(-1))},
			{Key: "$lte", Value: math.Nextafter(x.Number.Float, math.Inf(1))},
		})
	case query.Date:
		if x.Micros%1000 == 0 { // no date of the server equals another one
			e.values = append(e.values, bson.DateTime(x.Micros/1000))
		}
	default:
		if v := scalar(x); v != nil {
			e.values = append(e.values, v)
		}
	}
}

// addBound adds an alternative that admits too many rows. Under a negation it is left
// out, which admits too few.
func (e *equality) addBound(operators bson.D) {
	e.exact = false
	if e.want {
		e.bounds = append(e.bounds, bson.D{{Key: e.key, Value: operators}})
	}
}

func (e *equality) condition() condition {
	alternatives := e.bounds
	switch len(e.values) {
	case 0:
	case 1:
		alternatives = append(alternatives, bson.D{{Key: e.key, Value: bson.D{{Key: "$eq", Value: e.values[0]}}}})
	default:
		alternatives = append(alternatives, bson.D{{Key: e.key, Value: bson.D{{Key: "$in", Value: e.values}}}})
	}
	switch len(alternatives) {
	case 0:
		return condition{Known: query.Never}
	case 1:
		return condition{Filter: alternatives[0]}
	}
	return condition{Filter: operator("$or", alternatives)}
}
