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

// Number is a JSON number: a whole number exactly, any other number as an IEEE double.
type Number struct {
	IsInt bool
	Int   int64    // when IsInt
	Large *big.Int // a whole number beyond 64 bits, else nil
	// Float is always set. It is the nearest double, but of a large number never one
	// that a 64-bit integer equals, and of a number other than zero never zero.
	Float float64
}

// maxDigits bounds the texts that are read digit by digit. A longer text is a double.
const maxDigits = 1000

// NumberOf reads a number. It refuses one that is out of the range of doubles.
func NumberOf(v value.Value) (Number, error) {
	text, ok := v.Number()
	if !ok {
		return Number{}, errors.New("want a number")
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return Number{IsInt: true, Int: n, Float: float64(n)}, nil
	}
	f, err := strconv.ParseFloat(text, 64)
	switch {
	case err != nil || math.IsInf(f, 0):
		return Number{}, errors.New("a number out of range")
	case f == 0 && !value.IsZero(text):
		return Number{Float: math.Copysign(math.SmallestNonzeroFloat64, f)}, nil
	case f == math.Trunc(f) && math.Abs(f) < 1<<53:
		return Number{IsInt: true, Int: int64(f), Float: f}, nil
	}
	if math.Abs(f) >= 1<<53 {
		if whole := wholeOf(text); whole != nil {
			return wholeNumber(whole, f), nil
		}
	}
	return Number{Float: f}, nil
}

// wholeOf returns the whole number that text spells, such as 12.0 or 1e30, else nil.
func wholeOf(text string) *big.Int {
	if len(text) > maxDigits {
		return nil
	}
	n, ok := new(big.Rat).SetString(text)
	if !ok || !n.IsInt() {
		return nil
	}
	return n.Num()
}

func wholeNumber(n *big.Int, nearest float64) Number {
	if n.IsInt64() {
		return Number{IsInt: true, Int: n.Int64(), Float: nearest}
	}
	if nearest == math.MinInt64 { // itself a 64-bit integer
		nearest = math.Nextafter(nearest, math.Inf(-1))
	}
	return Number{Large: n, Float: nearest}
}

// Compare orders two numbers by their exact values.
func (n Number) Compare(m Number) int {
	switch {
	case n.IsInt && m.IsInt:
		return cmp.Compare(n.Int, m.Int)
	case n.Large != nil && m.Large != nil:
		return n.Large.Cmp(m.Large)
	case n.Large != nil && m.IsInt:
		return n.Large.Sign() // it is beyond all 64-bit integers
	case n.IsInt && m.Large != nil:
		return -m.Large.Sign()
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

// compare orders a stored double relative to a number of a find: exactly against 64-bit
// integers, as doubles against others.
func (d double) compare(x Operand) int {
	n := x.Number
	n.Large = nil
	return Number{Float: float64(d)}.Compare(n)
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

// Digits returns a number in plain decimal digits: exactly as it was written, or for a
// number of more than maxDigits the digits of its double.
func (x Operand) Digits() string {
	text, ok := x.JSON.Number()
	switch plain, fits := plainDigits(text); {
	case ok && fits:
		return plain
	case x.Number.IsInt:
		return strconv.FormatInt(x.Number.Int, 10)
	}
	return strconv.FormatFloat(x.Number.Float, 'f', -1, 64)
}

// plainDigits writes a JSON number without an exponent. It returns false for one of
// more than maxDigits.
func plainDigits(text string) (string, bool) {
	i := strings.IndexAny(text, "eE")
	if i < 0 {
		return text, len(text) <= maxDigits
	}
	exponent, err := strconv.Atoi(text[i+1:])
	if err != nil || exponent > maxDigits-i || exponent < i-maxDigits {
		return "", false
	}
	number, negative := strings.CutPrefix(text[:i], "-")
	whole, fraction, _ := strings.Cut(number, ".")
	digits, point := whole+fraction, len(whole)+exponent
	switch {
	case point <= 0:
		digits = "0." + strings.Repeat("0", -point) + digits
	case point >= len(digits):
		digits += strings.Repeat("0", point-len(digits))
	default:
		digits = digits[:point] + "." + digits[point:]
	}
	if negative {
		return "-" + digits, true
	}
	return digits, true
}
