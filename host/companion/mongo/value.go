package mongo

import (
	"math"
	"slices"
	"unicode/utf8"

	"github.com/rulegate/rulegate/host/companion/failure"
	"github.com/rulegate/rulegate/host/companion/query"
	"github.com/rulegate/rulegate/rules/value"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// documentOf returns a document as conditions see it: its fields of these names, all
// for nil.
func documentOf(members []member, fields []string) (query.Value, error) {
	var list []query.Member
	for _, m := range members {
		if fields != nil && !slices.Contains(fields, m.key) {
			continue
		}
		v, err := valueOf(m.value)
		if err != nil {
			return query.Value{}, err
		}
		list = append(list, query.Member{Key: m.key, Value: v})
	}
	return query.OfDocument(list), nil
}

// valueOf returns a value as conditions see it. The server limits its depth.
func valueOf(v bson.RawValue) (query.Value, error) {
	switch v.Type {
	case bson.TypeEmbeddedDocument:
		members, err := elements(v.Document())
		if err != nil {
			return query.Value{}, err
		}
		return documentOf(members, nil)
	case bson.TypeArray:
		list, err := v.Array().Values()
		if err != nil {
			return query.Value{}, failure.Errorf(failure.Database, "an array that is not BSON")
		}
		elems := make([]query.Value, len(list))
		for i, x := range list {
			if elems[i], err = valueOf(x); err != nil {
				return query.Value{}, err
			}
		}
		return query.OfArray(elems), nil
	}
	return scalarOf(v), nil
}

func scalarOf(v bson.RawValue) query.Value {
	switch v.Type {
	case bson.TypeNull, bson.TypeUndefined:
		return query.OfJSON(value.NullValue)
	case bson.TypeBoolean:
		return query.OfJSON(value.Boolean(v.Boolean()))
	case bson.TypeInt32:
		return query.OfJSON(value.Int(int64(v.Int32())))
	case bson.TypeInt64:
		return query.OfJSON(value.Int(v.Int64()))
	case bson.TypeDouble:
		return query.OfDouble(v.Double())
	case bson.TypeDecimal128:
		return query.OfDecimal(v.Decimal128().String())
	case bson.TypeString:
		if s := v.StringValue(); utf8.ValidString(s) {
			return query.OfJSON(value.Str(s))
		}
	case bson.TypeDateTime:
		// Clamp: in microseconds it would overflow, and no date of a find is beyond.
		ms := min(max(v.DateTime(), math.MinInt64/1000), math.MaxInt64/1000)
		return query.OfDate(ms * 1000)
	case bson.TypeObjectID:
		id := v.ObjectID()
		return query.OfObjectID(id.Hex())
	case bson.TypeBinary:
		if text, ok := uuidText(v); ok {
			return query.OfUUID(text)
		}
	}
	return query.Opaque
}
