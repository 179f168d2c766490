package sqldb

import (
	"time"
	"unicode/utf8"

	"github.com/rulegate/rulegate/host/companion/query"
	"github.com/rulegate/rulegate/rules/value"
	"github.com/rulegate/rulegate/rules/value/strictjson"
	"github.com/tidwall/gjson"
)

// RowWriter writes rows as a JSON array of objects. Beside the rules of
// query.AppendCell, 0 and 1 of a Boolean column are false and true, and a text of a
// JSON column is that value, when it is JSON that all readers read alike (no
// repeated keys, at most query.CellDepth levels).
type RowWriter struct {
	columns []*Column
	keys    [][]byte // `"name":` of each column
	limit   int      // bytes of all rows
	rows    int
	out     []byte
}

// NewRowWriter returns a writer for at most limit bytes.
func NewRowWriter(columns []*Column, limit int) *RowWriter {
	w := &RowWriter{columns: columns, limit: limit, out: []byte{'['}}
	for _, c := range columns {
		w.keys = append(w.keys, append(gjson.AppendJSONString(nil, c.Name), ':'))
	}
	return w
}

// Rows is the number of rows so far.
func (w *RowWriter) Rows() int { return w.rows }

// Row writes a row. It ignores cells beyond the columns.
func (w *RowWriter) Row(cells []any) (err error) {
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
		if err := w.checkSize(); err != nil {
			return err
		}
	}
	w.out = append(w.out, '}')
	return w.checkSize()
}

// End returns the array.
func (w *RowWriter) End() ([]byte, error) {
	w.out = append(w.out, ']')
	return w.out, w.checkSize()
}

func (w *RowWriter) checkSize() error {
	if len(w.out) > w.limit {
		return query.TooManyBytes(w.limit)
	}
	return nil
}

func appendCell(out []byte, c *Column, cell any) ([]byte, error) {
	switch x := cell.(type) {
	case int64:
		if c.Declared == Boolean && (x == 0 || x == 1) {
			cell = x == 1
		}
	case string:
		if c.Declared == JSON && strictjson.Check(x, query.CellDepth) == nil {
			return append(out, x...), nil
		}
	}
	return query.AppendCell(out, c.Name, cell)
}

// CellValue returns the cell of a JSON column as conditions see it: the value that
// RowWriter writes, but a blob, or a cell that cannot be written, is Opaque.
func CellValue(cell any) query.Value {
	switch x := cell.(type) {
	case nil:
		return query.Value{}
	case int64:
		return query.OfJSON(value.Int(x))
	case float64:
		if v := value.Num(string(query.AppendFloat(nil, x))); v.Kind() == value.Number {
			return query.OfJSON(v)
		}
	case string:
		if v, err := value.Parse(x, query.CellDepth); err == nil {
			return query.OfJSON(v)
		}
		if utf8.ValidString(x) {
			return query.OfJSON(value.Str(x))
		}
	}
	return query.Opaque
}

// RFC3339 decodes an instant of a server, which has one of the layouts.
func RFC3339(c *Column, text string, layouts ...string) (any, error) {
	for _, layout := range layouts {
		if t, err := time.Parse(layout, text); err == nil {
			return query.RFC3339(c.Name, t)
		}
	}
	return nil, query.NotRFC3339(c.Name)
}

// Day decodes a day of a server.
func Day(c *Column, text string) (any, error) {
	if _, err := time.Parse(time.DateOnly, text); err != nil {
		return nil, query.NotRFC3339(c.Name)
	}
	return text, nil
}
