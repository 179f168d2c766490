package query

import (
	"errors"
	"fmt"
	"strings"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/value"
)

// Kind is the type of an Operand.
type Kind uint8

const (
	Null Kind = iota + 1
	Bool
	Num
	Str
	Date
	ObjectID
	JSON // an array or an object
)

// Operand is the value that a field is compared with.
type Operand struct {
	Kind   Kind
	Bool   bool
	Number Number
	Text   string      // of Str; of ObjectID its 24 hex digits, lower case
	Micros int64       // of Date: microseconds since 1970, UTC
	JSON   value.Value // as it was written
}

// isExtended reports whether v is MongoDB's extended JSON for a date or an
// ObjectID: an object with the one key $date or $oid.
func isExtended(v value.Value) bool {
	return v.Kind() == value.Object && v.Len() == 1 &&
		(v.Key("$date").Kind() != value.Missing || v.Key("$oid").Kind() != value.Missing)
}

func (p *parser) operand(v value.Value) (Operand, error) {
	if p.values++; p.values > MaxValues {
		return Operand{}, fmt.Errorf("more than %d values", MaxValues)
	}
	x, err := operandOf(v)
	if err == nil && x.Kind == JSON {
		err = checkPlain(v)
	}
	return x, err
}

// operandOf reads a value of a find, at any depth.
func operandOf(v value.Value) (Operand, error) {
	x := Operand{JSON: v}
	var err error
	switch v.Kind() {
	case value.Null:
		x.Kind = Null
	case value.Bool:
		x.Kind, x.Bool = Bool, v.IsTrue()
	case value.Number:
		x.Kind = Num
		x.Number, err = NumberOf(v)
	case value.String:
		x.Kind = Str
		x.Text, _ = v.Text()
	case value.Array, value.Object:
		if isExtended(v) {
			return extendedOperand(v)
		}
		x.Kind = JSON
	default:
		err = fmt.Errorf("want a value, found %s", v.Kind())
	}
	return x, err
}

// extendedOperand reads `{"$oid": …}` and `{"$date": …}`.
func extendedOperand(v value.Value) (Operand, error) {
	if oid := v.Key("$oid"); oid.Kind() != value.Missing {
		text, _ := oid.Text()
		text = strings.ToLower(text)
		if len(text) != 24 || strings.Trim(text, "0123456789abcdef") != "" {
			return Operand{}, errors.New("$oid: want 24 hexadecimal digits")
		}
		return Operand{Kind: ObjectID, Text: text, JSON: v}, nil
	}
	micros, ok := microsOf(v.Key("$date"))
	if !ok {
		return Operand{}, errors.New("$date: want RFC 3339, YYYY-MM-DD or milliseconds since 1970")
	}
	return Operand{Kind: Date, Micros: micros, JSON: v}, nil
}

// microsOf reads the value of $date: a text, or milliseconds since 1970.
func microsOf(v value.Value) (micros int64, ok bool) {
	if text, ok := v.Text(); ok {
		t, ok := rules.ParseDate(text)
		return t.UnixMicro(), ok
	}
	n, err := NumberOf(v)
	const most = 1 << 52 // milliseconds, so that the product does not overflow
	if err != nil || !n.IsInt || n.Int > most || n.Int < -most {
		return 0, false
	}
	return n.Int * 1000, true
}

// checkPlain refuses operators inside an array or object that is compared as a
// whole. There they would be data, and their author means an operator.
func checkPlain(v value.Value) error {
	return each(v, func(key string, x value.Value) error {
		switch {
		case strings.HasPrefix(key, "$"):
			return errors.New("an operator inside a value")
		case isExtended(x):
			return nil
		}
		return checkPlain(x)
	})
}
