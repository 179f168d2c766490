package value

import (
	"errors"
	"strconv"
	"strings"
)

// maxDigits bounds the digits of a number that is calculated with, and of the
// result, and its exponent.
const maxDigits = 1000

var errDigits = errors.New("a number of more than " + strconv.Itoa(maxDigits) + " digits")

// exact is a number: ±digits × 10^exp. The digits have no leading zeros; 0 has none.
// (math/big would be 147,000 bytes of the module's code.)
type exact struct {
	negative bool
	digits   string
	exp      int
}

// exactOf reads a Number. It fails for one that has too many digits to calculate
// with.
func exactOf(v Value) (e exact, err error) {
	text, ok := v.Number()
	if !ok || len(text) > maxDigits+10 {
		return e, errDigits
	}
	mantissa, negative := strings.CutPrefix(text, "-")
	if i := strings.IndexAny(mantissa, "eE"); i >= 0 {
		if e.exp, err = strconv.Atoi(mantissa[i+1:]); err != nil {
			return e, errDigits
		}
		mantissa = mantissa[:i]
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	e.exp -= len(fraction)
	if e.exp > maxDigits || e.exp < -maxDigits {
		return e, errDigits
	}
	e.negative, e.digits = negative, strings.TrimLeft(whole+fraction, "0")
	return e, nil
}

// DigitWork is a measure of the work of calculating with a Number, by its digits and
// those that its exponent stands for: 0 for a number of few digits.
func DigitWork(v Value) int {
	if _, ok := smallOf(v); ok || v.kind != Number {
		return 0
	}
	exp := 0
	if i := strings.IndexAny(v.text, "eE"); i >= 0 {
		exp, _ = strconv.Atoi(v.text[i+1:])
	}
	n := min(len(v.text), maxDigits) + min(max(exp, -exp), maxDigits)
	return 2*n + n*n/100
}

// Add returns the exact sum of two Numbers.
func Add(a, b Value) (Value, error) { return calculate(a, b, small.plus, sum) }

// Sub returns the exact difference of two Numbers.
func Sub(a, b Value) (Value, error) { return calculate(a, b, small.minus, difference) }

// Mul returns the exact product of two Numbers.
func Mul(a, b Value) (Value, error) { return calculate(a, b, small.times, product) }

// calculate calculates with small numbers where it can: exact ones take ten times as
// long.
func calculate(a, b Value, quick func(x, y small) small, f func(x, y exact) exact) (Value, error) {
	x, ok1 := smallOf(a)
	y, ok2 := smallOf(b)
	if ok1 && ok2 {
		return quick(x, y).value()
	}
	return calculateExact(a, b, f)
}

func calculateExact(a, b Value, f func(x, y exact) exact) (Value, error) {
	x, err := exactOf(a)
	if err != nil {
		return Value{}, err
	}
	y, err := exactOf(b)
	if err != nil {
		return Value{}, err
	}
	return f(x, y).value()
}

func sum(x, y exact) exact {
	exp := min(x.exp, y.exp)
	a, b := x.scaled(exp), y.scaled(exp)
	switch {
	case x.negative == y.negative:
		return exact{x.negative, added(a, b), exp}
	case compareDigits(a, b) >= 0:
		return exact{x.negative, subtracted(a, b), exp}
	}
	return exact{y.negative, subtracted(b, a), exp}
}

func difference(x, y exact) exact {
	y.negative = !y.negative
	return sum(x, y)
}

func product(x, y exact) exact {
	return exact{x.negative != y.negative, multiplied(x.digits, y.digits), x.exp + y.exp}
}

// scaled returns the digits of the number in units of 10^exp, where exp is at most its
// own.
func (e exact) scaled(exp int) string {
	if e.digits == "" {
		return ""
	}
	return e.digits + strings.Repeat("0", e.exp-exp)
}

// value prints the number in full, without needless zeros.
func (e exact) value() (Value, error) { return decimal(e.negative, e.digits, e.exp) }

// decimal is the Number digits × 10^exp in full, without needless zeros.
func decimal(negative bool, digits string, exp int) (Value, error) {
	trimmed := strings.TrimRight(digits, "0")
	if trimmed == "" {
		return Int(0), nil
	}
	exp += len(digits) - len(trimmed)
	if len(trimmed) > maxDigits || exp+len(trimmed) > maxDigits || exp < -maxDigits {
		return Value{}, errDigits
	}
	text := trimmed
	switch point := len(trimmed) + exp; {
	case exp >= 0:
		text += strings.Repeat("0", exp)
	case point > 0:
		text = trimmed[:point] + "." + trimmed[point:]
	default:
		text = "0." + strings.Repeat("0", -point) + trimmed
	}
	if negative {
		text = "-" + text
	}
	return Value{kind: Number, text: text}, nil
}

// UnixTime reads a Number of seconds since 1970, in the years 0 to 9999. Parts of
// a nanosecond are cut off towards the past.
func UnixTime(v Value) (seconds, nanos int64, ok bool) {
	const earliest, latest = -62167219200, 253402300799 // 0000-01-01T00:00:00Z, 9999-12-31T23:59:59Z
	if x, ok := smallOf(v); ok && x.exp == 0 {
		return x.n, 0, x.n >= earliest && x.n <= latest
	}
	e, err := exactOf(v)
	if err != nil {
		return 0, 0, false
	}
	if e.digits == "" {
		return 0, 0, true
	}
	const places = 9 // of nanoseconds
	point := len(e.digits) + e.exp
	if point > len("253402300799") {
		return 0, 0, false
	}
	digits := strings.Repeat("0", max(0, -point)) + e.digits
	point = max(point, 0)
	digits += strings.Repeat("0", max(0, point+places-len(digits)))
	// Neither fails: they are at most 12 and 9 digits.
	seconds, _ = strconv.ParseInt("0"+digits[:point], 10, 64)
	nanos, _ = strconv.ParseInt(digits[point:point+places], 10, 64)
	if e.negative {
		seconds, nanos = -seconds, -nanos
		if strings.Trim(digits[point+places:], "0") != "" {
			nanos--
		}
		if nanos < 0 {
			seconds, nanos = seconds-1, nanos+1e9
		}
	}
	return seconds, nanos, seconds >= earliest && seconds <= latest
}
