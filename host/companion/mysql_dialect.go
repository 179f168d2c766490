package companion

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/rulegate/rulegate/host/companion/query"
)

// mariadb is the dialect of MariaDB and MySQL.
type mariadb struct{}

func (mariadb) column(c *column) string {
	switch name := "t." + backquote(c.name); c.typ {
	case "float":
		return "(" + name + " * 1e0)" // else it is shown with six digits and compared with all
	case "bit", "year":
		return "(" + name + " + 0)"
	default:
		return name
	}
}

func (mariadb) utf8(c *column) string { return "CONVERT(t." + backquote(c.name) + " USING utf8mb4)" }

func (m mariadb) read(c *column, most int) string {
	switch {
	case c.kind == kindText || c.declared == document:
		return fmt.Sprintf("LEFT(%s, %d)", m.utf8(c), most)
	case c.kind == kindBytes || c.kind == kindOther:
		return fmt.Sprintf("LEFT(t.%s, %d)", backquote(c.name), most)
	case c.kind == kindDecimal || c.kind == kindMoment || c.kind == kindDate:
		return fmt.Sprintf("CAST(%s AS CHAR)", m.column(c))
	}
	return m.column(c)
}

func (mariadb) compare(left, _ string, op query.Op, values []any) fragment {
	return among(left, hole, op, values)
}

// among compares left with values that are spelled with value, which has a hole.
func among(left, value string, op query.Op, values []any) fragment {
	if op != query.In {
		return fragment{text: left + symbols[op] + value, args: values[:1]}
	}
	return fragment{text: left + " IN (" + value + strings.Repeat(", "+value, len(values)-1) + ")", args: values}
}

// strings compares by bytes, which no collation here does: each takes trailing
// spaces or something else lightly. Where an index may serve, it is asked first.
func (m mariadb) strings(c *column, op query.Op, values []string) fragment {
	f := among("CAST("+m.utf8(c)+" AS BINARY)", "CAST("+hole+" AS BINARY)", op, boxed(values))
	if c.bare && !ordering(op) {
		first := among("t."+backquote(c.name), hole, op, boxed(values))
		f.text = "(" + first.text + " AND " + f.text + ")"
		f.args = append(first.args[:len(first.args):len(first.args)], f.args...)
	}
	return f
}

// decimals are compared exactly with integers, and with others as doubles.
func (m mariadb) decimals(c *column, op query.Op, values []query.Value) fragment {
	var list []fragment
	for _, v := range values {
		var x any = v.Number.Float
		text, _ := v.JSON.Number()
		if v.Number.IsInt {
			x = v.Number.Int
		} else if large, err := strconv.ParseUint(text, 10, 64); err == nil {
			x = large
		}
		one := op
		if op == query.In {
			one = query.Eq
		}
		list = append(list, among(m.column(c), hole, one, []any{x}))
	}
	return joined(list, " OR ", never)
}

// moments: zero dates, which are no days, match nothing.
func (m mariadb) moments(c *column, op query.Op, micros []int64) fragment {
	var list []any
	for _, x := range micros {
		list = append(list, time.UnixMicro(x).UTC().Format("2006-01-02 15:04:05.000000"))
	}
	f := among(m.column(c), "CAST("+hole+" AS DATETIME(6))", op, list)
	f.text = "(" + f.text + " AND YEAR(" + m.column(c) + ") > 0)"
	return f
}

// regex: the server's patterns backtrack, and give up with a warning and a no,
// which a $not would make a yes of.
func (mariadb) regex(*column, string) (fragment, bool) { return fragment{}, false }

func (m mariadb) decode(c *column, raw any) (any, error) {
	if raw == nil {
		return nil, nil
	}
	switch c.kind {
	case kindInt, kindBool:
		return mysqlInteger(c, raw)
	case kindFloat:
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
		if c.kind == kindBytes || c.kind == kindOther && c.declared != document {
			return append([]byte(nil), x...), nil
		}
		text = string(x)
	case string:
		text = x
	default:
		return nil, faultf(databaseError, "column %q came as a %T", c.name, raw)
	}
	switch c.kind {
	case kindDecimal:
		return number(text), nil
	case kindMoment:
		return rfc3339(c, text, "2006-01-02 15:04:05.999999999")
	case kindDate:
		if _, err := time.Parse(time.DateOnly, text); err != nil {
			return nil, noDate(c)
		}
	case kindFloat:
		return strconv.ParseFloat(text, 64)
	}
	return text, nil
}

func mysqlInteger(c *column, raw any) (any, error) {
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
		return nil, faultf(databaseError, "column %q came as a %T", c.name, raw)
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n, nil
	}
	return number(text), nil
}
