package schema

import (
	"slices"
	"strconv"
	"strings"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/lightfmt"
	"github.com/rulegate/rulegate/rules/spelling"
	"github.com/rulegate/rulegate/rules/value"
)

// Check compares a policy file with the model and returns its faults. Code that
// reads the file afterwards finds zero values where a fault is.
func Check(doc value.Value) rules.Faults {
	var c checker
	c.check(doc, model, nil)
	return c.faults
}

// CheckIncluded compares an included file with the keys that it may have.
func CheckIncluded(doc value.Value, at *Path) rules.Faults {
	var c checker
	c.check(doc, included, at)
	return c.faults
}

type checker struct{ faults rules.Faults }

func (c *checker) fault(at *Path, format string, args ...any) {
	c.faults = append(c.faults, rules.Fault{Place: at.String(), Message: lightfmt.Sprintf(format, args...)})
}

func (c *checker) check(v value.Value, s *shape, at *Path) {
	s = s.choose(v)
	if s.kind == rule && v.Kind() != value.Missing {
		return // rules.Compile checks it
	}
	if !s.fits(v) {
		want := wants[s.kind]
		for or := s.or; or != nil; or = or.or {
			want += " or " + wants[or.kind]
		}
		c.fault(at, "want %s, found %s", want, found(v, s))
		return
	}
	switch s.kind {
	case object:
		c.checkObject(v, s, at)
	case mapping:
		if s.elem != nil {
			v.Each(func(key string, x value.Value) bool {
				c.check(x, s.elem, at.Key(key))
				return true
			})
		}
	case list:
		c.checkList(v, s, at)
	case text:
		c.checkText(v, s, at)
	case integer, size:
		c.checkNumber(v, s, at)
	}
}

// choose returns the shape that fits v, of those that may stand in place of each other;
// if none does, the first.
func (s *shape) choose(v value.Value) *shape {
	for or := s; or != nil; or = or.or {
		if or.fits(v) {
			return or
		}
	}
	return s
}

// found names the JSON type only: the value may be a secret.
func found(v value.Value, s *shape) string {
	if v.Kind() == value.Number && s.kind == fraction {
		return "another number"
	}
	if v.Kind() == value.String && (s.kind == size || s.kind == duration) {
		return "another string"
	}
	return v.Kind().String()
}

// fits reports whether v is of the shape's kind.
func (s *shape) fits(v value.Value) bool {
	switch k := v.Kind(); s.kind {
	case object, mapping, rule:
		return k == value.Object
	case list:
		return k == value.Array
	case text:
		return k == value.String
	case boolean:
		return k == value.Bool
	case integer:
		_, ok := integerOf(v)
		return ok
	case fraction:
		_, ok := FractionOf(v)
		return ok
	case size:
		_, ok := SizeOf(v)
		return ok
	case duration:
		t, _ := v.Text()
		_, ok := ParseDuration(t)
		return ok
	default:
		return k != value.Missing
	}
}

func (c *checker) checkObject(v value.Value, s *shape, at *Path) {
	v.Each(func(name string, x value.Value) bool {
		k := s.key(name)
		sub := at.Key(name)
		if k == nil && (s == included && model.key(name) != nil || s == includedDatabase && databaseShape.key(name) != nil) {
			c.faults = append(c.faults, rules.Fault{Place: sub.String(), Message: "only the main file has `" + name + "`", AtKey: true})
		} else if k == nil {
			c.faults = append(c.faults, rules.Fault{Place: sub.String(), Message: unknownKey(name, s.names()), AtKey: true})
		} else {
			c.check(x, k.shape, sub)
		}
		return true
	})
	for i := range s.keys {
		if k := &s.keys[i]; k.need && v.Key(k.name).Kind() == value.Missing {
			c.fault(at.Key(k.name), "missing; want %s", wantOf(k.shape))
		}
	}
}

// wantOf names the value that a missing key wants.
func wantOf(s *shape) string {
	if len(s.words) > 0 {
		return "one of " + strings.Join(s.words, ", ")
	}
	return wants[s.kind]
}

// unknownKey is the message about a key that is not in names.
func unknownKey(name string, names []string) string {
	shown := name
	if len(shown) > 64 {
		shown = shown[:64] + "…"
	}
	if shown = strconv.Quote(shown); shown == `"`+name+`"` {
		shown = "`" + name + "`"
	}
	if near := spelling.Nearest(name, names); near != "" {
		return "unknown key " + shown + ": did you mean `" + near + "`?"
	}
	return "unknown key " + shown + "; want one of " + strings.Join(names, ", ")
}

func (c *checker) checkList(v value.Value, s *shape, at *Path) {
	n := v.Len()
	switch {
	case n < s.least:
		c.fault(at, "empty")
	case s.most > 0 && n > s.most:
		c.fault(at, "want at most %d, found %d", s.most, n)
	}
	i := 0
	v.Each(func(_ string, x value.Value) bool {
		c.check(x, s.elem, at.Elem(i))
		i++
		return true
	})
}

func (c *checker) checkText(v value.Value, s *shape, at *Path) {
	t, _ := v.Text()
	switch {
	case t == "" && !s.orEmpty:
		c.fault(at, "empty")
	case len(s.words) > 0 && !slices.Contains(s.words, t):
		if hint := s.hints[strings.ToLower(t)]; hint != "" {
			c.fault(at, "want %s; %s", s.choices(), hint)
			return
		}
		if near := spelling.Nearest(t, s.words); near != "" {
			c.fault(at, "want %s; did you mean %s?", s.choices(), near)
			return
		}
		c.fault(at, "want %s", s.choices())
	}
}

// choices lists the words of a text.
func (s *shape) choices() string {
	switch list := strings.Join(s.words, ", "); {
	case s.or == nil:
		return "one of " + list
	case len(s.words) == 1:
		return list + " or " + wants[s.or.kind]
	default:
		return "one of " + list + ", or " + wants[s.or.kind]
	}
}

func (c *checker) checkNumber(v value.Value, s *shape, at *Path) {
	n, ok := SizeOf(v)
	if ok && n >= s.least && n <= s.most {
		return
	}
	if s.kind == size {
		c.fault(at, "want %s to %s", FormatSize(s.least), FormatSize(s.most))
		return
	}
	c.fault(at, "want %d to %d", s.least, s.most)
}

// integerOf reads a number that is written as an integer.
func integerOf(v value.Value) (int, bool) {
	t, ok := v.Number()
	if !ok {
		return 0, false
	}
	n, err := strconv.Atoi(t)
	return n, err == nil
}

// SizeOf reads an integer, or a size such as 1MiB in bytes.
func SizeOf(v value.Value) (int, bool) {
	if t, ok := v.Text(); ok && t != "" {
		return ParseSize(t)
	}
	return integerOf(v)
}

// FractionOf reads a number from 0 to 1.
func FractionOf(v value.Value) (float64, bool) {
	t, ok := v.Number()
	if !ok {
		return 0, false
	}
	f, err := strconv.ParseFloat(t, 64)
	return f, err == nil && f >= 0 && f <= 1
}
