package mysql

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/rulegate/rulegate/host/companion/failure"
	"github.com/rulegate/rulegate/host/companion/query"
	"github.com/rulegate/rulegate/host/companion/sqldb"
)

type dialect struct{}

func (dialect) Column(c *sqldb.Column) string {
	switch name := "t." + backquote(c.Name); c.Type {
	case "float":
		// A bare float is shown with six digits but compared with all of them.
		return "(" + name + " * 1e0)"
	case "bit", "year":
		return "(" + name + " + 0)"
	default:
		return name
	}
}

func inUTF8(c *sqldb.Column) string { return "CONVERT(t." + backquote(c.Name) + " USING utf8mb4)" }

func (d dialect) Fetch(c *sqldb.Column, limit int) string {
	switch {
	case c.Kind == sqldb.TextKind || c.Declared == sqldb.JSON:
		return fmt.Sprintf("LEFT(%s, %d)", inUTF8(c), limit)
	case c.Kind == sqldb.BytesKind || c.Kind == sqldb.OtherKind:
		return fmt.Sprintf("LEFT(t.%s, %d)", backquote(c.Name), limit)
	case c.Kind == sqldb.DecimalKind || c.Kind == sqldb.DateTimeKind || c.Kind == sqldb.DateKind:
		return fmt.Sprintf("CAST(%s AS CHAR)", d.Column(c))
	}
	return d.Column(c)
}

func (dialect) Compare(left, _ string, op query.Op, values []any) sqldb.Fragment {
	return sqldb.Compare(left, sqldb.Placeholder, op, values)
}

// Strings compares by bytes. No collation of the server does: each ignores trailing
// spaces or treats other texts as equal. Where an index may serve, the column as it
// is comes first, as a bound.
func (d dialect) Strings(c *sqldb.Column, op query.Op, values []string) sqldb.Fragment {
	list := make([]any, len(values))
	for i, s := range values {
		list[i] = s
	}
	exact := sqldb.Compare("CAST("+inUTF8(c)+" AS BINARY)", "CAST("+sqldb.Placeholder+" AS BINARY)", op, list)
	if !c.ByBytes || op.Orders() {
		return exact
	}
	bound := sqldb.Compare("t."+backquote(c.Name), sqldb.Placeholder, op, list)
	return sqldb.Logic{}.All([]sqldb.Fragment{bound, exact})
}

// maxDecimal is the number of digits that a DECIMAL can have.
const maxDecimal = 65

// Decimals compares exactly with whole numbers, and as doubles with other numbers.
func (d dialect) Decimals(c *sqldb.Column, op query.Op, values []query.Operand) sqldb.Fragment {
	var list []sqldb.Fragment
	for _, v := range values {
		one := op
		if op == query.In {
			one = query.Eq
		}
		if f := d.decimal(c, one, v.Number); f.Text != sqldb.Never.Text {
			list = append(list, f)
		}
	}
	return sqldb.AnyOf(list)
}

func (d dialect) decimal(c *sqldb.Column, op query.Op, n query.Number) sqldb.Fragment {
	value, placeholder := any(n.Float), sqldb.Placeholder
	switch {
	case n.IsInt:
		value = n.Int
	case n.Large != nil:
		digits := n.Large.String()
		if len(strings.TrimPrefix(digits, "-")) > maxDecimal {
			if !op.Orders() {
				return sqldb.Never
			}
			return sqldb.Beyond(op, n.Large.Sign() > 0)
		}
		value, placeholder = digits, fmt.Sprintf("CAST(%s AS DECIMAL(%d, 0))", sqldb.Placeholder, maxDecimal)
	}
	return sqldb.Compare(d.Column(c), placeholder, op, []any{value})
}

// DateTimes matches no zero date: it is not a day.
func (d dialect) DateTimes(c *sqldb.Column, op query.Op, micros []int64) sqldb.Fragment {
	var list []any
	for _, x := range micros {
		list = append(list, time.UnixMicro(x).UTC().Format("2006-01-02 15:04:05.000000"))
	}
	f := sqldb.Compare(d.Column(c), "CAST("+sqldb.Placeholder+" AS DATETIME(6))", op, list)
	f.Text = "(" + f.Text + " AND YEAR(" + d.Column(c) + ") > 0)"
	return f
}

// Regex leaves all patterns to Go. The server's patterns backtrack; when they give
// up, the answer is no with a warning, which a $not would turn into yes.
func (dialect) Regex(*sqldb.Column, string) (sqldb.Fragment, bool) { return sqldb.Fragment{}, false }

func (dialect) Decode(c *sqldb.Column, raw any) (any, error) {
	if raw == nil {
		return nil, nil
	}
	switch c.Kind {
	case sqldb.IntKind, sqldb.BoolKind:
		return decodeInteger(c, raw)
	case sqldb.FloatKind:
		switch x := raw.(type) {
		case float64:
			return x, nil
		case float32:
			return float64(x), nil
		}
	}
	var text string
	switch x := raw.(type) {
	case []byte:
		if c.Kind == sqldb.BytesKind || c.Kind == sqldb.OtherKind && c.Declared != sqldb.JSON {
			return append([]byte(nil), x...), nil
		}
		text = string(x)
	case string:
		text = x
	default:
		return nil, unexpected(c, raw)
	}
	switch c.Kind {
	case sqldb.DecimalKind:
		return query.JSONNumber(text), nil
	case sqldb.DateTimeKind:
		return sqldb.RFC3339(c, text, "2006-01-02 15:04:05.999999999")
	case sqldb.DateKind:
		return sqldb.Day(c, text)
	case sqldb.FloatKind:
		return strconv.ParseFloat(text, 64)
	}
	return text, nil
}

func unexpected(c *sqldb.Column, raw any) error {
	return failure.Errorf(failure.Database, "column %q came as a %T", c.Name, raw)
}

func decodeInteger(c *sqldb.Column, raw any) (any, error) {
	var text string
	switch x := raw.(type) {
	case int64:
		return x, nil
	case uint64:
		text = strconv.FormatUint(x, 10)
	case []byte:
		text = string(x)
	case string:
		text = x
	default:
		return nil, unexpected(c, raw)
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n, nil
	}
	return query.JSONNumber(text), nil
}
