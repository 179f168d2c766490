package route

import (
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
	errDots      = &PathError{"a dot segment"}
	errSlash     = &PathError{"an encoded slash"}
	errPercent   = &PathError{httpfield.ErrEscape.Error()}
)

// requestPath is a request's path, whose segments are decoded once.
type requestPath struct {
	text     string // as sent
	segments []string
	slash    bool // some segment has an encoded slash
}

// raw returns a segment as sent.
func (p *requestPath) raw(i int) string {
	left := p.text[1:]
	for ; i > 0; i-- {
		_, left, _ = strings.Cut(left, "/")
	}
	raw, _, _ := strings.Cut(left, "/")
	return raw
}

// splitPath splits a request's path. A slash at the end has no meaning, or `/admin/`
// would bypass the route `/admin`. It appends to out, and allocates only for
// percent-encoded segments.
func splitPath(path string, out []string) (requestPath, error) {
	p := requestPath{text: path}
	if !strings.HasPrefix(path, "/") {
		return p, &PathError{"it does not begin with a slash"}
	}
	for path = path[1:]; path != ""; {
		raw, left, _ := strings.Cut(path, "/")
		s, err := decodeSegment(raw)
		if err != nil {
			return p, err
		}
		p.slash = p.slash || len(s) != len(raw) && strings.Contains(s, "/")
		out = append(out, s)
		path = left
	}
	p.segments = out
	return p, nil
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
	if ascii && !encoded {
		if isDots(s) {
			return "", errDots
		}
		return s, nil
	}
	if !utf8.ValidString(s) {
		return "", &PathError{"not UTF-8"}
	}
	// A server that decodes before it splits sees several segments.
	for part := range strings.SplitSeq(s, "/") {
		switch {
		case hasControl(part):
			return "", errControl
		case isDots(part):
			return "", errDots
		}
	}
	return s, nil
}

// decodePercent undoes the percent-encoding of a segment whose bytes were
// checked. A byte that is refused here was percent-encoded.
func decodePercent(raw string) (string, error) {
	s, ok := httpfield.DecodePercent(raw)
	if !ok {
		return "", errPercent
	}
	for i := range len(s) {
		switch s[i] {
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
	if strings.HasPrefix(s, " ") || strings.HasSuffix(s, " ") {
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
