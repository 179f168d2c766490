package jwks

import (
	"strings"
	"testing"
)

func TestRecordText(t *testing.T) {
	r := record{version: 1, setStart: 2, expires: 3, refresh: 4, lastStart: 5, lastEndedStart: 6, lease: 7, retry: 8, failures: 9, failed: true, owner: 1<<64 - 1}
	const text = "1 2 3 4 5 6 7 8 9 true 18446744073709551615"
	if got := r.text(); got != text {
		t.Fatalf("got %q, want %q", got, text)
	}
	if got := parseRecord(text); got != r {
		t.Fatalf("got %+v, want %+v", got, r)
	}
	for _, bad := range []string{
		"", text + " 1", strings.TrimPrefix(text, "1 "), strings.Replace(text, "true", "yes", 1),
		strings.Replace(text, "3", "x", 1), strings.Replace(text, "7", "99999999999999999999", 1), strings.Replace(text, "18446744073709551615", "-1", 1),
		" " + text,
	} {
		if got := parseRecord(bad); got != (record{}) {
			t.Errorf("%q: got %+v, want the zero record", bad, got)
		}
	}
}
