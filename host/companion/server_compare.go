package companion

import (
	"math"
	"strconv"

	"github.com/rulegate/rulegate/host/companion/query"
)

// kind is what a server's catalogue says that a column holds.
type kind uint8

const (
	kindOther   kind = iota // what only NULL can be asked of
	kindText                // text, and what is shown and compared as its text
	kindInt                 // integers, at most of 64 bits
	kindDecimal             // exact decimals
	kindFloat               // doubles
	kindBool
	kindBytes
	kindMoment // an instant; without a time zone it is UTC
	kindDate   // a day; as an instant its beginning, UTC
)

// tests writes that a column compares so with one of the values. One of another
// type than the column's matches nothing.
func (s *serverQuery) tests(c *column, op query.Op, values []query.Value) fragment {
	var null bool
	var strs []string
	var nums []query.Value
	var bools []any
	var micros []int64
	for _, v := range values {
		switch v.Kind {
		case query.Null:
			null = op != query.Gt && op != query.Lt
		case query.Str:
			strs = append(strs, v.Text)
		case query.Num:
			nums = append(nums, v)
		case query.Bool:
			bools = append(bools, v.Bool)
		case query.Date:
			micros = append(micros, v.Micros)
		}
	}
	var parts []fragment
	add := func(f fragment) {
		if f.text == never.text {
			return
		}
		f.text = "(" + s.dialect.column(c) + " IS NOT NULL AND " + f.text + ")"
		parts = append(parts, f)
	}
	if null {
		parts = append(parts, fragment{text: s.dialect.column(c) + " IS NULL"})
	}
	if len(strs) > 0 && c.kind == kindText {
		add(s.dialect.strings(c, op, strs))
	}
	if len(nums) > 0 {
		add(s.numbers(c, op, nums))
	}
	if len(bools) > 0 && c.kind == kindBool {
		add(s.booleans(c, op, bools))
	}
	if len(micros) > 0 && (c.kind == kindMoment || c.kind == kindDate) {
		add(s.moments(c, op, micros))
	}
	return joined(parts, " OR ", never)
}

// Where booleans are integers, those are booleans that are 0 or 1, and the others
// are numbers.
const zeroOrOne = " IN (0, 1)"

func (s *serverQuery) booleans(c *column, op query.Op, values []any) fragment {
	name := s.dialect.column(c)
	if c.declared != boolean {
		return s.dialect.compare(name, "boolean", op, values)
	}
	ints := make([]any, len(values))
	for i, v := range values {
		if ints[i] = int64(0); v == true {
			ints[i] = int64(1)
		}
	}
	f := s.dialect.compare(name, "bigint", op, ints)
	f.text = "(" + name + zeroOrOne + " AND " + f.text + ")"
	return f
}

func (s *serverQuery) numbers(c *column, op query.Op, values []query.Value) fragment {
	switch c.kind {
	case kindInt:
		return s.integers(c, op, values)
	case kindDecimal:
		return s.dialect.decimals(c, op, values)
	case kindFloat:
		return s.floats(c, op, values)
	case kindBool:
		if c.declared == boolean {
			f := s.integers(c, op, values)
			f.text = "(NOT " + s.dialect.column(c) + zeroOrOne + " AND " + f.text + ")"
			return f
		}
	}
	return never
}

func ordering(op query.Op) bool {
	return op == query.Gt || op == query.Gte || op == query.Lt || op == query.Lte
}

// nudged is how integers or doubles compare with a number that is none of them
// and has the nearest one, which is over it or not: there is nothing between.
func nudged(op query.Op, over bool) query.Op {
	up := op == query.Gt || op == query.Gte
	switch {
	case up && over:
		return query.Gte
	case up:
		return query.Gt
	case over:
		return query.Lt
	}
	return query.Lte
}

func (s *serverQuery) integers(c *column, op query.Op, values []query.Value) fragment {
	var ints []any
	typ := "bigint"
	add := func(n any) {
		if _, large := n.(uint64); large {
			typ = "decimal"
		}
		ints = append(ints, n)
	}
	for _, v := range values {
		n := v.Number
		text, _ := v.JSON.Number()
		large, err := strconv.ParseUint(text, 10, 64)
		switch {
		case n.IsInt:
			add(n.Int)
		case err == nil:
			add(large)
		case !ordering(op):
		case n.Float >= 1<<63 && n.Float < 1<<64:
			add(uint64(n.Float))
		case n.Float >= 1<<63 || n.Float < -1<<63:
			if (n.Float > 0) == (op == query.Lt || op == query.Lte) {
				return always
			}
			return never
		default:
			add(int64(math.Floor(n.Float)))
			op = nudged(op, false)
		}
	}
	if len(ints) == 0 {
		return never
	}
	return s.dialect.compare(s.dialect.column(c), typ, op, ints)
}

func (s *serverQuery) floats(c *column, op query.Op, values []query.Value) fragment {
	var floats []any
	for _, v := range values {
		n := v.Number
		over := query.Number{Float: n.Float}.Compare(n)
		switch {
		case over == 0:
		case !ordering(op):
			continue
		default:
			op = nudged(op, over > 0)
		}
		floats = append(floats, n.Float)
	}
	if len(floats) == 0 {
		return never
	}
	return s.dialect.compare(s.dialect.column(c), "double precision", op, floats)
}

// The instants that databases and RFC 3339 have alike: years 1 to 9999.
const (
	firstMicro = -62135596800_000000
	lastMicro  = 253402300799_999999
)

func (s *serverQuery) moments(c *column, op query.Op, micros []int64) fragment {
	var list []int64
	for _, m := range micros {
		switch {
		case m >= firstMicro && m <= lastMicro:
			list = append(list, m)
		case !ordering(op):
		case (m > lastMicro) == (op == query.Lt || op == query.Lte):
			return always
		}
	}
	if len(list) == 0 {
		return never
	}
	return s.dialect.moments(c, op, list)
}

var symbols = map[query.Op]string{query.Eq: " = ", query.In: " = ", query.Gt: " > ", query.Gte: " >= ", query.Lt: " < ", query.Lte: " <= "}

func boxed(list []string) []any {
	out := make([]any, len(list))
	for i, s := range list {
		out[i] = s
	}
	return out
}
