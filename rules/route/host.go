package route

import (
	"errors"
	"net/netip"
	"strings"

	"github.com/rulegate/rulegate/rules/httpfield"
)

// CheckHost returns an error for a text that is not a host name or an IP
// address. The host is in lower case, an IPv6 address in brackets.
func CheckHost(host string) error {
	if v6, ok := strings.CutPrefix(host, "["); ok {
		v6, ok = strings.CutSuffix(v6, "]")
		if a, err := netip.ParseAddr(v6); !ok || err != nil || !a.Is6() || a.Zone() != "" {
			return errors.New("not an IPv6 address in brackets")
		} else if a.String() != v6 {
			return errors.New("want the IPv6 address as [" + a.String() + "]")
		}
		return nil
	}
	if strings.Contains(host, ":") {
		return errors.New("an IPv6 address is written in brackets")
	}
	if host == "" || len(host) > 253 {
		return errors.New("not the name of a host")
	}
	for label := range strings.SplitSeq(host, ".") {
		if label == "" {
			return errors.New("a host name with an empty label")
		}
		for _, b := range []byte(label) {
			if !(b >= 'a' && b <= 'z' || b >= '0' && b <= '9' || b == '-' || b == '_') {
				return errors.New("not the name of a host (write other letters than ASCII in punycode)")
			}
		}
	}
	return nil
}

// hostOf returns a request's host in the form in which hosts are compared: lower
// case, without a port and without the dot that ends an absolute name.
func hostOf(authority string) string {
	host, _ := httpfield.SplitPort(authority)
	if strings.HasPrefix(host, "[") {
		if a, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
			return "[" + a.String() + "]" // [0::1] is [::1]
		}
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}
