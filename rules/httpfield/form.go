package httpfield

import (
	"errors"
	"strings"
	"unicode/utf8"
)

// Pair is one name=value of a query or a form.
type Pair struct {
	Raw         string // as sent
	Name, Value string // decoded
}

// The errors of Unescape and ParseForm.
var (
	ErrEscape    = errors.New("malformed percent-encoding")
	ErrUTF8      = errors.New("invalid UTF-8")
	ErrSemicolon = errors.New("a bare semicolon, which some servers take for a separator")
)

// ParseForm splits a query or a form (application/x-www-form-urlencoded of the
// URL standard), and fails where servers would read it differently.
func ParseForm(s string) ([]Pair, error) { return AppendForm(nil, s) }

// AppendForm is ParseForm, but that it appends to out.
func AppendForm(out []Pair, s string) ([]Pair, error) {
	if strings.Contains(s, ";") {
		return out, ErrSemicolon
	}
	for rest := s; rest != ""; {
		var raw string
		raw, rest, _ = strings.Cut(rest, "&")
		if raw == "" {
			continue
		}
		name, value, _ := strings.Cut(raw, "=")
		p := Pair{Raw: raw}
		var err error
		if p.Name, err = Unescape(name); err != nil {
			return out, err
		}
		if p.Value, err = Unescape(value); err != nil {
			return out, err
		}
		out = append(out, p)
	}
	return out, nil
}

// Unescape decodes the percent-encoding and the plus signs of a form.
func Unescape(s string) (string, error) {
	out, ok := decode(s, true)
	switch {
	case !ok:
		return "", ErrEscape
	case !utf8.ValidString(out):
		return "", ErrUTF8
	}
	return out, nil
}

// UnescapeLenient decodes as Unescape does and returns s as it is where that
// fails, as a lenient server reads it.
func UnescapeLenient(s string) string {
	if out, err := Unescape(s); err == nil {
		return out
	}
	return s
}

// Escape percent-encodes all but the unreserved characters (RFC 3986, section
// 2.3): every server reads that alike, in queries and in forms. (For a space,
// url.QueryEscape writes a plus sign.)
func Escape(s string) string {
	out := make([]byte, 0, len(s))
	for i := range len(s) {
		b := s[i]
		if isAlphanumeric(b) || strings.IndexByte("-._~", b) >= 0 {
			out = append(out, b)
		} else {
			out = appendPercent(out, b)
		}
	}
	return string(out)
}

// Parameter returns the values of one parameter of a query. It decodes that
// parameter alone and leniently, so the others need not be well formed.
func Parameter(query, name string) (values []string) {
	for raw := range strings.SplitSeq(query, "&") {
		if n, v, _ := strings.Cut(raw, "="); UnescapeLenient(n) == name {
			values = append(values, UnescapeLenient(v))
		}
	}
	return values
}

// WithoutParameter returns the query without one parameter. The others keep
// their bytes.
func WithoutParameter(query, name string) string {
	var kept []string
	for raw := range strings.SplitSeq(query, "&") {
		if n, _, _ := strings.Cut(raw, "="); UnescapeLenient(n) != name {
			kept = append(kept, raw)
		}
	}
	return strings.Join(kept, "&")
}
