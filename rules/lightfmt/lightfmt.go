// Package lightfmt makes texts as package fmt does, of the few types and verbs that the
// messages of rulegate have. It is for code that the module links: fmt finds out types
// by reflection, and both together are 190,000 bytes of code.
//
// The verbs are %s, %v, %d, %q, %t, %c, %% and, for Errorf, one %w, without flags. The
// types are string, []byte, bool, int, int64, int32, uint32, byte, []string, error, and
// those with a method String. go vet checks the calls as it checks those of fmt.
package lightfmt

import (
	"fmt" // for go vet alone; nothing of it is linked
	"strconv"
)

// Sprintf returns a text.
func Sprintf(format string, args ...any) string {
	if false {
		_ = fmt.Sprintf(format, args...) // tells go vet that the arguments are those of Printf
	}
	return string(appendf(make([]byte, 0, len(format)+16*len(args)), format, args))
}

// Errorf returns an error with a text. It wraps the operand of %w.
func Errorf(format string, args ...any) error {
	if false {
		_ = fmt.Errorf(format, args...)
	}
	err := &formatted{text: string(appendf(make([]byte, 0, len(format)+16*len(args)), format, args))}
	for i, verb := range verbs(format) {
		if verb == 'w' && i < len(args) {
			err.wrapped, _ = args[i].(error)
		}
	}
	return err
}

// Cut returns the first characters of a text, at most that many.
func Cut(text string, most int) string {
	for i := range text {
		if most == 0 {
			return text[:i]
		}
		most--
	}
	return text
}

type formatted struct {
	text    string
	wrapped error
}

func (e *formatted) Error() string { return e.text }
func (e *formatted) Unwrap() error { return e.wrapped }

// verbs returns the verbs of a format that have an operand.
func verbs(format string) (list []byte) {
	for i := 0; i+1 < len(format); i++ {
		if format[i] == '%' {
			if i++; format[i] != '%' {
				list = append(list, format[i])
			}
		}
	}
	return list
}

func appendf(out []byte, format string, args []any) []byte {
	next := 0
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 == len(format) {
			out = append(out, format[i])
			continue
		}
		i++
		switch {
		case format[i] == '%':
			out = append(out, '%')
		case next == len(args):
			out = append(out, "%!(MISSING)"...)
		default:
			out = appendValue(out, format[i], args[next])
			next++
		}
	}
	return out
}

func appendValue(out []byte, verb byte, arg any) []byte {
	text := ""
	switch x := arg.(type) {
	case nil:
		return append(out, "<nil>"...)
	case int:
		return appendInt(out, verb, int64(x))
	case int64:
		return appendInt(out, verb, x)
	case int32:
		return appendInt(out, verb, int64(x))
	case uint32:
		return appendInt(out, verb, int64(x))
	case byte:
		return appendInt(out, verb, int64(x))
	case bool:
		return strconv.AppendBool(out, x)
	case []string:
		out = append(out, '[')
		for i, s := range x {
			if i > 0 {
				out = append(out, ' ')
			}
			out = appendValue(out, verb, s)
		}
		return append(out, ']')
	case string:
		text = x
	case []byte:
		text = string(x)
	case error:
		text = x.Error()
	case interface{ String() string }:
		text = x.String()
	default:
		text = "(a value of another type)"
	}
	if verb == 'q' {
		return strconv.AppendQuote(out, text)
	}
	return append(out, text...)
}

func appendInt(out []byte, verb byte, n int64) []byte {
	switch verb {
	case 'c':
		return append(out, string(rune(n))...)
	case 'q':
		return strconv.AppendQuoteRune(out, rune(n))
	}
	return strconv.AppendInt(out, n, 10)
}

// DecodeHex decodes pairs of hex digits; false for another text. The errors of
// encoding/hex link fmt.
func DecodeHex(text string) ([]byte, bool) {
	if len(text)%2 != 0 {
		return nil, false
	}
	out := make([]byte, len(text)/2)
	for i := range len(text) {
		c, digit := text[i], byte(0)
		switch {
		case '0' <= c && c <= '9':
			digit = c - '0'
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			digit = c | 0x20 - 'a' + 10
		default:
			return nil, false
		}
		out[i/2] = out[i/2]<<4 | digit
	}
	return out, true
}
