// Package httpfield reads the small pieces of HTTP that more than one package
// needs: field names and values, hosts, forms, cookies and media types.
//
// Where two servers may read a piece differently, its functions report an error
// or the reading that denies. The package knows nothing of policies and rules.
package httpfield

import "strings"

// IsToken reports whether s is a token (RFC 9110, section 5.6.2). Field names
// and methods are tokens.
func IsToken(s string) bool {
	for i := range len(s) {
		if !isTokenByte(s[i]) {
			return false
		}
	}
	return s != ""
}

func isTokenByte(b byte) bool {
	return isAlphanumeric(b) || strings.IndexByte("!#$%&'*+-.^_`|~", b) >= 0
}

func isAlphanumeric(b byte) bool {
	return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9'
}

// PerConnection reports whether a field, its name in lower case, belongs to one
// connection (RFC 9110, section 7.6.1) or to the framing of one message. A proxy
// does not pass it on as it came, but writes its own.
func PerConnection(name string) bool {
	switch name {
	case "connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "http2-settings",
		"content-length", "expect", "host":
		return true
	}
	return false
}

// Protected reports whether a policy may not set the field: it is
// PerConnection, or speaks to the next proxy (RFC 9110, section 11.7).
func Protected(name string) bool {
	switch name = Fold(name); name {
	case "proxy-authenticate", "proxy-authorization", "trailers":
		return true
	}
	return PerConnection(name)
}

// IsValue reports whether s can be sent as a field's value and arrives
// unchanged: it has no control character but the tab (RFC 9110, section 5.5),
// and no white space at its ends, which the next parser would cut off.
func IsValue(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' && s[i] != '\t' || s[i] == 0x7f {
			return false
		}
	}
	return TrimSpace(s) == s
}

// TrimSpace removes optional white space (RFC 9110, section 5.6.3) from both
// ends.
func TrimSpace(s string) string { return strings.Trim(s, " \t") }
