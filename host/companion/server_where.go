package companion

import (
	"slices"
	"strconv"
	"strings"

	"github.com/rulegate/rulegate/host/companion/query"
)

// dialect is what the database servers say differently.
type dialect interface {
	// column is c in a condition, and read c as it is fetched: of a long value no
	// more than most characters or bytes.
	column(c *column) string
	read(c *column, most int) string
	// decode makes of what the driver brought a cell that appendCell knows.
	decode(c *column, raw any) (any, error)
	// compare writes `left op value`, or that left is among the values.
	compare(left, typ string, op query.Op, values []any) fragment
	// strings, decimals and moments compare a column of that kind.
	strings(c *column, op query.Op, values []string) fragment
	decimals(c *column, op query.Op, values []query.Value) fragment
	moments(c *column, op query.Op, micros []int64) fragment
	// regex is false when the server has no pattern that means the same.
	regex(c *column, pattern string) (fragment, bool)
}

// hole stands for a bound value in the text of a fragment. Neither our text nor
// a name from a catalogue has a NUL.
const hole = "\x00"

// fragment is SQL with a hole for each of its values.
type fragment struct {
	text string
	args []any
}

// The keywords that every server takes for the truth values.
var (
	always = fragment{text: "TRUE"}
	never  = fragment{text: "FALSE"}
)

func joined(list []fragment, with string, empty fragment) fragment {
	switch len(list) {
	case 0:
		return empty
	case 1:
		return list[0]
	}
	var f fragment
	for i, x := range list {
		if i > 0 {
			f.text += with
		}
		f.text += x.text
		f.args = append(f.args, x.args...)
	}
	f.text = "(" + f.text + ")"
	return f
}

// test decides what SQL left open, from the cells of a row.
type test func(row []any) bool

// condition is an expression in SQL, which is never NULL. Without a test it is
// the expression. With one it only narrows: it is true for every row for which
// the expression is (or, where the opposite is asked for, false for every row for
// which the expression is not), and the test decides.
type condition struct {
	sql  fragment
	test test
}

// serverQuery writes a query for a server.
type serverQuery struct {
	dialect dialect
	table   *table
	most    int        // bytes of a cell
	asked   []*column  // what the answer shows
	read    []*column  // what is fetched, asked first; nil for the truth of an exact
	exact   []fragment // what is fetched beside columns, in the order of read's nils
	where   condition
}

func newServerQuery(d dialect, t *table, q Query) (*serverQuery, error) {
	asked := t.selected(q.Columns)
	s := &serverQuery{dialect: d, table: t, most: q.Bytes, asked: asked, read: slices.Clone(asked)}
	var err error
	s.where, err = s.condition(q.Where, true)
	return s, err
}

// maxScan bounds the rows that are fetched to be tested here.
const maxScan = 50_000

// text is the query's text, with holes, and its values.
func (s *serverQuery) text(limit int) fragment {
	f := fragment{text: "SELECT "}
	exact := s.exact
	for i, c := range s.read {
		if i > 0 {
			f.text += ", "
		}
		if c != nil {
			f.text += s.dialect.read(c, s.most+1)
			continue
		}
		f.text += "CASE WHEN " + exact[0].text + " THEN 1 ELSE 0 END"
		f.args = append(f.args, exact[0].args...)
		exact = exact[1:]
	}
	if len(s.read) == 0 {
		f.text += "1"
	}
	f.text += " FROM " + s.table.from + " AS t WHERE " + s.where.sql.text
	f.args = append(f.args, s.where.sql.args...)
	if s.where.test != nil {
		limit = maxScan + 1
	}
	f.text += " LIMIT " + strconv.Itoa(limit)
	return f
}

// condition translates e; want is false under an odd number of negations.
func (s *serverQuery) condition(e query.Expr, want bool) (condition, error) {
	switch e := e.(type) {
	case query.And:
		return s.all(e, " AND ", always, want, func(row []any, tests []test) bool {
			return !slices.ContainsFunc(tests, func(t test) bool { return !t(row) })
		})
	case query.Or:
		return s.all(e, " OR ", never, want, func(row []any, tests []test) bool {
			return slices.ContainsFunc(tests, func(t test) bool { return t(row) })
		})
	case query.Not:
		x, err := s.condition(e.Expr, !want)
		x.sql.text = "NOT (" + x.sql.text + ")"
		if inner := x.test; inner != nil {
			x.test = func(row []any) bool { return !inner(row) }
		}
		return x, err
	case *query.Field:
		return s.field(e, want)
	}
	return condition{}, faultf(internal, "unknown expression %T", e)
}

func (s *serverQuery) all(list []query.Expr, with string, empty fragment, want bool, join func([]any, []test) bool) (condition, error) {
	var parts []condition
	var texts []fragment
	exact := true
	for _, e := range list {
		c, err := s.condition(e, want)
		if err != nil {
			return condition{}, err
		}
		exact = exact && c.test == nil
		parts, texts = append(parts, c), append(texts, c.sql)
	}
	whole := condition{sql: joined(texts, with, empty)}
	if exact {
		return whole, nil
	}
	var tests []test
	for _, c := range parts {
		if c.test == nil {
			c.test = s.truth(c.sql)
		}
		tests = append(tests, c.test)
	}
	whole.test = func(row []any) bool { return join(row, tests) }
	return whole, nil
}

// truth fetches whether f is true for a row.
func (s *serverQuery) truth(f fragment) test {
	i := len(s.read)
	s.read, s.exact = append(s.read, nil), append(s.exact, f)
	return func(row []any) bool { return row[i] == true }
}

// fetch gives the place of c's cell in a row.
func (s *serverQuery) fetch(c *column) int {
	if i := slices.Index(s.read, c); i >= 0 {
		return i
	}
	s.read = append(s.read, c)
	return len(s.read) - 1
}

func (s *serverQuery) field(f *query.Field, want bool) (condition, error) {
	c, path, err := s.table.resolve(f.Key)
	if err != nil {
		return condition{}, err
	}
	there := fragment{text: s.dialect.column(c) + " IS NOT NULL"}
	switch {
	case f.Op == query.Exists && len(path) == 0:
		return condition{sql: there}, nil
	case c.declared == document:
		i := s.fetch(c)
		holds := func(row []any) bool { return f.Holds(cellValue(row[i]), path) }
		return condition{sql: narrow(want, !holds(make([]any, i+1)), there), test: holds}, nil
	case f.Op != query.Regex:
		values := f.Values
		if f.Op != query.In {
			values = []query.Value{f.Value}
		}
		return condition{sql: s.tests(c, f.Op, values)}, nil
	case c.kind != kindText:
		return condition{sql: never}, nil
	}
	if text, ok := s.dialect.regex(c, f.Pattern.String()); ok {
		return condition{sql: text}, nil
	}
	i := s.fetch(c)
	return condition{sql: narrow(want, true, there), test: func(row []any) bool {
		text, ok := row[i].(string)
		return ok && f.Pattern.MatchString(text)
	}}, nil
}

// narrow is all that SQL says of what is tested here: that the column is not
// NULL, where NULL does not match.
func narrow(want, needs bool, there fragment) fragment {
	switch {
	case !want:
		return never
	case needs:
		return there
	}
	return always
}

// params replaces the holes: with `?`, or as number says.
func (f fragment) params(number func(n int) string) string {
	var b strings.Builder
	for i, part := range strings.Split(f.text, hole) {
		if i > 0 {
			b.WriteString(number(i))
		}
		b.WriteString(part)
	}
	return b.String()
}
