package httpfield

import (
	"net/netip"
	"strings"
)

// IsAuthority reports whether s, which is in lower case, is a host with or without
// a port (RFC 3986, section 3.2) that every server reads alike. So s has no user, no
// escape and no comma: a proxy may join two Host lines to a list (RFC 9112, section
// 3.2). Its labels are not empty, but for the one after the last point.
func IsAuthority(s string) bool {
	host, port := SplitPort(s)
	for i := range len(port) {
		if port[i] < '0' || port[i] > '9' {
			return false
		}
	}
	if strings.HasPrefix(host, "[") {
		a, err := netip.ParseAddr(strings.TrimSuffix(host[1:], "]"))
		return err == nil && host[len(host)-1] == ']' && a.Is6() && a.Zone() == ""
	}
	label := 0
	for i := range len(host) {
		b := host[i]
		switch {
		case b == '.' && label > 0:
			label = 0
		case b >= 'a' && b <= 'z' || b >= '0' && b <= '9' || b == '-' || b == '_' || b == '~':
			label++
		default:
			return false
		}
	}
	return host != ""
}

// SplitPort cuts `host:port` and `[::1]:port`. The port of a host without one,
// and of an IPv6 address without brackets, is "".
func SplitPort(s string) (host, port string) {
	if i := strings.LastIndexByte(s, ':'); i >= 0 && (strings.IndexByte(s, ':') == i || i > 0 && s[i-1] == ']') {
		return s[:i], s[i+1:]
	}
	return s, ""
}
