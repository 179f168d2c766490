package main

import (
	"testing"
	"time"
)

func TestLinesAreRateLimited(t *testing.T) {
	start := time.Unix(1000, 0)
	var b bucket
	take := func(after time.Duration, want bool, wantLeft int) {
		t.Helper()
		if ok, left := b.take(start.Add(after)); ok != want || left != wantLeft {
			t.Errorf("after %v: got %v, %d left out, want %v, %d", after, ok, left, want, wantLeft)
		}
	}
	for range linesAtOnce {
		take(0, true, 0)
	}
	take(0, false, 0)
	take(0, false, 0)
	take(100*time.Millisecond, true, 2)
	take(100*time.Millisecond, false, 0)
	take(50*time.Millisecond, false, 0) // a clock that was set back
	take(time.Hour, true, 2)
	for range linesAtOnce - 1 {
		take(time.Hour, true, 0)
	}
	take(time.Hour, false, 0)
}

func TestMetricNames(t *testing.T) {
	for in, want := range map[string]string{
		"pay":                      "pay",
		"services.s1.e-1":          "services.s1.e-1",
		"files[/users/:id].read":   "files__users__id_.read",
		"größe":                    "gr__e",
		"a\x00b=c;d,e|f:g#h@i/j\n": "a_b_c_d_e_f_g_h_i_j_",
	} {
		if got := metricName(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestAddressWithoutPort(t *testing.T) {
	for in, want := range map[string]string{
		"192.0.2.1:443":     "192.0.2.1",
		"192.0.2.1":         "192.0.2.1",
		"[2001:db8::1]:443": "2001:db8::1",
		"[2001:db8::1]":     "2001:db8::1",
		"":                  "",
		"@/tmp/socket":      "@/tmp/socket",
	} {
		if got := withoutPort(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}
