package strictjson

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// escape reads one escape of a string, both halves of a surrogate pair at once.
func (s *scanner) escape(start int) (end int) {
	text, i := s.text, start+1
	if i >= len(text) {
		return s.malformed(i, "an escape")
	}
	switch text[i] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 1
	case 'u':
	default:
		return s.malformed(i, "an escape")
	}
	r, ok := hex4(text, i+1)
	if !ok {
		return s.malformed(i, "four hex digits")
	}
	i += 5
	if !utf16.IsSurrogate(r) {
		return i
	}
	if strings.HasPrefix(text[i:], `\u`) {
		low, ok := hex4(text, i+2)
		if ok && utf16.DecodeRune(r, low) != utf8.RuneError {
			return i + 6
		}
	}
	return s.fail(start, ErrUTF8)
}

func hex4(s string, at int) (r rune, ok bool) {
	if at+4 > len(s) {
		return 0, false
	}
	for _, b := range []byte(s[at : at+4]) {
		switch {
		case b >= '0' && b <= '9':
			r = r<<4 | rune(b-'0')
		case b >= 'a' && b <= 'f':
			r = r<<4 | rune(b-'a'+10)
		case b >= 'A' && b <= 'F':
			r = r<<4 | rune(b-'A'+10)
		default:
			return 0, false
		}
	}
	return r, true
}

// Unescape decodes the text between the quotes of a string that Check has
// accepted.
func Unescape(raw string) string {
	out := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' {
			out = append(out, raw[i])
			continue
		}
		i++
		switch raw[i] {
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		case 'u':
			r, _ := hex4(raw, i+1)
			i += 4
			if utf16.IsSurrogate(r) {
				low, _ := hex4(raw, i+3)
				r = utf16.DecodeRune(r, low)
				i += 6
			}
			out = utf8.AppendRune(out, r)
		default:
			out = append(out, raw[i])
		}
	}
	return string(out)
}
