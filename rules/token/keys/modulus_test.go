package keys

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"math/big"
	"testing"
)

// FuzzModulus compares with math/big.
func FuzzModulus(f *testing.F) {
	f.Add([]byte{3}, []byte{1}, []byte{2}, uint32(65537))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff}, []byte{0xff}, []byte{0xff, 0xff}, uint32(3))
	f.Add([]byte{0x80, 0, 0, 0, 1}, []byte{0x80, 0, 0, 0, 0}, []byte{0x7f, 0xff, 0xff, 0xff, 0xff}, uint32(1))
	f.Add(bytes.Repeat([]byte{0xff}, 256), bytes.Repeat([]byte{0xff}, 255), bytes.Repeat([]byte{0xfe}, 256), uint32(1<<31-1))
	for _, c := range curves {
		f.Add([]byte(c.p), []byte(c.b), []byte(c.b), uint32(65537))
	}
	f.Fuzz(func(t *testing.T, number, x, y []byte, e uint32) {
		n := new(big.Int).SetBytes(number)
		if n.BitLen() < 2 || n.BitLen() > 8192 || n.Bit(0) == 0 || e == 0 {
			return
		}
		a, b := new(big.Int).SetBytes(x), new(big.Int).SetBytes(y)
		a.Mod(a, n)
		b.Mod(b, n)
		size := len(n.Bytes())
		m := newModulus(n.Bytes())
		inA, inB := m.in(a.Bytes()), m.in(b.Bytes())
		for name, c := range map[string]struct {
			got  []uint32
			want *big.Int
		}{
			"a":     {inA, a},
			"a + b": {m.add(inA, inB), new(big.Int).Add(a, b)},
			"a × b": {m.mul(inA, inB), new(big.Int).Mul(a, b)},
			"a^e":   {m.power(inA, e), new(big.Int).Exp(a, big.NewInt(int64(e)), n)},
		} {
			want := c.want.Mod(c.want, n).FillBytes(make([]byte, size))
			if got := m.out(c.got, size); !bytes.Equal(got, want) {
				t.Errorf("%s: %x, want %x", name, got, want)
			}
		}
	})
}

// Points are accepted as by crypto/ecdsa.
func TestPointsOfCurves(t *testing.T) {
	for i, theirs := range []elliptic.Curve{elliptic.P256(), elliptic.P384(), elliptic.P521()} {
		c := &curves[i]
		if p := theirs.Params(); p.P.Cmp(new(big.Int).SetBytes([]byte(c.p))) != 0 || p.B.Cmp(new(big.Int).SetBytes([]byte(c.b))) != 0 || p.Name != curveName(c.bits) {
			t.Fatalf("the parameters of %s", p.Name)
		}
		size := len(c.p)
		check := func(point []byte) {
			t.Helper()
			_, err := ecdsa.ParseUncompressedPublicKey(theirs, point)
			if got := c.has(point); got != (err == nil) {
				t.Errorf("%d bits, %x: %v, by crypto/ecdsa %v", c.bits, point, got, err)
			}
		}
		for range 20 {
			key, err := ecdsa.GenerateKey(theirs, rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			good, err := key.PublicKey.Bytes()
			if err != nil {
				t.Fatal(err)
			}
			if !c.has(good) {
				t.Errorf("%x is refused", good)
			}
			check(good)
			for _, at := range []int{0, 1, size, size + 1, 2 * size} {
				bad := bytes.Clone(good)
				bad[at] ^= 1
				check(bad)
			}
			check(good[:2*size])
			check(append(bytes.Clone(good), 0))
			negative := bytes.Clone(good) // (x, p - y) is on the curve
			y := new(big.Int).Sub(theirs.Params().P, new(big.Int).SetBytes(good[1+size:]))
			y.FillBytes(negative[1+size:])
			check(negative)
			for _, at := range []int{1, 1 + size} { // x + p or y + p, where it fits
				over := bytes.Clone(good)
				n := new(big.Int).Add(theirs.Params().P, new(big.Int).SetBytes(good[at:at+size]))
				if n.BitLen() <= 8*size {
					n.FillBytes(over[at : at+size])
					check(over)
				}
			}
		}
		check(nil)
		check([]byte{0})
		check(append([]byte{4}, make([]byte, 2*size)...))
		check(append([]byte{4}, c.p+c.p...))
	}
}
