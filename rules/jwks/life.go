package jwks

import (
	"strconv"
	"strings"
	"time"
)

// life is how long a set counts as fresh: what its issuer says (RFC 9111,
// section 4.2.1), within bounds, else the policy's refresh.
func (s *source) life(r *Reply) time.Duration {
	seconds, ok := maxAge(r.CacheControl)
	if !ok {
		return s.Refresh
	}
	if age, err := strconv.ParseUint(strings.TrimSpace(r.Age), 10, 31); err == nil {
		seconds -= min(seconds, age)
	}
	return min(max(time.Duration(seconds)*time.Second, minLife), maxLife)
}

// maxAge reads max-age. A directive that occurs twice, or one that says that
// nothing is to be kept, leaves it to the policy.
func maxAge(field string) (seconds uint64, ok bool) {
	for d := range strings.SplitSeq(field, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(d), "=")
		switch strings.ToLower(name) {
		case "no-store", "no-cache":
			return 0, false
		case "max-age":
			n, err := strconv.ParseUint(strings.Trim(value, `"`), 10, 31)
			if err != nil || ok {
				return 0, false
			}
			seconds, ok = n, true
		}
	}
	return seconds, ok
}
