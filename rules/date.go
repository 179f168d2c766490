package rules

import (
	"strings"
	"time"
)

// ParseDate reads RFC 3339 with a zone, or YYYY-MM-DD as midnight UTC.
func ParseDate(s string) (t time.Time, ok bool) {
	if len(s) == len(time.DateOnly) {
		t, err := time.Parse(time.DateOnly, s)
		return t, err == nil
	}
	if !isRFC3339(s) {
		return t, false
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return t, false
	}
	_, offset := t.Zone() // keep the offset, not the machine's own zone with its summer time
	return t.In(time.FixedZone("", offset)), true
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

func formatDate(t time.Time) (string, bool) {
	if y := t.Year(); y < 0 || y > 9999 {
		return "", false
	}
	return t.Format(time.RFC3339Nano), true
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
