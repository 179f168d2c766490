package value

import (
	"errors"
	"math/big"
	"strconv"
	"strings"
)

// maxDigits bounds the digits of a number that is calculated with, and of the
// result, and its exponent.
const maxDigits = 1000

var errDigits = errors.New("a number of more than " + strconv.Itoa(maxDigits) + " digits")

// exact is a number: n × 10^exp.
type exact struct {
	n   *big.Int
	exp int
}

// exactOf reads a Number. It fails for one that has too many digits to calculate
// with.
func exactOf(v Value) (e exact, err error) {
	text, ok := v.Number()
	if !ok || len(text) > maxDigits+10 {
		return e, errDigits
	}
	mantissa := text
	if i := strings.IndexAny(text, "eE"); i >= 0 {
		mantissa = text[:i]
		if e.exp, err = strconv.Atoi(text[i+1:]); err != nil {
			return e, errDigits
		}
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	e.exp -= len(fraction)
	if e.n, ok = new(big.Int).SetString(whole+fraction, 10); !ok || e.exp > maxDigits || e.exp < -maxDigits {
		return e, errDigits
	}
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
	if x.exp > y.exp {
		x, y = y, x
	}
	return exact{new(big.Int).Add(x.n, y.scaled(x.exp)), x.exp}
}

func difference(x, y exact) exact { return sum(x, exact{new(big.Int).Neg(y.n), y.exp}) }
func product(x, y exact) exact    { return exact{new(big.Int).Mul(x.n, y.n), x.exp + y.exp} }

// scaled is the number in units of 10^exp, where exp is at most its own.
func (e exact) scaled(exp int) *big.Int {
	power := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(e.exp-exp)), nil)
	return power.Mul(power, e.n)
}

// value prints the number in full, without needless zeros.
func (e exact) value() (Value, error) {
	return decimal(e.n.Sign() < 0, new(big.Int).Abs(e.n).String(), e.exp)
}

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
	n := e.n
	if e.exp >= -9 {
		n = e.scaled(-9)
	} else {
		unit := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(-9-e.exp)), nil)
		n = new(big.Int).Div(n, unit) // Euclidean: towards the past for a positive unit
	}
	whole, rest := new(big.Int).DivMod(n, big.NewInt(1e9), new(big.Int))
	if !whole.IsInt64() || whole.Int64() < earliest || whole.Int64() > latest {
		return 0, 0, false
	}
	return whole.Int64(), rest.Int64(), true
}
