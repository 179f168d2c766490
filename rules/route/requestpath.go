package route

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rulegate/rulegate/rules/httpfield"
)

// PathError is a path that servers may read in different ways.
type PathError struct {
	Reason string // never holds a part of the path
}

func (e *PathError) Error() string { return "path: " + e.Reason }

// The reasons that occur at several places.
//
// A semicolon: servlet containers take `/admin;x` for `/admin` and `..;` for
// `..`; most others take these for names. The decision would hold for one of
// the two readings only.
var (
	errSemicolon = &PathError{"a semicolon, after which some servers ignore the text"}
	errBackslash = &PathError{"a backslash"}
	errNUL       = &PathError{"a NUL"}
	errControl   = &PathError{"white space or a control character"}
	errPercent   = &PathError{httpfield.ErrEscape.Error()}
)

// splitPath splits a request's path and decodes each segment once. A slash at
// the end has no meaning, or `/admin/` would bypass the route `/admin`. It
// appends to out, and allocates only for percent-encoded segments.
func splitPath(path string, out []string) ([]string, error) {
	if !strings.HasPrefix(path, "/") {
		return nil, &PathError{"it does not begin with a slash"}
	}
	for path = path[1:]; path != ""; {
		raw, left, _ := strings.Cut(path, "/")
		s, err := decodeSegment(raw)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
		path = left
	}
	return out, nil
}

func decodeSegment(raw string) (string, error) {
	if raw == "" {
		return "", &PathError{"an empty segment"}
	}
	encoded, ascii := false, true
	for i := range len(raw) {
		switch b := raw[i]; {
		case b == '%':
			encoded = true
		case b == '\\':
			return "", errBackslash
		case b == '#':
			return "", &PathError{"a fragment"}
		case b == ';':
			return "", errSemicolon
		case b == 0:
			return "", errNUL
		case b <= ' ' || b == 0x7f:
			return "", errControl
		case b >= 0x80:
			ascii = false
		}
	}
	s := raw
	if encoded {
		var err error
		if s, err = decodePercent(raw); err != nil {
			return "", err
		}
	}
	switch {
	case (encoded || !ascii) && !utf8.ValidString(s):
		return "", &PathError{"not UTF-8"}
	case (encoded || !ascii) && hasControl(s):
		return "", errControl
	case isDots(s):
		return "", &PathError{"a dot segment"}
	}
	return s, nil
}

// decodePercent undoes the percent-encoding of a segment whose bytes were
// checked. A byte that is refused here was percent-encoded.
func decodePercent(raw string) (string, error) {
	s, err := url.PathUnescape(raw)
	if err != nil {
		return "", errPercent
	}
	for i := range len(s) {
		switch s[i] {
		case '/':
			return "", &PathError{"an encoded slash"}
		case '\\':
			return "", errBackslash
		case ';':
			return "", errSemicolon
		case 0:
			return "", errNUL
		}
	}
	return s, nil
}

// hasControl reports whether a decoded segment has a control character, or white
// space other than spaces between other characters: servers cut these off, or end
// the path there.
func hasControl(s string) bool {
	if s[0] == ' ' || s[len(s)-1] == ' ' {
		return true
	}
	for _, r := range s {
		if r != ' ' && (unicode.IsControl(r) || unicode.IsSpace(r)) {
			return true
		}
	}
	return false
}

// isDots reports whether a segment is `.` or `..`, which servers resolve.
func isDots(text string) bool { return text == "." || text == ".." }
