package value

import (
	"strconv"
	"strings"
)

// small is a number of few digits: n × 10^exp.
type small struct {
	n   int64
	exp int
}

// smallText is the length of the texts that are read as small numbers: n is below
// 10^9 and exp above -8, so sums and products fit in an int64.
const smallText = 9

// smallOf reads a Number of few digits, without an exponent.
func smallOf(v Value) (s small, ok bool) {
	if v.kind != Number || len(v.text) > smallText {
		return s, false
	}
	text := v.text
	if i := strings.IndexByte(text, '.'); i >= 0 {
		s.exp = i + 1 - len(text)
		text = text[:i] + text[i+1:]
	}
	n, err := strconv.ParseInt(text, 10, 64)
	s.n = n
	return s, err == nil
}

func (s small) plus(t small) small {
	for s.exp > t.exp {
		s.n, s.exp = s.n*10, s.exp-1
	}
	for t.exp > s.exp {
		t.n, t.exp = t.n*10, t.exp-1
	}
	return small{s.n + t.n, s.exp}
}

func (s small) minus(t small) small { return s.plus(small{-t.n, t.exp}) }
func (s small) times(t small) small { return small{s.n * t.n, s.exp + t.exp} }

func (s small) value() (Value, error) {
	digits, negative := strings.CutPrefix(strconv.FormatInt(s.n, 10), "-")
	return decimal(negative, digits, s.exp)
}
