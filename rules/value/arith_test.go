package value

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// TestSmallIsExact: small numbers are calculated as exact ones are.
func TestSmallIsExact(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	number := func() Value {
		text := strings.TrimLeft(digits(random, 1+random.IntN(6)), "0")
		if text == "" {
			text = "0"
		}
		if random.IntN(2) == 0 {
			text += "." + digits(random, 1+random.IntN(5))
		}
		if random.IntN(2) == 0 {
			text = "-" + text
		}
		return Num(text)
	}
	quick := 0
	for range 20_000 {
		a, b := number(), number()
		if _, ok := smallOf(a); ok {
			quick++
		}
		for name, f := range map[string]struct {
			got  func(a, b Value) (Value, error)
			want func(x, y exact) exact
		}{"+": {Add, sum}, "-": {Sub, difference}, "*": {Mul, product}} {
			got, err := f.got(a, b)
			want, wantErr := calculateExact(a, b, f.want)
			if got.String() != want.String() || (err == nil) != (wantErr == nil) {
				t.Fatalf("%v %s %v = %v, want %v", a, name, b, got, want)
			}
		}
		seconds, nanos, ok := UnixTime(a)
		s, n, ok2 := UnixTime(Num(a.String() + "e0"))
		if seconds != s || nanos != n || ok != ok2 {
			t.Fatalf("the time %v is %d %d %t, want %d %d %t", a, seconds, nanos, ok, s, n, ok2)
		}
	}
	if quick < 10_000 {
		t.Errorf("only %d numbers are small", quick)
	}
}

func digits(random *rand.Rand, n int) string {
	out := make([]byte, n)
	for i := range out {
		out[i] = byte('0' + random.IntN(10))
	}
	return string(out)
}

// TestEqualInAnyOrder: the order of members never matters, whatever their number.
func TestEqualInAnyOrder(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	for range 2000 {
		n := random.IntN(3 * keysCompared)
		members := make([]Member, n)
		for i := range members {
			members[i] = Member{Key: string(rune('a' + i)), Value: Int(int64(random.IntN(2)))}
		}
		a := Obj(members...)
		shuffled := a.Members()
		random.Shuffle(n, func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		b := Obj(shuffled...)
		if !Equal(a, b) || !Equal(b, a) {
			t.Fatalf("%v and %v differ", a, b)
		}
		if n == 0 {
			continue
		}
		at := random.IntN(n)
		other := b.Members()
		other[at].Value = Int(7)
		renamed := b.Members()
		renamed[at].Key = "other"
		if Equal(a, Obj(other...)) || Equal(a, Obj(renamed...)) || Equal(Obj(renamed...), a) {
			t.Fatalf("%v equals one with another member %d", a, at)
		}
	}
}
