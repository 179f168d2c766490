package route

import (
	"errors"
	"slices"
	"strings"

	"github.com/rulegate/rulegate/rules/lightfmt"
	"github.com/rulegate/rulegate/rules/value"
)

// Template is the path of a route, `/v1/orders/{id}/{rest...}`, or the prefix of
// a file, `/users/:id`. ParseTemplate and ParsePrefix make one.
type Template []segment

// segment is one segment of a template.
type segment struct {
	kind   segmentKind
	text   string // a literal's text, or a variable's name
	suffix string // the text behind a variable, as in {id}:activate
}

type segmentKind uint8

const (
	literal  segmentKind = iota
	variable             // one segment of any text before the suffix
	rest                 // all remaining segments, or none
)

// ParseTemplate reads a route's path. A slash at its end has no meaning.
func ParseTemplate(path string) (Template, error) {
	if !strings.HasPrefix(path, "/") {
		return nil, errNoSlash
	}
	var t Template
	for path = path[1:]; path != ""; {
		var text string
		text, path, _ = strings.Cut(path, "/")
		if len(t) > 0 && t[len(t)-1].kind == rest {
			return nil, lightfmt.Errorf("{%s...} stands at the end", t[len(t)-1].text)
		}
		s, err := parseSegment(text)
		if err != nil {
			return nil, err
		}
		if s.kind != literal && t.has(s.text) {
			return nil, lightfmt.Errorf("two variables {%s}", s.text)
		}
		t = append(t, s)
	}
	return t, nil
}

var errNoSlash = errors.New("want a path that begins with /")

func parseSegment(text string) (segment, error) {
	inner, opened := strings.CutPrefix(text, "{")
	inner, suffix, closed := strings.Cut(inner, "}")
	switch {
	case opened && closed:
		name, all := strings.CutSuffix(inner, "...")
		if !IsName(name) {
			return segment{}, errors.New("a variable is {name} or {name...}")
		}
		if all && suffix != "" {
			return segment{}, lightfmt.Errorf("{%s...} is all that remains, so no text stands behind it", name)
		}
		if all {
			return segment{kind: rest, text: name}, nil
		}
		return segment{kind: variable, text: name, suffix: suffix}, checkSuffix(suffix)
	case strings.ContainsAny(text, "{}"):
		return segment{}, errors.New("a variable stands at the start of its segment: {name}, or {name}.json with a text behind it")
	case strings.HasPrefix(text, ":"):
		return segment{}, lightfmt.Errorf("a variable is written {%s} here", text[1:])
	case strings.Contains(text, "*"):
		return segment{}, errors.New("* is no pattern; write {name} for a segment and {name...} for the rest")
	}
	return segment{kind: literal, text: text}, CheckSegment(text)
}

// checkSuffix fails for a text that a path cannot have behind a variable without
// escapes: of `:a` and `%3Aa`, only some servers take the second for the first.
func checkSuffix(text string) error {
	for i := range len(text) {
		if b := text[i]; !isUnreserved(b) && strings.IndexByte("!$&'()+,=:@", b) < 0 {
			return errors.New("want only letters, digits and -._~!$&'()+,=:@ behind a variable")
		}
	}
	return nil
}

// isUnreserved reports whether no path needs to escape the byte (RFC 3986, section
// 2.3).
func isUnreserved(b byte) bool {
	return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || strings.IndexByte("-._~", b) >= 0
}

// ParsePrefix reads the prefix of an entry of `files`. Slashes at its end have
// no meaning.
func ParsePrefix(path string) (Template, error) {
	if !strings.HasPrefix(path, "/") {
		return nil, errNoSlash
	}
	path = strings.TrimRight(path, "/")
	if path == "" {
		return nil, nil
	}
	var t Template
	for text := range strings.SplitSeq(path[1:], "/") {
		s := segment{kind: literal, text: text}
		if name, ok := strings.CutPrefix(text, ":"); ok {
			s = segment{kind: variable, text: name}
			switch {
			case !IsName(name):
				return nil, errors.New("a variable is :name")
			case t.has(name):
				return nil, lightfmt.Errorf("two variables :%s", name)
			}
		} else if strings.ContainsAny(text, "{}*") {
			return nil, errors.New("a variable is written :name here")
		} else if err := CheckSegment(text); err != nil {
			return nil, err
		}
		t = append(t, s)
	}
	return t, nil
}

