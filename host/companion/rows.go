package companion

import (
	"database/sql"
	"encoding/base64"
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/strictjson"
	"github.com/tidwall/gjson"
)

// cellDepth bounds the JSON of a cell, so that a reply is never deeper than the
// module reads. A deeper text is no JSON here: it stays a string.
const cellDepth = 32

// encodeRows writes rows as a JSON array of objects:
//
//	integer, real   number, integers exactly; in a BOOLEAN column 0 and 1 are
//	                false and true
//	text            string; in a JSON column the value, when it is JSON that every
//	                reader reads alike (no repeated keys, no more than 32 levels)
//	blob            string, standard base64 with padding
//	NULL            null
//
// Dates are what is stored. Text that is not UTF-8 and infinite numbers are errors.
func encodeRows(rows *sql.Rows, columns []*column, most int) ([]byte, error) {
	cells := make([]any, max(len(columns), 1))
	into := make([]any, len(cells))
	for i := range cells {
		into[i] = &cells[i]
	}
	keys := make([][]byte, len(columns))
	for i, c := range columns {
		keys[i] = append(gjson.AppendJSONString(nil, c.name), ':')
	}
	out := []byte{'['}
	for first := true; rows.Next(); first = false {
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		if !first {
			out = append(out, ',')
		}
		out = append(out, '{')
		for i, c := range columns {
			if i > 0 {
				out = append(out, ',')
			}
			out = append(out, keys[i]...)
			var err error
			if out, err = appendCell(out, c, cells[i]); err != nil {
				return nil, err
			}
			if len(out) > most {
				return nil, faultf(tooLarge, "rows of more than %d bytes", most)
			}
		}
		out = append(out, '}')
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	if out = append(out, ']'); len(out) > most {
		return nil, faultf(tooLarge, "rows of more than %d bytes", most)
	}
	return out, nil
}

func appendCell(out []byte, c *column, cell any) ([]byte, error) {
	switch x := cell.(type) {
	case nil:
		return append(out, "null"...), nil
	case int64:
		if c.declared == boolean && (x == 0 || x == 1) {
			return strconv.AppendBool(out, x == 1), nil
		}
		return strconv.AppendInt(out, x, 10), nil
	case float64:
		if math.IsInf(x, 0) || math.IsNaN(x) {
			return nil, faultf(databaseError, "column %q holds a number that JSON has not", c.name)
		}
		return appendFloat(out, x), nil
	case string:
		if !utf8.ValidString(x) {
			return nil, faultf(databaseError, "column %q holds text that is not UTF-8", c.name)
		}
		if c.declared == document && strictjson.Check(x, cellDepth) == nil {
			return append(out, x...), nil
		}
		return gjson.AppendJSONString(out, x), nil
	case []byte:
		out = append(out, '"')
		return append(base64.StdEncoding.AppendEncode(out, x), '"'), nil
	}
	return nil, faultf(databaseError, "column %q holds a %T", c.name, cell)
}

// appendFloat writes a double as the shortest text that gives it back; an integer
// below 1e21 with all its digits, since readers compare long integers exactly.
func appendFloat(out []byte, x float64) []byte {
	switch a := math.Abs(x); {
	case a < 1e21 && x == math.Trunc(x):
		return strconv.AppendFloat(out, x, 'f', 0, 64)
	case a >= 1e-6 && a < 1e21:
		return strconv.AppendFloat(out, x, 'f', -1, 64)
	}
	return strconv.AppendFloat(out, x, 'e', -1, 64)
}

// cellValue is the cell of a JSON column as conditions see it: what encodeRows
// writes, but a blob, and what cannot be written, is there and like nothing.
func cellValue(cell any) rules.Value {
	switch x := cell.(type) {
	case nil:
		return rules.Value{}
	case int64:
		return rules.Int(x)
	case float64:
		if v := rules.Num(string(appendFloat(nil, x))); v.Kind() == rules.Number {
			return v
		}
	case string:
		if v, err := rules.Parse(x, cellDepth); err == nil {
			return v
		}
		if utf8.ValidString(x) {
			return rules.Str(x)
		}
	}
	return rules.PendingValue // no value is equal to it, and null is not
}
