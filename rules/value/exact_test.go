package value

import (
	"math/big"
	"strings"
	"testing"
)

// rational reads a number that exactOf reads.
func rational(t *testing.T, v Value) *big.Rat {
	t.Helper()
	text, _ := v.Number()
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		t.Fatalf("math/big does not read %q", text)
	}
	return r
}

// FuzzArithmetic compares with math/big: what is calculated is exact, and a number is
// refused only if it or the result is long.
func FuzzArithmetic(f *testing.F) {
	nines := strings.Repeat("9", 999)
	for _, pair := range [][2]string{
		{"0", "-0"}, {"1", "2"}, {"-1", "1"}, {"0.1", "0.2"}, {"1e3", "-1000"}, {"99999999999999999999", "1"}, {"1", "-99999999999999999999"},
		{"1e1000", "1"}, {"1e-1000", "1"}, {"1e1001", "1"}, {"123456789012345678901234567890", "-987654321098765432109876543210e-7"},
		{nines, nines}, {nines, "-" + nines}, {"1" + strings.Repeat("0", 998), "1e-20"}, {"0e999999999999", "1"}, {"-0.000", "5e-324"},
		{"1700000000.123456789", "1"}, {"-0.0000000001", "1"}, {"-62167219200", "253402300799.9999999999"}, {"-62167219200.0000000001", "253402300800"}, {"-1.5", "-1e-9"}, {"0e100", "-0e-100"},
	} {
		f.Add(pair[0], pair[1])
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		x, errX := Parse(a, 1)
		y, errY := Parse(b, 1)
		if errX != nil || errY != nil || x.Kind() != Number || y.Kind() != Number {
			return
		}
		checkUnixTime(t, x)
		checkUnixTime(t, y)
		ex, errX := exactOf(x)
		ey, errY := exactOf(y)
		if errX != nil || errY != nil {
			if _, err := Add(x, y); err == nil {
				t.Fatalf("added %s and %s", a, b)
			}
			return
		}
		for name, c := range map[string]struct {
			ours   func(a, b Value) (Value, error)
			theirs func(z, x, y *big.Rat) *big.Rat
		}{
			"+": {Add, (*big.Rat).Add}, "-": {Sub, (*big.Rat).Sub}, "×": {Mul, (*big.Rat).Mul},
		} {
			want := c.theirs(new(big.Rat), rational(t, x), rational(t, y))
			got, err := c.ours(x, y)
			if err != nil {
				if len(ex.digits)+len(ey.digits)+max(ex.exp, -ex.exp)+max(ey.exp, -ey.exp) < maxDigits {
					t.Errorf("%s %s %s: %v", a, name, b, err)
				}
				continue
			}
			text, _ := got.Number()
			if rational(t, got).Cmp(want) != 0 || strings.Contains(text, "e") || text == "-0" ||
				strings.Contains(text, ".") && strings.HasSuffix(text, "0") || len(strings.Trim(text, "-0.")) > maxDigits+1 {
				t.Errorf("%s %s %s = %s, want %s", a, name, b, text, want.FloatString(20))
			}
		}
	})
}

func checkUnixTime(t *testing.T, v Value) {
	t.Helper()
	seconds, nanos, ok := UnixTime(v)
	if _, err := exactOf(v); err != nil {
		if ok {
			t.Errorf("%s is a time", v)
		}
		return
	}
	all := new(big.Rat).Mul(rational(t, v), new(big.Rat).SetInt64(1e9))
	floor := new(big.Int).Div(all.Num(), all.Denom()) // Euclidean: the denominator is positive
	whole, rest := new(big.Int).DivMod(floor, big.NewInt(1e9), new(big.Int))
	inside := whole.IsInt64() && whole.Int64() >= -62167219200 && whole.Int64() <= 253402300799
	if ok != inside || ok && (seconds != whole.Int64() || nanos != rest.Int64()) {
		t.Errorf("%s: %d %d %v, want %s %s %v", v, seconds, nanos, ok, whole, rest, inside)
	}
}
