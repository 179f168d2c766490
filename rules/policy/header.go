package policy

import (
	"strings"

	"github.com/rulegate/rulegate/rules/httpfield"
)

// headerFault says why claimsToHeaders cannot set a header, "" when it can.
func headerFault(name string) string {
	if !httpfield.IsToken(name) {
		return "not the name of a header"
	}
	switch httpfield.Fold(name) {
	case "authorization", "cookie", "content-type", "content-encoding":
	default:
		if !httpfield.Protected(name) {
			return ""
		}
	}
	return "a header that a claim cannot be put into"
}

// isFieldText reports whether a header's value can begin with s.
func isFieldText(s string) bool {
	for _, b := range []byte(s) {
		if b < ' ' || b == 0x7f {
			return false
		}
	}
	return !strings.HasPrefix(s, " ")
}
