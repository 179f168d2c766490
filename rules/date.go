package rules

import (
	"bytes"
	"strings"
	"time"
)

// ParseDate reads RFC 3339 with a zone, or YYYY-MM-DD as midnight UTC. time.Parse and
// Time.Format would be 70,000 bytes of the module's code.
func ParseDate(s string) (t time.Time, ok bool) {
	if hasShape(s, "0000-00-00") {
		return dateAt(s, 0, time.UTC)
	}
	if !isRFC3339(s) {
		return t, false
	}
	var nanos int
	rest := s[len("0000-00-00T00:00:00"):]
	if rest[0] == '.' {
		for i, unit := 1, 100_000_000; i < len(rest) && rest[i] >= '0' && rest[i] <= '9'; i, unit = i+1, unit/10 {
			nanos += int(rest[i]-'0') * unit
		}
	}
	offset := 0
	if zone := s[max(0, len(s)-6):]; s[len(s)-1] != 'Z' {
		offset = digits(zone[1:3])*3600 + digits(zone[4:6])*60
		if zone[0] == '-' {
			offset = -offset
		}
	}
	return dateAt(s, nanos, time.FixedZone("", offset))
}

// dateAt makes the time of the digits of s, which has the shape of a date, or of a date
// and a time. It fails if the calendar has no such day, or the day no such time.
func dateAt(s string, nanos int, zone *time.Location) (t time.Time, ok bool) {
	var clock [3]int
	for i := range clock {
		if at := len("0000-00-00T") + 3*i; len(s) > at {
			clock[i] = digits(s[at : at+2])
		}
	}
	year, month, day := digits(s[:4]), digits(s[5:7]), digits(s[8:10])
	if clock[0] > 23 || clock[1] > 59 || clock[2] > 59 {
		return t, false
	}
	t = time.Date(year, time.Month(month), day, clock[0], clock[1], clock[2], nanos, zone)
	y, m, d := t.Date()
	return t, y == year && int(m) == month && d == day
}

// digits reads a number of digits only.
func digits(text string) (n int) {
	for i := range len(text) {
		n = 10*n + int(text[i]-'0')
	}
	return n
}

// isRFC3339 checks the digits and marks. time.Parse checks the calendar, but accepts
// one-digit hours, comma fractions and zones of a day or more (golang/go#54580).
func isRFC3339(s string) bool {
	const shape = "0000-00-00T00:00:00"
	if len(s) <= len(shape) || !hasShape(s[:len(shape)], shape) {
		return false
	}
	zone := s[len(shape):]
	if fraction, ok := strings.CutPrefix(zone, "."); ok {
		zone = strings.TrimLeft(fraction, "0123456789")
		if zone == "" || len(zone) == len(fraction) {
			return false
		}
	}
	if zone == "Z" {
		return true
	}
	hour, minute, ok := strings.Cut(zone[1:], ":")
	return ok && (zone[0] == '+' || zone[0] == '-') && hasShape(hour, "00") && hasShape(minute, "00") && hour < "24" && minute < "60"
}

// hasShape reports whether s has a digit for each 0 of the shape, and its other bytes.
func hasShape(s, shape string) bool {
	if len(s) != len(shape) {
		return false
	}
	for i := range len(s) {
		if digit := s[i] >= '0' && s[i] <= '9'; digit != (shape[i] == '0') || !digit && s[i] != shape[i] {
			return false
		}
	}
	return true
}

// FormatDate writes a time of the years 0 to 9999 as formatDate does, with `Z`; "" for
// others. It is for those who would need the formats of package time for this alone.
func FormatDate(t time.Time) string {
	text, _ := formatDate(t.UTC())
	return text
}

// formatDate writes RFC 3339, with as many digits of a second as there are.
func formatDate(t time.Time) (string, bool) {
	year, month, day := t.Date()
	if year < 0 || year > 9999 {
		return "", false
	}
	hour, minute, second := t.Clock()
	b := make([]byte, 0, len(time.RFC3339Nano))
	b = appendDigits(b, year, 4)
	for _, part := range [...]struct {
		mark byte
		n    int
	}{{'-', int(month)}, {'-', day}, {'T', hour}, {':', minute}, {':', second}} {
		b = appendDigits(append(b, part.mark), part.n, 2)
	}
	if nanos := t.Nanosecond(); nanos > 0 {
		b = bytes.TrimRight(appendDigits(append(b, '.'), nanos, 9), "0")
	}
	_, offset := t.Zone()
	switch minutes := offset / 60; {
	case offset == 0:
		return string(append(b, 'Z')), true
	case minutes < 0:
		return string(appendZone(append(b, '-'), -minutes)), true
	default:
		return string(appendZone(append(b, '+'), minutes)), true
	}
}

func appendZone(b []byte, minutes int) []byte {
	return appendDigits(append(appendDigits(b, minutes/60, 2), ':'), minutes%60, 2)
}

// appendDigits writes a number with at least so many digits.
func appendDigits(b []byte, n, count int) []byte {
	for ; count > 0; count-- {
		unit := 1
		for range count - 1 {
			unit *= 10
		}
		b = append(b, byte('0'+n/unit%10))
	}
	return b
}

var units = map[string]func(time.Time) time.Time{
	"year": func(t time.Time) time.Time { return time.Date(t.Year(), 1, 1, 0, 0, 0, 0, t.Location()) },
	"month": func(t time.Time) time.Time {
		return time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, t.Location())
	},
	"day": func(t time.Time) time.Time {
		return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, t.Location())
	},
	"hour": func(t time.Time) time.Time {
		return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), 0, 0, 0, t.Location())
	},
	"minute": func(t time.Time) time.Time {
		return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), 0, 0, t.Location())
	},
	"second": func(t time.Time) time.Time {
		return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, t.Location())
	},
}
