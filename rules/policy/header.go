package policy

import "strings"

// foldHeader is the name as CGI and what imitates it see it (RFC 3875, section
// 4.1.18).
func foldHeader(name string) string { return strings.ReplaceAll(strings.ToLower(name), "_", "-") }

// framing are headers that say how the message is cut or who is asked.
var framing = []string{
	"host", "content-length", "transfer-encoding", "connection", "keep-alive", "te", "trailer", "upgrade",
	"proxy-connection", "expect", "authorization", "proxy-authorization", "cookie", "content-type", "content-encoding",
}

func headerFault(name string) string {
	switch {
	case !isToken(name):
		return "not the name of a header"
	case contains(framing, foldHeader(name)):
		return "a header that a claim cannot be put into"
	}
	return ""
}

// isToken says whether s is a token (RFC 9110, section 5.6.2).
func isToken(s string) bool {
	for _, b := range []byte(s) {
		if !(b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || strings.IndexByte("!#$%&'*+-.^_`|~", b) >= 0) {
			return false
		}
	}
	return s != ""
}

// isFieldText says whether s can be the begin of a header's value.
func isFieldText(s string) bool {
	for _, b := range []byte(s) {
		if b < ' ' || b == 0x7f {
			return false
		}
	}
	return !strings.HasPrefix(s, " ")
}
