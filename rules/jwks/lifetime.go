package jwks

import (
	"strconv"
	"strings"
	"time"
)

// lifetime returns how long a set is fresh: the time that its issuer gives (RFC
// 9111, section 4.2.1), within minLife and maxLife, else the policy's refresh.
func (s *source) lifetime(r *Reply) time.Duration {
	seconds, ok := maxAge(r.CacheControl)
	if !ok {
		return s.Refresh
	}
	if age, err := strconv.ParseUint(strings.TrimSpace(r.Age), 10, 31); err == nil {
		seconds -= min(seconds, age)
	}
	return min(max(time.Duration(seconds)*time.Second, minLife), maxLife)
}

// maxAge reads max-age. ok is false when the directive is repeated or malformed,
// or when another one says that the reply is not to be stored.
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
