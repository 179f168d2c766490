package strictjson

import (
	"math/bits"
	"strings"
)

// The functions here read texts that Check has accepted, so they look for the ends of
// values alone. Of another text they tell ends within the text.

const ones, high = 0x0101010101010101, 0x8080808080808080

// word returns eight bytes of text from i on, the first one lowest.
func word(text string, i int) uint64 {
	t := text[i : i+8]
	return uint64(t[0]) | uint64(t[1])<<8 | uint64(t[2])<<16 | uint64(t[3])<<24 |
		uint64(t[4])<<32 | uint64(t[5])<<40 | uint64(t[6])<<48 | uint64(t[7])<<56
}

// is sets the high bit of each byte of w that is b, up to the first one exactly: in
// (x-ones)&^x the lowest high bit that is set is that of the first byte of x that is
// zero.
func is(w uint64, b byte) uint64 {
	x := w ^ ones*uint64(b)
	return (x - ones) &^ x & high
}

// EndOfString returns the end of the string that starts at i, behind its closing quote,
// and whether it holds escapes.
func EndOfString(text string, i int) (end int, escaped bool) {
	for i++; i < len(text); {
		if i+8 <= len(text) {
			w := word(text, i)
			odd := is(w, '"') | is(w, '\\')
			if odd == 0 {
				i += 8
				continue
			}
			i += bits.TrailingZeros64(odd) >> 3
		}
		switch text[i] {
		case '"':
			return i + 1, escaped
		case '\\':
			escaped = true
			i += 2
		default:
			i++
		}
	}
	return len(text), escaped
}

// End returns the end of the value that starts at i, and whether it is a string with
// escapes.
func End(text string, i int) (end int, escaped bool) {
	switch text[i] {
	case '"':
		return EndOfString(text, i)
	case '{', '[':
		return endOfContainer(text, i), false
	}
	for i < len(text) && text[i] > ' ' && text[i] != ',' && text[i] != ']' && text[i] != '}' {
		i++
	}
	return i, false
}

// endOfContainer counts brackets. It looks at eight bytes at once for one of these or a
// quote: with the bit 0x20, an opening square bracket is a curly one, and so is the
// closing one.
func endOfContainer(text string, i int) (end int) {
	for depth := 0; i < len(text); {
		if i+8 <= len(text) {
			w := word(text, i) | ones*0x20
			odd := is(w, '"') | is(w, '{') | is(w, '}')
			if odd == 0 {
				i += 8
				continue
			}
			i += bits.TrailingZeros64(odd) >> 3
		}
		switch text[i] {
		case '"':
			i, _ = EndOfString(text, i)
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
		}
		i++
	}
	return len(text)
}

// Parts reads the members of an object or the elements of an array.
type Parts struct {
	text string
	next int // where the next part may begin

	Key              string // as it is written, without its quotes; "" for an element
	KeyEscaped       bool   // it holds escapes
	KeyStart, KeyEnd int    // with its quotes
	Start, End       int    // of the value
	Escaped          bool   // it is a string with escapes
	object, ended    bool
}

// PartsOf returns the Parts of an object or array, without space around it.
func PartsOf(text string) Parts {
	return Parts{text: text, next: 1, object: strings.HasPrefix(text, "{")}
}

// Next reads the next part. It reports false at the end.
func (p *Parts) Next() bool {
	text, i := p.text, p.next
	for i < len(text) && (text[i] == ',' || text[i] <= ' ') {
		i++
	}
	if i >= len(text)-1 { // at the closing bracket
		p.next, p.ended = len(text), true
		return false
	}
	if p.object {
		p.KeyStart = i
		p.KeyEnd, p.KeyEscaped = EndOfString(text, i)
		p.Key = text[i+1 : p.KeyEnd-1]
		i = p.KeyEnd
		for i < len(text)-1 && (text[i] == ':' || text[i] <= ' ') {
			i++
		}
	}
	p.Start = i
	p.End, p.Escaped = End(text, i)
	p.next = p.End
	return true
}

// Ended reports whether Next has reported false.
func (p *Parts) Ended() bool { return p.ended }

// Value is the text of the value.
func (p *Parts) Value() string { return p.text[p.Start:p.End] }

// Raw is the key as it is written, with its quotes; "" for an element.
func (p *Parts) Raw() string { return p.text[p.KeyStart:p.KeyEnd] }

// Name is the key; "" for an element.
func (p *Parts) Name() string {
	if p.KeyEscaped {
		return Unescape(p.Key)
	}
	return p.Key
}

// Named reports whether the key is this one.
func (p *Parts) Named(key string) bool {
	if p.KeyEscaped {
		return Unescape(p.Key) == key
	}
	return p.Key == key
}
