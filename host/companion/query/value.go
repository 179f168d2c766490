package query

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/rulegate/rulegate/rules/value"
)

// Kind is what a Value is.
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

// Value is what a field is compared with.
type Value struct {
	Kind   Kind
	Bool   bool
	Number Number
	Text   string      // of Str; of ObjectID its 24 hex digits, lower case
	Micros int64       // of Date: microseconds since 1970, UTC
	JSON   value.Value // as it came
}

// extended says whether v is a value in MongoDB's extended JSON: one key, $date or $oid.
func extended(v value.Value) bool {
	return v.Kind() == value.Object && v.Len() == 1 &&
		(v.Key("$date").Kind() != value.Missing || v.Key("$oid").Kind() != value.Missing)
}

func (p *parser) value(v value.Value) (Value, error) {
	if p.values++; p.values > MaxValues {
		return Value{}, fmt.Errorf("more than %d values", MaxValues)
	}
	x := Value{JSON: v}
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
		if extended(v) {
			return special(v)
		}
		x.Kind = JSON
		err = plain(v)
	default:
		err = fmt.Errorf("want a value, found %s", v.Kind())
	}
	return x, err
}

func special(v value.Value) (Value, error) {
	if oid := v.Key("$oid"); oid.Kind() != value.Missing {
		text, _ := oid.Text()
		text = strings.ToLower(text)
		if len(text) != 24 || strings.Trim(text, "0123456789abcdef") != "" {
			return Value{}, errors.New("$oid: want 24 hexadecimal digits")
		}
		return Value{Kind: ObjectID, Text: text, JSON: v}, nil
	}
	micros, ok := instant(v.Key("$date"))
	if !ok {
		return Value{}, errors.New("$date: want RFC 3339, YYYY-MM-DD or milliseconds since 1970")
	}
	return Value{Kind: Date, Micros: micros, JSON: v}, nil
}

func instant(v value.Value) (micros int64, ok bool) {
	if text, ok := v.Text(); ok {
		for _, layout := range []string{time.RFC3339Nano, time.DateOnly} {
			if t, err := time.Parse(layout, text); err == nil {
				return t.UnixMicro(), true
			}
		}
		return 0, false
	}
	n, err := NumberOf(v)
	const most = 1 << 52 // milliseconds, so that the product fits
	if err != nil || !n.IsInt || n.Int > most || n.Int < -most {
		return 0, false
	}
	return n.Int * 1000, true
}

// plain refuses operators inside an array or object that is to be compared: they
// would be data there, which nobody who writes one means.
func plain(v value.Value) error {
	return each(v, func(key string, x value.Value) error {
		switch {
		case strings.HasPrefix(key, "$"):
			return errors.New("an operator inside a value")
		case extended(x):
			return nil
		}
		return plain(x)
	})
}
