package keys

import "math/bits"

// modulus calculates modulo an odd number, by Montgomery's multiplication (Handbook of
// Applied Cryptography, algorithm 14.36). Its numbers are smaller than the modulus, and
// have 32 bits a word, the lowest first. They stand for a·R, where R is 2^32 to the
// number of words.
//
// It is for public keys only: the time that it takes tells the numbers.
type modulus struct {
	n   []uint32
	inv uint32   // -1/n modulo 2^32
	rr  []uint32 // R² modulo n
}

// newModulus returns the modulus of a big-endian odd number, which is over 1 and has no
// leading zeros.
func newModulus(number []byte) *modulus {
	m := &modulus{n: words(number, (len(number)+3)/4)}
	inverse := m.n[0] // of 3 bits, as the square of an odd number is 1 modulo 8
	for range 4 {     // Newton's method: each step doubles the number of bits that are right
		inverse *= 2 - m.n[0]*inverse
	}
	m.inv = -inverse
	// R is the greatest power of 2 below the modulus, doubled.
	power := 32 * len(m.n)
	top := 32*(len(m.n)-1) + bits.Len32(m.n[len(m.n)-1]) - 1
	m.rr = make([]uint32, len(m.n))
	m.rr[top/32] = 1 << (top % 32)
	for range power - top {
		m.rr = m.add(m.rr, m.rr)
	}
	// It stands for 1, and R² for R: 2 to the power.
	for i := bits.Len(uint(power)) - 1; i >= 0; i-- {
		m.rr = m.mul(m.rr, m.rr)
		if power>>i&1 == 1 {
			m.rr = m.add(m.rr, m.rr)
		}
	}
	return m
}

// words returns the words of a big-endian number.
func words(number []byte, count int) []uint32 {
	out := make([]uint32, count)
	for i, b := range number {
		at := len(number) - 1 - i
		out[at/4] |= uint32(b) << (8 * (at % 4))
	}
	return out
}

// in returns the representation of a big-endian number that is smaller than the modulus.
func (m *modulus) in(number []byte) []uint32 { return m.mul(words(number, len(m.n)), m.rr) }

// out returns the big-endian number, of that many bytes, that x stands for.
func (m *modulus) out(x []uint32, size int) []byte {
	unit := make([]uint32, len(m.n))
	unit[0] = 1
	x = m.mul(x, unit)
	out := make([]byte, size)
	for i := range out {
		at := size - 1 - i
		out[i] = byte(x[at/4] >> (8 * (at % 4)))
	}
	return out
}

// add returns x + y.
func (m *modulus) add(x, y []uint32) []uint32 {
	z := make([]uint32, len(m.n))
	var carry uint64
	for i := range z {
		carry += uint64(x[i]) + uint64(y[i])
		z[i] = uint32(carry)
		carry >>= 32
	}
	return m.reduce(z, uint32(carry))
}

// mul returns the representation of the product of the numbers that x and y represent.
func (m *modulus) mul(x, y []uint32) []uint32 {
	k := len(m.n)
	z := make([]uint32, k)
	var top uint32 // the word above z
	for i := range k {
		var carry, sum uint64
		for j := range k {
			sum = uint64(z[j]) + uint64(x[i])*uint64(y[j]) + carry
			z[j], carry = uint32(sum), sum>>32
		}
		above := uint64(top) + carry
		q := z[0] * m.inv
		carry = (uint64(z[0]) + uint64(q)*uint64(m.n[0])) >> 32
		for j := 1; j < k; j++ {
			sum = uint64(z[j]) + uint64(q)*uint64(m.n[j]) + carry
			z[j-1], carry = uint32(sum), sum>>32
		}
		above += carry
		z[k-1], top = uint32(above), uint32(above>>32)
	}
	return m.reduce(z, top)
}

// reduce subtracts the modulus from z, with a word above it, if it is not smaller. It
// changes z.
func (m *modulus) reduce(z []uint32, above uint32) []uint32 {
	if above == 0 && less(z, m.n) {
		return z
	}
	var borrow uint32
	for i := range z {
		z[i], borrow = bits.Sub32(z[i], m.n[i], borrow)
	}
	return z
}

func less(x, y []uint32) bool {
	for i := len(x) - 1; i >= 0; i-- {
		if x[i] != y[i] {
			return x[i] < y[i]
		}
	}
	return false
}

func equalWords(x, y []uint32) bool { return !less(x, y) && !less(y, x) }

// power returns the representation of x to the e, where e is over 0.
func (m *modulus) power(x []uint32, e uint32) []uint32 {
	out := x
	for i := bits.Len32(e) - 2; i >= 0; i-- {
		out = m.mul(out, out)
		if e>>i&1 == 1 {
			out = m.mul(out, x)
		}
	}
	return out
}
