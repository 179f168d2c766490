package policy

import (
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/rulegate/rulegate/rules/httpfield"
)

// PathError is a path that servers may read in different ways.
type PathError struct {
	Reason string // never holds a part of the path
}

func (e *PathError) Error() string { return "path: " + e.Reason }

// segments splits a request's path and decodes each segment once. One slash at
// the end means nothing, or `/admin/` would slip by `/admin`. It appends to
// out, and allocates for what is percent-encoded alone.
func segments(path string, out []string) ([]string, error) {
	if !strings.HasPrefix(path, "/") {
		return nil, &PathError{"it does not begin with a slash"}
	}
	for path = path[1:]; path != ""; {
		raw, left, _ := strings.Cut(path, "/")
		s, reason := decodeSegment(raw)
		if reason != "" {
			return nil, &PathError{reason}
		}
		out = append(out, s)
		path = left
	}
	return out, nil
}

// semicolon: to servlet containers, `/admin;x` is `/admin` and `..;` is `..`; to
// most others these are names. One of the two would not be what was decided.
const semicolon = "a semicolon, behind which some servers do not read on"

func decodeSegment(raw string) (s, reason string) {
	if raw == "" {
		return "", "an empty segment"
	}
	encoded, ascii := false, true
	for i := range len(raw) {
		switch b := raw[i]; {
		case b == '%':
			encoded = true
		case b == '\\':
			return "", "a backslash"
		case b == '#':
			return "", "a fragment"
		case b == ';':
			return "", semicolon
		case b == 0:
			return "", "a NUL"
		case b <= ' ' || b == 0x7f:
			return "", "white space or a control character"
		case b >= 0x80:
			ascii = false
		}
	}
	s = raw
	if encoded {
		if s, reason = decode(raw); reason != "" {
			return "", reason
		}
	}
	switch {
	case (encoded || !ascii) && !utf8.ValidString(s):
		return "", "not UTF-8"
	case isDots(s):
		return "", "a dot segment"
	}
	return s, ""
}

// decode undoes the percent-encoding of a segment that was checked byte by byte,
// so a byte that is refused here came out of an escape.
func decode(raw string) (s, reason string) {
	s, err := url.PathUnescape(raw)
	if err != nil {
		return "", "malformed percent-encoding"
	}
	for i := range len(s) {
		switch s[i] {
		case '/':
			return "", "an encoded slash"
		case '\\':
			return "", "a backslash"
		case ';':
			return "", semicolon
		case 0:
			return "", "a NUL"
		}
	}
	return s, ""
}

// hostOf is a request's host as it is compared: lower case, without a port and
// without the dot that ends an absolute name.
func hostOf(authority string) string {
	host, _ := httpfield.SplitPort(authority)
	return strings.ToLower(strings.TrimSuffix(host, "."))
}
