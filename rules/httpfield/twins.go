package httpfield

import (
	"strings"
	"unicode"
)

// Twins reports whether some server may take the names of two fields, parameters
// or cookies for one. Servers differ in this:
//
//   - CGI and its heirs write `_` for `-` (RFC 3875, section 4.1.18); PHP and
//     lighttpd do so for every mark. So all marks are alike.
//   - Leading blanks are cut off (PHP), and a leading `[` opens a name (qs). So
//     leading blanks and marks do not count.
//   - `role[]` and `role[0]` are elements of role, and `role[x]` is a member of
//     it. A NUL ends a name.
//   - ASP.NET compares names without case.
//
// `filter[a]` and `filter[b]` are no twins: they are two members.
func Twins(a, b string) bool {
	if a == b {
		return true
	}
	a, b = withoutLeadingMarks(a), withoutLeadingMarks(b)
	for a != "" && b != "" {
		if a[0] == '[' && b[0] == '[' && (isElement(a) || isElement(b)) {
			return true
		}
		if foldByte(a[0]) != foldByte(b[0]) {
			return false
		}
		a, b = a[1:], b[1:]
	}
	return endsName(a) && endsName(b)
}

// Fold returns a name such that Twins of it, but for those with brackets or a NUL,
// have the same.
func Fold(name string) string {
	out := []byte(withoutLeadingMarks(name))
	for i, b := range out {
		out[i] = foldByte(b)
	}
	return string(out)
}

func withoutLeadingMarks(name string) string {
	if name != "" && isAlphanumeric(name[0]) {
		return name
	}
	return strings.TrimLeftFunc(name, func(r rune) bool {
		return r < 0x80 && !isAlphanumeric(byte(r)) || unicode.IsSpace(r) || r == '\ufeff'
	})
}

func foldByte(b byte) byte {
	switch {
	case b >= 'A' && b <= 'Z':
		return b + 'a' - 'A'
	case b < 0x80 && !isAlphanumeric(b):
		return '-'
	}
	return b
}

// isElement reports whether brackets, with which s begins, name an element of an
// array rather than a member of an object.
func isElement(s string) bool {
	return len(s) < 2 || s[1] == ']' || s[1] >= '0' && s[1] <= '9'
}

// endsName reports whether a name ends where s, the rest of it, begins.
func endsName(s string) bool {
	return s == "" || s[0] == '[' || s[0] == 0 || s == "]"
}
