package harness

import (
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestExpand(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"plain {text}", "plain {text}"},
		{"{{repeat 3 ab}}!", "ababab!"},
		{"{{bytes ff00}}", "\xff\x00"},
		{"{{now}}", strconv.FormatInt(started.Unix(), 10)},
		{"{{date+1h}}", started.Add(time.Hour).UTC().Format(time.RFC3339)},
	} {
		if got, err := Expand(c.in); err != nil || got != c.want {
			t.Errorf("expand(%q) = %q, %v; want %q", c.in, got, err, c.want)
		}
	}
	got, err := Expand(`Bearer {{token {"id":"1"}}}.`)
	if err != nil || strings.Count(got, ".") != 3 || !strings.HasPrefix(got, "Bearer ey") {
		t.Errorf("token: %q, %v", got, err)
	}
	for _, bad := range []string{"{{nonsense}}", "{{token", `{{token:nobody {}}}`, "{{now+xh}}{{bytes x}}"} {
		if got, err := Expand(bad); err == nil {
			t.Errorf("expand(%q) = %q, want an error", bad, got)
		}
	}
}
