package companion

import (
	"database/sql"
	"encoding/base64"
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/rulegate/rulegate/rules/value"
	"github.com/rulegate/rulegate/rules/value/strictjson"
	"github.com/tidwall/gjson"
)

// cellDepth bounds the JSON of a cell, so that a reply is never deeper than the
// module reads. A deeper text is no JSON here: it stays a string.
const cellDepth = 32

// encodeRows writes SQLite's rows as a JSON array of objects:
//
//	integer, real   number, integers exactly; in a BOOLEAN column 0 and 1 are
//	                false and true
//	text            string; in a JSON column the value, when it is JSON that every
//	                reader reads alike (no repeated keys, no more than 32 levels)
//	blob            string, standard base64 with padding
//	NULL            null
//
// In a DATE, DATETIME or TIMESTAMP column a text that SQLite's own functions print
// is spelled as RFC 3339 in UTC; a day alone, and any other text, is as stored. Text that is not UTF-8 and infinite numbers are errors.
func encodeRows(rows *sql.Rows, columns []*column, most int) ([]byte, error) {
	cells := make([]any, max(len(columns), 1))
	into := make([]any, len(cells))
	for i := range cells {
		into[i] = &cells[i]
	}
	w := newRowWriter(columns, most)
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		if err := w.row(cells); err != nil {
			return nil, err
		}
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	return w.end()
}

// rowWriter writes rows, of at most so many bytes in all.
type rowWriter struct {
	columns []*column
	keys    [][]byte
	most    int
	rows    int
	out     []byte
}

func newRowWriter(columns []*column, most int) *rowWriter {
	w := &rowWriter{columns: columns, most: most, out: []byte{'['}}
	for _, c := range columns {
		w.keys = append(w.keys, append(gjson.AppendJSONString(nil, c.name), ':'))
	}
	return w
}

// row writes a row; cells beyond the columns are left out.
func (w *rowWriter) row(cells []any) (err error) {
	if w.rows > 0 {
		w.out = append(w.out, ',')
	}
	w.rows++
	w.out = append(w.out, '{')
	for i, c := range w.columns {
		if i > 0 {
			w.out = append(w.out, ',')
		}
		w.out = append(w.out, w.keys[i]...)
		if w.out, err = appendCell(w.out, c, cells[i]); err != nil {
			return err
		}
		if len(w.out) > w.most {
			return tooManyBytes(w.most)
		}
	}
	w.out = append(w.out, '}')
	if len(w.out) > w.most {
		return tooManyBytes(w.most)
	}
	return nil
}

func (w *rowWriter) end() ([]byte, error) {
	if w.out = append(w.out, ']'); len(w.out) > w.most {
		return nil, tooManyBytes(w.most)
	}
	return w.out, nil
}

func tooManyBytes(most int) error { return faultf(tooLarge, "rows of more than %d bytes", most) }

// number is a cell that is a JSON number already, with all its digits.
type number string

func appendCell(out []byte, c *column, cell any) ([]byte, error) {
	switch x := cell.(type) {
	case nil:
		return append(out, "null"...), nil
	case bool:
		return strconv.AppendBool(out, x), nil
	case number:
		if value.Num(string(x)).Kind() != value.Number {
			return nil, faultf(databaseError, "column %q holds a number that JSON has not", c.name)
		}
		return append(out, x...), nil
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
		if c.declared == moment {
			x = spelledMoment(x)
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
func cellValue(cell any) value.Value {
	switch x := cell.(type) {
	case nil:
		return value.Value{}
	case int64:
		return value.Int(x)
	case float64:
		if v := value.Num(string(appendFloat(nil, x))); v.Kind() == value.Number {
			return v
		}
	case string:
		if v, err := value.Parse(x, cellDepth); err == nil {
			return v
		}
		if utf8.ValidString(x) {
			return value.Str(x)
		}
	}
	return value.PendingValue // no value is equal to it, and null is not
}
