package value

import (
	"cmp"
	"strconv"
	"strings"
)

// The functions below calculate with the decimal digits of integers that are not
// negative, without leading zeros; 0 has no digits.

func compareDigits(a, b string) int {
	if c := cmp.Compare(len(a), len(b)); c != 0 {
		return c
	}
	return strings.Compare(a, b)
}

func added(a, b string) string {
	if len(a) < len(b) {
		a, b = b, a
	}
	out := []byte(a)
	carry := byte(0)
	for i := 1; i <= len(out) && (i <= len(b) || carry > 0); i++ {
		d := out[len(out)-i] + carry
		if i <= len(b) {
			d += b[len(b)-i] - '0'
		}
		if carry = 0; d > '9' {
			d, carry = d-10, 1
		}
		out[len(out)-i] = d
	}
	if carry > 0 {
		return "1" + string(out)
	}
	return string(out)
}

// subtracted returns a - b, where b is at most a.
func subtracted(a, b string) string {
	out := []byte(a)
	borrow := byte(0)
	for i := 1; i <= len(out) && (i <= len(b) || borrow > 0); i++ {
		d := out[len(out)-i] - borrow
		if i <= len(b) {
			d -= b[len(b)-i] - '0'
		}
		if borrow = 0; d < '0' {
			d, borrow = d+10, 1
		}
		out[len(out)-i] = d
	}
	return strings.TrimLeft(string(out), "0")
}

// groupDigits are the digits that multiplied takes at a time: the product of two
// groups, and the carry, fit in 64 bits.
const (
	groupDigits = 9
	groupSize   = 1_000_000_000
)

// groups splits digits into groups, the last digits first.
func groups(a string) (out []uint64) {
	for a != "" {
		at := max(0, len(a)-groupDigits)
		n, _ := strconv.ParseUint(a[at:], 10, 64) // nine digits
		out, a = append(out, n), a[:at]
	}
	return out
}

func multiplied(a, b string) string {
	x, y := groups(a), groups(b)
	product := make([]uint64, len(x)+len(y))
	for i, m := range x {
		carry := uint64(0)
		for j, n := range y {
			sum := product[i+j] + m*n + carry
			product[i+j], carry = sum%groupSize, sum/groupSize
		}
		product[i+len(y)] = carry
	}
	var out []byte
	for i := len(product) - 1; i >= 0; i-- {
		group := strconv.Itoa(int(product[i]))
		out = append(out, "000000000"[len(group):]...)
		out = append(out, group...)
	}
	return strings.TrimLeft(string(out), "0")
}
