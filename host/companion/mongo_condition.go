package companion

import (
	"math"
	"regexp/syntax"

	"github.com/rulegate/rulegate/host/companion/query"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// mongoCondition is one operator on one field. Only scalars that were checked are
// ever sent, never a document.
func mongoCondition(x *query.Field, want bool) narrowed {
	ask := func(op string, v any) narrowed {
		return narrowed{filter: bson.D{{Key: x.Key, Value: bson.D{{Key: op, Value: v}}}}, exact: true}
	}
	switch {
	case x.Op == query.Exists:
		return ask("$exists", true)
	case x.Op == query.Regex:
		if !want {
			return least(want)
		}
		n := ask("$exists", true)
		if first, ok := beginning(x.Pattern.String()); ok {
			n = ask("$gte", first)
		}
		n.exact = false
		return n
	case x.Op == query.Eq:
		return mongoEqual(x.Key, []query.Value{x.Value}, want)
	case x.Op == query.In:
		return mongoEqual(x.Key, x.Values, want)
	case x.Value.Kind == query.Null:
		if x.Op == query.Gt || x.Op == query.Lt {
			return narrowed{nothing: true, exact: true}
		}
		return ask("$eq", nil)
	}
	v, op, exact := mongoBound(x.Value, x.Op)
	if !exact && !want || v == nil {
		return least(want)
	}
	n := ask(mongoOps[op], v)
	n.exact = exact
	return n
}

var mongoOps = map[query.Op]string{query.Gt: "$gt", query.Gte: "$gte", query.Lt: "$lt", query.Lte: "$lte"}

// mongoBound is what a field is ordered against; where it is not exact it takes in
// what is close as well. nil: there is no such value.
func mongoBound(v query.Value, op query.Op) (bound any, as query.Op, exact bool) {
	switch v.Kind {
	case query.Str:
		return v.Text, op, true
	case query.Bool:
		return v.Bool, op, true
	case query.Num:
		if v.Number.IsInt {
			return v.Number.Int, op, true
		}
		// A decimal and a double that are written alike are two numbers to the
		// database.
		if op == query.Gt || op == query.Gte {
			return math.Nextafter(v.Number.Float, math.Inf(-1)), query.Gte, false
		}
		return math.Nextafter(v.Number.Float, math.Inf(1)), query.Lte, false
	case query.Date: // of milliseconds
		ms := floorDiv(v.Micros, 1000)
		if ms*1000 != v.Micros {
			op = nudged(op, false)
		}
		return bson.DateTime(ms), op, true
	case query.ObjectID:
		id, err := bson.ObjectIDFromHex(v.Text)
		if err != nil {
			return nil, op, false
		}
		return id, op, true
	}
	return nil, op, false
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// mongoEqual asks for one of the values.
func mongoEqual(key string, values []query.Value, want bool) narrowed {
	list, exact := bson.A{}, true
	var alternatives bson.A
	for _, v := range values {
		switch v.Kind {
		case query.Null:
			list = append(list, nil)
		case query.Str:
			list = append(list, v.Text)
			if id, ok := uuidOf(v.Text); ok {
				list = append(list, id)
			}
		case query.JSON:
			exact = false
			if want { // an object's keys have an order there, and here they have none
				alternatives = append(alternatives, bson.D{{Key: key, Value: bson.D{{Key: "$exists", Value: true}}}})
			}
		case query.Num:
			if v.Number.IsInt {
				list = append(list, v.Number.Int)
				continue
			}
			exact = false
			if want {
				alternatives = append(alternatives, bson.D{{Key: key, Value: bson.D{
					{Key: "$gte", Value: math.Nextafter(v.Number.Float, math.Inf(-1))},
					{Key: "$lte", Value: math.Nextafter(v.Number.Float, math.Inf(1))},
				}}})
			}
		case query.Date:
			if v.Micros%1000 == 0 {
				list = append(list, bson.DateTime(v.Micros/1000))
			}
		default:
			if bound, _, _ := mongoBound(v, query.Eq); bound != nil {
				list = append(list, bound)
			}
		}
	}
	if len(list) == 1 {
		alternatives = append(alternatives, bson.D{{Key: key, Value: bson.D{{Key: "$eq", Value: list[0]}}}})
	} else if len(list) > 1 {
		alternatives = append(alternatives, bson.D{{Key: key, Value: bson.D{{Key: "$in", Value: list}}}})
	}
	n := narrowed{exact: exact}
	switch len(alternatives) {
	case 0:
		n.nothing = true
	case 1:
		n.filter, _ = alternatives[0].(bson.D)
	default:
		n.filter = bson.D{{Key: "$or", Value: alternatives}}
	}
	return n
}

// beginning is the text that all strings which a pattern finds begin with, so
// that an index may serve.
func beginning(pattern string) (string, bool) {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil || re.Op != syntax.OpConcat || re.Sub[0].Op != syntax.OpBeginText || re.Sub[1].Op != syntax.OpLiteral {
		return "", false
	}
	return string(re.Sub[1].Rune), true
}
