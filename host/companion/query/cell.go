package query

import (
	"encoding/base64"
	"math"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/rulegate/rulegate/host/companion/failure"
	"github.com/rulegate/rulegate/rules/value"
	"github.com/tidwall/gjson"
)

// CellDepth bounds the nesting of JSON in a cell, so that a reply is never nested
// deeper than the module reads. A deeper text is not read as JSON.
const CellDepth = 32

// JSONNumber is a cell whose text is a JSON number already, with all its digits.
type JSONNumber string

// AppendCell writes a scalar as JSON: nil, bool, JSONNumber, int64, float64, string,
// or []byte as standard base64 with padding. It fails for a number that JSON does not
// have and for text that is not UTF-8.
func AppendCell(out []byte, column string, cell any) ([]byte, error) {
	switch x := cell.(type) {
	case nil:
		return append(out, "null"...), nil
	case bool:
		return strconv.AppendBool(out, x), nil
	case JSONNumber:
		if value.Num(string(x)).Kind() != value.Number {
			return nil, notJSON(column)
		}
		return append(out, x...), nil
	case int64:
		return strconv.AppendInt(out, x, 10), nil
	case float64:
		if math.IsInf(x, 0) || math.IsNaN(x) {
			return nil, notJSON(column)
		}
		return AppendFloat(out, x), nil
	case string:
		if !utf8.ValidString(x) {
			return nil, failure.Errorf(failure.Database, "column %q holds text that is not UTF-8", column)
		}
		return gjson.AppendJSONString(out, x), nil
	case []byte:
		out = append(out, '"')
		return append(base64.StdEncoding.AppendEncode(out, x), '"'), nil
	}
	return nil, failure.Errorf(failure.Database, "column %q holds a %T", column, cell)
}

func notJSON(column string) error {
	return failure.Errorf(failure.Database, "column %q holds a number that JSON does not have", column)
}

// AppendFloat writes a double as the shortest text that reads back as the same
// double, but an integer below 1e21 with all its digits, because readers compare
// long integers exactly.
func AppendFloat(out []byte, x float64) []byte {
	switch a := math.Abs(x); {
	case a < 1e21 && x == math.Trunc(x):
		return strconv.AppendFloat(out, x, 'f', 0, 64)
	case a >= 1e-6 && a < 1e21:
		return strconv.AppendFloat(out, x, 'f', -1, 64)
	}
	return strconv.AppendFloat(out, x, 'e', -1, 64)
}

// RFC3339 writes an instant in UTC. It fails for a year that RFC 3339 does not have.
func RFC3339(column string, t time.Time) (string, error) {
	if t = t.UTC(); t.Year() < 0 || t.Year() > 9999 {
		return "", NotRFC3339(column)
	}
	return t.Format(time.RFC3339Nano), nil
}

// NotRFC3339 is the error for a date that RFC 3339 does not have, such as infinity.
func NotRFC3339(column string) error {
	return failure.Errorf(failure.Database, "column %q holds a date that RFC 3339 does not have", column)
}

// TooManyBytes is the error for an answer over the limit.
func TooManyBytes(limit int) error {
	return failure.Errorf(failure.TooLarge, "rows of more than %d bytes", limit)
}
