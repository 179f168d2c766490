package rules

import (
	"errors"
	"strings"

	"github.com/rulegate/rulegate/rules/lightfmt"
	"github.com/rulegate/rulegate/rules/value"
)

// The functions of one value. Each takes any value and returns an error where it
// has no result for it.

func errWant(want string, v value.Value) error {
	return errors.New("want " + want + ", found " + found(v))
}

func length(v value.Value) (value.Value, error) {
	switch v.Kind() {
	case value.Array, value.Object:
		return value.Int(int64(v.Len())), nil
	case value.String:
		text, _ := v.Text()
		return value.Int(int64(len(text))), nil
	}
	return v, errWant("string, array or object", v)
}

// number reads a string that is exactly a JSON number.
func number(v value.Value) (value.Value, error) {
	text, ok := v.Text()
	if !ok {
		return v, errWant("string", v)
	}
	if v = value.Num(text); v.Kind() != value.Number {
		return v, errors.New("the string is no number")
	}
	return v, nil
}

func lowered(v value.Value) (value.Value, error) {
	text, ok := v.Text()
	if !ok {
		return v, errWant("string", v)
	}
	return value.Str(lower(text)), nil
}

// lower is ASCII lower case, because Unicode's case mapping differs between
// implementations.
func lower(s string) string {
	return strings.Map(func(c rune) rune {
		if c >= 'A' && c <= 'Z' {
			return c + 'a' - 'A'
		}
		return c
	}, s)
}

func keysOf(v value.Value) (value.Value, error) {
	return membersOf(v, func(key string, _ value.Value) value.Value { return value.Str(key) })
}

func valuesOf(v value.Value) (value.Value, error) {
	return membersOf(v, func(_ string, x value.Value) value.Value { return x })
}

// membersOf makes an array of the members of an object, in their order.
func membersOf(v value.Value, element func(string, value.Value) value.Value) (value.Value, error) {
	if v.Kind() != value.Object {
		return v, errWant("object", v)
	}
	n := v.Len()
	if n > maxElements {
		return v, lightfmt.Errorf("more than %d members", maxElements)
	}
	elems := make([]value.Value, 0, n)
	v.Each(func(key string, x value.Value) bool {
		elems = append(elems, element(key, x))
		return true
	})
	return value.Arr(elems...), nil
}

func buildSplit(s *callSpec) (expression, error) {
	separator, err := s.writtenText(1, "a separator")
	if err != nil {
		return nil, err
	}
	u := &unary{text: s.text, arg: s.args[0], of: s.function, apply: func(v value.Value) (value.Value, error) {
		text, ok := v.Text()
		if !ok {
			return v, errWant("string", v)
		}
		if strings.Count(text, separator) >= maxElements {
			return v, lightfmt.Errorf("more than %d parts", maxElements)
		}
		var parts []value.Value
		for part := range strings.SplitSeq(text, separator) {
			parts = append(parts, value.Str(part))
		}
		return value.Arr(parts...), nil
	}}
	return u, s.checkReference(0)
}

func buildObjectID(s *callSpec) (expression, error) {
	u := s.unary()
	u.objectID = true
	return u, s.checkReference(0)
}

// objectID makes MongoDB's extended JSON {"$oid": "24 hex digits"} of a string.
func objectID(v value.Value) (value.Value, error) {
	text, ok := v.Text()
	switch {
	case !ok:
		return v, errWant("string", v)
	case !isObjectID(text):
		return v, errors.New("the string is no ObjectID")
	}
	return value.Obj(value.Member{Key: "$oid", Value: value.Str(lower(text))}), nil
}

// objectIDText reads MongoDB's extended JSON {"$oid": "24 hex digits"}, or the digits
// themselves.
func objectIDText(v value.Value) (value.Value, error) {
	text, ok := v.Text()
	if !ok && v.Kind() != value.Object {
		return v, errWant("object or string", v)
	}
	if !ok && v.Len() == 1 {
		text, ok = v.Key("$oid").Text()
	}
	if !ok || !isObjectID(text) {
		return v, errors.New("the value is no ObjectID")
	}
	return value.Str(text), nil
}

func isObjectID(s string) bool {
	if len(s) != 24 {
		return false
	}
	for _, b := range []byte(s) {
		if !(b >= '0' && b <= '9' || b >= 'a' && b <= 'f' || b >= 'A' && b <= 'F') {
			return false
		}
	}
	return true
}
