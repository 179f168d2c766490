package sqlite

import (
	"slices"
	"strings"

	"github.com/rulegate/rulegate/host/companion/query"
	"github.com/rulegate/rulegate/host/companion/sqldb"
)

// statement is a query in SQLite's SQL.
type statement struct {
	sqldb.Logic
	table     *table
	columns   []*sqldb.Column // of the answer
	text      string
	args      []any
	functions *functions
	kept      []int64 // conditions that functions keeps until release
}

// newStatement translates a query. The caller releases the statement, also after an
// error.
func newStatement(t *table, f *functions, q query.Query) (*statement, error) {
	s := &statement{table: t, functions: f, columns: t.Selected(q.Columns)}
	condition, err := query.Narrow(s, q.Where)
	if err != nil {
		return s, err
	}
	list := "1"
	if len(s.columns) > 0 {
		names := make([]string, len(s.columns))
		for i, c := range s.columns {
			// The plus makes it an expression. Of a plain column the driver would
			// convert dates and booleans by its own rules.
			names[i] = "+" + column(c)
		}
		list = strings.Join(names, ", ")
	}
	where := sqldb.Where(condition)
	s.text = "SELECT " + list + " FROM main." + sqldb.Quote(t.Name) + " AS t WHERE " + where.Questioned() + " LIMIT ?"
	s.args = slices.Concat(where.Args, []any{q.Limit})
	return s, nil
}

func (s *statement) release() { s.functions.forget(s.kept) }

// condition is a condition in SQL, which is always exact here.
type condition = query.Condition[sqldb.Fragment, struct{}]

// Truth is never called, because all conditions are exact. Its test admits no row.
func (s *statement) Truth(query.Expr, sqldb.Fragment) func(struct{}) bool {
	return func(struct{}) bool { return false }
}

// Field translates one operator on one field to SQL that is 0 or 1, never NULL.
func (s *statement) Field(f *query.Field, _ bool) (condition, error) {
	c, path, err := s.table.Resolve(f.Key)
	if err != nil {
		return condition{}, err
	}
	name := column(c)
	switch {
	case c.Declared == sqldb.JSON:
		number := s.functions.keep(&jsonCondition{path: path, field: f})
		s.kept = append(s.kept, number)
		return exactly(jsonFunction+"("+name+", "+sqldb.Placeholder+")", number), nil
	case f.Op == query.Exists:
		return exactly(name + " IS NOT NULL"), nil
	case f.Op == query.Regex && c.Declared == sqldb.Date:
		return condition{Known: query.Never}, nil
	case f.Op == query.Regex:
		return exactly("(typeof("+name+") = 'text' AND "+regexFunction+"("+name+", "+sqldb.Placeholder+"))", f.Pattern.String()), nil
	}
	return s.compare(c, f.Op, sqldb.Operands(f)), nil
}

func exactly(text string, args ...any) condition {
	return condition{Filter: sqldb.Fragment{Text: text, Args: args}}
}

// compare writes that the column compares with one of the operands, those of each
// type together. Types that the column cannot hold match nothing.
func (s *statement) compare(c *sqldb.Column, op query.Op, operands []query.Operand) condition {
	byKind := map[query.Kind][]any{}
	for _, x := range operands {
		if v, ok := bound(x); ok {
			byKind[x.Kind] = append(byKind[x.Kind], v)
		}
	}
	// A single alternative must stand alone: beside anything else, even a 0, SQLite
	// scans all rows and uses no index.
	var alternatives []sqldb.Fragment
	add := func(test, operand, after string, values []any) {
		f := sqldb.Compare(operand, sqldb.Placeholder, equalsIn(op), values)
		f.Text = "(" + test + f.Text + after + ")"
		alternatives = append(alternatives, f)
	}
	name := column(c)
	if len(byKind[query.Null]) > 0 && op != query.Gt && op != query.Lt {
		alternatives = append(alternatives, sqldb.Fragment{Text: name + " IS NULL"})
	}
	if c.Declared == sqldb.Date { // a date, however it is stored
		delete(byKind, query.Str)
		delete(byKind, query.Num)
	}
	if list := byKind[query.Str]; len(list) > 0 {
		add("typeof("+name+") = 'text' AND ", s.operand(c, textual, none)+" COLLATE BINARY", "", list)
	}
	if list := byKind[query.Num]; len(list) > 0 {
		add(isNumber(c)+" AND ", s.operand(c, numeric, none), "", list)
	}
	if list := byKind[query.Bool]; len(list) > 0 && c.Declared == sqldb.Boolean {
		add(isBoolean(c)+" AND ", s.operand(c, numeric, none), "", list)
	}
	if list := byKind[query.Date]; len(list) > 0 && c.Declared == sqldb.Date {
		add("coalesce(", dateFunction+"("+name+")", ", 0)", list)
	}
	if len(alternatives) == 0 {
		return condition{Known: query.Never}
	}
	return condition{Filter: sqldb.AnyOf(alternatives)}
}

// equalsIn turns Eq into an In of one value.
func equalsIn(op query.Op) query.Op {
	if op == query.Eq {
		return query.In
	}
	return op
}

// bound returns the value to bind, false for a type that SQLite does not have.
func bound(x query.Operand) (any, bool) {
	switch x.Kind {
	case query.Null:
		return nil, true
	case query.Bool:
		return x.Bool, true // the driver binds 0 or 1
	case query.Num:
		if x.Number.IsInt {
			return x.Number.Int, true
		}
		return x.Number.Float, true
	case query.Str:
		return x.Text, true
	case query.Date:
		return x.Micros, true
	}
	return nil, false
}

// column writes a column's name. It always has the table's alias, because SQLite
// reads a quoted name that it does not know as a string.
func column(c *sqldb.Column) string { return "t." + sqldb.Quote(c.Name) }

// operand writes the column as one side of a comparison: the bare column, which an
// index can serve, where its affinity is one that leaves values of that type as they
// are; else an expression, which converts nothing.
func (s *statement) operand(c *sqldb.Column, keep ...affinity) string {
	if a, ok := s.table.affinities[c.Name]; ok && slices.Contains(keep, a) {
		return column(c)
	}
	return "+" + column(c)
}

func isBoolean(c *sqldb.Column) string {
	return "(typeof(" + column(c) + ") = 'integer' AND " + column(c) + " IN (0, 1))"
}

func isNumber(c *sqldb.Column) string {
	test := "typeof(" + column(c) + ") IN ('integer', 'real')"
	if c.Declared == sqldb.Boolean {
		test += " AND NOT " + isBoolean(c)
	}
	return test
}
