package policy

import (
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/lightfmt"
	"github.com/rulegate/rulegate/rules/policy/schema"
	"github.com/rulegate/rulegate/rules/route"
	"github.com/rulegate/rulegate/rules/value"
)

// substitute replaces `${NAME}` and `${file:…}` in strings, never in keys. A
// value that was put in is not substituted again.
func (l *loader) substitute(v value.Value, at *schema.Path) value.Value {
	return mapStrings(v, at, func(text string, at *schema.Path) string { return l.expand(text, at.String()) })
}

// mapStrings replaces the strings of a value that have a `${`. A value without
// one is returned itself.
func mapStrings(v value.Value, at *schema.Path, f func(text string, at *schema.Path) string) value.Value {
	switch v.Kind() {
	case value.String:
		text, _ := v.Text()
		if strings.Contains(text, "${") {
			return value.Str(f(text, at))
		}
	case value.Array:
		var elems []value.Value
		changed := false
		v.Each(func(_ string, x value.Value) bool {
			y := mapStrings(x, at.Elem(len(elems)), f)
			changed = changed || !x.Same(y)
			elems = append(elems, y)
			return true
		})
		if changed {
			return value.Arr(elems...)
		}
	case value.Object:
		var members []value.Member
		changed := false
		v.Each(func(key string, x value.Value) bool {
			y := mapStrings(x, at.Key(key), f)
			changed = changed || !x.Same(y)
			members = append(members, value.Member{Key: key, Value: y})
			return true
		})
		if changed {
			return value.Obj(members...)
		}
	}
	return v
}

// expand substitutes in one string. A part that cannot be replaced becomes "".
func (l *loader) expand(text, place string) string {
	var b strings.Builder
	changed := false
	for _, p := range Split(text) {
		if p.Kind == Literal {
			b.WriteString(p.Text)
			continue
		}
		changed = true
		s, err := l.lookup(p)
		switch {
		case err == errUnset && l.o.AllowUnset:
			l.unset[place] = true
			l.unsetNames[p.Text] = true
		case err != nil:
			l.settle(rules.Fault{Place: place, Message: err.Error()})
		}
		b.WriteString(s)
	}
	if changed {
		l.substituted[place] = text
	}
	return b.String()
}

var errUnset = errors.New("not set")

// lookup returns the value of a part. An error never holds a value.
func (l *loader) lookup(p Part) (string, error) {
	var s string
	switch p.Kind {
	case Variable:
		value, ok := "", false
		if l.o.Getenv != nil {
			value, ok = l.o.Getenv(p.Text)
		}
		switch {
		case !ok && l.o.AllowUnset:
			return "", errUnset
		case !ok:
			return "", lightfmt.Errorf("the environment has no %s", p.Text)
		}
		s = value
	case FileText:
		if l.o.ReadFile == nil {
			return "", errors.New("${file:…} is not read here")
		}
		data, err := l.o.ReadFile(p.Text)
		if err != nil {
			return "", err
		}
		s = strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r")
	default:
		return "", errors.New("want ${NAME} or ${file:path}; $${ is a ${ that stays")
	}
	if !utf8.ValidString(s) {
		return "", errors.New("its value is not UTF-8")
	}
	return s, nil
}

// PartKind is the kind of a Part.
type PartKind uint8

const (
	Malformed PartKind = iota // begins with ${ and is neither of the others
	Literal                   // text that is not replaced
	Variable                  // ${NAME}
	FileText                  // ${file:path}
)

// Part is a piece of a string of the file.
type Part struct {
	Kind PartKind
	Text string // the text, the name of the variable, or the path
}

// Split splits a string at its substitutions. `$${` is a literal `${`.
func Split(s string) (parts []Part) {
	var lit strings.Builder
	flush := func() {
		if lit.Len() > 0 {
			parts = append(parts, Part{Literal, lit.String()})
			lit.Reset()
		}
	}
	for {
		i := strings.Index(s, "${")
		if i < 0 {
			lit.WriteString(s)
			flush()
			return parts
		}
		if i > 0 && s[i-1] == '$' {
			lit.WriteString(s[:i-1] + "${")
			s = s[i+2:]
			continue
		}
		lit.WriteString(s[:i])
		flush()
		name, rest, closed := strings.Cut(s[i+2:], "}")
		path, isFile := strings.CutPrefix(name, "file:")
		switch {
		case closed && isFile && path != "":
			parts = append(parts, Part{FileText, path})
		case closed && route.IsName(name):
			parts = append(parts, Part{Variable, name})
		default:
			return append(parts, Part{Malformed, s[i:]})
		}
		s = rest
	}
}
