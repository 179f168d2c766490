package policy

import (
	"strconv"
	"strings"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/value"
)

// check compares a value with its shape. Whoever reads the value afterwards
// finds zero values where this has found faults.
func (l *loader) check(v value.Value, s *shape, at *spot) {
	if s.or != nil && !s.fits(v) && s.or.fits(v) {
		s = s.or
	}
	if s.kind == aRule && v.Kind() != value.Missing {
		return // rules.Compile looks
	}
	if !s.fits(v) {
		want := kindWants[s.kind]
		if s.or != nil {
			want += " or " + kindWants[s.or.kind]
		}
		l.broken(at.place(), "want %s, found %s", want, found(v, s))
		return
	}
	switch s.kind {
	case object:
		l.checkObject(v, s, at)
	case table:
		if s.elem != nil {
			v.Each(func(key string, x value.Value) bool {
				l.check(x, s.elem, &spot{up: at, key: key, index: -1})
				return true
			})
		}
	case list:
		l.checkList(v, s, at)
	case text:
		l.checkText(v, s, at)
	case number, size:
		l.checkNumber(v, s, at)
	}
}

// found says what stands there, not what it says.
func found(v value.Value, s *shape) string {
	if v.Kind() == value.String && (s.kind == size || s.kind == span) {
		return "another string"
	}
	return v.Kind().String()
}

// fits says whether v is of the shape's kind, and readable as such.
func (s *shape) fits(v value.Value) bool {
	switch k := v.Kind(); s.kind {
	case object, table, aRule:
		return k == value.Object
	case list:
		return k == value.Array
	case text:
		return k == value.String
	case toggle:
		return k == value.Bool
	case number:
		_, ok := integer(v)
		return ok
	case size:
		_, ok := sizeOf(v)
		return ok
	case span:
		t, _ := v.Text()
		_, ok := parseSpan(t)
		return ok
	default:
		return k != value.Missing
	}
}

func (l *loader) checkObject(v value.Value, s *shape, at *spot) {
	v.Each(func(name string, x value.Value) bool {
		k := s.key(name)
		sub := &spot{up: at, key: name, index: -1}
		if k == nil {
			l.broken(sub.place(), "%s", unknownKey(name, s.names()))
		} else {
			l.check(x, k.shape, sub)
		}
		return true
	})
	for i := range s.keys {
		if k := &s.keys[i]; k.need && v.Key(k.name).Kind() == value.Missing {
			l.broken(rules.Join(at.place(), k.name), "missing; want %s", wantOf(k.shape))
		}
	}
}

func wantOf(s *shape) string {
	if len(s.words) > 0 {
		return "one of " + strings.Join(s.words, ", ")
	}
	return kindWants[s.kind]
}

func unknownKey(name string, names []string) string {
	shown := name
	if len(shown) > 64 {
		shown = shown[:64] + "…"
	}
	if shown = strconv.Quote(shown); shown == `"`+name+`"` {
		shown = "`" + name + "`"
	}
	if near := nearest(name, names); near != "" {
		return "unknown key " + shown + ": did you mean `" + near + "`?"
	}
	return "unknown key " + shown + "; want one of " + strings.Join(names, ", ")
}

func (l *loader) checkList(v value.Value, s *shape, at *spot) {
	n := v.Len()
	switch {
	case n < s.least:
		l.broken(at.place(), "empty")
	case s.most > 0 && n > s.most:
		l.broken(at.place(), "want at most %d, found %d", s.most, n)
	}
	i := 0
	v.Each(func(_ string, x value.Value) bool {
		l.check(x, s.elem, &spot{up: at, index: i})
		i++
		return true
	})
}

func (l *loader) checkText(v value.Value, s *shape, at *spot) {
	t, _ := v.Text()
	place := at.place
	switch {
	case t == "" && !s.empty:
		l.broken(place(), "empty")
	case len(s.words) > 0 && !contains(s.words, t):
		if near := nearest(t, s.words); near != "" {
			l.broken(place(), "want one of %s; did you mean %s?", strings.Join(s.words, ", "), near)
			return
		}
		l.broken(place(), "want one of %s", strings.Join(s.words, ", "))
	}
}

func (l *loader) checkNumber(v value.Value, s *shape, at *spot) {
	n, ok := sizeOf(v)
	if ok && n >= s.least && n <= s.most {
		return
	}
	if s.kind == size {
		l.broken(at.place(), "want %s to %s", FormatSize(s.least), FormatSize(s.most))
		return
	}
	l.broken(at.place(), "want %d to %d", s.least, s.most)
}

// integer reads a Number that is spelt as an integer.
func integer(v value.Value) (int, bool) {
	t, ok := v.Number()
	if !ok {
		return 0, false
	}
	n, err := strconv.Atoi(t)
	return n, err == nil
}

func sizeOf(v value.Value) (int, bool) {
	if t, ok := v.Text(); ok && t != "" {
		return ParseSize(t)
	}
	return integer(v)
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}
