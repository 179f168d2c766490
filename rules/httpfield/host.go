package httpfield

import "strings"

// IsAuthority reports whether every server reads s, which is in lower case, as the
// same host, with a port or without. So s has no user, no escape and no comma: a
// proxy may join two Host lines to a list (RFC 9112, section 3.2). The empty string
// is an authority.
func IsAuthority(s string) bool {
	for i := range len(s) {
		b := s[i]
		if !(b >= 'a' && b <= 'z' || b >= '0' && b <= '9' || strings.IndexByte("-._~:[]", b) >= 0) {
			return false
		}
	}
	return true
}

// SplitPort cuts `host:port` and `[::1]:port`. The port of a host without one,
// and of an IPv6 address without brackets, is "".
func SplitPort(s string) (host, port string) {
	if i := strings.LastIndexByte(s, ':'); i >= 0 && (strings.IndexByte(s, ':') == i || i > 0 && s[i-1] == ']') {
		return s[:i], s[i+1:]
	}
	return s, ""
}
