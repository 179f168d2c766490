package sqldb

import (
	"math"

	"github.com/rulegate/rulegate/host/companion/query"
)

// byType holds the operands of one comparison by their types.
type byType struct {
	null    bool
	strings []string
	numbers []query.Operand
	bools   []any
	micros  []int64
}

func sorted(op query.Op, operands []query.Operand) (b byType) {
	for _, x := range operands {
		switch x.Kind {
		case query.Null:
			b.null = op != query.Gt && op != query.Lt
		case query.Str:
			b.strings = append(b.strings, x.Text)
		case query.Num:
			b.numbers = append(b.numbers, x)
		case query.Bool:
			b.bools = append(b.bools, x.Bool)
		case query.Date:
			b.micros = append(b.micros, x.Micros)
		}
	}
	return b
}

// compare writes that the column compares with one of the operands. An operand of
// another type than the column's matches nothing.
func (s *Statement) compare(c *Column, op query.Op, operands []query.Operand) Fragment {
	b := sorted(op, operands)
	var alternatives []Fragment
	add := func(f Fragment) {
		if !f.isNever() {
			alternatives = append(alternatives, NotNull(s.dialect.Column(c), f))
		}
	}
	if b.null {
		alternatives = append(alternatives, Fragment{Text: s.dialect.Column(c) + " IS NULL"})
	}
	if len(b.strings) > 0 && c.Kind == TextKind {
		add(s.dialect.Strings(c, op, b.strings))
	}
	if len(b.numbers) > 0 {
		add(s.numbers(c, op, b.numbers))
	}
	if len(b.bools) > 0 && c.Kind == BoolKind {
		add(s.booleans(c, op, b.bools))
	}
	if len(b.micros) > 0 && (c.Kind == DateTimeKind || c.Kind == DateKind) {
		add(s.dateTimes(c, op, b.micros))
	}
	return AnyOf(alternatives)
}

// Beyond returns the order of all values of a column with an operand that is greater
// (or less) than all of them.
func Beyond(op query.Op, greater bool) Fragment {
	if greater == (op == query.Lt || op == query.Lte) {
		return Always
	}
	return Never
}

// isBoolean tests a cell of a Boolean column, whose other integers are numbers.
const isBoolean = " IN (0, 1)"

func (s *Statement) booleans(c *Column, op query.Op, values []any) Fragment {
	name := s.dialect.Column(c)
	if c.Declared != Boolean {
		return s.dialect.Compare(name, "boolean", op, values)
	}
	ints := make([]any, len(values))
	for i, v := range values {
		if ints[i] = int64(0); v == true {
			ints[i] = int64(1)
		}
	}
	f := s.dialect.Compare(name, "bigint", op, ints)
	f.Text = "(" + name + isBoolean + " AND " + f.Text + ")"
	return f
}

func (s *Statement) numbers(c *Column, op query.Op, values []query.Operand) Fragment {
	switch c.Kind {
	case IntKind:
		return s.integers(c, op, values)
	case DecimalKind:
		return s.dialect.Decimals(c, op, values)
	case FloatKind:
		return s.floats(c, op, values)
	case BoolKind:
		if c.Declared == Boolean {
			f := s.integers(c, op, values)
			f.Text = "(NOT " + s.dialect.Column(c) + isBoolean + " AND " + f.Text + ")"
			return f
		}
	}
	return Never
}

func (s *Statement) integers(c *Column, op query.Op, values []query.Operand) Fragment {
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
		switch {
		case n.IsInt:
			add(n.Int)
		case n.Large != nil && n.Large.IsUint64():
			add(n.Large.Uint64())
		case !op.Orders(): // no integer equals a fraction, or is beyond 64 bits
		case n.Large == nil && n.Float >= 1<<63 && n.Float < 1<<64:
			add(uint64(n.Float))
		case n.Float >= 1<<63 || n.Float < -1<<63:
			return Beyond(op, n.Float > 0)
		default:
			add(int64(math.Floor(n.Float)))
			op = op.AdjacentBound(false)
		}
	}
	if len(ints) == 0 {
		return Never
	}
	return s.dialect.Compare(s.dialect.Column(c), typ, op, ints)
}

func (s *Statement) floats(c *Column, op query.Op, values []query.Operand) Fragment {
	var floats []any
	for _, v := range values {
		n := v.Number
		n.Large = nil // a double column holds doubles: beyond 64 bits, so is the operand
		rounding := query.Number{Float: n.Float}.Compare(n)
		switch {
		case rounding == 0:
		case !op.Orders(): // no double equals this integer
			continue
		default:
			op = op.AdjacentBound(rounding > 0)
		}
		floats = append(floats, n.Float)
	}
	if len(floats) == 0 {
		return Never
	}
	return s.dialect.Compare(s.dialect.Column(c), "double precision", op, floats)
}

// The instants that all databases and RFC 3339 have: years 1 to 9999.
const (
	firstMicro = -62135596800_000000
	lastMicro  = 253402300799_999999
)

func (s *Statement) dateTimes(c *Column, op query.Op, micros []int64) Fragment {
	var list []int64
	for _, m := range micros {
		switch {
		case m >= firstMicro && m <= lastMicro:
			list = append(list, m)
		case !op.Orders(): // no cell holds it
		default:
			return Beyond(op, m > lastMicro)
		}
	}
	if len(list) == 0 {
		return Never
	}
	return s.dialect.DateTimes(c, op, list)
}
