package compare

import (
	"math/big"
	"slices"
	"strings"

	"github.com/rulegate/rulegate/rules/value"
)

// numbers returns numbers of which one stands for each class that comparisons with
// the constants, and of some places with each other, tell apart: the constants,
// and as many between two neighbours, below and above as there are places.
func numbers(constants []*big.Rat, places int) (out []*big.Rat) {
	slices.SortFunc(constants, (*big.Rat).Cmp)
	constants = slices.CompactFunc(constants, func(a, b *big.Rat) bool { return a.Cmp(b) == 0 })
	if len(constants) == 0 {
		constants = []*big.Rat{big.NewRat(1, 1)}
	}
	add := func(a *big.Rat, n int64) { out = append(out, new(big.Rat).Add(a, big.NewRat(n, 1))) }
	for n := places; n > 0; n-- {
		add(constants[0], -int64(n))
	}
	for i, c := range constants {
		out = append(out, c)
		if i+1 < len(constants) {
			out = append(out, between(c, constants[i+1], places)...)
		}
	}
	for n := 1; n <= places; n++ {
		add(constants[len(constants)-1], int64(n))
	}
	return out
}

// between returns n numbers between two: integers next to them, if there are so
// many.
func between(a, b *big.Rat, n int) (out []*big.Rat) {
	gap := new(big.Rat).Sub(b, a)
	step := big.NewRat(1, 1)
	if gap.Cmp(big.NewRat(int64(n), 1)) <= 0 || !a.IsInt() {
		step = new(big.Rat).Quo(gap, big.NewRat(int64(n+1), 1))
		step = shorter(step)
	}
	at := a
	for range n {
		at = new(big.Rat).Add(at, step)
		out = append(out, at)
	}
	if below := new(big.Rat).Sub(b, big.NewRat(1, 1)); b.IsInt() && below.Cmp(at) > 0 {
		out = append(out, below) // the other neighbour
	}
	return out
}

// shorter is a number with few digits that is not above r, and over 0.
func shorter(r *big.Rat) *big.Rat {
	for digits := 1; digits < 40; digits++ {
		f, _ := new(big.Rat).SetString(r.FloatString(digits))
		if f.Cmp(r) > 0 {
			unit := new(big.Rat).SetFrac(big.NewInt(1), new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(digits)), nil))
			f.Sub(f, unit)
		}
		if f.Sign() > 0 {
			return f
		}
	}
	return r
}

// maxDigits bounds the numbers that the comparison calculates with.
const maxDigits = 40

// ratOf reads a number of a rule, unless it is very long.
func ratOf(v value.Value) (*big.Rat, bool) {
	s, ok := v.Number()
	if !ok || len(s) > maxDigits {
		return nil, false
	}
	if i := strings.IndexAny(s, "eE"); i >= 0 && len(s)-i > 4 {
		return nil, false
	}
	return new(big.Rat).SetString(s)
}

// decimal is a number as JSON has it.
func decimal(r *big.Rat) value.Value {
	if r.IsInt() {
		return value.Num(r.Num().String())
	}
	s := r.FloatString(maxDigits)
	return value.Num(strings.TrimSuffix(strings.TrimRight(s, "0"), "."))
}
