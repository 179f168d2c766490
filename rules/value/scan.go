package value

import (
	"strings"
	"unicode/utf8"

	"github.com/rulegate/rulegate/rules/value/strictjson"
)

// scanner steps over the members of an object, or the elements of an array, in
// a text that strictjson.Check has accepted. It copies nothing.
type scanner struct {
	text   string
	pos    int    // behind the part that was read
	object bool   // else an array
	key    string // the key of the member, as it is written, quotes included
	raw    string // the value of the member or element

	plainKey, plain bool // key, or the string raw, has no escapes
}

// scan starts at the first member or element of v, an Array or Object of text.
func (v Value) scan() scanner { return scanner{text: v.raw, pos: 1, object: v.kind == Object} }

// next steps to the next member or element. It reports whether there is one.
func (s *scanner) next() bool {
	text, at := s.text, afterSpace(s.text, s.pos, ',')
	if at >= len(text)-1 {
		return false // at the closing bracket
	}
	if s.object {
		var end int
		end, s.plainKey = afterString(text, at)
		s.key = text[at:end]
		at = afterSpace(text, end, ':')
	}
	if at < len(text) && text[at] == '"' {
		s.pos, s.plain = afterString(text, at)
	} else {
		s.pos = afterValue(text, at)
	}
	s.raw = text[at:s.pos]
	return s.pos > at
}

// keyIs reports whether the member has a key.
func (s *scanner) keyIs(name string) bool {
	inside := s.key[1 : len(s.key)-1]
	if s.plainKey {
		return inside == name
	}
	return strictjson.Unescape(inside) == name
}

// keyText returns the key of the member.
func (s *scanner) keyText() string {
	inside := s.key[1 : len(s.key)-1]
	if s.plainKey {
		return inside
	}
	return strictjson.Unescape(inside)
}

// value returns the value of the member or element.
func (s *scanner) value() Value {
	if s.plain && s.raw[0] == '"' {
		return Value{kind: String, raw: s.raw, str: s.raw[1 : len(s.raw)-1]}
	}
	return fromText(s.raw)
}

// afterSpace is the index after white space and a separator, if there is one.
func afterSpace(text string, at int, separator byte) int {
	for at < len(text) && (text[at] <= ' ' || text[at] == separator) {
		at++
	}
	return at
}

// afterValue is the index after a value that is no string.
func afterValue(text string, at int) int {
	if at < len(text) && (text[at] == '{' || text[at] == '[') {
		return afterContainer(text, at)
	}
	for at < len(text) && text[at] > ' ' && text[at] != ',' && text[at] != '}' && text[at] != ']' {
		at++
	}
	return at
}

// afterContainer counts brackets and does not recurse: a wasm host gives a small
// stack.
func afterContainer(text string, at int) int {
	for depth := 0; at < len(text); at++ {
		switch text[at] {
		case '"':
			at, _ = afterString(text, at)
			at--
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return at + 1
			}
		}
	}
	return at
}

// longString is the length from which it pays to search for the quote.
const longString = 32

// afterString is the index after a string; plain is set where that has no
// escapes.
func afterString(text string, at int) (after int, plain bool) {
	plain = true
	at++
	for end := min(len(text), at+longString); at < end; at++ {
		switch text[at] {
		case '"':
			return at + 1, plain
		case '\\':
			plain = false
			at++
		}
	}
	for at < len(text) {
		quote := strings.IndexByte(text[at:], '"')
		if quote < 0 {
			break
		}
		plain = plain && strings.IndexByte(text[at:at+quote], '\\') < 0
		quote += at
		escapes := 0
		for quote-escapes > at && text[quote-escapes-1] == '\\' {
			escapes++
		}
		if escapes%2 == 0 {
			return quote + 1, plain
		}
		at = quote + 1
	}
	return len(text), plain
}

// fromText returns the value of a text without white space around it.
func fromText(raw string) Value {
	if raw == "" {
		return Value{}
	}
	v := Value{raw: raw}
	switch raw[0] {
	case '{':
		v.kind = Object
	case '[':
		v.kind = Array
	case '"':
		_, plain := afterString(raw, 0)
		v.kind, v.str = String, raw[1:len(raw)-1]
		if !plain {
			v.str = strictjson.Unescape(v.str)
		}
	case 't', 'f':
		v.kind = Bool
	case 'n':
		v.kind = Null
	default:
		v.kind = Number
	}
	return v
}

const hexDigits = "0123456789abcdef"

// AppendString appends a text as a JSON string. It also escapes the characters that
// HTML and JavaScript read otherwise.
func AppendString(dst []byte, text string) []byte {
	dst = append(dst, '"')
	for _, r := range text { // invalid UTF-8 is U+FFFD
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r < ' ':
			dst = appendControl(dst, byte(r))
		case r == '<' || r == '>' || r == '&':
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[r>>4], hexDigits[r&15])
		case r == '\u2028' || r == '\u2029':
			dst = append(dst, '\\', 'u', '2', '0', '2', hexDigits[r&15])
		default:
			dst = utf8.AppendRune(dst, r)
		}
	}
	return append(dst, '"')
}

func appendControl(dst []byte, b byte) []byte {
	if i := strings.IndexByte("\b\f\n\r\t", b); i >= 0 {
		return append(dst, '\\', "bfnrt"[i])
	}
	return append(dst, '\\', 'u', '0', '0', hexDigits[b>>4], hexDigits[b&15])
}