// CheckSegment returns an error for a text that no request's path can have as
// one of its decoded segments.
func CheckSegment(text string) error {
	switch {
	case text == "":
		return errors.New("an empty segment: no request that has one is let in")
	case isDots(text):
		return errors.New("a dot segment: no request that has one is let in")
	case strings.Contains(text, ";"):
		return errors.New("a semicolon: no request that has one in its path is let in")
	case strings.ContainsAny(text, "?#"):
		return errors.New("a path has neither ? nor #")
	case strings.Contains(text, "%"):
		return errors.New("write it decoded, without %")
	case strings.ContainsAny(text, "/\\"):
		return errors.New("no segment of a path has a slash or a backslash")
	}
	for _, b := range []byte(text) {
		if b < ' ' || b == 0x7f {
			return errors.New("a control character")
		}
	}
	return nil
}

// IsName reports whether s can name a variable: ASCII letters, digits and
// underscores, no digit first.
func IsName(s string) bool {
	for i, b := range []byte(s) {
		if !(b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b == '_' || i > 0 && b >= '0' && b <= '9') {
			return false
		}
	}
	return s != ""
}

// has reports whether the template has a variable of the name.
func (t Template) has(name string) bool {
	for _, s := range t {
		if s.kind != literal && s.text == name {
			return true
		}
	}
	return false
}

// Segments returns the segments as ParseTemplate reads them.
func (t Template) Segments() (out []string) {
	for _, s := range t {
		switch s.kind {
		case literal:
			out = append(out, s.text)
		case variable:
			out = append(out, "{"+s.text+"}"+s.suffix)
		case rest:
			out = append(out, "{"+s.text+"...}")
		}
	}
	return out
}

// Shape returns the template without the names of its variables: two templates of
// one shape cover the same paths.
func (t Template) Shape() string {
	out := ""
	for _, s := range t {
		switch s.kind {
		case literal:
			out += "/" + s.text
		case variable:
			out += "/{}" + s.suffix
		case rest:
			out += "/{...}"
		}
	}
	return out
}

// Covers reports whether every path of other is a path of t.
func (t Template) Covers(other Template) bool {
	for i, s := range t {
		switch {
		case s.kind == rest:
			return true
		case i >= len(other) || other[i].kind == rest:
			return false
		case !s.covers(other[i]):
			return false
		}
	}
	return len(t) == len(other)
}

// covers reports whether a segment, not of kind rest, has every text of another.
func (s segment) covers(other segment) bool {
	switch {
	case s.kind == literal:
		return other.kind == literal && other.text == s.text
	case other.kind == literal:
		return s.fits(other.text)
	}
	return strings.HasSuffix(other.suffix, s.suffix)
}

// fits reports whether a segment, not of kind rest, has the text.
func (s segment) fits(text string) bool {
	if s.kind == literal {
		return s.text == text
	}
	return len(text) > len(s.suffix) && strings.HasSuffix(text, s.suffix)
}

// HasSegment reports whether some variable is one segment.
func (t Template) HasSegment() bool {
	return slices.ContainsFunc(t, func(s segment) bool { return s.kind == variable })
}

// Vars returns the names of the variables.
func (t Template) Vars() (names []string) {
	for _, s := range t {
		if s.kind != literal {
			names = append(names, s.text)
		}
	}
	return names
}

// Literals returns the texts of the segments before the first variable, and
// whether there is no variable at all.
func (t Template) Literals() (texts []string, all bool) {
	for _, s := range t {
		if s.kind != literal {
			return texts, false
		}
		texts = append(texts, s.text)
	}
	return texts, true
}

// bind returns the values of the variables in a path's decoded segments.
func (t Template) bind(vars []value.Member, segs []string) []value.Member {
	for i, s := range t {
		switch s.kind {
		case variable:
			vars = append(vars, value.Member{Key: s.text, Value: value.Str(strings.TrimSuffix(segs[i], s.suffix))})
		case rest:
			vars = append(vars, value.Member{Key: s.text, Value: value.Str(strings.Join(segs[min(i, len(segs)):], "/"))})
		}
	}
	return vars
}
