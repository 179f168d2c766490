package sqldb

import (
	"slices"
	"strconv"

	"github.com/rulegate/rulegate/host/companion/query"
	"github.com/rulegate/rulegate/rules/value"
)

// Dialect is a database server's SQL.
type Dialect interface {
	// Column writes c for a condition, and Fetch for the list of columns: of a long
	// value no more than limit characters or bytes.
	Column(c *Column) string
	Fetch(c *Column, limit int) string
	// Decode turns a value of the driver into a cell that query.AppendCell takes.
	Decode(c *Column, raw any) (any, error)
	// Compare writes `left op value`, or that left is one of the values. typ is a
	// type of standard SQL.
	Compare(left, typ string, op query.Op, values []any) Fragment
	// Strings, Decimals and DateTimes compare a column of that kind.
	Strings(c *Column, op query.Op, values []string) Fragment
	Decimals(c *Column, op query.Op, values []query.Operand) Fragment
	DateTimes(c *Column, op query.Op, micros []int64) Fragment
	// Regex returns false when the server has no pattern of the same meaning.
	Regex(c *Column, pattern string) (Fragment, bool)
}

// condition is a condition as a server is asked for it. Its rows are cells in the
// order of Statement.fetched.
type condition = query.Condition[Fragment, []any]

// Statement is a query for a server.
type Statement struct {
	Logic
	dialect Dialect
	table   *Table
	limit   int
	bytes   int        // of a cell and of all rows
	asked   []*Column  // the columns of the answer
	fetched []*Column  // asked first; nil for the truth of an exact condition
	truths  []Fragment // the SQL for the nils of fetched, in their order
	where   condition
}

// NewStatement translates a query.
func NewStatement(d Dialect, t *Table, q query.Query) (*Statement, error) {
	asked := t.Selected(q.Columns)
	s := &Statement{dialect: d, table: t, limit: q.Limit, bytes: q.Bytes, asked: asked, fetched: slices.Clone(asked)}
	var err error
	s.where, err = query.Narrow(s, q.Where)
	return s, err
}

// SQL returns the text of the statement, with placeholders, and its values.
func (s *Statement) SQL() Fragment {
	f := Fragment{Text: "SELECT "}
	truths := s.truths
	for i, c := range s.fetched {
		if i > 0 {
			f.Text += ", "
		}
		if c != nil {
			f.Text += s.dialect.Fetch(c, s.bytes+1)
			continue
		}
		f.Text += "CASE WHEN " + truths[0].Text + " THEN 1 ELSE 0 END"
		f.Args = append(f.Args, truths[0].Args...)
		truths = truths[1:]
	}
	if len(s.fetched) == 0 {
		f.Text += "1"
	}
	where := Where(s.where)
	f.Text += " FROM " + s.table.From + " AS t WHERE " + where.Text
	f.Args = append(f.Args, where.Args...)
	limit := s.limit
	if s.where.Test != nil {
		limit = query.MaxScan + 1
	}
	f.Text += " LIMIT " + strconv.Itoa(limit)
	return f
}

// Truth fetches as a column whether the condition holds, because only the server
// knows its own comparisons.
func (s *Statement) Truth(_ query.Expr, exact Fragment) func(row []any) bool {
	i := len(s.fetched)
	s.fetched, s.truths = append(s.fetched, nil), append(s.truths, exact)
	return func(row []any) bool { return row[i] == true }
}

// fetch returns the index of c's cell in a row.
func (s *Statement) fetch(c *Column) int {
	if i := slices.Index(s.fetched, c); i >= 0 {
		return i
	}
	s.fetched = append(s.fetched, c)
	return len(s.fetched) - 1
}

// Field translates one operator on one field.
func (s *Statement) Field(f *query.Field, want bool) (condition, error) {
	c, path, err := s.table.Resolve(f.Key)
	if err != nil {
		return condition{}, err
	}
	exists := Fragment{Text: s.dialect.Column(c) + " IS NOT NULL"}
	switch {
	case f.Op == query.Exists && len(path) == 0:
		return condition{Filter: exists}, nil
	case c.Declared == JSON:
		return s.jsonField(c, f, path, exists, want), nil
	case f.Op == query.Regex:
		return s.regexField(c, f, exists, want), nil
	}
	compared := s.compare(c, f.Op, Operands(f))
	if compared.isNever() {
		return condition{Known: query.Never}, nil
	}
	return condition{Filter: compared}, nil
}

// jsonField tests JSON in Go. The server is only asked whether the column is NULL,
// when a NULL does not match.
func (s *Statement) jsonField(c *Column, f *query.Field, path []string, exists Fragment, want bool) condition {
	i := s.fetch(c)
	holds := func(row []any) bool { return f.Holds(CellValue(row[i]), path) }
	if want && !f.Holds(query.OfJSON(value.Value{}), path) {
		return condition{Filter: exists, Test: holds}
	}
	return query.AtLeast[Fragment](want, holds)
}

// regexField tests a pattern in Go when the server has none of the same meaning.
func (s *Statement) regexField(c *Column, f *query.Field, exists Fragment, want bool) condition {
	if c.Kind != TextKind {
		return condition{Known: query.Never}
	}
	if text, ok := s.dialect.Regex(c, f.Pattern.String()); ok {
		return condition{Filter: text}
	}
	i := s.fetch(c)
	matches := func(row []any) bool {
		text, ok := row[i].(string)
		return ok && f.Pattern.MatchString(text)
	}
	if want {
		return condition{Filter: exists, Test: matches}
	}
	return query.AtLeast[Fragment](want, matches)
}
