package query

import (
	"math"
	"math/big"

	"github.com/rulegate/rulegate/rules/value"
)

// Value is a value in a document or in a JSON column: JSON, or one of the types of
// MongoDB that JSON does not have. The zero Value is missing.
type Value struct {
	json  value.Value
	typed typed // nil for JSON
}

// typed is a value that is not JSON, or that may have such values inside.
type typed interface{ typed() }

type (
	date     int64 // microseconds since 1970, UTC
	objectID string
	uuid     string
	double   float64 // finite
	decimal  struct {
		exact *big.Rat // nil for an infinity
		sign  int      // of the infinity
	}
	opaque   struct{}
	array    []Value
	document []Member
)

func (date) typed()     {}
func (objectID) typed() {}
func (uuid) typed()     {}
func (double) typed()   {}
func (decimal) typed()  {}
func (opaque) typed()   {}
func (array) typed()    {}
func (document) typed() {}

// Member is a field of a document.
type Member struct {
	Key   string
	Value Value
}

// OfJSON returns a JSON value.
func OfJSON(v value.Value) Value { return Value{json: v} }

// OfDate returns a date, in microseconds since 1970.
func OfDate(micros int64) Value { return Value{typed: date(micros)} }

// OfObjectID returns an ObjectID of 24 lower-case hexadecimal digits.
func OfObjectID(hex string) Value { return Value{typed: objectID(hex)} }

// OfUUID returns a UUID. It equals the string that spells it.
func OfUUID(text string) Value { return Value{typed: uuid(text)} }

// OfDouble returns a double. NaN is Opaque.
func OfDouble(x float64) Value {
	switch {
	case math.IsInf(x, 0):
		return Value{typed: decimal{sign: int(math.Copysign(1, x))}}
	case math.IsNaN(x):
		return Opaque
	}
	return Value{typed: double(x)}
}

// OfDecimal returns the number that text spells, exactly: digits as big.Rat reads
// them, Infinity or -Infinity. For any other text it returns Opaque.
func OfDecimal(text string) Value {
	switch text {
	case "Infinity":
		return Value{typed: decimal{sign: 1}}
	case "-Infinity":
		return Value{typed: decimal{sign: -1}}
	}
	n, ok := new(big.Rat).SetString(text)
	if !ok {
		return Opaque
	}
	return Value{typed: decimal{exact: n}}
}

// Opaque exists, and no value equals it: a type that conditions cannot name.
var Opaque = Value{typed: opaque{}}

// OfArray returns an array.
func OfArray(elems []Value) Value { return Value{typed: array(elems)} }

// OfDocument returns a document of fields whose keys differ.
func OfDocument(members []Member) Value { return Value{typed: document(members)} }

func (v Value) isMissing() bool { return v.typed == nil && v.json.Kind() == value.Missing }

// isDocument reports whether a path leads into v.
func (v Value) isDocument() bool {
	if v.typed == nil {
		return v.json.Kind() == value.Object
	}
	_, ok := v.typed.(document)
	return ok
}

func (v Value) isArray() bool {
	if v.typed == nil {
		return v.json.Kind() == value.Array
	}
	_, ok := v.typed.(array)
	return ok
}

// text returns the text of a JSON string.
func (v Value) text() (string, bool) {
	if v.typed != nil {
		return "", false
	}
	return v.json.Text()
}

// field returns the field of a document, missing if there is none.
func (v Value) field(key string) Value {
	switch x := v.typed.(type) {
	case nil:
		return OfJSON(v.json.Key(key))
	case document:
		for _, m := range x {
			if m.Key == key {
				return m.Value
			}
		}
	}
	return Value{}
}

// at returns the element of an array, missing if there is none.
func (v Value) at(i int) Value {
	switch x := v.typed.(type) {
	case nil:
		return OfJSON(v.json.At(i))
	case array:
		if i < len(x) {
			return x[i]
		}
	}
	return Value{}
}

// len returns the number of fields or elements.
func (v Value) len() int {
	switch x := v.typed.(type) {
	case nil:
		return v.json.Len()
	case array:
		return len(x)
	case document:
		return len(x)
	}
	return 0
}

// anyElement reports whether f holds for an element of an array.
func (v Value) anyElement(f func(Value) bool) (found bool) {
	switch x := v.typed.(type) {
	case nil:
		v.json.Each(func(_ string, x value.Value) bool {
			found = f(OfJSON(x))
			return !found
		})
	case array:
		for _, x := range x {
			if f(x) {
				return true
			}
		}
	}
	return found
}
