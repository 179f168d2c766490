package rules

import (
	"testing"
	"time"
)

// oldParse and oldFormat use package time.
func oldParse(s string) (time.Time, bool) {
	if len(s) == len(time.DateOnly) {
		t, err := time.Parse(time.DateOnly, s)
		return t, err == nil
	}
	if !isRFC3339(s) {
		return time.Time{}, false
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	return t, err == nil
}

// FuzzDate: dates are read and written as by package time.
func FuzzDate(f *testing.F) {
	for _, s := range []string{
		"2026-02-28", "2026-02-29", "2024-02-29", "1900-02-29", "2000-02-29", "2026-00-01", "2026-13-01", "2026-01-00", "2026-01-32", "2026-04-31",
		"0000-01-01", "9999-12-31", "2026-1-01", "2026-01-1x", "", "2026-01-02T03:04:05Z", "2026-01-02T23:59:59.999999999+23:59", "2026-01-02T24:00:00Z",
		"2026-01-02T03:60:05Z", "2026-01-02T03:04:60Z", "2026-01-02T03:04:05.1234567891Z", "2026-01-02T03:04:05.10-00:30", "2026-01-02T03:04:05+24:00",
		"2026-01-02T03:04:05.", "2026-01-02T03:04:05", "2026-01-02t03:04:05z", "0000-01-01T00:00:00+10:00", "9999-12-31T23:59:59-10:00", "2026-01-02T03:04:05+00:00",
		"0001-01-01T00:00:00.000000001Z", "2026-01-02T03:04:05-00:01",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := ParseDate(s)
		want, wantOK := oldParse(s)
		if ok != wantOK {
			t.Fatalf("%q: %t, by package time %t", s, ok, wantOK)
		}
		if !ok {
			return
		}
		if !got.Equal(want) {
			t.Fatalf("%q: %v, by package time %v", s, got, want)
		}
		for _, at := range []time.Time{got, got.UTC(), got.Add(-time.Nanosecond), got.Add(90 * time.Minute)} {
			text, ok := formatDate(at)
			if year := at.Year(); ok != (year >= 0 && year <= 9999) || ok && text != at.Format(time.RFC3339Nano) {
				t.Fatalf("%v: %q, %t; by package time %q", at, text, ok, at.Format(time.RFC3339Nano))
			}
		}
	})
}
