package rules

import (
	"fmt"
	"strings"
	"time"

	"github.com/rulegate/rulegate/rules/value"
)

// call reads `utils.name(arguments)`: the arguments are everything between the
// first bracket and the final one.
func (s scope) call(text string) (expression, error) {
	name, rest, ok := strings.Cut(strings.TrimPrefix(text, "utils."), "(")
	inside, closed := strings.CutSuffix(rest, ")")
	if !ok || !closed {
		return nil, fmt.Errorf("%q is no call of a function: want utils.name(…)", text)
	}
	switch name {
	case "now":
		if inside != "" {
			return nil, fmt.Errorf("utils.now takes no argument, found %q", inside)
		}
		return now{}, nil
	case "exists":
		p, err := s.readPath(inside)
		return &exists{text, p}, err
	case "split":
		return s.splitCall(text, inside)
	case "addDuration", "roundUpDate":
		return s.dateCall(text, name, inside)
	}
	f, ok := unaryFunction(name)
	if !ok {
		return nil, fmt.Errorf("unknown function utils.%s", name)
	}
	arg, err := s.readPath(inside)
	return &unary{text: text, arg: arg, apply: f}, err
}

// splitCall reads `path, 'separator'`. The separator is read from the end, so
// that it may hold a comma.
func (s scope) splitCall(text, inside string) (expression, error) {
	if n := len(inside); n >= 2 && (inside[n-1] == '\'' || inside[n-1] == '"') {
		if open := strings.LastIndexByte(inside[:n-1], inside[n-1]); open >= 0 {
			before, ok := strings.CutSuffix(strings.TrimRight(inside[:open], " "), ",")
			if ok && open+1 < n-1 {
				arg, err := s.readPath(before)
				return &unary{text: text, arg: arg, apply: splitter(inside[open+1 : n-1])}, err
			}
		}
	}
	return nil, fmt.Errorf("utils.split wants (path, 'separator'), found (%s)", inside)
}

// dateCall reads `date, 'how'`, the quotes optional in both.
func (s scope) dateCall(text, name, inside string) (expression, error) {
	comma := strings.LastIndexByte(inside, ',')
	if comma < 0 {
		return nil, fmt.Errorf("utils.%s wants two arguments, found (%s)", name, inside)
	}
	date, how := unquote(inside[:comma]), unquote(inside[comma+1:])
	f := &unary{text: text}
	if name == "addDuration" {
		d, err := time.ParseDuration(how)
		if err != nil {
			return nil, fmt.Errorf("utils.addDuration: %q is no duration such as -1h30m", how)
		}
		f.apply = dateFunction(func(t time.Time) time.Time { return t.Add(d) })
	} else {
		truncate := units[how]
		if truncate == nil {
			return nil, fmt.Errorf("utils.roundUpDate: unknown unit %q: want year, month, day, hour, minute or second", how)
		}
		f.apply = dateFunction(truncate)
	}
	if s.isReference(date) {
		var err error
		f.arg, err = s.reference(date)
		return f, err
	}
	if _, ok := ParseDate(date); !ok {
		return nil, fmt.Errorf("utils.%s: %q is no date: want RFC 3339 with a zone, or YYYY-MM-DD", name, date)
	}
	f.arg = &literal{text: date, written: value.Str(date)}
	return f, nil
}

func unquote(s string) string {
	s = strings.Trim(s, " ")
	if n := len(s); n >= 2 && (s[0] == '\'' || s[0] == '"') && s[n-1] == s[0] {
		return s[1 : n-1]
	}
	return s
}
