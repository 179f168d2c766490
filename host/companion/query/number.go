package query

import (
	"cmp"
	"errors"
	"math"
	"math/big"
	"strconv"
	"strings"

	"github.com/rulegate/rulegate/rules/value"
)

// Number is a JSON number: a 64-bit integer exactly, any other number as an IEEE
// double.
type Number struct {
	IsInt bool
	Int   int64   // when IsInt
	Float float64 // the nearest double, always set
}

// NumberOf reads a number. It refuses one that is out of the range of doubles.
func NumberOf(v value.Value) (Number, error) {
	text, ok := v.Number()
	if !ok {
		return Number{}, errors.New("want a number")
	}
	// 12.0 is the integer 12, even where a double would lose digits.
	digits := text
	if whole, fraction, ok := strings.Cut(text, "."); ok && strings.Trim(fraction, "0") == "" {
		digits = whole
	}
	n, notInt := strconv.ParseInt(digits, 10, 64)
	if notInt == nil {
		return Number{IsInt: true, Int: n, Float: float64(n)}, nil
	}
	f, err := strconv.ParseFloat(text, 64)
	switch {
	case err != nil || math.IsInf(f, 0):
		return Number{}, errors.New("a number out of range")
	case f == math.Trunc(f) && math.Abs(f) <= 1<<53:
		return Number{IsInt: true, Int: int64(f), Float: f}, nil
	case f == math.MinInt64 && errors.Is(notInt, strconv.ErrRange):
		// The integer is below the 64-bit range, but its nearest double is the lowest
		// integer of that range: move it out.
		f = math.Nextafter(f, math.Inf(-1))
	}
	return Number{Float: f}, nil
}

// Compare orders two numbers by their exact values.
func (n Number) Compare(m Number) int {
	switch {
	case n.IsInt && m.IsInt:
		return cmp.Compare(n.Int, m.Int)
	case n.IsInt:
		return -m.compareInt(n.Int)
	case m.IsInt:
		return n.compareInt(m.Int)
	}
	return cmp.Compare(n.Float, m.Float)
}

// compareInt compares a double with an integer without rounding the integer.
func (n Number) compareInt(i int64) int {
	switch {
	case n.Float >= 1<<63:
		return 1
	case n.Float < -1<<63:
		return -1
	}
	whole := math.Trunc(n.Float)
	if c := cmp.Compare(int64(whole), i); c != 0 {
		return c
	}
	return cmp.Compare(n.Float, whole)
}

// compare orders d relative to a number of a find.
func (d decimal) compare(x Operand) int {
	if d.exact == nil {
		return d.sign
	}
	n, ok := new(big.Rat).SetString(x.Digits())
	if !ok {
		return 1 // cannot happen: Digits are digits
	}
	return d.exact.Cmp(n)
}
