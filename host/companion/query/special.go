package query

import (
	"math/big"
	"strconv"
	"strings"

	"github.com/rulegate/rulegate/rules/value"
)

// What JSON has no type for stands in a document as an object with one of these
// keys alone. No JSON text has such a key, for it is not UTF-8.
const (
	instantKey  = "\xffinstant"
	objectIDKey = "\xffobjectid"
	uuidKey     = "\xffuuid"
	numberKey   = "\xffnumber"
)

// Opaque is there, and no value is like it.
var Opaque = value.PendingValue

// Instant is a date, in microseconds since 1970.
func Instant(micros int64) value.Value { return mark(instantKey, value.Int(micros)) }

// ID is an ObjectID, of 24 lower-case hexadecimal digits.
func ID(hex string) value.Value { return mark(objectIDKey, value.Str(hex)) }

// UUID is one that is no string, but equal to the string that spells it.
func UUID(text string) value.Value { return mark(uuidKey, value.Str(text)) }

// Decimal is an exact number, as big.Rat reads it, or Infinity or -Infinity; it
// is Opaque for any other text.
func Decimal(text string) value.Value {
	if !strings.HasSuffix(text, "Infinity") {
		if _, ok := new(big.Rat).SetString(text); !ok {
			return Opaque
		}
	}
	return mark(numberKey, value.Str(text))
}

func mark(key string, v value.Value) value.Value { return value.Obj(value.Member{Key: key, Value: v}) }

// marked gives the key and the value of one of the above.
func marked(v value.Value) (key string, x value.Value, ok bool) {
	if v.Kind() != value.Object {
		return "", x, false
	}
	v.Each(func(k string, inner value.Value) bool {
		key, x, ok = k, inner, strings.HasPrefix(k, "\xff")
		return false
	})
	return key, x, ok
}

// isDocument says whether a path leads into v.
func isDocument(v value.Value) bool {
	_, _, special := marked(v)
	return v.Kind() == value.Object && !special
}

// orderMarked is order for a v that was made here.
func (x Value) orderMarked(key string, v value.Value) (c int, ok bool) {
	text, _ := v.Text()
	switch {
	case key == instantKey && x.Kind == Date:
		digits, _ := v.Number()
		micros, err := strconv.ParseInt(digits, 10, 64)
		return compareInts(micros, x.Micros), err == nil
	case key == objectIDKey && x.Kind == ObjectID:
		return strings.Compare(text, x.Text), true
	case key == numberKey && x.Kind == Num:
		return compareDecimal(text, x.Digits()), true
	}
	return 0, false
}

func compareInts(a, b int64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func compareDecimal(a, b string) int {
	switch a {
	case "Infinity":
		return 1
	case "-Infinity":
		return -1
	}
	x, ok := new(big.Rat).SetString(a)
	y, ok2 := new(big.Rat).SetString(b)
	if !ok || !ok2 {
		return 1 // neither is possible: both were read before
	}
	return x.Cmp(y)
}

// Digits is a number as plain decimal digits, exactly as it was written where it
// is not too long for that.
func (x Value) Digits() string {
	text, ok := x.JSON.Number()
	if !ok || len(text) > 1000 || strings.ContainsAny(text, "eE") {
		if x.Number.IsInt {
			return strconv.FormatInt(x.Number.Int, 10)
		}
		return strconv.FormatFloat(x.Number.Float, 'f', -1, 64)
	}
	return text
}

// equalMarked compares what a find holds inside an array or object with a v that
// was made here.
func equalMarked(a value.Value, key string, v value.Value) bool {
	x := Value{JSON: a}
	switch a.Kind() {
	case value.Number:
		n, err := NumberOf(a)
		if err != nil {
			return false
		}
		x.Kind, x.Number = Num, n
	case value.String:
		text, _ := a.Text()
		spelled, _ := v.Text()
		return key == uuidKey && text == spelled
	case value.Object:
		if !extended(a) {
			return false
		}
		var err error
		if x, err = special(a); err != nil {
			return false
		}
	default:
		return false
	}
	c, ok := x.orderMarked(key, v)
	return ok && c == 0
}
