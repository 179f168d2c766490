package policy

import (
	"errors"
	"strconv"
	"strings"

	"github.com/rulegate/rulegate/rules/lightfmt"
)

// checkOrigin returns an error for a text that is not an origin as browsers write
// it (RFC 6454, section 6.2). Origins are compared letter for letter.
func checkOrigin(o string) error {
	const want = "want an origin such as https://app.example"
	scheme, host, ok := strings.Cut(o, "://")
	switch {
	case o == "null":
		return errors.New("null is the origin of every page in a sandbox")
	case strings.Contains(o, "*"):
		return errors.New("want each origin written out: * would let the pages of strangers in")
	case !ok || !isScheme(scheme) || host == "":
		return errors.New(want)
	case strings.ContainsAny(host, "/?#@"):
		return errors.New(want + ", without a path or a user")
	case strings.ToLower(o) != o:
		return errors.New("browsers send origins in lower case")
	}
	port := ""
	if i := strings.LastIndexByte(host, ':'); i > strings.LastIndexByte(host, ']') {
		host, port = host[:i], host[i+1:]
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 || port[0] == '0' {
			return errors.New("want a port from 1 to 65535")
		}
	}
	if scheme == "https" && port == "443" || scheme == "http" && port == "80" {
		return lightfmt.Errorf("browsers leave :%s out", port)
	}
	for _, b := range []byte(strings.Trim(host, "[]")) {
		if b <= ' ' || b >= 0x7f || strings.IndexByte(`"<>\^`+"`"+`{|}[],;`, b) >= 0 {
			return errors.New(want + "; other letters than ASCII are sent as punycode")
		}
	}
	return nil
}

// isScheme reports whether s is a scheme in lower case (RFC 3986, section 3.1).
func isScheme(s string) bool {
	for i, b := range []byte(s) {
		letter := b >= 'a' && b <= 'z'
		if !letter && (i == 0 || !(b >= '0' && b <= '9' || b == '+' || b == '-' || b == '.')) {
			return false
		}
	}
	return s != ""
}
