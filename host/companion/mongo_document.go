package companion

import (
	"math"
	"slices"
	"unicode/utf8"

	"github.com/rulegate/rulegate/host/companion/query"
	"github.com/rulegate/rulegate/rules/value"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// documentOf is what conditions see of a document: its fields of those names.
func documentOf(members []member, fields []string) (value.Value, error) {
	var list []value.Member
	for _, m := range members {
		if fields != nil && !slices.Contains(fields, m.key) {
			continue
		}
		v, err := valueOf(m.value)
		if err != nil {
			return value.Value{}, err
		}
		list = append(list, value.Member{Key: m.key, Value: v})
	}
	return value.Obj(list...), nil
}

// valueOf is a value as conditions see it. The server bounds how deep it is.
func valueOf(v bson.RawValue) (value.Value, error) {
	switch v.Type {
	case bson.TypeEmbeddedDocument:
		members, err := elements(v.Document())
		if err != nil {
			return value.Value{}, err
		}
		return documentOf(members, nil)
	case bson.TypeArray:
		list, err := v.Array().Values()
		if err != nil {
			return value.Value{}, faultf(databaseError, "an array that is not BSON")
		}
		elems := make([]value.Value, len(list))
		for i, x := range list {
			if elems[i], err = valueOf(x); err != nil {
				return value.Value{}, err
			}
		}
		return value.Arr(elems...), nil
	}
	return scalarOf(v), nil
}

func scalarOf(v bson.RawValue) value.Value {
	switch v.Type {
	case bson.TypeNull, bson.TypeUndefined:
		return value.NullValue
	case bson.TypeBoolean:
		return value.Boolean(v.Boolean())
	case bson.TypeInt32:
		return value.Int(int64(v.Int32()))
	case bson.TypeInt64:
		return value.Int(v.Int64())
	case bson.TypeDouble:
		switch x := v.Double(); {
		case math.IsInf(x, 1):
			return query.Decimal("Infinity")
		case math.IsInf(x, -1):
			return query.Decimal("-Infinity")
		case !math.IsNaN(x):
			return value.Num(string(appendFloat(nil, x)))
		}
	case bson.TypeDecimal128:
		return query.Decimal(v.Decimal128().String())
	case bson.TypeString:
		if s := v.StringValue(); utf8.ValidString(s) {
			return value.Str(s)
		}
	case bson.TypeDateTime:
		// In microseconds it fits, or it is earlier or later than any in a find.
		ms := min(max(v.DateTime(), math.MinInt64/1000), math.MaxInt64/1000)
		return query.Instant(ms * 1000)
	case bson.TypeObjectID:
		id := v.ObjectID()
		return query.ID(id.Hex())
	case bson.TypeBinary:
		if text, ok := uuidText(v); ok {
			return query.UUID(text)
		}
	}
	return query.Opaque
}
