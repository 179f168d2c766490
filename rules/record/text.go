package record

import (
	"unicode/utf8"

	"github.com/rulegate/rulegate/rules/value"
)

// appendText appends a text, of which what is longer than maxText is cut, as a string
// of JSON.
func appendText(b []byte, text string) []byte {
	cut := len(text) > maxText
	if cut {
		text = text[:maxText]
		for !utf8.ValidString(text) && len(text) > maxText-utf8.UTFMax {
			text = text[:len(text)-1]
		}
	}
	b = append(b, '"')
	for i := 0; i < len(text); {
		c := text[i]
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c >= ' ' && c < 0x7f:
			b = append(b, c)
		case c < utf8.RuneSelf:
			b = value.AppendEscaped(b, rune(c))
		default:
			r, size := utf8.DecodeRuneInString(text[i:]) // U+FFFD for bytes that are no UTF-8
			b = value.AppendEscaped(b, r)
			i += size
			continue
		}
		i++
	}
	if cut {
		b = value.AppendEscaped(b, '…')
	}
	return append(b, '"')
}
