package strictjson

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// escape reads one escape of a string, both halves of a surrogate pair at once.
func (c *checker) escape() error {
	at := c.pos
	if c.pos+1 >= len(c.text) {
		c.pos = len(c.text)
		return c.malformed("an escape")
	}
	c.pos++
	switch c.text[c.pos] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		c.pos++
		return nil
	case 'u':
	default:
		return c.malformed("an escape")
	}
	r, ok := hex4(c.text, c.pos+1)
	if !ok {
		return c.malformed("four hex digits")
	}
	c.pos += 5
	if !utf16.IsSurrogate(r) {
		return nil
	}
	if strings.HasPrefix(c.text[c.pos:], `\u`) {
		low, ok := hex4(c.text, c.pos+2)
		if ok && utf16.DecodeRune(r, low) != utf8.RuneError {
			c.pos += 6
			return nil
		}
	}
	return c.fail(at, ErrUTF8)
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

// unescape decodes the text between the quotes of a string that Check has
// accepted.
func unescape(raw string) string {
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
