package companion

import (
	"slices"
	"strings"

	"github.com/rulegate/rulegate/host/companion/query"
)

// selection writes the query as SQL. Names come from the catalogue and are
// quoted; every value is bound.
func (w *where) selection(q Query, columns []*column) error {
	w.text.WriteString("SELECT ")
	for i, c := range columns {
		if i > 0 {
			w.text.WriteString(", ")
		}
		// The plus makes it an expression: the driver would make times and
		// booleans of declared columns by rules of its own.
		w.text.WriteString("+" + c.sql())
	}
	if len(columns) == 0 {
		w.text.WriteString("1")
	}
	w.text.WriteString(" FROM main." + quote(w.table.name) + " AS t WHERE ")
	if err := w.expr(q.Where); err != nil {
		return err
	}
	w.write(" LIMIT ?", q.Limit)
	return nil
}

// where writes a condition. SQL has three truth values and a find has two, so
// each test that is written here is 0 or 1 for every row, never NULL.
type where struct {
	table     *table
	functions *functions
	text      strings.Builder
	args      []any
	kept      []int64 // conditions, to be forgotten after the query
}

func (w *where) write(text string, args ...any) {
	w.text.WriteString(text)
	w.args = append(w.args, args...)
}

func (w *where) expr(e query.Expr) error {
	switch e := e.(type) {
	case query.And:
		return w.join(e, " AND ", "1")
	case query.Or:
		return w.join(e, " OR ", "0")
	case query.Not:
		w.write("NOT (")
		defer w.write(")")
		return w.expr(e.Expr)
	case *query.Field:
		return w.field(e)
	}
	return faultf(internal, "unknown expression %T", e)
}

func (w *where) join(list []query.Expr, with, empty string) error {
	if len(list) == 0 {
		w.write(empty)
		return nil
	}
	w.write("(")
	for i, e := range list {
		if i > 0 {
			w.write(with)
		}
		if err := w.expr(e); err != nil {
			return err
		}
	}
	w.write(")")
	return nil
}

func (w *where) field(f *query.Field) error {
	c, path, err := w.table.resolve(f.Key)
	switch {
	case err != nil:
		return err
	case c.declared == document:
		number := w.functions.keep(&jsonCondition{path: path, field: f})
		w.kept = append(w.kept, number)
		w.write(jsonFunction+"("+c.sql()+", ?)", number)
		return nil
	case f.Op == query.Exists:
		w.write(c.sql() + " IS NOT NULL")
		return nil
	case f.Op == query.Regex:
		w.write("(typeof("+c.sql()+") = 'text' AND "+regexFunction+"("+c.sql()+", ?))", f.Pattern.String())
		return nil
	}
	values := f.Values
	if f.Op != query.In {
		values = []query.Value{f.Value}
	}
	w.tests(c, f.Op, values)
	return nil
}

// resolve finds the column that a key names: as a whole, or up to a dot where the
// rest leads into JSON.
func (t *table) resolve(key string) (c *column, path []string, err error) {
	if i, ok := t.byName[key]; ok {
		return &t.columns[i], nil, nil
	}
	name, rest, dotted := strings.Cut(key, ".")
	if c, err = t.column(name); err != nil || !dotted {
		return c, nil, err
	}
	path = strings.Split(rest, ".")
	switch {
	case c.declared != document:
		return nil, nil, faultf(badCall, "%q in %q: the column is not declared as JSON, nothing is inside it", key, t.name)
	case slices.Contains(path, ""):
		return nil, nil, faultf(badCall, "%q in %q: an empty key in the path", key, t.name)
	}
	return c, path, nil
}

// tests writes that the column compares so with one of the values, those of each
// type together. Types that the column cannot hold match nothing.
func (w *where) tests(c *column, op query.Op, values []query.Value) {
	byKind := map[query.Kind][]any{}
	for _, v := range values {
		if x, ok := bound(v); ok {
			byKind[v.Kind] = append(byKind[v.Kind], x)
		}
	}
	// One alternative stands alone: beside anything else, a 0 too, SQLite looks
	// through all rows, whatever indexes there are.
	w.write("(")
	first := true
	or := func(text string) {
		if !first {
			w.write(" OR ")
		}
		w.write(text)
		first = false
	}
	if len(byKind[query.Null]) > 0 && op != query.Gt && op != query.Lt {
		or(c.sql() + " IS NULL")
	}
	if list := byKind[query.Str]; len(list) > 0 {
		or("typeof(" + c.sql() + ") = 'text' AND " + c.operand(textual, none) + " COLLATE BINARY")
		w.compare(op, list)
	}
	if list := byKind[query.Num]; len(list) > 0 {
		or(c.isNumber() + " AND " + c.operand(numeric, none))
		w.compare(op, list)
	}
	if list := byKind[query.Bool]; len(list) > 0 && c.declared == boolean {
		or(c.isBool() + " AND " + c.operand(numeric, none))
		w.compare(op, list)
	}
	if list := byKind[query.Date]; len(list) > 0 && c.declared == moment {
		or("coalesce(" + momentFunction + "(" + c.sql() + ")")
		w.compare(op, list)
		w.write(", 0)")
	}
	if first {
		w.write("0")
	}
	w.write(")")
}

// bound is the value that SQLite is given; false for what it has no type for.
func bound(v query.Value) (any, bool) {
	switch v.Kind {
	case query.Null:
		return nil, true
	case query.Bool:
		return v.Bool, true // the driver binds 0 or 1
	case query.Num:
		if v.Number.IsInt {
			return v.Number.Int, true
		}
		return v.Number.Float, true
	case query.Str:
		return v.Text, true
	case query.Date:
		return v.Micros, true
	}
	return nil, false
}

var comparisons = map[query.Op]string{query.Gt: " > ?", query.Gte: " >= ?", query.Lt: " < ?", query.Lte: " <= ?"}

func (w *where) compare(op query.Op, list []any) {
	if text, ok := comparisons[op]; ok {
		w.write(text, list[0])
		return
	}
	w.write(" IN (?"+strings.Repeat(", ?", len(list)-1)+")", list...)
}

func (c *column) sql() string { return "t." + quote(c.name) }

// operand is the column as one side of a comparison. Where its affinity is one of
// those that leave a value of that type as it is, the bare column, which an index
// can serve; else, after a plus, an expression that converts nothing.
func (c *column) operand(keep ...affinity) string {
	if !c.view && slices.Contains(keep, c.affinity) {
		return c.sql()
	}
	return "+" + c.sql()
}

func (c *column) isBool() string {
	return "(typeof(" + c.sql() + ") = 'integer' AND " + c.sql() + " IN (0, 1))"
}

func (c *column) isNumber() string {
	test := "typeof(" + c.sql() + ") IN ('integer', 'real')"
	if c.declared == boolean {
		test += " AND NOT " + c.isBool()
	}
	return test
}
