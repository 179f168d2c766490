package rules

import (
	"errors"
	"time"

	"github.com/rulegate/rulegate/rules/lightfmt"
	"github.com/rulegate/rulegate/rules/value"
)

// dateFunction makes a function of a date.
func dateFunction(apply func(time.Time) (value.Value, error)) func(value.Value) (value.Value, error) {
	return func(v value.Value) (value.Value, error) {
		t, ok := dateOf(v)
		switch {
		case ok:
			return apply(t)
		case v.Kind() == value.String:
			return v, errors.New("the string is no date")
		}
		return v, errWant("date", v)
	}
}

// dateArgument requires that a date that is written in the rule is one.
func (s *callSpec) dateArgument() error {
	v, ok := writtenValue(s.args[0])
	if _, isDate := dateOf(v); ok && !isDate {
		return lightfmt.Errorf("%q is no date: want RFC 3339 with a zone, or YYYY-MM-DD", s.args[0].source())
	}
	return nil
}

func buildAddDuration(s *callSpec) (expression, error) {
	text, err := s.writtenText(1, "a duration")
	if err != nil {
		return nil, err
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return nil, lightfmt.Errorf("%q is no duration such as -1h30m", text)
	}
	apply := dateFunction(func(t time.Time) (value.Value, error) { return dateValue(t.Add(d)) })
	return &unary{text: s.text, arg: s.args[0], of: s.function, apply: apply}, s.dateArgument()
}

func buildRoundUpDate(s *callSpec) (expression, error) {
	text, err := s.writtenText(1, "a unit")
	if err != nil {
		return nil, err
	}
	truncate := units[text]
	if truncate == nil {
		return nil, lightfmt.Errorf("unknown unit %q: want year, month, day, hour, minute or second", text)
	}
	apply := dateFunction(func(t time.Time) (value.Value, error) { return dateValue(truncate(t)) })
	return &unary{text: s.text, arg: s.args[0], of: s.function, apply: apply}, s.dateArgument()
}

// buildDate builds utils.date, which makes a date of Unix seconds too.
func buildDate(s *callSpec) (expression, error) {
	parse := dateFunction(dateValue)
	apply := func(v value.Value) (value.Value, error) {
		if v.Kind() != value.Number {
			return parse(v)
		}
		seconds, nanos, ok := value.UnixTime(v)
		if !ok {
			return v, errors.New("the number is no time of the years 0 to 9999")
		}
		return dateValue(time.Unix(seconds, nanos).UTC())
	}
	if v, ok := writtenValue(s.args[0]); ok {
		if _, err := apply(v); err != nil {
			return nil, err
		}
	}
	return &unary{text: s.text, arg: s.args[0], of: s.function, apply: apply}, nil
}

// dateParts are the parts of utils.datePart.
var dateParts = map[string]func(time.Time) int{
	"year":   time.Time.Year,
	"month":  func(t time.Time) int { return int(t.Month()) },
	"day":    time.Time.Day,
	"hour":   time.Time.Hour,
	"minute": time.Time.Minute,
	"second": time.Time.Second,
	// From 1, Monday, to 7, Sunday (ISO 8601).
	"weekday": func(t time.Time) int { return (int(t.Weekday())+6)%7 + 1 },
}

func buildDatePart(s *callSpec) (expression, error) {
	name, err := s.writtenText(1, "a part")
	if err != nil {
		return nil, err
	}
	part := dateParts[name]
	if part == nil {
		return nil, lightfmt.Errorf("unknown part %q: want year, month, day, hour, minute, second or weekday", name)
	}
	zone := time.UTC
	if len(s.args) == 3 {
		if zone, err = s.zone(); err != nil {
			return nil, err
		}
	}
	apply := dateFunction(func(t time.Time) (value.Value, error) { return value.Int(int64(part(t.In(zone)))), nil })
	return &unary{text: s.text, arg: s.args[0], of: s.function, apply: apply}, s.dateArgument()
}

// zone reads the third argument of utils.datePart.
func (s *callSpec) zone() (*time.Location, error) {
	name, err := s.writtenText(2, "a zone")
	if err != nil {
		return nil, err
	}
	if name == "UTC" {
		return time.UTC, nil
	}
	if s.env.Zone == nil || name == "Local" {
		return nil, lightfmt.Errorf("unknown zone %q: want an IANA name such as Europe/Berlin", name)
	}
	zone, err := s.env.Zone(name)
	if err != nil {
		return nil, lightfmt.Errorf("zone %q: %w", name, err)
	}
	return zone, nil
}

// dateValue prints a date as RFC 3339. A year beyond four digits has no form.
func dateValue(t time.Time) (value.Value, error) {
	if s, ok := formatDate(t); ok {
		return value.Str(s), nil
	}
	return value.Value{}, errors.New("the date is beyond the years 0 to 9999")
}
