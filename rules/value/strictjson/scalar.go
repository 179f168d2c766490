package strictjson

import (
	"math/bits"
	"unicode/utf8"
)

func space(text string, i int) int {
	for i < len(text) && text[i] <= ' ' && (text[i] == ' ' || text[i] == '\n' || text[i] == '\t' || text[i] == '\r') {
		i++
	}
	return i
}

// scalar reads a number, true, false or null.
func (s *scanner) scalar(i int) (end int) {
	switch b := s.text[i]; {
	case b == '-' || isDigit(b):
		return s.number(i)
	case b == 't':
		return s.word(i, "true")
	case b == 'f':
		return s.word(i, "false")
	case b == 'n':
		return s.word(i, "null")
	}
	return s.malformed(i, "a value")
}

func (s *scanner) word(i int, w string) (end int) {
	end = i + len(w)
	if end > len(s.text) || s.text[i:end] != w {
		return s.malformed(i, w)
	}
	return end
}

// number reads RFC 8259's number: no plus sign, no leading zero, no bare point.
func (s *scanner) number(i int) (end int) {
	text := s.text
	if text[i] == '-' {
		i++
	}
	if i < len(text) && text[i] == '0' {
		i++
	} else if i = s.digits(i); i == failed {
		return failed
	}
	if i < len(text) && text[i] == '.' {
		if i = s.digits(i + 1); i == failed {
			return failed
		}
	}
	if i < len(text) && (text[i] == 'e' || text[i] == 'E') {
		if i++; i < len(text) && (text[i] == '+' || text[i] == '-') {
			i++
		}
		return s.digits(i)
	}
	return i
}

func (s *scanner) digits(i int) (end int) {
	end = i
	for end < len(s.text) && isDigit(s.text[end]) {
		end++
	}
	if end == i {
		return s.malformed(i, "a digit")
	}
	return end
}

func isDigit(b byte) bool { return b >= '0' && b <= '9' }

// str reads a string. end is behind its closing quote.
//
// It looks at eight bytes at once for one that does not stand for itself: a quote, a
// backslash, a control character, or one beyond ASCII. In (x-ones)&^x the lowest high
// bit that is set is that of the first byte of x that is zero.
func (s *scanner) str(start int) (end int, escaped bool) {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	text, i := s.text, start+1
	for i < len(text) {
		if i+8 <= len(text) {
			t := text[i : i+8]
			w := uint64(t[0]) | uint64(t[1])<<8 | uint64(t[2])<<16 | uint64(t[3])<<24 |
				uint64(t[4])<<32 | uint64(t[5])<<40 | uint64(t[6])<<48 | uint64(t[7])<<56
			quote, slash := w^(ones*'"'), w^(ones*'\\')
			odd := ((quote-ones)&^quote | (slash-ones)&^slash | (w-ones*0x20)&^w | w) & high
			if odd == 0 {
				i += 8
				continue
			}
			i += bits.TrailingZeros64(odd) >> 3
		}
		switch b := text[i]; {
		case b == '"':
			return i + 1, escaped
		case b == '\\':
			escaped = true
			if i = s.escape(i); i == failed {
				return failed, false
			}
		case b < 0x20:
			return s.malformed(i, "no control character in a string"), false
		case b < utf8.RuneSelf:
			i++
		default:
			r, n := utf8.DecodeRuneInString(text[i:])
			if r == utf8.RuneError && n == 1 {
				return s.fail(i, ErrUTF8), false
			}
			i += n
		}
	}
	return s.malformed(i, "the end of the string"), false
}
