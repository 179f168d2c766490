package schema

import (
	"strconv"
	"strings"
	"time"
)

// maxDuration bounds the durations of the file.
const maxDuration = 24 * time.Hour

var units = []struct {
	name  string
	bytes int
}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"B", 1}, {"", 1}}

// ParseSize reads `1MiB`, `64KiB`, `100B` or `100`: bytes, less than 2 GiB.
func ParseSize(s string) (n int, ok bool) {
	digits := strings.TrimRight(s, "BGKMi")
	n, err := strconv.Atoi(digits)
	if err != nil || n < 0 || digits[0] == '+' || digits[0] == '-' {
		return 0, false
	}
	for _, u := range units {
		if s[len(digits):] == u.name {
			return n * u.bytes, n <= (1<<31-1)/u.bytes
		}
	}
	return 0, false
}

// FormatSize writes bytes as ParseSize reads them.
func FormatSize(n int) string {
	for _, u := range [...]int{2, 1, 0} {
		if n >= units[u].bytes && n%units[u].bytes == 0 {
			return strconv.Itoa(n/units[u].bytes) + units[u].name
		}
	}
	return strconv.Itoa(n)
}

// ParseDuration reads a Go duration that is not negative and at most a day.
func ParseDuration(s string) (time.Duration, bool) {
	d, err := time.ParseDuration(s)
	return d, err == nil && d >= 0 && d <= maxDuration
}
