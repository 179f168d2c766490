package value

import "unicode/utf8"

// AppendASCII appends a text that is JSON, on one line, without white space between its
// tokens. It escapes all but printable ASCII, because programs decode or show other
// bytes differently.
func AppendASCII(dst []byte, json string) []byte {
	inString := false
	for i := 0; i < len(json); {
		b := json[i]
		switch {
		case b == '\\' && i+1 < len(json):
			dst = append(dst, b, json[i+1])
			i += 2
			continue
		case b == '"':
			inString = !inString
		case !inString && (b == ' ' || b == '\t' || b == '\n' || b == '\r'):
			i++
			continue
		case b >= 0x7f:
			r, size := utf8.DecodeRuneInString(json[i:])
			dst = AppendEscaped(dst, r)
			i += size
			continue
		}
		dst = append(dst, b)
		i++
	}
	return dst
}

// AppendEscaped appends the escape of a character in a string of JSON, or the two of
// one beyond U+FFFF (RFC 8259, section 7).
func AppendEscaped(dst []byte, r rune) []byte {
	if r < 0x10000 {
		return appendUnit(dst, r)
	}
	r -= 0x10000
	return appendUnit(appendUnit(dst, 0xd800+r>>10), 0xdc00+r&0x3ff)
}

const hexDigits = "0123456789abcdef"

func appendUnit(dst []byte, unit rune) []byte {
	return append(dst, '\\', 'u', hexDigits[unit>>12&15], hexDigits[unit>>8&15], hexDigits[unit>>4&15], hexDigits[unit&15])
}
