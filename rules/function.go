package rules

import (
	"fmt"
	"strings"
	"time"

	"github.com/rulegate/rulegate/rules/value"
)

// function is a compiled call of one of utils.
type function struct {
	name string
	path *path // of those that take a path

	date *operand // of addDuration and roundUpDate
	add  time.Duration
	down func(time.Time) time.Time

	separator string // of split
}

// function reads `utils.name(arguments)`, everything between the first
// bracket and the final one being the arguments.
func (w reach) function(text string) (*function, error) {
	name, rest, ok := strings.Cut(strings.TrimPrefix(text, "utils."), "(")
	inside, closed := strings.CutSuffix(rest, ")")
	if !ok || !closed {
		return nil, fmt.Errorf("%q is no call of a function: want utils.name(…)", text)
	}
	f := &function{name: name}
	var err error
	switch name {
	case "now":
		if inside != "" {
			err = fmt.Errorf("utils.now takes no argument, found %q", inside)
		}
	case "exists", "length", "number", "lower", "stringToObjectId", "objectIdToString":
		f.path, err = w.path(inside)
	case "split":
		err = f.parseSplit(w, inside)
	case "addDuration", "roundUpDate":
		err = f.parseDate(w, inside)
	default:
		err = fmt.Errorf("unknown function utils.%s", name)
	}
	if err != nil {
		return nil, err
	}
	return f, nil
}

// parseSplit reads `path, 'separator'`. The separator is read from the end, so
// that it may hold a comma.
func (f *function) parseSplit(w reach, inside string) (err error) {
	if n := len(inside); n >= 2 && (inside[n-1] == '\'' || inside[n-1] == '"') {
		if open := strings.LastIndexByte(inside[:n-1], inside[n-1]); open >= 0 {
			before, ok := strings.CutSuffix(strings.TrimRight(inside[:open], " "), ",")
			if ok && open+1 < n-1 {
				f.separator = inside[open+1 : n-1]
				f.path, err = w.path(before)
				return err
			}
		}
	}
	return fmt.Errorf("utils.split wants (path, 'separator'), found (%s)", inside)
}

// parseDate reads `date, 'how'`, the quotes optional in both.
func (f *function) parseDate(w reach, inside string) (err error) {
	comma := strings.LastIndexByte(inside, ',')
	if comma < 0 {
		return fmt.Errorf("utils.%s wants two arguments, found (%s)", f.name, inside)
	}
	date, how := unquote(inside[:comma]), unquote(inside[comma+1:])
	if f.name == "addDuration" {
		if f.add, err = time.ParseDuration(how); err != nil {
			return fmt.Errorf("utils.addDuration: %q is no duration such as -1h30m", how)
		}
	} else if f.down = units[how]; f.down == nil {
		return fmt.Errorf("utils.roundUpDate: unknown unit %q: want year, month, day, hour, minute or second", how)
	}
	if w.isReference(date) {
		f.date, err = w.reference(date)
		return err
	}
	if _, ok := parseDate(date); !ok {
		return fmt.Errorf("utils.%s: %q is no date: want RFC 3339 with a zone, or YYYY-MM-DD", f.name, date)
	}
	f.date = &operand{text: date, literal: value.Str(date)}
	return nil
}

func unquote(s string) string {
	s = strings.Trim(s, " ")
	if n := len(s); n >= 2 && (s[0] == '\'' || s[0] == '"') && s[n-1] == s[0] {
		return s[1 : n-1]
	}
	return s
}

func (f *function) reads(rs *roots) {
	switch {
	case f.name == "exists":
		rs.look(f.path, 1)
	case f.name == "length":
		rs.look(f.path, 0)
	case f.path != nil:
		rs.read(f.path)
	}
	if f.date != nil {
		f.date.reads(rs)
	}
}

// value is Missing where the function cannot say.
func (f *function) value(r *run) value.Value {
	switch f.name {
	case "now":
		return date(r.in.Now.UTC())
	case "addDuration", "roundUpDate":
		return f.dateValue(r)
	}
	v := f.path.resolve(r)
	if v.Kind() == value.Pending {
		return v
	}
	switch f.name {
	case "exists":
		return value.Boolean(v.Kind() != value.Missing)
	case "length":
		return length(v)
	case "objectIdToString":
		if s, ok := objectID(v); ok {
			return value.Str(s)
		}
		return value.Value{}
	}
	s, ok := v.Text()
	if !ok {
		return value.Value{}
	}
	switch f.name {
	case "number":
		return value.Num(s)
	case "lower":
		return value.Str(lower(s))
	case "stringToObjectId":
		if isObjectID(s) {
			return value.Obj(value.Member{Key: "$oid", Value: value.Str(lower(s))})
		}
	case "split":
		var parts []value.Value
		for part := range strings.SplitSeq(s, f.separator) {
			parts = append(parts, value.Str(part))
		}
		return value.Arr(parts...)
	}
	return value.Value{}
}

func (f *function) dateValue(r *run) value.Value {
	v := f.date.value(r)
	if v.Kind() == value.Pending {
		return v
	}
	s, _ := v.Text()
	t, ok := parseDate(s)
	switch {
	case !ok:
		return value.Value{}
	case f.down != nil:
		return date(f.down(t))
	}
	return date(t.Add(f.add))
}

func date(t time.Time) value.Value {
	if s, ok := formatDate(t); ok {
		return value.Str(s)
	}
	return value.Value{}
}

func length(v value.Value) value.Value {
	switch v.Kind() {
	case value.Array, value.Object:
		return value.Int(int64(v.Len()))
	case value.String:
		text, _ := v.Text()
		return value.Int(int64(len(text)))
	}
	return value.Value{}
}

// lower is ASCII lower case: other letters depend on whom one asks.
func lower(s string) string {
	return strings.Map(func(c rune) rune {
		if c >= 'A' && c <= 'Z' {
			return c + 'a' - 'A'
		}
		return c
	}, s)
}

// objectID reads MongoDB's extended JSON {"$oid": "24 hex digits"}.
func objectID(v value.Value) (s string, ok bool) {
	s, ok = v.Key("$oid").Text()
	return s, ok && v.Len() == 1 && isObjectID(s)
}

func isObjectID(s string) bool {
	if len(s) != 24 {
		return false
	}
	for _, b := range []byte(s) {
		if !(b >= '0' && b <= '9' || b >= 'a' && b <= 'f' || b >= 'A' && b <= 'F') {
			return false
		}
	}
	return true
}
