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
	// UnmarshalText is strict where Parse is not: it refuses one-digit hours,
	// comma fractions and zones of a day or more.
	if strings.HasPrefix(s, "\"") || t.UnmarshalText([]byte(s)) != nil {
		return t, false
	}
	_, offset := t.Zone() // keep the offset, not the machine's own zone with its summer time
	return t.In(time.FixedZone("", offset)), true
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
