package httpfield

import "strings"

// Cookies returns the values of the cookies called name (RFC 6265, section 5.4)
// in the lines of the field; HTTP/2 may split it (RFC 9113, section 8.2.3).
func Cookies(lines []string, name string) (values []string) {
	for _, line := range lines {
		for part := range strings.SplitSeq(line, ";") {
			if n, v, ok := strings.Cut(part, "="); ok && TrimSpace(n) == name {
				values = append(values, TrimSpace(v))
			}
		}
	}
	return values
}

// WithoutCookie returns the lines of the field without the cookies called name.
// The others keep their text.
func WithoutCookie(lines []string, name string) (kept []string) {
	for _, line := range lines {
		var parts []string
		for part := range strings.SplitSeq(line, ";") {
			part = TrimSpace(part)
			n, _, _ := strings.Cut(part, "=")
			if part != "" && TrimSpace(n) != name {
				parts = append(parts, part)
			}
		}
		if len(parts) > 0 {
			kept = append(kept, strings.Join(parts, "; "))
		}
	}
	return kept
}

// HasTwinCookie reports whether a cookie has another name that a server could take
// for name. Some servers decode the names, and some take a comma for the end of a cookie
// (RFC 2965, section 3.3.4).
func HasTwinCookie(lines []string, name string) bool {
	for _, line := range lines {
		for part := range strings.SplitSeq(line, ";") {
			behind := false // a comma
			for piece := range strings.SplitSeq(part, ",") {
				n, _, _ := strings.Cut(piece, "=")
				if n = TrimSpace(n); (n != name || behind) && n != "" && Twins(UnescapeLenient(n), name) {
					return true
				}
				behind = true
			}
		}
	}
	return false
}
