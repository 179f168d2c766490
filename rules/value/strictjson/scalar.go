package strictjson

import "unicode/utf8"

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

const ones, high = 0x0101010101010101, 0x8080808080808080

// word returns eight bytes of text from i on, the first one lowest.
func word(text string, i int) uint64 {
	t := text[i : i+8]
	return uint64(t[0]) | uint64(t[1])<<8 | uint64(t[2])<<16 | uint64(t[3])<<24 |
		uint64(t[4])<<32 | uint64(t[5])<<40 | uint64(t[6])<<48 | uint64(t[7])<<56
}

// special sets the high bit of the first byte of a word that does not stand for itself
// in a string: a quote, a backslash, a control character, or one beyond ASCII. The bits
// behind it say nothing. In (x-ones)&^x the lowest high bit that is set is that of the
// first byte of x that is zero.
func special(w uint64) uint64 {
	quote, slash := w^(ones*'"'), w^(ones*'\\')
	return ((quote-ones)&^quote | (slash-ones)&^slash | (w-ones*0x20)&^w | w) & high
}

// character reads one character of a string that is not its closing quote.
func (s *scanner) character(i int, escaped *bool) (end int) {
	text := s.text
	if i >= len(text) {
		return s.malformed(i, "the end of the string")
	}
	switch b := text[i]; {
	case b == '\\':
		*escaped = true
		return s.escape(i)
	case b < 0x20:
		return s.malformed(i, "no control character in a string")
	case b < utf8.RuneSelf:
		return i + 1
	}
	r, n := utf8.DecodeRuneInString(text[i:])
	if r == utf8.RuneError && n == 1 {
		return s.fail(i, ErrUTF8)
	}
	return i + n
}
