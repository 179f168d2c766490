package gateway

import (
	"strconv"
	"strings"
)

// PathOptions leave out parts of the path's normalization. The zero value does
// all of it, as `normalize_path`, `merge_slashes` and
// `path_with_escaped_slashes_action: REJECT_REQUEST` do in Envoy.
type PathOptions struct {
	KeepAsWritten       bool // keep dot segments and escapes
	KeepSlashes         bool // keep repeated slashes
	AllowEscapedSlashes bool
	AllowFragment       bool
}

// clean returns the path and query that the module and the upstream see. It
// reports false for a target that is refused with 400.
func (o PathOptions) clean(target string) (string, bool) {
	if !o.AllowFragment && strings.Contains(target, "#") {
		return "", false
	}
	path, query, hasQuery := strings.Cut(target, "?")
	if !strings.HasPrefix(path, "/") {
		return "", false
	}
	if !o.AllowEscapedSlashes && hasEscapedSlash(path) {
		return "", false
	}
	if !o.KeepAsWritten {
		var ok bool
		if path, ok = canonicalEscapes(removeDots(path)); !ok {
			return "", false
		}
	}
	if !o.KeepSlashes {
		path = mergeSlashes(path)
	}
	if hasQuery {
		path += "?" + query
	}
	return path, true
}

// hasEscapedSlash finds %2F and %5C.
func hasEscapedSlash(path string) bool {
	for i := 0; i+2 < len(path); i++ {
		if path[i] != '%' {
			continue
		}
		switch strings.ToLower(path[i+1 : i+3]) {
		case "2f", "5c":
			return true
		}
	}
	return false
}

// mergeSlashes replaces repeated slashes by one. Like Envoy, it leaves two of a
// path that consists of slashes.
func mergeSlashes(path string) string {
	if len(path) > 1 && strings.Trim(path, "/") == "" {
		return "//"
	}
	for strings.Contains(path, "//") {
		path = strings.ReplaceAll(path, "//", "/")
	}
	return path
}

// removeDots removes dot segments (RFC 3986, section 5.2.4), plain or escaped. A
// backslash is a slash, as in browsers.
func removeDots(path string) string {
	path = strings.ReplaceAll(path, `\`, "/")
	if !strings.Contains(path, "/.") && !strings.Contains(path, "/%2") {
		return path
	}
	segments := strings.Split(path[1:], "/")
	var kept []string
	for i, seg := range segments {
		last := i == len(segments)-1
		switch dots(seg) {
		case 1:
			if last {
				kept = append(kept, "")
			}
		case 2:
			if len(kept) > 0 {
				kept = kept[:len(kept)-1]
			}
			if last {
				kept = append(kept, "")
			}
		default:
			kept = append(kept, seg)
		}
	}
	return "/" + strings.Join(kept, "/")
}

// dots returns 1 for the segment `.`, 2 for `..`, plain or escaped, and 0 for any
// other. Plain dots may have a parameter (`..;x`).
func dots(seg string) int {
	if plain, _, ok := strings.Cut(seg, ";"); ok {
		switch plain {
		case ".":
			return 1
		case "..":
			return 2
		}
		return 0
	}
	n := 0
	for seg != "" {
		switch {
		case seg[0] == '.':
			seg = seg[1:]
		case len(seg) >= 3 && strings.EqualFold(seg[:3], "%2e"):
			seg = seg[3:]
		default:
			return 0
		}
		if n++; n > 2 {
			return 0
		}
	}
	return n
}

// canonicalEscapes decodes escapes of unreserved characters (RFC 3986, section
// 2.3) and escapes the characters that a path cannot hold. It reports false for
// a malformed escape, NUL or a byte that is not ASCII.
func canonicalEscapes(path string) (string, bool) {
	var b strings.Builder
	for i := 0; i < len(path); i++ {
		c := path[i]
		switch {
		case c == '%':
			if i+2 >= len(path) {
				return "", false
			}
			x, err := strconv.ParseUint(path[i+1:i+3], 16, 8)
			switch {
			case err != nil || x == 0:
				return "", false
			case unreserved(byte(x)):
				b.WriteByte(byte(x))
			default:
				b.WriteString(path[i : i+3])
			}
			i += 2
		case c >= 0x80:
			return "", false
		case c <= ' ' || c == 0x7f || strings.IndexByte("\"<>^`{|}", c) >= 0:
			const hex = "0123456789ABCDEF"
			b.Write([]byte{'%', hex[c>>4], hex[c&15]})
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), true
}

func unreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~", c) >= 0
}
