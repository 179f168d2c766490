package value

import (
	"cmp"
	"math"
	"strconv"
	"strings"
)

// Decimal is a JSON number: ±digits × 10^exp, without leading or trailing zeros
// in digits; zero has none.
type Decimal struct {
	negative bool
	digits   string
	exp      int64
	float    float64
}

// integersExact is the magnitude up to which every integer is a double (2^53).
const integersExact = 1 << 53

// DecimalOf reads a Number. It is false for a number beyond every double.
func DecimalOf(v Value) (d Decimal, ok bool) {
	text, ok := v.Number()
	if !ok {
		return d, false
	}
	f, _ := strconv.ParseFloat(text, 64) // out of range: an infinity
	if f == 0 && !IsZero(text) {
		f = math.Copysign(math.SmallestNonzeroFloat64, f) // 1e-400 is not 0
	}
	d.float = f
	if math.Abs(f) < integersExact {
		return d, true // a double holds it, so the digits are not needed
	}
	text, d.negative = strings.CutPrefix(text, "-")
	mantissa, exponent := text, ""
	if i := strings.IndexAny(text, "eE"); i >= 0 {
		mantissa, exponent = text[:i], text[i+1:]
		var err error
		if d.exp, err = strconv.ParseInt(exponent, 10, 32); err != nil {
			return d, false
		}
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	d.exp -= int64(len(fraction))
	d.digits = strings.TrimLeft(whole+fraction, "0")
	trimmed := strings.TrimRight(d.digits, "0")
	d.exp += int64(len(d.digits) - len(trimmed))
	d.digits = trimmed
	return d, !math.IsInf(f, 0) || d.exp >= 0
}

// IsZero reports whether the text of a Number is a zero: it has no digit from 1 to 9
// before the exponent.
func IsZero(text string) bool {
	if i := strings.IndexAny(text, "eE"); i >= 0 {
		text = text[:i]
	}
	return !strings.ContainsAny(text, "123456789")
}

// Nearest is the double that is nearest to the number. Numbers that compare as
// equal have the same.
func (d Decimal) Nearest() float64 { return d.float }

// Compare orders two numbers: as IEEE doubles, but integers beyond 2^53 exactly.
func (d Decimal) Compare(e Decimal) int {
	if math.Abs(d.float) < integersExact || math.Abs(e.float) < integersExact || d.exp < 0 || e.exp < 0 {
		return cmp.Compare(d.float, e.float)
	}
	if d.negative != e.negative {
		return cmp.Compare(d.float, e.float)
	}
	c := cmp.Compare(int64(len(d.digits))+d.exp, int64(len(e.digits))+e.exp)
	if c == 0 {
		c = strings.Compare(d.digits, e.digits) // trailing zeros are gone, so a prefix is smaller
	}
	if d.negative {
		return -c
	}
	return c
}

// Index reads a Number that is an array's index: a non-negative integer, `1.0`
// included, below 2^31.
func Index(v Value) (i int, ok bool) {
	d, ok := DecimalOf(v)
	if !ok || d.float < 0 || d.float > math.MaxInt32 || d.float != math.Trunc(d.float) {
		return 0, false
	}
	return int(d.float), true
}

// PlainIndex reads a plain decimal index of an array: 0, 12; not +1, 01, -1.
func PlainIndex(s string) (i int, ok bool) {
	if s == "" || len(s) > 9 || s[0] == '0' && len(s) > 1 {
		return 0, false
	}
	for _, b := range []byte(s) {
		if b < '0' || b > '9' {
			return 0, false
		}
		i = i*10 + int(b-'0')
	}
	return i, true
}
