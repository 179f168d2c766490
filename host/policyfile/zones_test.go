package policyfile

import (
	"testing"
	"time"
)

// The data of a zone has the offsets that package time has.
func TestZoneData(t *testing.T) {
	for _, name := range []string{"Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Africa/Casablanca", "Pacific/Apia", "Etc/GMT+5"} {
		want, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		got, err := time.LoadLocationFromTZData(name, zoneData(want))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for at := firstChange; at.Before(lastChange); at = at.Add(5*24*time.Hour + 7*time.Hour + time.Minute) {
			if g, w := at.In(got).Format("2006-01-02T15:04:05-07:00"), at.In(want).Format("2006-01-02T15:04:05-07:00"); g != w {
				t.Fatalf("%s: %v is %s, want %s", name, at, g, w)
			}
		}
	}
}
