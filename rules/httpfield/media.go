package httpfield

import "strings"

// Media is how a body is read.
type Media uint8

const (
	Unreadable Media = iota
	JSON
	Form // application/x-www-form-urlencoded
)

// ParseMedia reads the values of Content-Type. A message with two of them is
// Unreadable: servers may take either. Of the parameters only charset matters
// (RFC 9110, section 8.3; RFC 8259, section 11).
func ParseMedia(types []string) Media {
	if len(types) != 1 {
		return Unreadable
	}
	essence, params, _ := strings.Cut(types[0], ";")
	if !isUTF8(params) {
		return Unreadable
	}
	essence = strings.ToLower(TrimSpace(essence))
	subtype, application := strings.CutPrefix(essence, "application/")
	switch {
	case !application:
	case subtype == "json":
		return JSON
	case subtype == "x-www-form-urlencoded":
		return Form
	case strings.HasPrefix(subtype, "grpc"), strings.HasPrefix(subtype, "connect"), strings.HasPrefix(subtype, "stream"):
		// With +json too: the body is a stream of messages.
	case strings.HasSuffix(subtype, "+json") && IsToken(subtype):
		return JSON
	}
	return Unreadable
}

// isUTF8 reports whether the parameters of a media type are well formed and name
// no charset but utf-8, at most once.
func isUTF8(params string) bool {
	seen := false
	for rest := params; strings.Trim(rest, " \t;") != ""; {
		rest = strings.TrimLeft(rest, " \t;")
		name, after, found := strings.Cut(rest, "=")
		if !found || !IsToken(name) {
			return false
		}
		value, tail, ok := parameterValue(after)
		if !ok {
			return false
		}
		// Some servers take `charset*` (RFC 8187) for the charset.
		if base, _, extended := strings.Cut(name, "*"); strings.EqualFold(base, "charset") {
			if seen || extended || !strings.EqualFold(value, "utf-8") && !strings.EqualFold(value, "utf8") {
				return false
			}
			seen = true
		}
		if rest = strings.TrimLeft(tail, " \t"); rest != "" && rest[0] != ';' {
			return false
		}
	}
	return true
}

// parameterValue reads a token or a quoted string from the start of s. It
// refuses an escape in a quoted string, and the word charset, which some servers
// find without regard to the quotes; honest clients write neither.
func parameterValue(s string) (value, rest string, ok bool) {
	if strings.HasPrefix(s, `"`) {
		value, rest, ok = strings.Cut(s[1:], `"`)
		return value, rest, ok && !strings.Contains(value, `\`) && !strings.Contains(strings.ToLower(value), "charset")
	}
	end := 0
	for end < len(s) && isTokenByte(s[end]) {
		end++
	}
	return s[:end], s[end:], end > 0
}

// IsIdentity reports whether a value of Content-Encoding says that the body is as it
// is (RFC 9110, section 12.5.3).
func IsIdentity(coding string) bool {
	coding = TrimSpace(coding)
	return coding == "" || strings.EqualFold(coding, "identity")
}
