package httpfield

import (
	"errors"
	"net/netip"
	"strings"
)

// URL is an absolute URL of http or https (RFC 3986), taken apart.
type URL struct {
	Scheme      string // in lower case
	Host        string // with its port, if it has one
	Path        string // percent-encoded; at least /
	Query       string // as written, without its question mark
	HasQuery    bool   // even an empty one
	HasUser     bool
	HasFragment bool
}

// The errors of ParseURL.
var (
	ErrURL = errors.New("no URL")
	ErrWeb = errors.New("no http or https URL with a host")
)

// ParseURL reads a URL as net/url does, but a host has neither
// percent-encoding nor brackets, except those of an IPv6 address.
// (net/url would bring fmt and reflection into the module.)
func ParseURL(text string) (u URL, err error) {
	rest, fragment, _ := strings.Cut(text, "#")
	u.HasFragment = fragment != ""
	if _, ok := DecodePercent(fragment); !ok || hasControl(rest) || strings.HasPrefix(rest, ":") {
		return u, ErrURL
	}
	u.Scheme, rest = cutScheme(rest)
	rest, query, hasQuery := strings.Cut(rest, "?")
	if u.Scheme == "" {
		if segment, _, _ := strings.Cut(rest, "/"); strings.Contains(segment, ":") {
			return u, ErrURL
		}
	}
	authority, path := "", rest
	if after, ok := strings.CutPrefix(rest, "//"); ok {
		authority, path = after, ""
		if i := strings.IndexByte(after, '/'); i >= 0 {
			authority, path = after[:i], after[i:]
		}
	} else if u.Scheme != "" && !strings.HasPrefix(rest, "/") {
		return u, ErrWeb // such as mailto:a
	}
	if i := strings.LastIndexByte(authority, '@'); i >= 0 {
		if !isUserinfo(authority[:i]) {
			return u, ErrURL
		}
		u.HasUser, authority = true, authority[i+1:]
	}
	if _, ok := DecodePercent(path); !ok || !isAuthority(authority) {
		return u, ErrURL
	}
	u.Host = authority
	if u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return u, ErrWeb
	}
	u.Path, u.Query, u.HasQuery = escapePath(path), query, hasQuery
	return u, nil
}

// Target returns path and query, as a request line has them.
func (u URL) Target() string {
	if !u.HasQuery {
		return u.Path
	}
	return u.Path + "?" + u.Query
}

// Hostname returns the host without its port, an IPv6 address without brackets.
func (u URL) Hostname() string {
	host := u.Host
	if strings.HasPrefix(host, "[") {
		host, _, _ = strings.Cut(host[1:], "]")
		return host
	}
	if i := strings.LastIndexByte(host, ':'); i >= 0 {
		host = host[:i]
	}
	return host
}

// WithoutQuery returns the URL without its query, user and fragment.
func (u URL) WithoutQuery() string {
	return u.Scheme + "://" + u.Host + u.Path
}

// cutScheme splits `https:` from a text, in lower case; "" if there is no scheme.
func cutScheme(text string) (scheme, rest string) {
	for i := range len(text) {
		switch c := text[i]; {
		case isLetter(c):
		case i > 0 && (isAlphanumeric(c) || c == '+' || c == '-' || c == '.'):
		case i > 0 && c == ':':
			return strings.ToLower(text[:i]), text[i+1:]
		default:
			return "", text
		}
	}
	return "", text
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

func isUserinfo(text string) bool {
	for i := range len(text) {
		if c := text[i]; !isAlphanumeric(c) && strings.IndexByte("-._:~!$&'()*+,;=%@", c) < 0 {
			return false
		}
	}
	_, ok := DecodePercent(text)
	return ok
}

// isAuthority reports whether a text can be a host, with or without a port.
func isAuthority(text string) bool {
	host, port := text, ""
	if strings.HasPrefix(text, "[") {
		end := strings.LastIndexByte(text, ']')
		if end < 0 {
			return false
		}
		if a, err := netip.ParseAddr(text[1:end]); err != nil || !a.Is6() || a.Zone() != "" {
			return false
		}
		host, port = "", text[end+1:]
	} else if i := strings.IndexByte(text, ':'); i >= 0 {
		host, port = text[:i], text[i:]
	}
	for i := range len(host) {
		c := host[i]
		if c < 0x80 && !isAlphanumeric(c) && strings.IndexByte("-_.~!$&'()*+,;=<>\"", c) < 0 {
			return false
		}
	}
	if port == "" {
		return true
	}
	return port[0] == ':' && strings.Trim(port[1:], "0123456789") == ""
}

// escapePath percent-encodes the bytes that a path may not have, and keeps what is
// encoded.
func escapePath(path string) string {
	if path == "" {
		return "/"
	}
	out := make([]byte, 0, len(path))
	for i := range len(path) {
		if c := path[i]; isAlphanumeric(c) || strings.IndexByte("-_.~!$&'()*+,;=:@[]/%", c) >= 0 {
			out = append(out, c)
		} else {
			out = appendPercent(out, c)
		}
	}
	return string(out)
}

// DecodePercent undoes the percent-encoding; false if it is malformed.
func DecodePercent(s string) (string, bool) { return decode(s, false) }

// decode undoes the percent-encoding, and the plus signs of a form.
func decode(s string, plus bool) (string, bool) {
	if strings.IndexByte(s, '%') < 0 && (!plus || strings.IndexByte(s, '+') < 0) {
		return s, true
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '+' && plus:
			out = append(out, ' ')
		case c != '%':
			out = append(out, c)
		case i+2 >= len(s):
			return "", false
		default:
			high, ok1 := unhex(s[i+1])
			low, ok2 := unhex(s[i+2])
			if !ok1 || !ok2 {
				return "", false
			}
			out = append(out, high<<4|low)
			i += 2
		}
	}
	return string(out), true
}

func unhex(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10, true
	}
	return 0, false
}

func appendPercent(out []byte, c byte) []byte {
	const hex = "0123456789ABCDEF"
	return append(out, '%', hex[c>>4], hex[c&15])
}

func hasControl(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] == 0x7f {
			return true
		}
	}
	return false
}
