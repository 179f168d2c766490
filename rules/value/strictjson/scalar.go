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

// scalar reads a string, a number, true, false or null.
func (s *scanner) scalar(i int) (end int, escaped bool, err error) {
	switch b := s.text[i]; {
	case b == '"':
		return s.str(i)
	case b == '-' || isDigit(b):
		end, err = s.number(i)
	case b == 't':
		end, err = s.word(i, "true")
	case b == 'f':
		end, err = s.word(i, "false")
	case b == 'n':
		end, err = s.word(i, "null")
	default:
		err = s.malformed(i, "a value")
	}
	return end, false, err
}

func (s *scanner) word(i int, w string) (end int, err error) {
	end = i + len(w)
	if end > len(s.text) || s.text[i:end] != w {
		return i, s.malformed(i, w)
	}
	return end, nil
}

// number reads RFC 8259's number: no plus sign, no leading zero, no bare point.
func (s *scanner) number(i int) (end int, err error) {
	text := s.text
	if text[i] == '-' {
		i++
	}
	if i < len(text) && text[i] == '0' {
		i++
	} else if i, err = s.digits(i); err != nil {
		return i, err
	}
	if i < len(text) && text[i] == '.' {
		if i, err = s.digits(i + 1); err != nil {
			return i, err
		}
	}
	if i < len(text) && (text[i] == 'e' || text[i] == 'E') {
		if i++; i < len(text) && (text[i] == '+' || text[i] == '-') {
			i++
		}
		return s.digits(i)
	}
	return i, nil
}

func (s *scanner) digits(i int) (end int, err error) {
	end = i
	for end < len(s.text) && isDigit(s.text[end]) {
		end++
	}
	if end == i {
		return i, s.malformed(i, "a digit")
	}
	return end, nil
}

func isDigit(b byte) bool { return b >= '0' && b <= '9' }

// str reads a string. end is behind its closing quote.
func (s *scanner) str(i int) (end int, escaped bool, err error) {
	text := s.text
	for i++; ; {
		if i = plain(text, i); i >= len(text) {
			return i, false, s.malformed(i, "the end of the string")
		}
		switch b := text[i]; {
		case b == '"':
			return i + 1, escaped, nil
		case b == '\\':
			escaped = true
			if i, err = s.escape(i); err != nil {
				return i, false, err
			}
		case b < 0x20:
			return i, false, s.malformed(i, "no control character in a string")
		default:
			r, n := utf8.DecodeRuneInString(text[i:])
			if r == utf8.RuneError && n == 1 {
				return i, false, fail(i, ErrUTF8)
			}
			i += n
		}
	}
}

// plain skips the bytes of a string that stand for themselves: ASCII but for quotes,
// backslashes and control characters. It looks at eight bytes at once: in (x-ones)&^x
// the lowest high bit that is set is that of the first byte of x that is zero.
func plain(text string, i int) int {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	for i+8 <= len(text) {
		t := text[i : i+8]
		w := uint64(t[0]) | uint64(t[1])<<8 | uint64(t[2])<<16 | uint64(t[3])<<24 |
			uint64(t[4])<<32 | uint64(t[5])<<40 | uint64(t[6])<<48 | uint64(t[7])<<56
		quote, slash := w^(ones*'"'), w^(ones*'\\')
		odd := ((quote-ones)&^quote | (slash-ones)&^slash | (w-ones*0x20)&^w | w) & high
		if odd != 0 {
			return i + bits.TrailingZeros64(odd)>>3
		}
		i += 8
	}
	for i < len(text) && text[i] >= 0x20 && text[i] < utf8.RuneSelf && text[i] != '"' && text[i] != '\\' {
		i++
	}
	return i
}
